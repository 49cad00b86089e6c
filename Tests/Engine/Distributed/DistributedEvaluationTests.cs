using System.Text.Json;
using NUnit.Framework;
using Osprey.Engine;
using Osprey.Engine.Datasets;
using Osprey.Engine.Distributed;
using Osprey.Engine.Evaluation;
using Osprey.Engine.Images;
using Osprey.Engine.Model;
using Osprey.Engine.Retrieval;
using Osprey.Engine.Robust;
using Osprey.Interop.Mpi;
using Osprey.Interop.Torch;
using Osprey.Kernels;
using Osprey.Tests.Interop.Mpi;
using Osprey.Tests.Tools;

namespace Osprey.Tests.Engine.Distributed;

/// <summary>Ranks that are threads of this process measure together what one process measures.</summary>
[TestFixture]
public class DistributedEvaluationTests
{
    /// <summary>Everything that is shared out, and everything that is not.</summary>
    static readonly EvalConfig Config = new()
    {
        BatchSize = 1,
        SplitRuns = 2,
        SupportRuns = 2,
        SupportImages = [2],
        BootstrapSamples = 20,
        RobustQueries = 5,
        GalleryQueries = 2,
        Seed = 3,
        Expansion = new QueryExpansion(),
        ReRanking = new ReRanking(),
        Threats = [new Threat { Epsilon = 8.0 / 255, Steps = 1, Restarts = 2 }],
        CheckAttack = true,
        Corruptions = [CorruptionKind.GaussianNoise],
        Severities = [2],
    };

    int threads;
    string folder = "";
    ImageSet set = null!, few = null!;

    [OneTimeSetUp]
    public void Draw()
    {
        // As each rank under mpirun: several threads of each of several ranks would wait for one another's cores.
        threads = TorchSharp.torch.get_num_threads();
        TorchRuntime.Configure(1, 0);
        folder = Directory.CreateTempSubdirectory("osprey-eval-team-").FullName;
        string whole = Path.Combine(folder, "set"), small = Path.Combine(folder, "few");
        Drawn.Files(whole, classes: 3, perClass: 6);
        // The last rank of three has nothing but bad files; the first has one.
        for (int i = 0; i < 9; i++) File.WriteAllText(Path.Combine(Directory.CreateDirectory(Path.Combine(whole, "class-3")).FullName, $"{i}.png"), "no picture");
        File.WriteAllText(Path.Combine(whole, "class-0", "0a.png"), "no picture");
        Drawn.Files(small, classes: 2, perClass: 2);
        (set, few) = (ImageFolder.Open(whole), ImageFolder.Open(small));
    }

    [OneTimeTearDown]
    public void Remove()
    {
        TorchRuntime.Configure(threads, 0);
        Directory.Delete(folder, true);
    }

    static EvaluationResult Evaluate(ICommunicator? ranks, EvalConfig config, ImageSet set, IProgress<Progress>? progress = null, CancellationToken cancellation = default)
    {
        using Device device = Device.Open("host", 1);
        using Embedder one = Open(1), two = Open(2);
        return Evaluator.Run([("one", one), ("two", two)], [set], config, new DecodeOptions(), device, progress, null, ranks, cancellation);

        Embedder Open(long seed)
        {
            Embedder embedder = Embedder.Create(new EmbedderConfig { Architecture = Architecture.Resnet18, Stage = 2, ImageSize = 32 }, device, seed);
            // Opened from files they are in this mode; one that is put back into training mode is folded no more.
            embedder.eval();
            embedder.Fold();
            return embedder;
        }
    }

    /// <summary>All figures, and what the report shows besides.</summary>
    static string Text(EvaluationResult result) => JsonSerializer.Serialize(
        new
        {
            result,
            Pixels = result.Results.SelectMany(r => r.Robust).SelectMany(r => r.Examples).Select(e => new { e.Shift, e.Clean, e.Attacked, e.After }),
            Gallery = result.Galleries.SelectMany(g => g.Rows),
        }, Json.Options);

    /// <summary>Every rank has them; the first line that differs is shown.</summary>
    static void AssertSame(int size, EvalConfig config, ImageSet set)
    {
        string[] alone = Text(Evaluate(null, config, set)).Split('\n');
        foreach (string[] shared in ThreadTeam.Run(size, ranks => Text(Evaluate(ranks, config, set)).Split('\n')))
        {
            int at = alone.Zip(shared).TakeWhile(p => p.First == p.Second).Count();
            Assert.That((shared.Length, string.Join('\n', shared[Math.Max(0, at - 8)..Math.Min(shared.Length, at + 1)])), Is.EqualTo((alone.Length, string.Join('\n', alone[Math.Max(0, at - 8)..Math.Min(alone.Length, at + 1)]))));
        }
    }

