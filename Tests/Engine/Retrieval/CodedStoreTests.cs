using NUnit.Framework;
using Osprey.Engine.Interchange;
using Osprey.Engine.Retrieval;
using Osprey.Interop.Formats;
using Osprey.Kernels;
using Osprey.Tests.Interop;

namespace Osprey.Tests.Engine.Retrieval;

/// <summary>Stores of int8: what differs from the others. Resuming and joining are tested where they are for all types.</summary>
[TestFixture]
public sealed class CodedStoreTests
{
    ScratchFolder scratch = new();

    static StoreDescription Int8 => StoreSample.Describe() with { Type = StoreType.Int8 };

    [SetUp]
    public void MakeFolder() => scratch = new ScratchFolder();

    [TearDown]
    public void DeleteFolder() => scratch.Dispose();

    string S => scratch["s"];

    DescriptorStore Make()
    {
        DescriptorStore store = StoreSample.Make(S, Int8);
        StoreExtraction.WriteBadFiles(S, [.. store.ReadBadFiles()]);
        return store;
    }

    /// <summary>What the sample's rows read as.</summary>
    static float[] Expected(IEnumerable<long> images) => [.. images.SelectMany(i =>
    {
        sbyte[] codes = new sbyte[StoreSample.Dimension];
        float scale = ScaledRow.Encode(StoreSample.Descriptor(i), codes);
        return codes.Select(c => c * scale);
    })];

    static long[] Good(int images = 23) => [.. Enumerable.Range(0, images).Select(i => (long)i).Where(i => !StoreSample.IsBad(i))];

    void Damage(string file)
    {
        byte[] bytes = File.ReadAllBytes(Path.Combine(S, file));
        bytes[^3] ^= 1;
        File.WriteAllBytes(Path.Combine(S, file), bytes);
    }

    [Test]
    public void Codes_and_scales_lie_side_by_side()
    {
        DescriptorStore store = Make();
        Assert.That(Directory.GetFiles(S, "part-00000*").Select(Path.GetFileName).Order(StringComparer.Ordinal), Is.EqualTo(new[] { "part-00000.npy", "part-00000.parquet", "part-00000.scales.npy" }));
        Assert.That(new FileInfo(Path.Combine(S, "part-00000.npy")).Length, Is.EqualTo(128 + 7 * 5));
        Assert.That(Npy.ReadSingles(Path.Combine(S, "part-00000.scales.npy")).Shape, Is.EqualTo(new long[] { 7 }));
        Assert.That(File.ReadAllText(Path.Combine(S, "manifest.json")), Does.Contain("\"type\": \"int8\"").And.Contain("\"scales\": \"part-00000.scales.npy\""));
        Assert.That(store.ReadDescriptors(), Is.EqualTo(Expected(Good())));
        Assert.That(store.ReadBlocks(3, 9).SelectMany(b => b), Is.EqualTo(Expected(Good()[3..12])));
        StoreVerificationResult found = StoreVerification.Run(S);
        Assert.That(found.Faults, Is.Empty);
        Assert.That(found.Bytes, Is.EqualTo(Directory.GetFiles(S, "part-*").Sum(f => new FileInfo(f).Length)));
    }

    [Test]
    public void A_row_that_is_not_finite_is_refused_by_its_image()
    {
        using var writer = DescriptorStoreWriter.Open(S, Int8 with { Images = 2, PartImages = 2 });
        Assert.That(() => writer.Append([StoreSample.Row(0), StoreSample.Row(1)], [1, 2, 3, 4, 5, 6, 7, float.NaN, 9, 10], []), Throws.ArgumentException.With.Message.Contains(StoreSample.Row(1).Path));
        Assert.That(Directory.GetFiles(S, "part-*"), Is.Empty);
        Assert.That(writer.PartsDone, Is.Zero);
    }

