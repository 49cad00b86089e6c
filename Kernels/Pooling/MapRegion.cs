namespace Osprey.Kernels.Pooling;

/// <summary>A rectangle of a feature map, in positions.</summary>
/// <param name="Weight">How often it counts.</param>
internal readonly record struct MapRegion(int Top, int Left, int Height, int Width, int Weight);
