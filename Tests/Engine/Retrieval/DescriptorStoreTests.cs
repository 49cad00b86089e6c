using System.Text.Json;
using NUnit.Framework;
using Osprey.Engine;
using Osprey.Engine.Datasets;
using Osprey.Engine.Retrieval;
using Osprey.Tests.Interop;

namespace Osprey.Tests.Engine.Retrieval;

[TestFixture]
public sealed class DescriptorStoreTests
{
    string folder = "";

    [SetUp]
    public void CreateFolder() => folder = Directory.CreateTempSubdirectory("osprey-store").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(folder, recursive: true);

    string At(string name) => Path.Combine(folder, name);

    static IEnumerable<long> Good(int images) => Enumerable.Range(0, images).Select(i => (long)i).Where(i => !StoreSample.IsBad(i));

    [Test]
    public void What_is_written_is_read()
    {
        StoreSample.Make(At("s"));
        DescriptorStore store = DescriptorStore.Open(At("s"));
        store.Verify();
        Assert.That((store.Rows, store.Dimension, store.Manifest.Parts.Count, store.Manifest.BadFiles), Is.EqualTo((20L, 5, 3, 3L)));
        Assert.That(store.ReadDescriptors(), Is.EqualTo(Good(23).SelectMany(StoreSample.Descriptor)));
        Assert.That(store.ReadRows(), Is.EqualTo(Good(23).Select(StoreSample.Row)));
        Assert.That(store.ReadPart(1), Is.EqualTo(Enumerable.Range(8, 8).Select(i => (long)i).Where(i => !StoreSample.IsBad(i)).SelectMany(StoreSample.Descriptor)));
        Assert.That(store.ReadBadFiles().Select(b => b.Path), Is.EqualTo(new[] { "bad 3.jpg", "bad 10.jpg", "bad 17.jpg" }));
        Assert.That(StoreSample.Files(At("s")).Keys.Order(), Is.EqualTo(new[]
            { "manifest.json", "part-00000.npy", "part-00000.parquet", "part-00001.npy", "part-00001.parquet", "part-00002.npy", "part-00002.parquet" }));
    }

    [Test]
    public void Some_rows_are_read_without_the_other_parts_tables()
    {
        StoreSample.Make(At("s"));
        StoreRow[] all = [.. Good(23).Select(StoreSample.Row)];
        DescriptorStore store = DescriptorStore.Open(At("s"));
        Assert.That(store.ReadRows([]), Is.Empty);
        Assert.That(store.ReadRows(Enumerable.Range(0, 20).Select(i => (long)i)).OrderBy(r => r.Key).Select(r => r.Value), Is.EqualTo(all));
        // Parts hold rows 0 to 6, 7 to 13 and 14 to 19.
        File.WriteAllText(At("s/part-00001.parquet"), "no table");
        Assert.That(store.ReadRows([19, 6, 14, 6]), Is.EquivalentTo(new Dictionary<long, StoreRow> { [6] = all[6], [14] = all[14], [19] = all[19] }));
        Assert.That(() => store.ReadRows([6, 7]), Throws.TypeOf<InvalidDataException>().With.Message.Contains("part-00001.parquet"));
        Assert.That(() => store.ReadRows([20]), Throws.ArgumentException.With.Message.Contains("row 20").And.Message.Contains("has 20"));
        Assert.That(() => store.ReadRows([-1]), Throws.ArgumentException);
    }