    [Test]
    public void Damaged_scales_are_found_and_their_part_is_made_again()
    {
        Make();
        Dictionary<string, byte[]> whole = StoreSample.Files(S);
        Damage("part-00001.scales.npy");
        Assert.That(StoreVerification.Run(S).Faults, Is.EqualTo(new[] { "part-00001.scales.npy: the content is not what the manifest's SHA-256 says" }));
        Assert.That(() => DescriptorStore.Open(S).Verify(), Throws.TypeOf<InvalidDataException>().With.Message.Contains("part-00001.scales.npy"));
        Assert.That(() => StoreEdit.Delete(S, [8]), Throws.TypeOf<InvalidDataException>().With.Message.Contains("part-00001.scales.npy"));
        using (var writer = DescriptorStoreWriter.Open(S, Int8))
        {
            Assert.That(writer.Dropped, Has.Count.EqualTo(1).And.All.Contains("part-00001.scales.npy"));
            Assert.That(Directory.GetFiles(S, "part-*"), Has.Length.EqualTo(6), "what the manifest no longer names is gone");
            while (writer.NextPart.Length > 0) StoreSample.AppendNext(writer);
            writer.Finish();
        }
        Assert.That(StoreSample.Files(S), Is.EqualTo(whole));
    }

    [Test]
    public void Scales_with_the_right_sum_that_are_wrong_or_missing_are_found()
    {
        Make();
        string scales = Path.Combine(S, "part-00000.scales.npy"), manifest = Path.Combine(S, "manifest.json"), before = File.ReadAllText(manifest), sum = DescriptorStore.HashFile(scales);
        Npy.Write(scales, [1f, 1, 1, float.NaN, 1, 1, 1], 7);
        File.WriteAllText(manifest, before.Replace(sum, DescriptorStore.HashFile(scales), StringComparison.Ordinal));
        Assert.That(StoreVerification.Run(S).Faults.Single(), Does.StartWith("part-00000.npy: ").And.Contain("the scale of row 3"));
        Assert.That(() => DescriptorStore.Open(S), Throws.TypeOf<InvalidDataException>().With.Message.Contains("the scale of row 3"));

        File.WriteAllText(manifest, before.Replace("\"scales\": \"part-00000.scales.npy\",", "", StringComparison.Ordinal));
        Assert.That(StoreVerification.Run(S).Faults, Has.Some.EqualTo("manifest.json: part-00000 has no scales, and the store's type is Int8").And.Some.Contain("names no scales of part-00000.npy").And.Some.StartsWith("part-00000.scales.npy: the manifest does not name it"));

        File.WriteAllText(manifest, before.Replace("\"type\": \"int8\"", "\"type\": \"float32\"", StringComparison.Ordinal));
        Assert.That(StoreVerification.Run(S).Faults, Has.Some.Contain("int8 where float32"));

        File.WriteAllText(manifest, before);
        File.Delete(scales);
        Assert.That(() => DescriptorStore.Open(S), Throws.TypeOf<InvalidDataException>().With.Message.Contains("part-00000.scales.npy is missing"));
    }

    [Test]
    public void Rows_that_stay_keep_their_codes_and_scales()
    {
        Make();
        StoreEdit.Delete(S, [8]);
        DescriptorStore store = StoreEdit.Delete(S, [0, 8]);
        Assert.That(Directory.GetFiles(S, "part-*.scales.npy").Select(Path.GetFileName).Order(StringComparer.Ordinal), Is.EqualTo(new[] { "part-00000.1.scales.npy", "part-00001.2.scales.npy", "part-00002.scales.npy" }));
        Assert.That(store.ReadDescriptors(), Is.EqualTo(Expected(Good().Where((_, i) => i is not 0 and not 8 and not 9))));
        Assert.That(StoreVerification.Run(S).Faults, Is.Empty);
    }

