using System.Text.Json;
using NUnit.Framework;
using Osprey.Engine.Images;
using Osprey.Engine.Retrieval;
using Osprey.Interop.Formats;
using Osprey.Tests.Engine.Images;

namespace Osprey.Tests.Tools;

/// <summary>embed --window, data tile and search --geojson on a scene made here.</summary>
[TestFixture]
public class SceneVerbTests
{
    string dir = "";

    string At(string name) => Path.Combine(dir, name);

    /// <summary>100×70 pixels of 2 m; the lower left 40×30 and the whole right edge from column 96 on are 0, which means no data.</summary>
    [OneTimeSetUp]
    public void MakeModelAndScene()
    {
        dir = Directory.CreateTempSubdirectory("osprey-scene-").FullName;
        UntrainedModel.Save(At("model"));
        byte Sample(int x, int y, int band) => (x < 40 && y >= 40) || x >= 96 ? (byte)0 : (byte)(1 + (x * 7 + y * 13 + band * 40 + x * y % 31) % 255);
        var image = new SceneImage(100, 70, 3, Sample) { Tile = 16, Deflate = true, More = [.. SceneFile.Utm32(500_000, 5_000_000, 2), (42113, "0")] };
        Directory.CreateDirectory(At("data/area"));
        Directory.CreateDirectory(At("data/chips"));
        File.WriteAllBytes(At("data/area/scene.tif"), new SceneFile().Add(image).Add(image with { Width = 50, Height = 35, More = [(254, new[] { 1u })] }).Write());
        File.WriteAllBytes(At("data/chips/small.png"), Drawn.Png(0, 0, 32));
        Cli.Done("embed", "--data", At("data"), "--model", At("model"), "--window", "30", "--part", "5", "--batch", "1", "--threads", "1", "--out", At("store"));
    }

    [OneTimeTearDown]
    public void DeleteFolder() => Directory.Delete(dir, recursive: true);

    /// <summary>Columns 0, 30, 60, 70 and rows 0, 30, 40: twelve windows, of which that at (0, 40) is empty, then the small image.</summary>
    [Test]
    public void A_scene_becomes_rows_with_windows_bounds_and_crs()
    {
        DescriptorStore store = DescriptorStore.Open(At("store"));
        StoreRow[] rows = store.ReadRows();
        Assert.That(store.Manifest.EmptyWindows, Is.EqualTo(1));
        Assert.That((store.Manifest.Images, store.Rows, store.Manifest.BadFiles), Is.EqualTo((13L, 12L, 0L)));
        Assert.That(store.Manifest.Windows, Is.EqualTo(new WindowGrid { Size = 30, Stride = 30 }));
        Assert.That(rows.Take(11).Select(r => (r.Window!.Value.X, r.Window!.Value.Y)), Is.EqualTo(new[] { (0, 0), (30, 0), (60, 0), (70, 0), (0, 30), (30, 30), (60, 30), (70, 30), (30, 40), (60, 40), (70, 40) }));
        Assert.That(rows[1], Is.EqualTo(new StoreRow("area/scene.tif", "area", 0, 30, 30, "EPSG:32632", new GeoBounds(500_060, 4_999_940, 500_120, 5_000_000), new PixelWindow(30, 0, 30, 30))));
        Assert.That(rows[11], Is.EqualTo(new StoreRow("chips/small.png", "chips", 1, 32, 32)));
    }