    [Test]
    public void Any_number_of_ranks_has_the_figures_of_one_process_to_the_bit([Values(1, 2, 3)] int size) => AssertSame(size, Config, set);

    /// <summary>18 images in batches of 4, of which none are bad: every batch is as in one process.</summary>
    [TestCase(2)]
    [TestCase(3)]
    public void So_have_whole_batches(int size)
    {
        ImageSet readable = set.Select([.. Enumerable.Range(0, set.Images.Count).Where(i => new FileInfo(set.Images[i].Path).Length > 20)]);
        AssertSame(size, Config with { BatchSize = 4, RobustQueries = 9, CheckAttack = false }, readable);
    }

    [Test]
    public void So_have_more_ranks_than_images() => AssertSame(6, Config with { TrainFractions = [0.5], CheckAttack = false }, few);

    /// <summary>A batch that ranks share has the random starts that it has in one process; its gradients have other last digits at most.</summary>
    [Test]
    public void A_batch_that_is_divided_starts_where_it_would()
    {
        // Of one step too short to matter the start remains.
        EvalConfig config = Config with { BatchSize = 32, Threats = [new Threat { Epsilon = 8.0 / 255, Steps = 1, StepSize = 1e-9 }], CheckAttack = false };
        float[][] Attacked(EvaluationResult result) => [.. result.Results.SelectMany(r => r.Robust[0].Examples).Select(e => e.Attacked)];
        float[][] alone = Attacked(Evaluate(null, config, set));
        Assert.That(alone, Has.Length.EqualTo(6));
        foreach (float[][] shared in ThreadTeam.Run(3, ranks => Attacked(Evaluate(ranks, config, set))))
            for (int i = 0; i < alone.Length; i++) Assert.That(shared[i], Is.EqualTo(alone[i]).Within(1e-6));
    }

    [TestCase("embedding")]
    [TestCase("classifying")]
    [TestCase("attacking")]
    [TestCase("corrupting")]
    public void A_rank_that_fails_anywhere_ends_all(string stage)
    {
        RankFailedException[] thrown = ThreadTeam.Run(3, ranks =>
            Assert.Throws<RankFailedException>(() => Evaluate(ranks, Config with { CheckAttack = false }, set, ranks.Rank == 1 ? new Failing(stage) : null))!);
        Assert.That(thrown.Select(e => e.Message), Has.All.EqualTo($"rank 1: broken while {stage}"));
    }

    [Test]
    public void An_interruption_of_one_is_one_of_all()
    {
        using var source = new CancellationTokenSource();
        source.Cancel();
        RankFailedException[] thrown = ThreadTeam.Run(2, ranks =>
            Assert.Throws<RankFailedException>(() => Evaluate(ranks, Config, set, cancellation: ranks.Rank == 1 ? source.Token : default))!);
        Assert.That(thrown.Select(e => e.InnerException), Has.All.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public void What_none_can_read_is_told_as_by_one_process()
    {
        ImageSet bad = set.Select([.. Enumerable.Range(0, set.Images.Count).Where(i => set.Images[i].Label == 3)]);
        string alone = Assert.Throws<InvalidDataException>(() => Evaluate(null, Config, bad))!.Message;
        Assert.That(alone, Does.StartWith("none of the 9 images can be read; the first, ").And.Contain("0.png: "));
        Assert.That(ThreadTeam.Run(2, ranks => Assert.Throws<RankFailedException>(() => Evaluate(ranks, Config, bad))!.Message), Has.All.EqualTo(alone));
    }

    [Test]
    public void Ranks_that_were_given_different_things_do_not_begin()
    {
        RankFailedException[] thrown = ThreadTeam.Run(2, ranks =>
            Assert.Throws<RankFailedException>(() => Evaluate(ranks, Config with { RobustQueries = 5 + ranks.Rank }, ranks.Rank == 0 ? set : few, new Failing("")))!);
        Assert.That(thrown.Select(e => e.Message), Has.All.StartsWith("rank 1: the ranks would measure different things: eval.robust_queries is 5 on rank 0 and 6 here; data.0.name is \"set\" on rank 0 and \"few\" here"));
        Assert.That(thrown.Select(e => e.InnerException), Has.All.InstanceOf<ArgumentException>());
    }

    sealed class Failing(string stage) : IProgress<Progress>
    {
        public void Report(Progress value)
        {
            if (value.Stage.EndsWith(stage, StringComparison.Ordinal)) throw new InvalidDataException($"broken while {stage}");
        }
    }
}
