using System.Text.Json;
using NUnit.Framework;
using Osprey.Engine.Images;
using Osprey.Engine.Model;
using Osprey.Engine.Retrieval;
using Osprey.Engine.Sources;
using Osprey.Kernels;
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

    JsonElement Grown(string data = "data") => Cli.Done("store", "append", scratch["s"], "--data", scratch[data], "--json").Json;

    static (long Rows, long Bad) Counts(JsonElement answer) => (answer.GetProperty("rows").GetInt64(), answer.GetProperty("bad_files").GetInt64());

    [Test]
    public void New_images_that_are_all_bad_are_recorded_and_later_ones_appended()
    {
        File.WriteAllText(scratch["data/class-0/broken.png"], "no picture");
        Assert.That(Counts(Grown()), Is.EqualTo((6L, 1L)));
        Assert.That(Directory.Exists(scratch["s.append"]), Is.False);
        Assert.That(Counts(Grown()), Is.EqualTo((6L, 1L)), "it is not tried again");
        Drawn.Files(scratch["data"], classes: 2, perClass: 4);
        Assert.That(Counts(Grown()), Is.EqualTo((8L, 1L)));
        Cli.Done("store", "verify", scratch["s"]);
    }

    /// <summary>Cancels an append of new images once five of them are described, of which four are a part.</summary>
    void Interrupt()
    {
        using var device = Device.Open("host", 1);
        using Embedder embedder = Embedder.Open(scratch["model"], device);
        using IImageSource source = ImageSources.Open([scratch["data"]], new DecodeOptions());
        using var cancel = new CancellationTokenSource();
        Assert.That(() => StoreEdit.AppendImages(scratch["s"], embedder, scratch["model"], source, 1, 1, new CancelAt(5, cancel), cancel.Token), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(DescriptorStore.Exists(scratch["s.append"]), Is.True);
    }

    sealed class CancelAt(long done, CancellationTokenSource source) : IProgress<Osprey.Engine.Progress>
    {
        public void Report(Osprey.Engine.Progress value)
        {
            if (value.Done == done) source.Cancel();
        }
    }

    [TestCase(false)]
    [TestCase(true)]
    public void An_interrupted_append_goes_on_or_begins_anew_when_there_are_more_images(bool more)
    {
        Drawn.Files(scratch["data"], classes: 2, perClass: 6);
        Interrupt();
        if (more) Drawn.Files(scratch["data"], classes: 3, perClass: 7);
        Assert.That(Counts(Grown()), Is.EqualTo((more ? 21L : 12L, 0L)));
        Assert.That(Directory.Exists(scratch["s.append"]), Is.False);
        Cli.Done("store", "verify", scratch["s"]);
        Assert.That(DescriptorStore.Open(scratch["s"]).ReadRows().Select(r => r.Path), Is.Unique);
    }

    [Test]
    public void What_a_crash_after_the_commit_left_beside_is_deleted()
    {
        Drawn.Files(scratch["new"], classes: 2, perClass: 1);
        Cli.Done("embed", "--data", scratch["new"], "--model", scratch["model"], "--out", scratch["s.append"]);
        Assert.That(Counts(Grown()), Is.EqualTo((6L, 0L)), "nothing is new");
        Assert.That(Directory.Exists(scratch["s.append"]), Is.False);

        Cli.Done("embed", "--data", scratch["new"], "--model", scratch["model"], "--out", scratch["s.append"]);
        Drawn.Files(scratch["data"], classes: 2, perClass: 4);
        Assert.That(Counts(Grown()), Is.EqualTo((8L, 0L)), "two are");
        Assert.That(Directory.Exists(scratch["s.append"]), Is.False);
    }

    [Test]
    public void What_another_process_writes_beside_is_left_alone()
    {
        Cli.Done("embed", "--data", scratch["data"], "--model", scratch["model"], "--out", scratch["s.append"]);
        using (new FileStream(scratch["s.append/.writing"], FileMode.OpenOrCreate, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose))
            Assert.That(Cli.Run("store", "append", scratch["s"], "--data", scratch["data"]).Error, Does.Contain("s.append is being written by another process"));
        Assert.That(DescriptorStore.Exists(scratch["s.append"]), Is.True);
    }

    [Test]
    public void Data_that_moved_are_known_and_the_store_learns_where_they_are()
    {
        Directory.CreateDirectory(scratch["mnt/deep"]);
        Directory.Move(scratch["data"], scratch["mnt/deep/data"]);
        Assert.That(Counts(Grown("mnt/deep/data")), Is.EqualTo((6L, 0L)), "nothing is new");
        Drawn.Files(scratch["mnt/deep/data"], classes: 2, perClass: 4);
        File.WriteAllText(scratch["mnt/deep/data/class-1/broken.png"], "no picture");
        Assert.That(Counts(Grown("mnt/deep/data")), Is.EqualTo((8L, 1L)));
        DescriptorStore store = DescriptorStore.Open(scratch["s"]);
        Assert.That(store.Manifest.Root, Is.EqualTo(scratch["mnt/deep/data"]));
        Assert.That(store.ReadRows().Select(r => r.Path), Is.EquivalentTo(new[] { 0, 1 }.SelectMany(c => Enumerable.Range(0, 4).Select(i => $"class-{c}/{i}.png"))));
        Assert.That(store.ReadBadFiles().Single().Path, Is.EqualTo("class-1/broken.png"));
        Assert.That(Counts(Grown("mnt/deep/data")), Is.EqualTo((8L, 1L)));
        Cli.Done("store", "verify", scratch["s"]);
    }

    [Test]
    public void Images_of_the_same_names_elsewhere_are_others_while_the_old_ones_are_there()
    {
        Drawn.Files(scratch["more"], classes: 2, perClass: 3);
        Assert.That(Counts(Grown("more")), Is.EqualTo((12L, 0L)));
        Assert.That(DescriptorStore.Open(scratch["s"]).ReadRows()[6].Path, Is.EqualTo("../more/class-0/0.png"));
        Assert.That(Counts(Grown("more")), Is.EqualTo((12L, 0L)), "they are known by their place");
    }

    [Test]
    public void Where_some_images_may_have_moved_nothing_is_guessed()
    {
        Directory.Move(scratch["data"], scratch["moved"]);
        File.Delete(scratch["moved/class-1/2.png"]);
        Cli.Answer answer = Cli.Run("store", "append", scratch["s"], "--data", scratch["moved"]);
        Assert.That(answer.Code, Is.EqualTo(2));
        Assert.That(answer.Error, Does.Contain("5 of the 6 images of").And.Contain("whether they are the same is unclear"));
        Assert.That(DescriptorStore.Open(scratch["s"]).Rows, Is.EqualTo(6));
    }

    [Test]
    public void A_folder_around_the_old_one_has_what_is_known()
    {
        Drawn.Files(scratch["more"], classes: 1, perClass: 2);
        Assert.That(Cli.Done("store", "append", scratch["s"], "--data", scratch["data"], scratch["more"], "--json").Json.GetProperty("rows").GetInt64(), Is.EqualTo(8));
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
