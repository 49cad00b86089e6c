using NUnit.Framework;
using Osprey.Engine;
using Osprey.Engine.Distributed;
using Osprey.Engine.Model;
using Osprey.Engine.Retrieval;
using Osprey.Interop.Mpi;
using Osprey.Interop.Torch;
using Osprey.Kernels;
using Osprey.Tests.Engine.Retrieval;
using Osprey.Tests.Engine.Sources;
using Osprey.Tests.Interop;
using Osprey.Tests.Interop.Mpi;
using Osprey.Tests.Tools;

namespace Osprey.Tests.Engine.Distributed;

/// <summary>Ranks that are threads of this process describe images into one store.</summary>
[TestFixture]
public sealed class DistributedExtractionTests
{
    const int Images = 17, Part = 2, Parts = 9;

    static readonly StoreExtractionConfig Config = new() { PartImages = Part, BatchSize = 2 };

    int threads;
    ScratchFolder scratch = new();

    [OneTimeSetUp]
    public void OneThreadEach()
    {
        threads = TorchSharp.torch.get_num_threads();
        TorchRuntime.Configure(1, 0);
    }

    [OneTimeTearDown]
    public void AsBefore() => TorchRuntime.Configure(threads, 0);

    [SetUp]
    public void Draw()
    {
        scratch = new ScratchFolder();
        UntrainedModel.Save(scratch["model"]);
        Drawn.Files(scratch["data"], classes: 2, perClass: 8);
        scratch.Write("data/class-1/9.png", Shards.Text("no picture"));
        Drawn.Files(scratch["other"], classes: 2, perClass: 8);
    }

    [TearDown]
    public void Delete() => scratch.Dispose();

    DescriptorStore? Embed(
        ICommunicator ranks, string store, string data = "data", Action<int>? before = null, StoreExtractionConfig? config = null, IProgress<Progress>? progress = null, CancellationToken cancellation = default)
    {
        using Device device = Device.Open("host", 1);
        using Embedder embedder = Embedder.Open(scratch["model"], device);
        embedder.Fold();
        using var source = new HookedSource(scratch[data], before ?? (_ => { }));
        return DistributedExtraction.Run(ranks, embedder, scratch["model"], source, scratch[store], config ?? Config, threads: 1, progress, cancellation);
    }

    Dictionary<string, byte[]> Whole()
    {
        using Device device = Device.Open("host", 1);
        using Embedder embedder = Embedder.Open(scratch["model"], device);
        embedder.Fold();
        using var source = new HookedSource(scratch["data"], _ => { });
        StoreExtraction.Run(embedder, scratch["model"], source, scratch["whole"], Config, threads: 1);
        return StoreSample.Files(scratch["whole"]);
    }

    [Test]
    public void Any_number_of_ranks_makes_the_bytes_of_one_process([Values(1, 2, 3, 4)] int size)
    {
        DescriptorStore?[] stores = ThreadTeam.Run(size, ranks => Embed(ranks, "s"));
        Assert.That(stores.Select(s => s is not null), Is.EqualTo(Enumerable.Range(0, size).Select(r => r == 0)));
        Assert.That((stores[0]!.Rows, stores[0]!.Manifest.BadFiles, stores[0]!.Manifest.Parts.Count), Is.EqualTo((Images - 1L, 1L, Parts)));
        Assert.That(StoreSample.Files(scratch["s"]), Is.EqualTo(Whole()));
        Assert.That(ThreadTeam.Run(2, ranks => Embed(ranks, "s", before: i => throw new InvalidOperationException($"{i} is described again")))[0]!.Rows, Is.EqualTo(Images - 1));
    }

    [Test]
    public void A_slow_rank_leaves_the_parts_to_the_others()
    {
        var seen = new List<string>();
        ThreadTeam.Run(2, ranks => Embed(
            ranks, "s", progress: ranks.Rank == 0 ? new Reports(seen) : null,
            // With one loading thread, rank 1 has one part in hand. It is only then done when all others are.
            before: ranks.Rank == 0 ? null : _ => Assert.That(() => Directory.GetFiles(scratch["s"], "part-*.parquet").Length, Is.GreaterThanOrEqualTo(Parts - 1).After(120_000, 20))));
        Assert.That(StoreSample.Files(scratch["s"]), Is.EqualTo(Whole()));
        Assert.That(seen[^1], Does.StartWith($"{Images} of {Images}").Or.StartWith($"{Images - 1} of {Images}"), "the whole job's, by rank 0, which made all parts but one");
    }