    [Test]
    public void The_manifest_says_what_the_store_is()
    {
        StoreSample.Make(At("s"), StoreSample.Describe() with { Shard = new StoreShard(1, 4) });
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(At("s/manifest.json")));
        JsonElement m = document.RootElement;
        Assert.That(m.EnumerateObject().First().Name, Is.EqualTo("format_version"));
        Assert.That(m.GetProperty("embedder").GetProperty("architecture").GetString(), Is.EqualTo("resnet18"));
        Assert.That(m.GetProperty("dimension").GetInt32(), Is.EqualTo(5));
        Assert.That(m.GetProperty("rows").GetInt32(), Is.EqualTo(20));
        Assert.That(m.GetProperty("type").GetString(), Is.EqualTo("float32"));
        Assert.That(m.GetProperty("classes")[1].GetString(), Is.EqualTo("Häfen"));
        Assert.That(m.GetProperty("shard").GetProperty("count").GetInt32(), Is.EqualTo(4));
        Assert.That(m.GetProperty("parts")[2].GetProperty("rows").GetInt32(), Is.EqualTo(6));
        Assert.That(m.GetProperty("complete").GetBoolean(), Is.True);
    }

    [Test]
    public void Halves_take_half_the_bytes_and_come_back_within_their_precision()
    {
        StoreSample.Make(At("s"), StoreSample.Describe() with { Type = StoreType.Float16 });
        Assert.That(DescriptorStore.Open(At("s")).ReadDescriptors(), Is.EqualTo(Good(23).SelectMany(StoreSample.Descriptor)), "quarters are exact in float16");
        Assert.That(new FileInfo(At("s/part-00000.npy")).Length, Is.EqualTo(128 + 7 * 5 * 2));
    }

    [Test]
    public void An_interrupted_store_is_continued_to_the_same_bytes([Values(0, 1, 2, 3)] int partsDone, [Values] StoreType type)
    {
        StoreDescription description = StoreSample.Describe() with { Type = type };
        StoreSample.Make(At("whole"), description);
        using (var writer = DescriptorStoreWriter.Open(At("s"), description))
        {
            for (int i = 0; i < partsDone; i++) StoreSample.AppendNext(writer);
        }
        // What a crash in the middle of the next part leaves: files aside, or renamed and not yet in the manifest.
        File.WriteAllText(At($"s/part-{partsDone:00000}.npy"), "half a part");
        File.WriteAllText(At($"s/part-{partsDone:00000}.parquet.tmp"), "half a table");
        File.WriteAllText(At($"s/part-{partsDone:00000}.scales.npy"), "half the scales");
        File.WriteAllText(At("s/manifest.json.tmp"), "{");
        Assert.That(() => DescriptorStore.Open(At("s")), Throws.TypeOf<InvalidDataException>().With.Message.Contains($"{Math.Min(8 * partsDone, 23)} of 23"));

        using (var writer = DescriptorStoreWriter.Open(At("s"), description))
        {
            Assert.That(writer.ImagesDone, Is.EqualTo(Math.Min(8 * partsDone, 23)));
            Assert.That(writer.RowsDone, Is.EqualTo(Good((int)writer.ImagesDone).Count()));
            Assert.That(writer.BadFiles.Count(), Is.EqualTo(writer.ImagesDone - writer.RowsDone));
            Assert.That(writer.Dropped, Is.Empty);
            while (writer.NextPart.Length > 0) StoreSample.AppendNext(writer);
            writer.Finish();
        }
        Assert.That(StoreSample.Files(At("s")), Is.EqualTo(StoreSample.Files(At("whole"))));
    }

    [Test]
    public void Parts_of_an_unfinished_store_stand_in_a_journal()
    {
        StoreSample.Make(At("whole"));
        using (var writer = DescriptorStoreWriter.Open(At("s"), StoreSample.Describe()))
        {
            string manifest = File.ReadAllText(At("s/manifest.json"));
            StoreSample.AppendNext(writer);
            StoreSample.AppendNext(writer);
            Assert.That(File.ReadAllText(At("s/manifest.json")), Is.EqualTo(manifest), "not written anew for each");
            Assert.That(File.ReadLines(At("s/parts.jsonl")).Select(l => JsonDocument.Parse(l).RootElement.GetProperty("descriptors").GetString()), Is.EqualTo(new[] { "part-00000.npy", "part-00001.npy" }));
        }
        string journal = File.ReadAllText(At("s/parts.jsonl"));
        // A line that was cut short.
        File.WriteAllText(At("s/parts.jsonl"), journal + journal[..100]);
        Assert.That(StoreVerification.Run(At("s")).Faults, Has.Count.EqualTo(1).And.Some.Contains("16 of 23 images are done"));
        using (var writer = DescriptorStoreWriter.Open(At("s"), StoreSample.Describe())) Assert.That((writer.PartsDone, File.Exists(At("s/parts.jsonl"))), Is.EqualTo((2, false)));
        // As if a crash had come between the manifest that took it up and its end.
        File.WriteAllText(At("s/parts.jsonl"), journal);
        using (var writer = DescriptorStoreWriter.Open(At("s"), StoreSample.Describe()))
        {
            Assert.That(writer.PartsDone, Is.EqualTo(2), "none is there twice");
            StoreSample.AppendNext(writer);
            writer.Finish();
        }
        Assert.That(StoreSample.Files(At("s")), Is.EqualTo(StoreSample.Files(At("whole"))));
        File.WriteAllText(At("s/parts.jsonl"), journal);
        Assert.That(DescriptorStore.Open(At("s")).Rows, Is.EqualTo(20), "of a finished store it says nothing");
        DescriptorStoreWriter.Open(At("s"), StoreSample.Describe()).Dispose();
        Assert.That(StoreSample.Files(At("s")), Is.EqualTo(StoreSample.Files(At("whole"))));
    }

    [TestCase("part-00001.npy", 1)]
    [TestCase("part-00000.parquet", 0)]
    [TestCase("part-00002.npy", 2)]
    public void A_damaged_part_is_found_dropped_and_made_again_alone(string file, int number)
    {
        StoreSample.Make(At("s"));
        Dictionary<string, byte[]> whole = StoreSample.Files(At("s"));
        byte[] bytes = File.ReadAllBytes(At("s/" + file));
        bytes[^10] ^= 1;
        File.WriteAllBytes(At("s/" + file), bytes);
        Assert.That(() => DescriptorStore.Open(At("s")).Verify(), Throws.TypeOf<InvalidDataException>().With.Message.Contains(file));
        using var writer = DescriptorStoreWriter.Open(At("s"), StoreSample.Describe());
        Assert.That(writer.Dropped, Has.Count.EqualTo(1).And.All.Contains(file));
        Assert.That(writer.Missing, Is.EqualTo(new[] { new PartRange(number, 8 * number, number == 2 ? 7 : 8) }));
        Assert.That(writer.ImagesDone, Is.EqualTo(number == 2 ? 16 : 15));
        Assert.That(Directory.EnumerateFiles(At("s"), "*.npy").Count(), Is.EqualTo(2), "what the manifest no longer names is gone");
        while (writer.NextPart.Length > 0) StoreSample.AppendNext(writer);
        writer.Finish();
        writer.Dispose();
        Assert.That(StoreSample.Files(At("s")), Is.EqualTo(whole));
    }

    /// <summary>Where parts differ in size, nothing says which images a part held that is missing.</summary>
    [Test]
    public void Of_a_store_that_was_appended_to_all_from_the_damaged_part_on_are_made_again()
    {
        StoreSample.Make(At("s"), StoreSample.Describe(images: 3, partImages: 2));
        StoreDescription whole = StoreSample.Describe(images: 6, partImages: 2);
        StoreManifest manifest = DescriptorStore.Open(At("s")).Manifest;
        // Parts of two, one, two and one image, as if two stores of three had been joined.
        foreach (string file in Directory.GetFiles(At("s"), "part-0000*"))
        {
            int number = file.Contains("part-00000", StringComparison.Ordinal) ? 2 : 3;
            File.Copy(file, file.Replace("part-0000" + (number - 2), "part-0000" + number, StringComparison.Ordinal));
        }
        StorePart[] parts = [.. manifest.Parts, .. manifest.Parts.Select((p, i) => p.Named(StorePart.StemOf(i + 2, null)))];
        Json.Write(At("s/manifest.json"), StoreManifest.From(whole).With(parts, complete: true));
        using (var writer = DescriptorStoreWriter.Open(At("s"), whole)) Assert.That(writer.Missing, Is.Empty);

        File.Delete(At("s/part-00001.npy"));
        using (var writer = DescriptorStoreWriter.Open(At("s"), whole))
        {
            Assert.That(writer.Dropped, Has.Count.EqualTo(3).And.Some.Contains("part-00001.npy is missing").And.Some.Contains("part-00003.npy comes after"));
            Assert.That(writer.Missing, Is.EqualTo(new[] { new PartRange(1, 2, 2), new PartRange(2, 4, 2) }));
        }
    }

    [Test]
    public void A_part_that_is_there_and_cannot_be_read_stops_the_writer_and_nothing_is_deleted()
    {
        StoreSample.Make(At("s"));
        File.Delete(At("s/part-00001.npy"));
        Directory.CreateDirectory(At("s/part-00001.npy"));
        Dictionary<string, byte[]> before = StoreSample.Files(At("s"));
        Assert.That(() => DescriptorStoreWriter.Open(At("s"), StoreSample.Describe()), Throws.TypeOf<UnauthorizedAccessException>().With.Message.Contains("part-00001.npy"));
        Assert.That(StoreSample.Files(At("s")), Is.EqualTo(before));
    }

    /// <summary>As processes write it that share the parts out: each has a journal, and a crash leaves gaps.</summary>
    [Test]
    public void Journals_of_several_ranks_are_taken_up_with_the_gaps_between_their_parts()
    {
        StoreDescription description = StoreSample.Describe(partImages: 3);
        StoreSample.Make(At("whole"), description);
        using (var first = DescriptorStoreWriter.Open(At("s"), description))
        using (var second = DescriptorStoreWriter.Attach(At("s"), 1))
        {
            PartRange[] all = [.. first.Missing];
            Assert.That(all, Has.Length.EqualTo(8));
            Assert.That(second.Missing, Is.EqualTo(all));
            StoreSample.Append(second, all[1]);
            StoreSample.Append(first, all[6]);
            StoreSample.Append(second, all[3]);
        }
        File.WriteAllText(At("s/claim-00004"), "");
        Assert.That(Directory.EnumerateFiles(At("s"), "*.jsonl").Select(Path.GetFileName), Is.EquivalentTo(new[] { "parts.jsonl", "parts.1.jsonl" }));
        Assert.That(StoreVerification.Run(At("s")).Faults, Has.Count.EqualTo(1).And.Some.Contains("9 of 23 images are done"));
        // Twice, as the first opening moves what the journals say into the manifest.
        for (int i = 0; i < 2; i++)
        {
            using var writer = DescriptorStoreWriter.Open(At("s"), description);
            Assert.That(writer.Dropped, Is.Empty);
            Assert.That(writer.Missing.Select(m => (m.Number, m.First, m.Length)), Is.EqualTo(new[] { (0, 0L, 3), (2, 6L, 3), (4, 12L, 3), (5, 15L, 3), (7, 21L, 2) }));
            Assert.That(Directory.EnumerateFiles(At("s"), "*.jsonl").Concat(Directory.EnumerateFiles(At("s"), "claim-*")), Is.Empty);
        }
        using (var first = DescriptorStoreWriter.Open(At("s"), description))
        {
            using (var second = DescriptorStoreWriter.Attach(At("s"), 1))
            {
                foreach (PartRange part in second.Missing.Where(m => m.Number > 2).ToArray()) StoreSample.Append(second, part);
                first.Take(second.Made);
            }
            while (first.NextPart.Length > 0) StoreSample.AppendNext(first);
            first.Finish();
        }
        Assert.That(StoreSample.Files(At("s")), Is.EqualTo(StoreSample.Files(At("whole"))));
    }

    [Test]
    public void Missing_and_misshapen_parts_are_found_on_opening()
    {
        StoreSample.Make(At("s"));
        File.Copy(At("s/part-00002.npy"), At("s/part-00001.npy"), overwrite: true);
        Assert.That(() => DescriptorStore.Open(At("s")), Throws.TypeOf<InvalidDataException>().With.Message.Contains("part-00001.npy is 6 × 5").And.Message.Contains("7 × 5"));
        File.Delete(At("s/part-00001.npy"));
        Assert.That(() => DescriptorStore.Open(At("s")), Throws.TypeOf<InvalidDataException>().With.Message.Contains("part-00001.npy is missing"));
        Assert.That(() => DescriptorStore.Open(At("none")), Throws.TypeOf<DirectoryNotFoundException>().With.Message.Contains("osprey embed"));
    }

    static IEnumerable<TestCaseData> OtherDescriptions()
    {
        StoreDescription d = StoreSample.Describe();
        yield return new TestCaseData(d with { WeightsSha256 = new string('c', 64) }, "weights");
        yield return new TestCaseData(d with { Embedder = JsonSerializer.SerializeToElement(new { architecture = "resnet50", stage = 4 }) }, "resnet50");
        yield return new TestCaseData(d with { Preprocessing = "RGB, 256 px, bilinear" }, "256 px");
        yield return new TestCaseData(d with { Dimension = 6 }, "6");
        yield return new TestCaseData(d with { Type = StoreType.Float16 }, "Float16");
        yield return new TestCaseData(d with { Type = StoreType.Int8 }, "Int8");
        yield return new TestCaseData(d with { Images = 24 }, "24");
        yield return new TestCaseData(d with { ImagesSha256 = new string('d', 64) }, "another list");
        yield return new TestCaseData(d with { Classes = ["forest", "harbour"] }, "classes");
        yield return new TestCaseData(d with { PartImages = 9 }, "9");
        yield return new TestCaseData(d with { Shard = new StoreShard(0, 2) }, "shard 0 of 2");
    }

    [TestCaseSource(nameof(OtherDescriptions))]
    public void A_store_made_from_something_else_is_refused_and_kept(object other, string says)
    {
        using (var writer = DescriptorStoreWriter.Open(At("s"), StoreSample.Describe())) StoreSample.AppendNext(writer);
        Dictionary<string, byte[]> before = StoreSample.Files(At("s"));
        Assert.That(() => DescriptorStoreWriter.Open(At("s"), (StoreDescription)other), Throws.ArgumentException.With.Message.Contains("another store").And.Message.Contains(says));
        Assert.That(StoreSample.Files(At("s")), Is.EqualTo(before));
    }

    [Test]
    public void Data_that_moved_are_the_same_data()
    {
        using (var writer = DescriptorStoreWriter.Open(At("s"), StoreSample.Describe())) StoreSample.AppendNext(writer);
        // Members in another order are the same object.
        StoreDescription moved = StoreSample.Describe() with { Root = "/elsewhere", Embedder = JsonSerializer.SerializeToElement(new { stage = 4, architecture = "resnet18" }) };
        using (var writer = DescriptorStoreWriter.Open(At("s"), moved)) Assert.That(writer.ImagesDone, Is.EqualTo(8));
    }

    [Test]
    public void A_folder_of_something_else_is_not_written_to()
    {
        File.WriteAllText(At("letter.txt"), "dear");
        Assert.That(() => DescriptorStoreWriter.Open(folder, StoreSample.Describe()), Throws.TypeOf<IOException>().With.Message.Contains("no descriptor store"));
        Assert.That(Directory.EnumerateFiles(folder).Count(), Is.EqualTo(1));
    }

    [Test]
    public void Two_writers_at_once_are_refused()
    {
        using var writer = DescriptorStoreWriter.Open(At("s"), StoreSample.Describe());
        Assert.That(() => DescriptorStoreWriter.Open(At("s"), StoreSample.Describe()), Throws.TypeOf<IOException>().With.Message.Contains("another process"));
    }

    [Test]
    public void Parts_that_do_not_fit_are_refused_with_their_counts()
    {
        using var writer = DescriptorStoreWriter.Open(At("s"), StoreSample.Describe());
        StoreRow[] rows = [.. Enumerable.Range(0, 8).Select(i => StoreSample.Row(i))];
        Assert.That(() => writer.Append(rows[..7], new float[35], []), Throws.ArgumentException.With.Message.Contains("7 rows, 0 bad").And.Message.Contains("which are 8"));
        Assert.That(() => writer.Append(rows, new float[39], []), Throws.ArgumentException.With.Message.Contains("39 values"));
        rows[3] = rows[3] with { Label = 2 };
        Assert.That(() => writer.Append(rows, new float[40], []), Throws.ArgumentException.With.Message.Contains("label 2"));
        Assert.That(() => writer.Finish(), Throws.InvalidOperationException.With.Message.Contains("0 of its 23"));
    }

    [Test]
    public void A_part_or_a_store_without_rows_is_one_too()
    {
        StoreDescription d = StoreSample.Describe(images: 4, partImages: 2);
        BadFile bad = new("x", "empty");
        using (var writer = DescriptorStoreWriter.Open(At("s"), d))
        {
            writer.Append([], [], [bad, bad]);
            writer.Append([StoreSample.Row(0)], StoreSample.Descriptor(0), [bad]);
            DescriptorStore store = writer.Finish();
            store.Verify();
            Assert.That(store.ReadDescriptors(), Is.EqualTo(StoreSample.Descriptor(0)));
            Assert.That(store.ReadRows(), Is.EqualTo(new[] { StoreSample.Row(0) }));
        }
        DescriptorStore none = StoreSample.Make(At("none"), StoreSample.Describe(images: 0));
        Assert.That((none.Rows, none.ReadDescriptors().Length, none.ReadRows().Length), Is.EqualTo((0L, 0, 0)));
    }

    [Test]
    public void A_manifest_of_a_later_version_or_of_nothing_is_refused()
    {
        StoreSample.Make(At("s"));
        string text = File.ReadAllText(At("s/manifest.json"));
        File.WriteAllText(At("s/manifest.json"), text.Replace("\"format_version\": 1", "\"format_version\": 2, \"colour\": \"green\"", StringComparison.Ordinal));
        Assert.That(() => DescriptorStore.Open(At("s")), Throws.TypeOf<InvalidDataException>().With.Message.Contains("format version 2"));
        File.WriteAllText(At("s/manifest.json"), "{}");
        Assert.That(() => DescriptorStore.Open(At("s")), Throws.TypeOf<InvalidDataException>().With.Message.Contains("no format_version"));
        File.WriteAllText(At("s/manifest.json"), text[..100]);
        Assert.That(() => DescriptorStore.Open(At("s")), Throws.TypeOf<InvalidDataException>().With.Message.Contains("manifest.json"));
    }

    [Test]
    public void A_broken_table_is_refused_by_name()
    {
        StoreSample.Make(At("s"));
        File.WriteAllText(At("s/part-00001.parquet"), "PAR1 and no more");
        Assert.That(() => DescriptorStore.Open(At("s")).ReadRows(), Throws.TypeOf<InvalidDataException>().With.Message.Contains("part-00001.parquet"));
    }

    [Test]
    public void The_hash_of_the_images_sees_order_names_and_labels_and_not_the_root()
    {
        LabelledImage a = new("/data/x/a.png", 0), b = new("/data/x/b.png", 1);
        string hash = StoreDescription.HashImages([a, b], "/data");
        Assert.That(StoreDescription.HashImages([new("/moved/x/a.png", 0), new("/moved/x/b.png", 1)], "/moved"), Is.EqualTo(hash));
        Assert.That(StoreDescription.HashImages([b, a], "/data"), Is.Not.EqualTo(hash));
        Assert.That(StoreDescription.HashImages([a, b with { Label = 0 }], "/data"), Is.Not.EqualTo(hash));
        Assert.That(hash, Does.Match("^[0-9a-f]{64}$"));
    }

    [Test]
    public void Python_reads_the_descriptors_with_numpy([Values] StoreType type)
    {
        DescriptorStore store = StoreSample.Make(At("s"), StoreSample.Describe() with { Type = type });
        Python.Run("numpy", """
            import json, os
            import numpy as np
            store = sys.argv[1]
            manifest = json.load(open(os.path.join(store, "manifest.json"), encoding="utf-8"))
            x = np.concatenate([np.load(os.path.join(store, p["descriptors"])) for p in manifest["parts"]])
            assert x.shape == (manifest["rows"], manifest["dimension"]) == (20, 5), x.shape
            assert x.dtype == manifest["type"], x.dtype
            if x.dtype == "int8": x = x * np.concatenate([np.load(os.path.join(store, p["scales"])) for p in manifest["parts"]])[:, None]
            assert x.dtype in ("float32", "float16"), x.dtype
            assert x.astype("f8").sum() == float(sys.argv[2]), x.astype("f8").sum()
            """, At("s"), $"{store.ReadDescriptors().Sum(v => (double)v):R}");
    }
}
