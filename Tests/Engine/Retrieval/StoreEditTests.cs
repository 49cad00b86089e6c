using NUnit.Framework;
using Osprey.Engine.Retrieval;
using Osprey.Tests.Interop;

namespace Osprey.Tests.Engine.Retrieval;

[TestFixture]
public class StoreEditTests
{
    ScratchFolder scratch = new();

    string S => scratch["s"];

    [SetUp]
    public void MakeStore()
    {
        scratch = new ScratchFolder();
        StoreExtraction.WriteBadFiles(S, [.. StoreSample.Make(S).ReadBadFiles()]);
    }

    [TearDown]
    public void DeleteFolder() => scratch.Dispose();

    static readonly long[] Good = [.. Enumerable.Range(0, 23).Select(i => (long)i).Where(i => !StoreSample.IsBad(i))];

    /// <summary>The store must hold these of <see cref="StoreSample"/>'s images, be sound, and read the same by every door.</summary>
    static void Holds(DescriptorStore store, IEnumerable<long> images)
    {
        long[] expected = [.. images];
        Assert.That(StoreVerification.Run(store.Path).Faults, Is.Empty);
        Assert.That(store.Rows, Is.EqualTo(expected.Length));
        Assert.That(store.ReadRows(), Is.EqualTo(expected.Select(StoreSample.Row)));
        Assert.That(store.ReadDescriptors(), Is.EqualTo(expected.SelectMany(StoreSample.Descriptor)));
        Assert.That(store.ReadBlocks(0, store.Rows).SelectMany(b => b), Is.EqualTo(store.ReadDescriptors()));
    }

    static IEnumerable<TestCaseData> Deletions()
    {
        yield return new TestCaseData(Array.Empty<long>()).SetArgDisplayNames("none");
        yield return new TestCaseData(new long[] { 0 }).SetArgDisplayNames("the first");
        yield return new TestCaseData(new long[] { 19, 0, 19 }).SetArgDisplayNames("the ends, one twice");
        yield return new TestCaseData(new long[] { 7, 8, 9, 10, 11, 12, 13 }).SetArgDisplayNames("a whole part");
        yield return new TestCaseData(new long[] { 6, 7 }).SetArgDisplayNames("across parts");
        yield return new TestCaseData(Enumerable.Range(0, 20).Select(i => (long)i).ToArray()).SetArgDisplayNames("all");
    }

    [TestCaseSource(nameof(Deletions))]
    public void What_is_deleted_is_gone_and_the_rest_stays(long[] rows)
    {
        DescriptorStore before = DescriptorStore.Open(S), after = StoreEdit.Delete(S, rows);
        Holds(after, Good.Where((_, i) => !rows.Contains(i)));
        Assert.That(after.Manifest.Deleted ?? 0, Is.EqualTo(rows.Distinct().Count()));
        Assert.That(after.Manifest.Images, Is.EqualTo(23), "they were described once");
        Assert.That(after.Sha256 == before.Sha256, Is.EqualTo(rows.Length == 0), "an index of the old state is not used");
        Assert.That(after.ReadBadFiles(), Is.EqualTo(before.ReadBadFiles()));
    }

    [Test]
    public void Parts_without_deleted_rows_are_not_touched_and_old_files_go()
    {
        byte[] untouched = File.ReadAllBytes(Path.Combine(S, "part-00002.npy"));
        StoreEdit.Delete(S, [8]);
        Holds(StoreEdit.Delete(S, [8]), Good.Where((_, i) => i is not 8 and not 9));
        Assert.That(Directory.GetFiles(S, "part-*.npy").Select(Path.GetFileName).Order(StringComparer.Ordinal), Is.EqualTo(new[] { "part-00000.npy", "part-00001.2.npy", "part-00002.npy" }));
        Assert.That(File.ReadAllBytes(Path.Combine(S, "part-00002.npy")), Is.EqualTo(untouched));
    }

