namespace Osprey.Engine.Images;

/// <summary>What the GeoTIFF tags of an image directory say. Tags that make no sense say nothing: where an image lies is no reason to refuse it.</summary>
/// <remarks>OGC 19-008r4 (GeoTIFF 1.1): tags 33550 pixel scale, 33922 tie points, 34264 transformation, 34735 keys with their texts in 34737.</remarks>
static class GeoTiff
{
    const int PixelScale = 33550, TiePoints = 33922, Transformation = 34264, Keys = 34735, Texts = 34737;
    const int ModelType = 1024, RasterType = 1025, Citation = 1026, GeographicType = 2048, GeographicCitation = 2049, ProjectedType = 3072, ProjectedCitation = 3073;
    const int Geographic = 2, PixelIsPoint = 2, UserDefined = 32767;

    /// <returns>Null where the directory has neither a reference system nor a transform.</returns>
    public static GeoReference? Read(TiffHeader header)
    {
        ushort[] keys = [.. header.Integers(Keys).Select(v => (ushort)v)];
        string? crs = Crs(header, keys);
        GeoTransform? map = Map(header.Doubles(PixelScale), header.Doubles(TiePoints), header.Doubles(Transformation));
        // Coordinates of a pixel's centre: the corner is half a pixel before it.
        if (Key(keys, RasterType) == PixelIsPoint) map = map?.From(-0.5, -0.5);
        return crs is null && map is null ? null : new GeoReference(crs, map);
    }

    static GeoTransform? Map(double[] scale, double[] ties, double[] matrix)
    {
        GeoTransform map;
        if (matrix.Length == 16)
        {
            map = new GeoTransform(matrix[3], matrix[0], matrix[1], matrix[7], matrix[4], matrix[5]);
        }
        // Several tie points without a scale are ground control points, and no affine map.
        else if (scale.Length >= 2 && ties.Length >= 6)
        {
            map = new GeoTransform(0, scale[0], 0, 0, 0, -scale[1]).From(-ties[0], -ties[1]);
            map = map with { OriginX = map.OriginX + ties[3], OriginY = map.OriginY + ties[4] };
        }
        else
        {
            return null;
        }
        double area = map.ColumnX * map.RowY - map.RowX * map.ColumnY;
        return double.IsFinite(map.OriginX) && double.IsFinite(map.OriginY) && double.IsFinite(area) && area != 0 ? map : null;
    }

    static string? Crs(TiffHeader header, ushort[] keys)
    {
        // Without a model type both codes count; a projected system has a geographic one below it.
        int projected = Key(keys, ModelType) == Geographic ? 0 : Key(keys, ProjectedType), geographic = Key(keys, GeographicType);
        if (projected is > 0 and < UserDefined) return $"EPSG:{projected}";
        if (projected == 0 && geographic is > 0 and < UserDefined) return $"EPSG:{geographic}";
        string text = header.Text(Texts);
        return Text(keys, projected == UserDefined ? ProjectedCitation : GeographicCitation, text) ?? Text(keys, Citation, text);
    }

    /// <summary>A key's own value; 0 where it is absent or elsewhere.</summary>
    static int Key(ushort[] keys, int id)
    {
        int at = Find(keys, id);
        return at > 0 && keys[at + 1] == 0 ? keys[at + 3] : 0;
    }

    static string? Text(ushort[] keys, int id, string texts)
    {
        int at = Find(keys, id);
        if (at == 0 || keys[at + 1] != Texts || keys[at + 3] + keys[at + 2] > texts.Length) return null;
        string text = texts.Substring(keys[at + 3], keys[at + 2]).Trim('|', '\0', ' ', '\n');
        return text.Length > 0 ? text : null;
    }

    /// <summary>Where a key's four numbers begin; 0 where it is absent.</summary>
    static int Find(ushort[] keys, int id)
    {
        for (int at = 4; at + 4 <= keys.Length; at += 4)
        {
            if (keys[at] == id) return at;
        }
        return 0;
    }
}