    [Test]
    public void Resumed_and_shared_out_it_is_the_same_store()
    {
        string[] words = ["embed", "--data", At("data"), "--model", At("model"), "--window", "30", "--part", "5", "--batch", "1", "--threads", "1", "--out"];
        float[] whole = DescriptorStore.Open(At("store")).ReadDescriptors();
        Cli.Done([.. words, At("again")]);
        foreach (string lost in new[] { "part-00001.npy", "part-00002.parquet" }) File.Delete(Path.Combine(At("again"), lost));
        Cli.Done([.. words, At("again")]);
        foreach (string file in Directory.GetFiles(At("store"), "part-*")) Assert.That(File.ReadAllBytes(Path.Combine(At("again"), Path.GetFileName(file))), Is.EqualTo(File.ReadAllBytes(file)), file);

        for (int i = 0; i < 3; i++) Cli.Done([.. words, At($"shard-{i}"), "--shard", $"{i}/3"]);
        Cli.Done("join", At("shard-0"), At("shard-1"), At("shard-2"), "--out", At("joined"));
        DescriptorStore joined = DescriptorStore.Open(At("joined"));
        Assert.That(joined.ReadDescriptors(), Is.EqualTo(whole));
        Assert.That(joined.ReadRows(), Is.EqualTo(DescriptorStore.Open(At("store")).ReadRows()));
        Assert.That(joined.Manifest.EmptyWindows, Is.EqualTo(1));

        Cli.Answer other = Cli.Run([.. words, At("store"), "--stride", "15"]);
        Assert.That(other.Code, Is.EqualTo(2));
        Assert.That(other.Error, Does.Contain("in windows of 30 px every 30 px, not in windows of 30 px every 15 px"));
    }

    [Test]
    public void Tiles_are_the_windows_and_their_descriptors_the_same()
    {
        Cli.Answer answer = Cli.Done("data", "tile", At("data"), "--window", "30", "--out", At("tiles"), "--json");
        Assert.That((answer.Json.GetProperty("written").GetInt32(), answer.Json.GetProperty("empty").GetInt32()), Is.EqualTo((12, 1)));
        string[] lines = File.ReadAllLines(At("tiles/tiles.csv"));
        Assert.That(lines, Has.Length.EqualTo(13));
        Assert.That(lines[2], Is.EqualTo("area/scene_30_0.png,area,area/scene.tif,30,0,30,30,30,30,EPSG:32632,500060,4999940,500120,5000000"));
        Assert.That(lines[12], Is.EqualTo("chips/small.png,chips,chips/small.png,,,,,32,32,,,,,"));
        Assert.That(File.ReadAllLines(At("tiles/area/scene_30_0.pgw")), Is.EqualTo(new[] { "2", "0", "0", "-2", "500061", "4999999" }));
        Assert.That(File.Exists(At("tiles/chips/small.pgw")), Is.False);
        RgbImage tile = new ImageDecoder().Decode(At("tiles/area/scene_30_0.png")), whole = new ImageDecoder().Decode(At("data/area/scene.tif"));
        for (int y = 0; y < 30; y++) Assert.That(tile.Pixels.AsSpan(90 * y, 90).SequenceEqual(whole.Pixels.AsSpan(3 * (100 * y + 30), 90)), $"row {y}");

        Cli.Done("embed", "--data", At("tiles"), "--model", At("model"), "--batch", "1", "--threads", "1", "--out", At("tile-store"));
        DescriptorStore windows = DescriptorStore.Open(At("store")), files = DescriptorStore.Open(At("tile-store"));
        Dictionary<string, int> byName = files.ReadRows().Select((r, i) => (r.Path, i)).ToDictionary(p => p.Path, p => p.i);
        float[] a = windows.ReadDescriptors(), b = files.ReadDescriptors();
        int d = windows.Dimension;
        foreach ((StoreRow row, int i) in windows.ReadRows().Select((r, i) => (r, i)).Where(r => r.r.Window is not null))
            Assert.That(b.AsSpan(d * byName[$"area/scene_{row.Window!.Value.X}_{row.Window!.Value.Y}.png"], d).SequenceEqual(a.AsSpan(d * i, d)), row.ToString());

        Assert.That(Cli.Run("data", "tile", At("data"), "--out", At("tiles")).Error, Does.Contain("is not empty; give a new folder"));
    }

