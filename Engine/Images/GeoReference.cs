namespace Osprey.Engine.Images;

/// <summary>The affine map from pixels to ground coordinates, in GDAL's order: x = OriginX + column·ColumnX + row·RowX, and y alike. (0, 0) is the outer corner of the first pixel.</summary>
public readonly record struct GeoTransform(double OriginX, double ColumnX, double RowX, double OriginY, double ColumnY, double RowY)
{
    public (double X, double Y) At(double column, double row) => (OriginX + column * ColumnX + row * RowX, OriginY + column * ColumnY + row * RowY);

    /// <summary>The map of a part of the raster, whose pixel (0, 0) is this one's (column, row).</summary>
    public GeoTransform From(double column, double row)
    {
        (double x, double y) = At(column, row);
        return this with { OriginX = x, OriginY = y };
    }

    /// <summary>The map of the same ground with other pixels.</summary>
    /// <param name="across">Width of a new pixel in old ones.</param>
    /// <param name="down">Height of one.</param>
    public GeoTransform Scaled(double across, double down) =>
        this with { ColumnX = ColumnX * across, ColumnY = ColumnY * across, RowX = RowX * down, RowY = RowY * down };
}

/// <summary>Where a raster lies on the ground.</summary>
/// <param name="Crs">Coordinate reference system: <c>EPSG:32632</c>, or what the file calls one of its own; null where it says nothing.</param>
/// <param name="Transform">Null where the file gives none that is affine.</param>
public sealed record GeoReference(string? Crs, GeoTransform? Transform)
{
    /// <summary>The least upright rectangle around the raster; null without a transform.</summary>
    /// <param name="width">Pixels across.</param>
    /// <param name="height">Pixels down.</param>
    public GeoBounds? Bounds(double width, double height)
    {
        if (Transform is not { } map) return null;
        (double X, double Y)[] corners = [map.At(0, 0), map.At(width, 0), map.At(0, height), map.At(width, height)];
        return new GeoBounds(corners.Min(c => c.X), corners.Min(c => c.Y), corners.Max(c => c.X), corners.Max(c => c.Y));
    }
}