    [Test]
    public void What_was_interrupted_is_gone_on_with_by_another_number_of_ranks([Values(1, 2, 4)] int size)
    {
        using var stop = new CancellationTokenSource();
        int begun = 0;
        Assert.That(() => ThreadTeam.Run(3, ranks => Embed(ranks, "s", before: _ =>
        {
            if (Interlocked.Increment(ref begun) == 11) stop.Cancel();
        }, cancellation: stop.Token)), Throws.InstanceOf<RankFailedException>());
        long done = StoreManifest.Read(scratch["s"]).Parts.Sum(p => p.Images);
        Assert.That(done, Is.LessThan(Images));
        int again = 0;
        ThreadTeam.Run(size, ranks => Embed(ranks, "s", before: _ => Interlocked.Increment(ref again)));
        Assert.That(again, Is.EqualTo(Images - done), "finished parts are not made again");
        Assert.That(StoreSample.Files(scratch["s"]), Is.EqualTo(Whole()));
    }

    [Test]
    public void A_rank_that_fails_ends_all_and_what_the_others_made_stays()
    {
        using var met = new ManualResetEventSlim();
        void Before(int rank)
        {
            // Rank 0 does not make all of them before rank 1 has begun.
            if (rank == 0)
            {
                met.Wait(TimeSpan.FromMinutes(2));
                return;
            }
            met.Set();
            throw new TimeoutException("rank 1 is out");
        }
        Assert.That(
            () => ThreadTeam.Run(2, ranks => Embed(ranks, "s", before: _ => Before(ranks.Rank))),
            Throws.TypeOf<RankFailedException>().With.Message.Contains("rank 1: rank 1 is out"));
        // It had read ahead of its first image, to the second part.
        Assert.That(StoreManifest.Read(scratch["s"]).Parts, Has.Count.GreaterThanOrEqualTo(Parts - 2));
        Embed(new SingleProcess(), "s");
        Assert.That(StoreSample.Files(scratch["s"]), Is.EqualTo(Whole()));
    }

    [Test]
    public void Ranks_that_were_started_with_other_images_or_options_do_not_begin()
    {
        Assert.That(() => ThreadTeam.Run(2, ranks => Embed(ranks, "s", ranks.Rank == 0 ? "data" : "other")),
            Throws.TypeOf<RankFailedException>().With.Message.Contains("rank 1: the ranks would describe different images").And.Message.Contains("images is 17 on rank 0 and 16 here"));
        scratch.Write("other/class-1/9.png", Drawn.Png(1, 9, 32));
        File.Move(scratch["other/class-1/9.png"], scratch["other/class-1/99.png"]);
        Assert.That(() => ThreadTeam.Run(2, ranks => Embed(ranks, "s", ranks.Rank == 0 ? "data" : "other")), Throws.TypeOf<RankFailedException>().With.Message.Contains("images_sha256 is"));
        Assert.That(() => ThreadTeam.Run(2, ranks => Embed(ranks, "s", config: Config with { PartImages = 2 + ranks.Rank })), Throws.TypeOf<RankFailedException>().With.Message.Contains("part_images is 2 on rank 0 and 3 here"));
        Assert.That(Directory.Exists(scratch["s"]), Is.False);
    }

    [Test]
    public void A_folder_that_cannot_be_written_to_is_refused_before_an_image_is_read()
    {
        Directory.CreateDirectory(scratch["s"]);
        scratch.Write("s/letter.txt", Shards.Text("dear"));
        Assert.That(() => ThreadTeam.Run(2, ranks => Embed(ranks, "s", before: _ => throw new TimeoutException("an image was read"))), Throws.TypeOf<RankFailedException>().With.Message.Contains("no descriptor store"));
    }

    sealed class Reports(List<string> seen) : IProgress<Progress>
    {
        public void Report(Progress value) => seen.Add($"{value.Done} of {value.Total} {value.Detail}");
    }
}