    [Test]
    public void A_crash_before_the_manifest_leaves_the_store_as_it_was()
    {
        // What it leaves behind: new files of a deletion and of an append, none of them named.
        File.WriteAllText(Path.Combine(S, "part-00001.1.npy"), "half a part");
        File.WriteAllText(Path.Combine(S, "part-00003.parquet.tmp"), "half a table");
        DescriptorStore store = DescriptorStore.Open(S);
        Assert.That(store.ReadRows(), Is.EqualTo(Good.Select(StoreSample.Row)));
        Assert.That(StoreVerification.Run(S).Faults, Has.Some.StartsWith("part-00001.1.npy: the manifest does not name it"));
        Holds(StoreEdit.Delete(S, [8]), Good.Where((_, i) => i != 8));
        Assert.That(Directory.GetFiles(S, "*.tmp"), Is.Empty);
    }

    [Test]
    public void Nothing_changes_where_a_row_is_not_there_or_a_part_is_broken()
    {
        Assert.That(() => StoreEdit.Delete(S, [3, 20]), Throws.ArgumentException.With.Message.Contains("row 20").And.Message.Contains("which has 20"));
        Assert.That(() => StoreEdit.Delete(S, [-1]), Throws.ArgumentException.With.Message.Contains("row -1"));
        byte[] bytes = File.ReadAllBytes(Path.Combine(S, "part-00001.npy"));
        bytes[^1] ^= 1;
        File.WriteAllBytes(Path.Combine(S, "part-00001.npy"), bytes);
        Dictionary<string, byte[]> before = StoreSample.Files(S);
        Assert.That(() => StoreEdit.Delete(S, [8]), Throws.TypeOf<InvalidDataException>().With.Message.Contains("part-00001.npy"));
        Assert.That(StoreSample.Files(S), Is.EqualTo(before));
        Assert.That(StoreEdit.Delete(S, [0]).Rows, Is.EqualTo(19), "of a sound part they go");
    }

    [Test]
    public void Embed_does_not_bring_deleted_rows_back()
    {
        StoreEdit.Delete(S, [8]);
        using var writer = DescriptorStoreWriter.Open(S, StoreSample.Describe());
        Assert.That((writer.NextPart.Length, writer.Dropped.Count), Is.EqualTo((0, 0)));
        Assert.That(writer.Finish().Rows, Is.EqualTo(19));
    }

    [Test]
    public void Paths_name_rows_and_windows()
    {
        DescriptorStore store = DescriptorStore.Open(S);
        // Of the sample every fourth image is a window.
        Assert.That(StoreEdit.RowsOf(store, ["forest/bild 4 é.jpg [2048,0 512×200]", "forest/bild 1 é.jpg", "forest/bild 8 é.jpg"]), Is.EqualTo(new[] { 1L, 3, 7 }));
        Assert.That(() => StoreEdit.RowsOf(store, ["forest/bild 1 é.jpg", "forest/bild 3 é.jpg"]), Throws.ArgumentException.With.Message.Contains("no row of forest/bild 3 é.jpg"), "3 is a bad file");
    }

    /// <summary>The next images of the sample: 23 to 22 + <paramref name="count"/>.</summary>
    DescriptorStore Later(string name, int count, Func<StoreDescription, StoreDescription>? change = null, Func<StoreRow, StoreRow>? row = null)
    {
        StoreDescription description = StoreSample.Describe(count, partImages: 5) with { ImagesSha256 = new string('c', 64) };
        using var writer = DescriptorStoreWriter.Open(scratch[name], change is null ? description : change(description));
        while (writer.NextPart is { Length: > 0 } part)
        {
            long[] images = [.. Enumerable.Range(23 + (int)part.First, part.Length).Select(i => (long)i)], good = [.. images.Where(i => !StoreSample.IsBad(i))];
            writer.Append([.. good.Select(i => row is null ? StoreSample.Row(i) : row(StoreSample.Row(i)))], good.SelectMany(StoreSample.Descriptor).ToArray(), [.. images.Where(StoreSample.IsBad).Select(i => new Osprey.Engine.BadFile($"bad {i}.jpg", "truncated"))]);
        }
        return writer.Finish();
    }

