using NUnit.Framework;
using Osprey.Engine.Retrieval;
using Osprey.Tests.Engine.Sources;
using Parquet.Schema;

namespace Osprey.Tests.Tools;

/// <summary>embed on tar shards, Parquet and lists: the same descriptors as of the files in a folder, gone on with and shared out.</summary>
[TestFixture]
public class ArchiveVerbTests
{
    string dir = "";

    string At(string name) => Path.Combine(dir, name);

    [OneTimeSetUp]
    public async Task MakeModelAndData()
    {
        dir = Directory.CreateTempSubdirectory("osprey-archive-").FullName;
        UntrainedModel.Save(At("model"));
        Drawn.Files(At("data"), classes: 2, perClass: 5);
        Directory.CreateDirectory(At("shards"));
        for (int c = 0; c < 2; c++) File.WriteAllBytes(At($"shards/{c}.tar"), Shards.Tar([.. Enumerable.Range(0, 5).SelectMany(i => new[] { ($"{i}.png", Drawn.Png(c, i, 32)), ($"{i}.cls", Shards.Text($"class-{c}")) })]));
        var image = new DataField<byte[]>("image");
        var label = new DataField<string>("label");
        await ParquetSourceTests.Write(At("images.parquet"), new ParquetSchema(image, label), [.. Enumerable.Range(0, 2).Select(c => (Func<Parquet.ParquetRowGroupWriter, int, Task>)(async (group, _) =>
        {
            await group.WriteAsync(image, Enumerable.Range(0, 5).Select(i => Drawn.Png(c, i, 32)).ToArray());
            await group.WriteAsync(label, Enumerable.Repeat($"class-{c}", 5).ToArray());
        }))]);
        File.WriteAllText(At("list.csv"), "class,path\r\n" + string.Concat(Enumerable.Range(0, 10).Select(i => $"class-{i / 5},data/class-{i / 5}/{i % 5}.png\r\n")));
        Embed("folder", At("data"));
    }

    [OneTimeTearDown]
    public void DeleteFolder() => Directory.Delete(dir, recursive: true);

    Cli.Answer Embed(string store, string data, params string[] more) =>
        Cli.Done(["embed", "--data", data, "--model", At("model"), "--part", "3", "--batch", "1", "--threads", "1", "--out", At(store), "--json", .. more]);

    [TestCase("shards/*.tar")]
    [TestCase("images.parquet")]
    [TestCase("list.csv")]
    public void An_archive_is_described_as_the_folder_is_resumed_and_shared_out(string data)
    {
        string name = data[..3];
        Embed(name, At(data));
        DescriptorStore store = DescriptorStore.Open(At(name)), folder = DescriptorStore.Open(At("folder"));
        Assert.That(store.ReadDescriptors(), Is.EqualTo(folder.ReadDescriptors()));
        Assert.That(store.ReadRows().Select(r => (r.Class, r.Label, r.Width)), Is.EqualTo(folder.ReadRows().Select(r => (r.Class, r.Label, r.Width))));
        Assert.That(store.ReadRows()[7].Path, Is.EqualTo(data[0] switch { 's' => "1.tar/2.png", 'l' => "data/class-1/2.png", _ => "images.parquet/7" }));

        Dictionary<string, byte[]> whole = Directory.GetFiles(At(name)).ToDictionary(f => f, File.ReadAllBytes);
        File.Delete(Path.Combine(At(name), "part-00001.npy"));
        Embed(name, At(data));
        foreach ((string file, byte[] bytes) in whole) Assert.That(File.ReadAllBytes(file), Is.EqualTo(bytes), file);

        for (int i = 0; i < 3; i++) Embed($"{name}-{i}", At(data), "--shard", $"{i}/3");
        Cli.Done("join", At($"{name}-0"), At($"{name}-1"), At($"{name}-2"), "--out", At($"{name}-joined"));
        Assert.That(DescriptorStore.Open(At($"{name}-joined")).ReadDescriptors(), Is.EqualTo(store.ReadDescriptors()));
        Assert.That(DescriptorStore.Open(At($"{name}-joined")).ReadRows(), Is.EqualTo(store.ReadRows()));
    }

    [Test]
    public void A_listed_file_that_is_missing_is_a_bad_file()
    {
        File.WriteAllText(At("gaps.txt"), "data/class-1/0.png\ndata/gone.png\ndata/class-0/0.png\n");
        Cli.Answer answer = Embed("gaps", At("gaps.txt"));
        DescriptorStore store = DescriptorStore.Open(At("gaps"));
        Assert.That(store.ReadRows().Select(r => (r.Path, r.Class)), Is.EqualTo(new[] { ("data/class-1/0.png", "unlabelled"), ("data/class-0/0.png", "unlabelled") }));
        Assert.That(store.ReadBadFiles().Select(b => b.Path), Is.EqualTo(new[] { "data/gone.png" }));
        Assert.That(answer.Error, Does.Contain($"skipped {At("data/gone.png")}"));
    }

    [Test]
    public void A_cut_shard_keeps_what_was_good_and_is_named()
    {
        Directory.CreateDirectory(At("cut"));
        byte[] bytes = File.ReadAllBytes(At("shards/0.tar"));
        File.WriteAllBytes(At("cut/0.tar"), bytes[..(bytes.Length * 3 / 5)]);
        File.Copy(At("shards/1.tar"), At("cut/1.tar"));
        Cli.Answer answer = Embed("cut-store", At("cut/*.tar"));
        DescriptorStore store = DescriptorStore.Open(At("cut-store"));
        Assert.That(store.Rows, Is.InRange(7, 9));
        Assert.That(store.ReadBadFiles().Last().Path, Is.EqualTo("0.tar"));
        Assert.That(answer.Error, Does.Contain($"skipped {At("cut/0.tar")}: the archive is cut short"));
        int good = (int)store.Rows - 5, d = store.Dimension;
        Assert.That(store.ReadDescriptors().AsSpan(0, good * d).SequenceEqual(DescriptorStore.Open(At("folder")).ReadDescriptors().AsSpan(0, good * d)));
    }
}
