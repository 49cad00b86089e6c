using NUnit.Framework;
using Osprey.Engine;
using Osprey.Engine.Model;
using Osprey.Engine.Retrieval;
using Osprey.Kernels;
using Osprey.Tests.Engine.Sources;
using Osprey.Tests.Interop;
using Osprey.Tests.Tools;

namespace Osprey.Tests.Engine.Retrieval;

[TestFixture]
public sealed class StoreExtractionTests
{
    ScratchFolder scratch = new();

    [SetUp]
    public void Draw()
    {
        scratch = new ScratchFolder();
        UntrainedModel.Save(scratch["model"]);
        Drawn.Files(scratch["data"], classes: 2, perClass: 4);
    }

    [TearDown]
    public void Delete() => scratch.Dispose();

    DescriptorStore Embed(StoreExtractionConfig config, Action<int>? before = null, IProgress<Progress>? progress = null)
    {
        using Device device = Device.Open("host", 1);
        using Embedder embedder = Embedder.Open(scratch["model"], device);
        embedder.Fold();
        using var source = new HookedSource(scratch["data"], before ?? (_ => { }));
        return StoreExtraction.Run(embedder, scratch["model"], source, scratch["s"], config, threads: 2, progress);
    }

    static StoreExtractionConfig Parts(int images) => new() { PartImages = images, BatchSize = 2 };

    [Test]
    public void Bad_files_are_counted_over_all_parts_to_the_last_image()
    {
        foreach (string name in new[] { "class-0/1.png", "class-1/2.png", "class-1/3.png" }) scratch.Write("data/" + name, Shards.Text("no picture"));
        var seen = new List<Progress>();
        Embed(Parts(3), progress: new Reports(seen));
        Assert.That(seen.Select(p => (p.Done, p.Detail)), Is.EqualTo(new[] { (0L, ""), (3L, "1 bad"), (5L, "1 bad"), (6L, "1 bad"), (8L, "3 bad") }));
    }

    [Test]
    public void Parts_with_bad_files_are_described_again_on_request()
    {
        Embed(Parts(3));
        Dictionary<string, byte[]> whole = StoreSample.Files(scratch["s"]);
        byte[] picture = File.ReadAllBytes(scratch["data/class-1/0.png"]);
        Directory.Delete(scratch["s"], recursive: true);
        scratch.Write("data/class-1/0.png", []);
        Embed(Parts(3));
        scratch.Write("data/class-1/0.png", picture);

        var read = new List<int>();
        Assert.That(Embed(Parts(3), read.Add).Manifest.BadFiles, Is.EqualTo(1), "not by itself");
        Assert.That(read, Is.Empty);
        var notices = new List<string>();
        Assert.That(Embed(Parts(3) with { RetryBad = true, Notice = notices.Add }, i =>
        {
            lock (read) read.Add(i);
        }).Manifest.BadFiles, Is.Zero);
        Assert.That(read.Order(), Is.EqualTo(new[] { 3, 4, 5 }), "the one part");
        Assert.That(notices, Has.Count.EqualTo(1).And.All.Contains("part-00001.npy has 1 bad files; the part is made again"));
        Assert.That(StoreSample.Files(scratch["s"]), Is.EqualTo(whole));
    }

    [Test]
    public void Where_the_whole_folder_goes_away_the_images_that_are_left_are_not_bad()
    {
        Assert.That(() => Embed(Parts(2), i =>
        {
            if (i == 5) Directory.Move(scratch["data"], scratch["unmounted"]);
        }), Throws.TypeOf<IOException>().With.Message.Contains(scratch["data"] + " is gone"));
        Directory.Move(scratch["unmounted"], scratch["data"]);
        DescriptorStore store = Embed(Parts(2));
        Assert.That((store.Rows, store.Manifest.BadFiles), Is.EqualTo((8L, 0L)));
    }

    [Test]
    public void Parts_and_batches_that_no_array_holds_are_refused_at_the_start()
    {
        StoreDescription description = StoreSample.Describe(images: 300_000_000, partImages: 200_000_000);
        Assert.That(() => DescriptorStoreWriter.Open(scratch["s"], description), Throws.ArgumentException.With.Message.Contains("at most 107374182 images per part"));
        Assert.That(() => DescriptorStoreWriter.Open(scratch["s"], description with { Images = 20, PartImages = 200_000_000 }).Dispose(), Throws.Nothing, "fewer images than a part may have");
        Assert.That(() => Embed(Parts(2) with { BatchSize = 700_000 }), Throws.ArgumentException.With.Message.Contains("a batch of 700000 images of 32 px"));
    }

    sealed class Reports(List<Progress> seen) : IProgress<Progress>
    {
        public void Report(Progress value) => seen.Add(value);
    }
}