    [Test]
    public void Appended_rows_stand_behind_the_stores_own([Values(1, 5, 12)] int count)
    {
        DescriptorStore other = Later("other", count);
        DescriptorStore longer = StoreEdit.Append(S, [other.Path]);
        Holds(longer, Enumerable.Range(0, 23 + count).Select(i => (long)i).Where(i => !StoreSample.IsBad(i)));
        Assert.That(longer.Manifest.Images, Is.EqualTo(23 + count));
        Assert.That(longer.ReadBadFiles().Count(), Is.EqualTo(3 + other.ReadBadFiles().Count()));
        Assert.That(other.ReadRows(), Has.Length.EqualTo(other.Rows), "it stays");
        Holds(StoreEdit.Delete(S, [longer.Rows - 1, 0]), Enumerable.Range(0, 23 + count).Select(i => (long)i).Where(i => !StoreSample.IsBad(i)).Skip(1).SkipLast(1));
        Assert.That(() => DescriptorStoreWriter.Open(S, StoreSample.Describe()), Throws.ArgumentException.With.Message.Contains("images"), "embed does not take it for its own");
    }

    [Test]
    public void Classes_are_joined_and_labels_follow()
    {
        Later("other", 4, d => d with { Classes = ["beach", "forest"] }, r => r with { Class = r.Label == 0 ? "beach" : "forest" });
        DescriptorStore longer = StoreEdit.Append(S, [scratch["other"]]);
        Assert.That(longer.Manifest.Classes, Is.EqualTo(new[] { "forest", "Häfen", "beach" }));
        Assert.That(longer.ReadRows()[^3..].Select(r => (r.Class, r.Label)), Is.EqualTo(new[] { ("forest", 0), ("forest", 0), ("beach", 2) }));
        Assert.That(StoreVerification.Run(S).Faults, Is.Empty);
    }

    [Test]
    public void Paths_from_another_root_lead_there()
    {
        Later("other", 1, d => d with { Root = "/data/elsewhere" });
        DescriptorStore longer = StoreEdit.Append(S, [scratch["other"]]);
        Assert.That(longer.ReadRows()[^1].Path, Is.EqualTo("../elsewhere/" + StoreSample.Row(23).Path));
        Assert.That(Path.GetFullPath(Path.Combine(longer.Manifest.Root, longer.ReadRows()[^1].Path)), Is.EqualTo("/data/elsewhere/" + StoreSample.Row(23).Path));
    }

    [Test]
    public void Another_stores_kind_or_an_image_twice_is_refused_and_the_store_kept()
    {
        Later("weights", 1, d => d with { WeightsSha256 = new string('d', 64) });
        Later("halves", 1, d => d with { Type = StoreType.Float16 });
        StoreSample.Make(scratch["same"]);
        Dictionary<string, byte[]> before = StoreSample.Files(S);
        Assert.That(() => StoreEdit.Append(S, [scratch["weights"]]), Throws.ArgumentException.With.Message.Contains("weights"));
        Assert.That(() => StoreEdit.Append(S, [scratch["halves"]]), Throws.ArgumentException.With.Message.Contains("Float16"));
        Assert.That(() => StoreEdit.Append(S, [scratch["same"]]), Throws.ArgumentException.With.Message.Contains("both have forest/bild 0 é.jpg"));
        Assert.That(() => StoreEdit.Append(S, [S]), Throws.ArgumentException.With.Message.Contains("itself"));
        Assert.That(() => StoreEdit.Append(S, [scratch["none"]]), Throws.TypeOf<DirectoryNotFoundException>());
        Assert.That(StoreSample.Files(S), Is.EqualTo(before));
    }

    [Test]
    public void A_broken_store_is_not_appended_and_leaves_no_trace()
    {
        Later("other", 12);
        string broken = Path.Combine(scratch["other"], "part-00001.npy");
        byte[] bytes = File.ReadAllBytes(broken);
        bytes[^1] ^= 1;
        File.WriteAllBytes(broken, bytes);
        Assert.That(() => StoreEdit.Append(S, [scratch["other"]]), Throws.TypeOf<InvalidDataException>().With.Message.Contains("part-00001.npy"));
        Holds(StoreEdit.Delete(S, [0]), Good.Skip(1));
    }

    [Test]
    public void A_store_that_is_written_is_not_edited()
    {
        using var writer = DescriptorStoreWriter.Open(S, StoreSample.Describe());
        Assert.That(() => StoreEdit.Delete(S, [0]), Throws.TypeOf<IOException>().With.Message.Contains("another process"));
    }
}
