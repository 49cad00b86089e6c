using CsCheck;
using NUnit.Framework;
using Osprey.Engine;
using Osprey.Engine.Datasets;
using Osprey.Engine.Images;

namespace Osprey.Tests.Engine;

public sealed class DatasetsSceneSynthesisTests
{
    string _dir = "";

    [SetUp]
    public void CreateFolder() => _dir = Directory.CreateTempSubdirectory("osprey-synth-").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_dir, recursive: true);

    static readonly SynthesisConfig Small = new() { Seed = 5, ImagesPerClass = 3, Size = 24, Classes = [SceneClass.River, SceneClass.Airport] };

    [Test]
    public void Every_class_is_drawn_from_above_and_obliquely([Values] SceneClass sceneClass)
    {
        foreach (bool oblique in (bool[])[false, true])
        {
            for (int i = 0; i < 12; i++)
            {
                RgbImage image = SceneSynthesis.Draw(sceneClass, 100 + i, i, 48, oblique);
                Assert.That((image.Width, image.Height), Is.EqualTo((48, 48)));
                double mean = image.Pixels.Average(p => (double)p), spread = Math.Sqrt(image.Pixels.Average(p => (p - mean) * (p - mean)));
                Assert.That(spread, Is.GreaterThan(2), $"image {i} is one colour");
            }
        }
    }

    [Test]
    public void Any_size_is_drawn([Values(16, 17, 33, 64, 65, 100, 512)] int size)
    {
        foreach (SceneClass sceneClass in (SceneClass[])[SceneClass.Harbour, SceneClass.StorageTanks])
            Assert.That(SceneSynthesis.Draw(sceneClass, 1, 0, size, true).Pixels, Has.Length.EqualTo(3 * size * size));
    }

    [Test]
    public void An_image_follows_from_seed_class_and_index_alone() =>
        Gen.Select(Gen.Enum<SceneClass>(), Gen.Long, Gen.Int[0, 100], Gen.Bool).Sample((sceneClass, seed, index, oblique) =>
        {
            byte[] first = SceneSynthesis.Draw(sceneClass, seed, index, 20, oblique).Pixels;
            Assert.That(SceneSynthesis.Draw(sceneClass, seed, index, 20, oblique).Pixels, Is.EqualTo(first));
            Assert.That(SceneSynthesis.Draw(sceneClass, seed + 1, index, 20, oblique).Pixels, Is.Not.EqualTo(first));
            Assert.That(SceneSynthesis.Draw(sceneClass, seed, index + 1, 20, oblique).Pixels, Is.Not.EqualTo(first));
            Assert.That(SceneSynthesis.Draw(sceneClass, seed, index, 20, !oblique).Pixels, Is.Not.EqualTo(first));
        }, iter: 30);

    [Test]
    public void Files_are_the_same_in_any_order()
    {
        SceneSynthesis.Write(_dir, Small);
        foreach (SceneClass sceneClass in Small.Classes)
        {
            for (int i = 0; i < Small.ImagesPerClass; i++)
            {
                byte[] alone = SceneSynthesis.Encode(SceneSynthesis.Draw(sceneClass, Small.Seed, i, Small.Size, Small.IsOblique(i)), SceneFormat.Jpeg, 90);
                Assert.That(File.ReadAllBytes(Path.Combine(_dir, SceneSynthesis.FolderOf(sceneClass), $"0000{i}.jpg")), Is.EqualTo(alone));
            }
        }
        ImageSet set = ImageFolder.Open(_dir);
        Assert.That(set.Classes, Is.EqualTo(new[] { "airport", "river" }));
        Assert.That(set.Counts(), Is.EqualTo(new[] { 3, 3 }));
    }

    [Test]
    public void An_interrupted_run_continues_and_a_set_may_grow()
    {
        SceneSynthesis.Write(_dir, Small);
        string kept = Path.Combine(_dir, "river", "00000.jpg"), lost = Path.Combine(_dir, "river", "00001.jpg");
        byte[] before = File.ReadAllBytes(lost);
        File.Delete(lost);
        File.WriteAllText(lost + ".tmp", "half a file");
        File.WriteAllText(kept, "kept as it is");
        List<Progress> reports = [];
        SceneSynthesis.Write(_dir, Small with { ImagesPerClass = 4 }, new Recorder(reports));
        Assert.That(File.ReadAllBytes(lost), Is.EqualTo(before));
        Assert.That(File.ReadAllText(kept), Is.EqualTo("kept as it is"));
        Assert.That(ImageFolder.Open(_dir).Counts(), Is.EqualTo(new[] { 4, 4 }));
        Assert.That(reports[^1], Is.EqualTo(new Progress("drawing scenes", 8, 8, "images")));
        Assert.That(Json.Read<SynthesisConfig>(Path.Combine(_dir, SceneSynthesis.ManifestName)).ImagesPerClass, Is.EqualTo(4));
    }

    sealed class Recorder(List<Progress> reports) : IProgress<Progress>
    {
        public void Report(Progress value)
        {
            lock (reports) reports.Add(value);
        }
    }

    [Test]
    public void A_folder_of_something_else_is_left_alone()
    {
        SceneSynthesis.Write(_dir, Small with { ImagesPerClass = 1 });
        Assert.That(Assert.Throws<InvalidDataException>(() => SceneSynthesis.Write(_dir, Small with { Seed = 6 }))!.Message, Does.Contain("another configuration"));
        string other = Path.Combine(_dir, "airport");
        Assert.That(Assert.Throws<InvalidDataException>(() => SceneSynthesis.Write(other, Small))!.Message, Does.Contain("not empty"));
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        Assert.That(() => SceneSynthesis.Write(Path.Combine(_dir, "new"), Small, null, stop.Token), Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public void Png_keeps_every_pixel()
    {
        SceneSynthesis.Write(_dir, Small with { Format = SceneFormat.Png, ImagesPerClass = 1 });
        RgbImage image = new ImageDecoder(new DecodeOptions()).Decode(Path.Combine(_dir, "river", "00000.png"));
        Assert.That(image.Pixels, Is.EqualTo(SceneSynthesis.Draw(SceneClass.River, Small.Seed, 0, Small.Size, Small.IsOblique(0)).Pixels));
    }

    [TestCase(0.0, 0)]
    [TestCase(0.3, 30)]
    [TestCase(0.5, 50)]
    [TestCase(1.0, 100)]
    public void The_oblique_share_is_met(double fraction, int expected)
    {
        var config = new SynthesisConfig { ObliqueFraction = fraction };
        Assert.That(Enumerable.Range(0, 100).Count(config.IsOblique), Is.EqualTo(expected));
    }

    [Test]
    public void Bad_values_are_refused()
    {
        foreach (SynthesisConfig bad in (SynthesisConfig[])
                 [Small with { Size = 15 }, Small with { ImagesPerClass = 0 }, Small with { ObliqueFraction = 1.1 }, Small with { JpegQuality = 0 }, Small with { Classes = [] }, Small with { Classes = [SceneClass.Beach, SceneClass.Beach] }])
            Assert.Throws<ArgumentException>(() => bad.Validate());
        Assert.Throws<ArgumentException>(() => SceneSynthesis.Draw((SceneClass)99, 1, 0, 32, false));
    }

    /// <summary>Colour must not give the class away: 1-NN on the mean colour stays near chance (6.25 %).</summary>
    [Test]
    public void Mean_colour_does_not_tell_the_class()
    {
        const int PerClass = 16;
        SceneClass[] classes = Enum.GetValues<SceneClass>();
        var colours = new double[classes.Length * PerClass][];
        Parallel.For(0, colours.Length, n =>
        {
            byte[] pixels = SceneSynthesis.Draw(classes[n / PerClass], 9, n % PerClass, 32, n % 2 == 0).Pixels;
            colours[n] = [.. Enumerable.Range(0, 3).Select(c => pixels.Where((_, i) => i % 3 == c).Average(p => (double)p))];
        });
        int right = Enumerable.Range(0, colours.Length).Count(q => Enumerable.Range(0, colours.Length).Where(i => i != q).MinBy(i => colours[i].Zip(colours[q]).Sum(p => (p.First - p.Second) * (p.First - p.Second))) / PerClass == q / PerClass);
        Assert.That(right / (double)colours.Length, Is.LessThan(0.25));
    }

    [Test]
    public void A_contact_sheet_has_a_row_per_class()
    {
        string path = Path.Combine(_dir, "sheet.png");
        ContactSheet.Write(path, Small, columns: 3, tile: 32);
        RgbImage sheet = new ImageDecoder(new DecodeOptions()).Decode(path);
        Assert.That(sheet.Height, Is.EqualTo(4 + 2 * 36));
        Assert.That(sheet.Width, Is.GreaterThan(4 + 3 * 36));
        Assert.That(sheet.Pixels.Take(3 * sheet.Width * 36).Where((_, i) => i % (3 * sheet.Width) < 3 * (sheet.Width - 3 * 36 - 4)), Has.Some.LessThan(100), "the label's ink");
    }
}
