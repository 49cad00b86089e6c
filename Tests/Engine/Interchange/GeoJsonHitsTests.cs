using System.Text.Json;
using NUnit.Framework;
using Osprey.Engine.Images;
using Osprey.Engine.Interchange;
using Osprey.Engine.Retrieval;
using Osprey.Tests.Interop;

namespace Osprey.Tests.Engine.Interchange;

[TestFixture]
public class GeoJsonHitsTests
{
    /// <summary>Metres along the meridian from the equator: the ellipsoid's arc, summed by Simpson's rule.</summary>
    static double Meridian(double latitude)
    {
        const double A = 6378137, F = 1 / 298.257223563, E2 = F * (2 - F);
        int steps = 2000;
        double h = double.DegreesToRadians(latitude) / steps, sum = 0;
        for (int i = 0; i <= steps; i++) sum += (i == 0 || i == steps ? 1 : i % 2 == 1 ? 4 : 2) * Math.Pow(1 - E2 * Math.Pow(Math.Sin(i * h), 2), -1.5);
        return A * (1 - E2) * sum * h / 3;
    }

    [TestCase(10)]
    [TestCase(48.5)]
    [TestCase(84)]
    public void Utm_on_its_central_meridian_is_the_meridians_arc(double latitude)
    {
        (double longitude, double found) = Wgs84.From("EPSG:32632")!(500_000, 0.9996 * Meridian(latitude));
        Assert.That(longitude, Is.EqualTo(9).Within(1e-12));
        Assert.That(found, Is.EqualTo(latitude).Within(1e-10));
        (longitude, found) = Wgs84.From("EPSG:32760")!(500_000, 10_000_000 - 0.9996 * Meridian(latitude));
        Assert.That((longitude, found), Is.EqualTo((177.0, -latitude)).Using<(double, double)>((a, b) => Math.Abs(a.Item1 - b.Item1) < 1e-10 && Math.Abs(a.Item2 - b.Item2) < 1e-10));
    }

    /// <summary>Published: the zone's edge on the equator, and the CN Tower (43°38′33.24″ N, 79°23′13.7″ W is 17T 630084 4833438, to the metre).</summary>
    [TestCase("EPSG:32631", 166021.4431, 0, 0, 0, 1e-9)]
    [TestCase("EPSG:32617", 630084, 4833438, -79.3871389, 43.6425667, 1e-5)]
    [TestCase("EPSG:26917", 630084, 4833438, -79.3871389, 43.6425667, 1e-5)]
    [TestCase("EPSG:3857", 20037508.342789244, 0, 180, 0, 1e-9)]
    [TestCase("EPSG:3857", 0, 20037508.342789244, 0, 85.0511287798066, 1e-9)]
    [TestCase("EPSG:4326", 8.5, 47.4, 8.5, 47.4, 0)]
    public void Known_points(string crs, double x, double y, double longitude, double latitude, double within)
    {
        (double foundLongitude, double foundLatitude) = Wgs84.From(crs)!(x, y);
        Assert.That(foundLongitude, Is.EqualTo(longitude).Within(within));
        Assert.That(foundLatitude, Is.EqualTo(latitude).Within(within));
    }

    [TestCase("EPSG:2056")]
    [TestCase("EPSG:32661")]
    [TestCase("EPSG:32600")]
    [TestCase("Lambert Mine")]
    [TestCase(null)]
    public void Other_systems_are_not_guessed(string? crs) => Assert.That(Wgs84.From(crs), Is.Null);

    [Test]
    public void A_hit_is_a_feature_with_its_footprint()
    {
        using var scratch = new ScratchFolder();
        StoreRow Row(string crs, GeoBounds? bounds) => new("a \"b\".tif", "forest", 0, 512, 512, crs, bounds, new PixelWindow(1024, 0, 512, 512));
        Hit[] hits =
        [
            new("q.jpg", 1, 0.5f, 7, Row("EPSG:4326", new GeoBounds(8, 47, 9, 48))),
            new("q.jpg", 2, 0.25f, 3, Row("EPSG:2056", new GeoBounds(2_600_000, 1_200_000, 2_600_100, 1_200_100))),
            new("q.jpg", 3, 0.125f, 4, new StoreRow("c.jpg", "forest", 0, 10, 10)),
            // 60 is the zone west of the antimeridian: its eastern edge on the equator.
            new("q.jpg", 4, 0.0625f, 5, Row("EPSG:32660", new GeoBounds(833_000, 0, 835_000, 1000))),
        ];

        Assert.That(GeoJsonHits.Write(scratch["hits.geojson"], hits), Is.EqualTo(2));

        JsonElement root = JsonDocument.Parse(File.ReadAllText(scratch["hits.geojson"])).RootElement;
        Assert.That(root.GetProperty("type").GetString(), Is.EqualTo("FeatureCollection"));
        JsonElement[] features = [.. root.GetProperty("features").EnumerateArray()];
        Assert.That(features, Has.Length.EqualTo(4));
        Assert.That(features[0].GetProperty("geometry").GetRawText(), Is.EqualTo("""{"type":"Polygon","coordinates":[[[8,47],[9,47],[9,48],[8,48],[8,47]]]}"""), "counter-clockwise, closed");
        Assert.That(features[0].GetProperty("properties").GetRawText(), Is.EqualTo("""{"query":"q.jpg","rank":1,"score":0.5,"id":7,"path":"a \"b\".tif","class":"forest","window":[1024,0,512,512],"crs":"EPSG:4326","bounds":[8,47,9,48]}"""));
        Assert.That(features.Select(f => f.GetProperty("geometry").ValueKind), Is.EqualTo(new[] { JsonValueKind.Object, JsonValueKind.Null, JsonValueKind.Null, JsonValueKind.Object }));
        Assert.That(features[1].GetProperty("properties").GetProperty("bounds")[0].GetDouble(), Is.EqualTo(2_600_000));
        JsonElement cut = features[3].GetProperty("geometry");
        Assert.That(cut.GetProperty("type").GetString(), Is.EqualTo("MultiPolygon"));
        double[][] longitudes = [.. cut.GetProperty("coordinates").EnumerateArray().Select(p => p[0].EnumerateArray().Select(c => c[0].GetDouble()).ToArray())];
        Assert.That(longitudes[0].Min(), Is.EqualTo(179.991).Within(1e-3), "(833000 − 833978.557) m are 0.0088° west of 180°");
        Assert.That(longitudes[0].Max(), Is.EqualTo(180));
        Assert.That((longitudes[1].Min(), longitudes[1].Max()), Is.EqualTo((-180.0, -179.9908)).Using<(double, double)>((a, b) => a.Item1 == b.Item1 && Math.Abs(a.Item2 - b.Item2) < 1e-3));
    }
}
