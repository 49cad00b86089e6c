using NUnit.Framework;
using Osprey.Engine.Images;

namespace Osprey.Tests.Engine.Images;

[TestFixture]
public class GeoTiffTests
{
    static GeoReference? Read(params (int Tag, object Values)[] more)
    {
        byte[] bytes = new SceneFile().Add(new SceneImage(10, 20, 1, (_, _, _) => 0) { More = more }).Write();
        return new ImageDecoder().DecodePlaced(bytes).Place;
    }

    [Test]
    public void Scale_and_tie_point_place_the_corner()
    {
        GeoReference place = Read(SceneFile.Utm32(500_000, 5_000_000, 0.5))!;
        Assert.That(place.Crs, Is.EqualTo("EPSG:32632"));
        Assert.That(place.Transform!.Value.At(0, 0), Is.EqualTo((500_000.0, 5_000_000.0)));
        Assert.That(place.Bounds(10, 20), Is.EqualTo(new GeoBounds(500_000, 4_999_990, 500_005, 5_000_000)));
    }

    [Test]
    public void A_tie_point_elsewhere_than_in_the_corner_counts_from_there()
    {
        GeoReference place = Read((33550, new[] { 2.0, 3, 0 }), (33922, new[] { 4.0, 5, 0, 100, 200, 0 }))!;
        Assert.That(place.Transform!.Value.At(0, 0), Is.EqualTo((92.0, 215.0)));
        Assert.That(place.Transform!.Value.At(4, 5), Is.EqualTo((100.0, 200.0)));
        Assert.That(place.Crs, Is.Null);
    }

    [Test]
    public void Coordinates_of_points_are_those_of_centres()
    {
        (int, object)[] tags = [(33550, new[] { 2.0, 2, 0 }), (33922, new[] { 0.0, 0, 0, 100, 200, 0 }), (34735, new ushort[] { 1, 1, 0, 2, 1024, 0, 1, 2, 1025, 0, 1, 2 })];
        Assert.That(Read(tags)!.Transform!.Value.At(0, 0), Is.EqualTo((99.0, 201.0)));
    }

    [Test]
    public void A_matrix_may_turn_the_image()
    {
        // A quarter to the left: columns go north, rows go east.
        GeoReference place = Read((34264, new[] { 0.0, 2, 0, 100, 2, 0, 0, 50, 0, 0, 0, 0, 0, 0, 0, 1 }))!;
        Assert.That(place.Transform!.Value.At(3, 1), Is.EqualTo((102.0, 56.0)));
        Assert.That(place.Bounds(10, 20), Is.EqualTo(new GeoBounds(100, 50, 140, 70)));
    }

    [Test]
    public void Ground_control_points_are_no_map() =>
        Assert.That(Read((33922, new[] { 0.0, 0, 0, 100, 200, 0, 10, 0, 0, 110, 201, 0, 0, 20, 0, 99, 180, 0 })), Is.Null);

    static readonly TestCaseData[] systems =
    [
        new TestCaseData(new ushort[] { 1, 1, 0, 2, 1024, 0, 1, 2, 2048, 0, 1, 4326 }, "", "EPSG:4326"),
        new TestCaseData(new ushort[] { 1, 1, 0, 3, 1024, 0, 1, 1, 2048, 0, 1, 4258, 3072, 0, 1, 25832 }, "", "EPSG:25832"),
        new TestCaseData(new ushort[] { 1, 1, 0, 3, 1024, 0, 1, 1, 3072, 0, 1, 32767, 3073, 34737, 12, 6 }, "other|Lambert Mine|", "Lambert Mine"),
        new TestCaseData(new ushort[] { 1, 1, 0, 2, 1024, 0, 1, 1, 1026, 34737, 6, 0 }, "other|", "other"),
        // Keys that point beyond the text, or claim more than there is.
        new TestCaseData(new ushort[] { 1, 1, 0, 2, 3072, 0, 1, 32767, 3073, 34737, 500, 6 }, "other|", null),
        new TestCaseData(new ushort[] { 1, 1, 0, 900, 3072, 0, 1 }, "", null),
        new TestCaseData(new ushort[] { 1 }, "", null),
    ];

    [TestCaseSource(nameof(systems))]
    public void The_reference_system_is_a_code_or_the_files_own_words(ushort[] keys, string texts, string? crs) =>
        Assert.That(Read((34735, keys), (34737, texts))?.Crs, Is.EqualTo(crs));

    [Test]
    public void Tags_without_sense_say_nothing()
    {
        Assert.That(Read((33550, new[] { 0.0, 0, 0 }), (33922, new[] { 0.0, 0, 0, 100, 200, 0 })), Is.Null, "pixels of no size");
        Assert.That(Read((33550, new[] { double.NaN, 1, 0 }), (33922, new[] { 0.0, 0, 0, 100, 200, 0 })), Is.Null);
        Assert.That(Read((33550, new[] { 1.0 }), (33922, new[] { 0.0, 0, 0 })), Is.Null);
        Assert.That(Read((33550, new ushort[] { 1, 1, 0 }), (33922, new[] { 0.0, 0, 0, 100, 200, 0 })), Is.Null, "of another type");
    }

    /// <summary>A turned picture is turned upright, and the map is of the stored pixels.</summary>
    [Test]
    public void Turned_images_have_no_place() => Assert.That(Read([.. SceneFile.Utm32(1, 2, 3), (274, new ushort[] { 6 })]), Is.Null);
}
