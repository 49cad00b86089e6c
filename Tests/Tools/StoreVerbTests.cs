using System.Text.Json;
using NUnit.Framework;
using Osprey.Engine.Retrieval;
using Osprey.Tests.Interop;

namespace Osprey.Tests.Tools;

/// <summary>A store of pictures that grows and shrinks, through the tool.</summary>
[TestFixture]
public class StoreVerbTests
{
    ScratchFolder scratch = new();

    [SetUp]
    public void MakeStore()
    {
        scratch = new ScratchFolder();
        UntrainedModel.Save(scratch["model"]);
        Drawn.Files(scratch["data"], classes: 2, perClass: 3);
        Cli.Done("embed", "--data", scratch["data"], "--model", scratch["model"], "--out", scratch["s"], "--part", "4");
    }

    [TearDown]
    public void DeleteFolder() => scratch.Dispose();

    JsonElement Search(string image) => Cli.Done("search", scratch["s"], "--query", Path.Combine(scratch["data"], image), "-k", "1", "--json").Json.GetProperty("results")[0];

    [Test]
    public void New_images_are_described_as_the_stores_own_and_only_they()
    {
        Drawn.Files(scratch["data"], classes: 3, perClass: 4);
        File.WriteAllText(Path.Combine(scratch["data"], "class-0", "broken.png"), "no picture");
        Cli.Answer answer = Cli.Done("store", "append", scratch["s"], "--data", scratch["data"], "--json");
        Assert.That((answer.Json.GetProperty("rows_before").GetInt64(), answer.Json.GetProperty("rows").GetInt64(), answer.Json.GetProperty("bad_files").GetInt64()), Is.EqualTo((6L, 12L, 1L)));
        Assert.That(answer.Error, Does.Contain("broken.png"));
        Assert.That(Directory.Exists(scratch["s.append"]), Is.False);
        Cli.Done("store", "verify", scratch["s"]);
        Cli.Done("embed", "--data", scratch["data"], "--model", scratch["model"], "--out", scratch["whole"]);
        Dictionary<string, float[]> whole = Rows(scratch["whole"]), grown = Rows(scratch["s"]);
        Assert.That(grown.Keys, Is.EquivalentTo(whole.Keys));
        foreach ((string path, float[] row) in whole) Assert.That(grown[path], Is.EqualTo(row).Within(1e-5f), path);
        Assert.That(Path.GetFileName(Search("class-2/3.png").GetProperty("paths")[0].GetString()), Is.EqualTo("3.png"));

        Assert.That(Cli.Done("store", "append", scratch["s"], "--data", scratch["data"], "--json").Json.GetProperty("rows").GetInt64(), Is.EqualTo(12), "nothing is new");
    }

    static Dictionary<string, float[]> Rows(string path)
    {
        DescriptorStore store = DescriptorStore.Open(path);
        float[] values = store.ReadDescriptors();
        return store.ReadRows().Select((r, i) => (r.Path, values[(i * store.Dimension)..((i + 1) * store.Dimension)])).ToDictionary(r => r.Path, r => r.Item2);
    }

    [Test]
    public void Deleted_rows_are_not_found_with_and_without_an_index()
    {
        Cli.Done("index", scratch["s"]);
        Assert.That(Search("class-1/1.png").GetProperty("ids")[0].GetInt64(), Is.EqualTo(4));
        File.WriteAllText(scratch["paths.txt"], "class-1/1.png\n\nclass-0/0.png\n");
        JsonElement answer = Cli.Done("store", "delete", scratch["s"], "--paths", scratch["paths.txt"], "--json").Json;
        Assert.That((answer.GetProperty("rows").GetInt64(), answer.GetProperty("deleted").GetInt64()), Is.EqualTo((4L, 2L)));
        Assert.That(Search("class-1/1.png").GetProperty("paths")[0].GetString(), Does.Not.EndWith("class-1/1.png"));
        Assert.That(Search("class-1/2.png").GetProperty("ids")[0].GetInt64(), Is.EqualTo(3), "later rows move up");
        Cli.Done("index", scratch["s"]);
        Assert.That(Search("class-1/2.png").GetProperty("ids")[0].GetInt64(), Is.EqualTo(3));
        Cli.Done("export", scratch["s"], "--to", scratch["rows.npy"]);
        Assert.That(Osprey.Interop.Formats.Npy.ReadSingles(scratch["rows.npy"]).Shape[0], Is.EqualTo(4));
        File.WriteAllText(scratch["rows.txt"], "0\n");
        Assert.That(Cli.Done("store", "delete", scratch["s"], "--rows", scratch["rows.txt"], "--json").Json.GetProperty("rows").GetInt64(), Is.EqualTo(3));
        Cli.Done("store", "verify", scratch["s"]);
    }

    [Test]
    public void Wrong_usage_is_told_in_a_line()
    {
        File.WriteAllText(scratch["rows.txt"], "0\none\n");
        Assert.That(Cli.Run("store", "delete", scratch["s"], "--rows", scratch["rows.txt"]).Error, Does.Contain("rows.txt, line 2: 'one' is no row number"));
        Assert.That(Cli.Run("store", "delete", scratch["s"]).Error, Does.Contain("give either --rows or --paths"));
        Assert.That(Cli.Run("store", "append", scratch["s"]).Error, Does.Contain("append stores or, with --data, images"));
        UntrainedModel.Save(scratch["other"], seed: 6);
        Assert.That(Cli.Run("store", "append", scratch["s"], "--data", scratch["data"], "--model", scratch["other"]).Error, Does.Contain("its weights differ"));
    }
}
