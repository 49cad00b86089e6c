using System.Text.Json;
using NUnit.Framework;
using Osprey.Engine;
using Osprey.Engine.Datasets;
using Osprey.Engine.Images;
using Osprey.Tests.House;

namespace Osprey.Tests.Engine;

public sealed class DatasetsCheckTests
{
    string _dir = "";

    [SetUp]
    public void CreateFolder() => _dir = Directory.CreateTempSubdirectory("osprey-check-").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_dir, recursive: true);

    [Test]
    public void Planted_faults_are_found_and_nothing_else()
    {
        var config = new SynthesisConfig { Size = 32, ImagesPerClass = 3, Classes = [SceneClass.Beach, SceneClass.Forest, SceneClass.River] };
        SceneSynthesis.Write(_dir, config);
        DatasetReport clean = DatasetCheck.Run(_dir, new ImageDecoder());
        Assert.That((clean.Clean, clean.Images, clean.BadFiles.Count, clean.Duplicates.Count, clean.Strays.Count), Is.EqualTo((true, 9, 0, 0, 0)));
        Assert.That(clean.Sizes, Is.EqualTo(new[] { new SizeCount(32, 32, 9) }));
        Assert.That(clean.Formats, Is.EqualTo(new Dictionary<string, int> { ["jpeg"] = 9 }));
        Assert.That(clean.Catalogue, Is.Null);

        string At(string path) => Path.Combine(_dir, path);
        byte[] whole = File.ReadAllBytes(At("beach/00000.jpg"));
        File.WriteAllBytes(At("beach/cut.jpg"), whole[..(whole.Length / 2)]);
        File.WriteAllText(At("forest/text.png"), "not a picture");
        File.WriteAllBytes(At("forest/empty"), []);
        File.CreateSymbolicLink(At("river/broken.jpg"), At("nowhere.jpg"));
        File.Copy(At("beach/00000.jpg"), At("beach/again.jpg"));
        File.Copy(At("forest/00001.jpg"), At("river/forest.jpg"));
        File.WriteAllBytes(At("river/odd.bin"), SceneSynthesis.Encode(new RgbImage(1, 2, new byte[6]), SceneFormat.Png, 90));
        ContactSheet.Write(At("sheet.png"), config, 2, 32);

        List<Progress> reports = [];
        DatasetReport report = DatasetCheck.Run(_dir, new ImageDecoder(), 2, new Recorder(reports));
        Assert.That(report.BadFiles.Select(b => b.Path), Is.EqualTo(new[] { "beach/cut.jpg", "forest/empty", "forest/text.png", "river/broken.jpg" }));
        Assert.That(report.BadFiles.Select(b => b.Reason), Has.All.Not.Empty);
        Assert.That(report.Classes, Is.EqualTo(new[] { new ClassCount("beach", 5, 1), new ClassCount("forest", 5, 2), new ClassCount("river", 6, 1) }));
        Assert.That(report.Duplicates.Select(d => string.Join('+', d.Paths)), Is.EqualTo(new[] { "beach/00000.jpg+beach/again.jpg", "forest/00001.jpg+river/forest.jpg" }));
        Assert.That(report.LabelConflicts.Single().Classes, Is.EqualTo(new[] { "forest", "river" }));
        Assert.That(report.Sizes, Is.EqualTo(new[] { new SizeCount(32, 32, 11), new SizeCount(1, 2, 1) }));
        Assert.That(report.Formats, Is.EqualTo(new Dictionary<string, int> { ["jpeg"] = 11, ["png"] = 1 }));
        Assert.That(report.Strays, Is.EqualTo(new[] { "sheet.png" }));
        Assert.That(report.Clean, Is.False);
        Assert.That(reports[^1].Done, Is.EqualTo(16));

        using JsonDocument json = JsonDocument.Parse(JsonSerializer.Serialize(report, Json.Options));
        Assert.That(json.RootElement.GetProperty("bad_files")[0].GetProperty("path").GetString(), Is.EqualTo("beach/cut.jpg"));
        Assert.That(json.RootElement.GetProperty("clean").GetBoolean(), Is.False);
    }

    sealed class Recorder(List<Progress> reports) : IProgress<Progress>
    {
        public void Report(Progress value)
        {
            lock (reports) reports.Add(value);
        }
    }

    [Test]
    public void A_split_by_content_never_leaks_a_duplicate()
    {
        SceneSynthesis.Write(_dir, new SynthesisConfig { Size = 16, ImagesPerClass = 6, Classes = [SceneClass.Beach, SceneClass.Forest] });
        foreach (string name in (string[])["beach", "forest"])
            foreach (string copy in (string[])["x", "y", "z"]) File.Copy(Path.Combine(_dir, name, "00002.jpg"), Path.Combine(_dir, name, copy + ".jpg"));
        ImageSet set = ImageFolder.Open(_dir);
        int[] groups = ContentHash.Groups(set.Images);
        for (int seed = 0; seed < 20; seed++)
        {
            Split split = Split.Stratified(set.Labels(), 0.5, seed, groups);
            Assert.That(split.Train.Select(i => groups[i]).Intersect(split.Test.Select(i => groups[i])), Is.Empty);
        }
    }

    [TestCase("UCMerced_LandUse", CatalogueVerdict.Different)]
    [TestCase("Brazilian Coffee Scenes", CatalogueVerdict.Subset)]
    [TestCase("sf300", CatalogueVerdict.Unknown)]
    public void A_folder_is_compared_with_the_set_it_is_named_after(string name, CatalogueVerdict expected)
    {
        string dir = Path.Combine(_dir, name);
        SceneSynthesis.Write(dir, new SynthesisConfig { Size = 16, ImagesPerClass = 1, Classes = [SceneClass.Beach, SceneClass.Forest] });
        Assert.That(DatasetCheck.Run(_dir, new ImageDecoder()).Catalogue?.Verdict, Is.EqualTo(expected));
    }

    [Test]
    public void A_real_subset_is_clean()
    {
        DatasetReport report = DatasetCheck.Run(Shared.Data("ucm"), new ImageDecoder());
        Assert.That(report.BadFiles, Is.Empty);
        Assert.That((report.Images, report.Classes.Count, report.Catalogue?.Verdict), Is.EqualTo((315, 21, CatalogueVerdict.Subset)));
        Assert.That(report.Formats.Keys, Is.EqualTo(new[] { "tiff" }));
        Assert.That((report.Sizes[0].Width, report.Sizes[0].Height), Is.EqualTo((256, 256)));
    }
}