    [Test]
    public void Stores_of_one_type_are_appended_and_of_two_are_not()
    {
        Make();
        DescriptorStore Later(string name, StoreType type)
        {
            using var writer = DescriptorStoreWriter.Open(scratch[name], StoreSample.Describe(1, partImages: 5) with { ImagesSha256 = new string('c', 64), Type = type });
            writer.Append([StoreSample.Row(23)], StoreSample.Descriptor(23), []);
            return writer.Finish();
        }
        DescriptorStore same = Later("same", StoreType.Int8), other = Later("other", StoreType.Float32);
        Assert.That(() => StoreEdit.Append(S, [other.Path]), Throws.ArgumentException.With.Message.Contains("it holds Float32, not Int8"));
        Assert.That(StoreEdit.Append(S, [same.Path]).ReadDescriptors(), Is.EqualTo(Expected([.. Good(), 23])));
        Assert.That(StoreVerification.Run(S).Faults, Is.Empty);
    }

    [Test]
    public void A_store_of_other_scales_is_another_state()
    {
        DescriptorStore store = Make();
        using var writer = DescriptorStoreWriter.Open(scratch["twice"], Int8);
        while (writer.NextPart is { Length: > 0 } part)
        {
            long[] images = [.. Enumerable.Range((int)part.First, part.Length).Select(i => (long)i)], good = [.. images.Where(i => !StoreSample.IsBad(i))];
            writer.Append([.. good.Select(StoreSample.Row)], good.SelectMany(StoreSample.Descriptor).Select(v => 2 * v).ToArray(), [.. images.Where(StoreSample.IsBad).Select(i => new Osprey.Engine.BadFile($"bad {i}.jpg", ""))]);
        }
        DescriptorStore twice = writer.Finish();
        Assert.That(twice.Manifest.Parts[0].DescriptorsSha256, Is.EqualTo(store.Manifest.Parts[0].DescriptorsSha256), "the codes are the same");
        Assert.That(twice.Sha256, Is.Not.EqualTo(store.Sha256));
    }

    [Test]
    public void It_is_exported_as_floats_and_imported_to_the_same_bytes([Values("npy", "parquet", "faiss")] string extension)
    {
        DescriptorStore store = Make();
        using (DescriptorSource source = DescriptorSource.Open(S))
            Assert.That(DescriptorExport.Write(source, scratch["f." + extension], extension == "faiss" ? Metric.InnerProduct : null).Type, Is.EqualTo(StoreType.Float32));
        DescriptorStore back = DescriptorImport.Run(scratch["f." + extension], scratch["b"], new ImportConfig { Type = StoreType.Int8 });
        Assert.That(back.ReadDescriptors(), Is.EqualTo(store.ReadDescriptors()));
        sbyte[] Codes(DescriptorStore of) => [.. of.Manifest.Parts.SelectMany(p => File.ReadAllBytes(Path.Combine(of.Path, p.Descriptors))[128..]).Select(b => (sbyte)b)];
        Assert.That(Codes(back), Is.EqualTo(Codes(store)));
    }

    [Test]
    public void A_search_answers_as_over_the_same_rows_in_float32([Values] Metric metric)
    {
        DescriptorStore store = Make();
        DescriptorStore plain;
        using (var writer = DescriptorStoreWriter.Open(scratch["plain"], StoreSample.Describe() with { Images = store.Rows, PartImages = 6 }))
        {
            StoreRow[] rows = store.ReadRows();
            float[] values = store.ReadDescriptors();
            while (writer.NextPart is { Length: > 0 } part) writer.Append(rows[(int)part.First..((int)part.First + part.Length)], values.AsSpan((int)part.First * 5, part.Length * 5), []);
            plain = writer.Finish();
        }
        using var device = Device.Open("host", 2);
        using var coded = new ExactIndex(store, device, metric);
        using var reference = new ExactIndex(plain, device, metric);
        float[] queries = [.. Good().SelectMany(StoreSample.Descriptor)];
        Ranking found = coded.Search(queries, 20), expected = reference.Search(queries, 20);
        for (int q = 0; q < 20; q++)
        {
            Assert.That(found.Ids(q).SequenceEqual(expected.Ids(q)), $"query {q}");
            Assert.That(found.Scores(q).SequenceEqual(expected.Scores(q)), $"query {q}");
        }
    }
}