    [Test]
    public void An_overview_is_described_in_its_own_pixels_and_placed_on_the_same_ground()
    {
        Cli.Done("embed", "--data", At("data/area/scene.tif"), "--model", At("model"), "--window", "30", "--overview", "1", "--out", At("overview"));
        StoreRow[] rows = DescriptorStore.Open(At("overview")).ReadRows();
        Assert.That(rows.Select(r => r.Window), Is.EqualTo(new PixelWindow?[] { new(0, 0, 60, 60), new(40, 0, 60, 60), new(0, 10, 60, 60), new(40, 10, 60, 60) }));
        Assert.That(rows[3], Is.EqualTo(new StoreRow("scene.tif", "unlabelled", 0, 30, 30, "EPSG:32632", new GeoBounds(500_080, 4_999_860, 500_200, 4_999_980), new PixelWindow(40, 10, 60, 60))));

        Cli.Answer none = Cli.Run("embed", "--data", At("data/area/scene.tif"), "--model", At("model"), "--window", "30", "--overview", "2", "--out", At("no-overview"));
        Assert.That(none.Code, Is.EqualTo(1));
        Assert.That(none.Error, Does.Contain("overview 2 was asked for, and the scene has one"));
        Assert.That(Cli.Run("embed", "--data", At("data"), "--model", At("model"), "--stride", "30", "--out", At("x")).Error, Does.Contain("give --window as well"));
    }

    [Test]
    public void Whole_geotiffs_have_their_place_too()
    {
        Cli.Done("embed", "--data", At("data"), "--model", At("model"), "--out", At("whole"));
        Assert.That(DescriptorStore.Open(At("whole")).ReadRows()[0], Is.EqualTo(new StoreRow("area/scene.tif", "area", 0, 100, 70, "EPSG:32632", new GeoBounds(500_000, 4_999_860, 500_200, 5_000_000))));
    }

    [Test]
    public void Hits_are_written_as_geojson()
    {
        Npy.Write(At("q.npy"), DescriptorStore.Open(At("store")).ReadDescriptors().AsSpan(0, 128), 1, 128);
        Cli.Answer answer = Cli.Done("search", At("store"), "--vectors", At("q.npy"), "-k", "12", "--geojson", At("hits.geojson"), "--json");
        Assert.That(answer.Error, Does.Contain("1 of 12 features"), "the small image has no place");
        Assert.That(answer.Json.GetProperty("results")[0].GetProperty("windows")[0].EnumerateArray().Select(v => v.GetInt32()), Is.EqualTo(new[] { 0, 0, 30, 30 }));
        JsonElement first = JsonDocument.Parse(File.ReadAllText(At("hits.geojson"))).RootElement.GetProperty("features")[0];
        Assert.That(first.GetProperty("properties").GetProperty("path").GetString(), Is.EqualTo("area/scene.tif"));
        JsonElement ring = first.GetProperty("geometry").GetProperty("coordinates")[0];
        Assert.That(ring.GetArrayLength(), Is.EqualTo(5));
        // The scene's corner lies on zone 32's central meridian, 9° east.
        Assert.That(ring[3][0].GetDouble(), Is.EqualTo(9).Within(1e-9));
        Assert.That(Cli.Done("search", At("store"), "--vectors", At("q.npy"), "-k", "1").Out, Does.Contain("scene.tif [0,0 30×30]"));
    }

    [Test]
    public void A_broken_scene_is_named_and_the_others_are_described()
    {
        Directory.CreateDirectory(At("broken"));
        byte[] bytes = File.ReadAllBytes(At("data/area/scene.tif"));
        File.WriteAllBytes(At("broken/cut.tif"), bytes[..300]);
        // A tile of the first row damaged: the windows on it are bad, the others are not.
        byte[] damaged = [.. bytes];
        damaged.AsSpan(10, 20).Fill(0xFF);
        File.WriteAllBytes(At("broken/damaged.tif"), damaged);
        Cli.Answer answer = Cli.Done("embed", "--data", At("broken"), "--model", At("model"), "--window", "30", "--out", At("broken-store"), "--json");
        Assert.That(answer.Json.GetProperty("rows").GetInt32(), Is.EqualTo(10));
        Assert.That(answer.Json.GetProperty("empty_windows").GetInt32(), Is.EqualTo(1));
        Assert.That(answer.Json.GetProperty("bad_files").EnumerateArray().Select(b => b.GetProperty("path").GetString()), Is.EqualTo(new[] { At("broken/cut.tif"), At("broken/damaged.tif [0,0 30×30]") }));
        Assert.That(File.ReadAllText(At("broken-store/bad-files.txt")), Does.Contain("damaged.tif [0,0 30×30]\t"));
    }
}
