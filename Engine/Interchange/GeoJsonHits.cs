using System.Text.Json;
using Osprey.Engine.Retrieval;
using Osprey.Interop.Formats;

namespace Osprey.Engine.Interchange;

/// <summary>One image that a search found.</summary>
/// <param name="Query">What it was found for.</param>
/// <param name="Rank">1 for the best.</param>
/// <param name="Score">As the search has it.</param>
/// <param name="Id">Row of the store.</param>
/// <param name="Row">What is known of it.</param>
public sealed record Hit(string Query, int Rank, float Score, long Id, StoreRow Row);

/// <summary>Hits as GeoJSON (RFC 7946): one feature each, the footprint as longitude and latitude on WGS 84, everything else among its properties.</summary>
/// <remarks>
/// RFC 7946 knows no other reference system, so bounds in one that is not converted (see docs/formats.md) are properties, and the feature's geometry is null. A
/// footprint is the quadrilateral of the bounds' four corners; across the antimeridian it is cut in two.
/// </remarks>
public static class GeoJsonHits
{
    /// <returns>How many features have a geometry.</returns>
    public static int Write(string path, IEnumerable<Hit> hits)
    {
        int placed = 0;
        AtomicFile.Write(path, file =>
        {
            using var json = new Utf8JsonWriter(file, new JsonWriterOptions { Encoder = Json.Line.Encoder });
            json.WriteStartObject();
            json.WriteString("type", "FeatureCollection");
            json.WriteStartArray("features");
            foreach (Hit hit in hits)
            {
                if (Feature(json, hit)) placed++;
                // One line each, as people look into such files.
                json.Flush();
                file.Write("\n"u8);
            }
            json.WriteEndArray();
            json.WriteEndObject();
        });
        return placed;
    }

    static bool Feature(Utf8JsonWriter json, Hit hit)
    {
        StoreRow row = hit.Row;
        json.WriteStartObject();
        json.WriteString("type", "Feature");
        json.WritePropertyName("geometry");
        double[][][] rings = Footprint(row);
        Geometry(json, rings);
        json.WriteStartObject("properties");
        json.WriteString("query", hit.Query);
        json.WriteNumber("rank", hit.Rank);
        json.WriteNumber("score", hit.Score);
        json.WriteNumber("id", hit.Id);
        json.WriteString("path", row.Path);
        json.WriteString("class", row.Class);
        if (row.Window is { } w) Numbers(json, "window", [w.X, w.Y, w.Width, w.Height]);
        if (row.Crs is not null) json.WriteString("crs", row.Crs);
        if (row.Bounds is { } b) Numbers(json, "bounds", [b.MinX, b.MinY, b.MaxX, b.MaxY]);
        json.WriteEndObject();
        json.WriteEndObject();
        return rings.Length > 0;
    }

    /// <summary>Closed rings of [longitude, latitude], counter-clockwise; none where the place is unknown or not converted.</summary>
    static double[][][] Footprint(StoreRow row)
    {
        if (row.Bounds is not { } b || Wgs84.From(row.Crs) is not { } map) return [];
        (double X, double Y)[] corners = [map(b.MinX, b.MinY), map(b.MaxX, b.MinY), map(b.MaxX, b.MaxY), map(b.MinX, b.MaxY)];
        if (corners.Any(c => !double.IsFinite(c.X) || !double.IsFinite(c.Y) || Math.Abs(c.Y) > 90)) return [];
        if (corners.Max(c => c.X) - corners.Min(c => c.X) <= 180 || Wide(row.Crs!)) return [Ring(corners)];
        // One that small which spans more than half the globe lies across the antimeridian: the west of it ends at 180°, the east begins at −180°.
        (double X, double Y)[] round = [.. corners.Select(c => (c.X < 0 ? c.X + 360 : c.X, c.Y))];
        return [Ring([.. round.Select(c => (Math.Min(c.X, 180), c.Y))]), Ring([.. round.Select(c => (Math.Max(c.X, 180) - 360, c.Y))])];
    }

    /// <summary>In geographic coordinates and Web Mercator a span is what it says.</summary>
    static bool Wide(string crs) => crs is "EPSG:4326" or "EPSG:4258" or "EPSG:4269" or "EPSG:3857";

    static double[][] Ring((double X, double Y)[] corners) => [.. corners.Append(corners[0]).Select(c => new[] { Math.Round(c.X, 9), Math.Round(c.Y, 9) })];

    static void Geometry(Utf8JsonWriter json, double[][][] rings)
    {
        if (rings.Length == 0)
        {
            json.WriteNullValue();
            return;
        }
        json.WriteStartObject();
        json.WriteString("type", rings.Length == 1 ? "Polygon" : "MultiPolygon");
        json.WriteStartArray("coordinates");
        foreach (double[][] ring in rings)
        {
            if (rings.Length > 1) json.WriteStartArray();
            json.WriteStartArray();
            foreach (double[] point in ring)
            {
                json.WriteStartArray();
                foreach (double value in point) json.WriteNumberValue(value);
                json.WriteEndArray();
            }
            json.WriteEndArray();
            if (rings.Length > 1) json.WriteEndArray();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    static void Numbers(Utf8JsonWriter json, string name, double[] values)
    {
        json.WriteStartArray(name);
        foreach (double value in values) json.WriteNumberValue(value);
        json.WriteEndArray();
    }
}
