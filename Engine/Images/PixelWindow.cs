namespace Osprey.Engine.Images;

/// <summary>A rectangle of a raster, in whole pixels from its upper left corner.</summary>
public readonly record struct PixelWindow(int X, int Y, int Width, int Height)
{
    /// <summary>Such as <c>[1024,0 512×512]</c>: column and row of its first pixel, width and height.</summary>
    public override string ToString() => $"[{X},{Y} {Width}×{Height}]";
}
