namespace Osprey.Engine.Images;

/// <summary>The ground that an image shows, in its coordinate reference system's units.</summary>
public readonly record struct GeoBounds(double MinX, double MinY, double MaxX, double MaxY);
