using System.Text.Json.Nodes;
using NUnit.Framework;
using Osprey.Engine;
using Osprey.Engine.Datasets;
using Osprey.Engine.Distributed;
using Osprey.Engine.Model;
using Osprey.Engine.Robust;
using Osprey.Engine.Training;
using Osprey.Interop.Formats;
using Osprey.Kernels.Perturbation;
using Osprey.Tests.Interop.Mpi;
using Osprey.Tests.Tools;
using static TorchSharp.torch;
using Architecture = Osprey.Engine.Model.Architecture;
using Device = Osprey.Kernels.Device;

namespace Osprey.Tests.Engine.Distributed;

/// <summary>Ranks that are threads of this process train together, and end where one process ends.</summary>
[TestFixture]
public class DistributedTrainingTests
{
    /// <summary>
    /// 4 classes × 6 images, batches of 12: 2 steps an epoch, 20 in all. Short updates in proportion to the gradient, and attacks likewise: what is compared is the ranks'
    /// rounding, not what an untrained network, Adam's division by a gradient's own size or the sign of a gradient near zero make of it.
    /// </summary>
    static readonly TrainConfig Config = new()
    {
        Epochs = 10,
        BatchClasses = 4,
        BatchImagesPerClass = 3,
        DescriptorSize = 8,
        Seed = 5,
        Optimizer = OptimizerKind.Sgd,
        LearningRate = 3e-5,
        HeadLearningRateFactor = 1,
        ClipNorm = 1,
        Threat = new Threat { Norm = PerturbationNorm.L2, Epsilon = 0.5 },
        Augmentation = new AugmentationConfig { CropScale = 0.6, Brightness = 0.1, Contrast = 0.1, Saturation = 0.1 },
    };

    readonly Dictionary<(TrainConfig, Architecture), string> alone = [];
    string folder = "";
    ImageSet set = null!;

    [OneTimeSetUp]
    public void Draw()
    {
        folder = Directory.CreateTempSubdirectory("osprey-team-").FullName;
        Drawn.Files(Path.Combine(folder, "set"), classes: 4, perClass: 6);
        set = ImageFolder.Open(Path.Combine(folder, "set"));
    }

    [OneTimeTearDown]
    public void Remove()
    {
        Directory.Delete(folder, true);
    }

    [TestCase(2, RecipeKind.None)]
    [TestCase(2, RecipeKind.AdvProp)]
    [TestCase(2, RecipeKind.FastAdvProp)]
    [TestCase(2, RecipeKind.Est)]
    [TestCase(2, RecipeKind.Ses)]
    [TestCase(2, RecipeKind.Fare)]
    [TestCase(3, RecipeKind.FastAdvProp)]
    [TestCase(4, RecipeKind.None)]
    [TestCase(4, RecipeKind.AdvProp)]
    [TestCase(4, RecipeKind.FastAdvProp)]
    public void Any_number_of_ranks_ends_with_the_weights_of_one(int ranks, RecipeKind recipe) =>
        // Descriptors that are to stay hardly move anything.
        AssertAsOne(Config with { Recipe = recipe, LearningRate = recipe == RecipeKind.Fare ? 1e-3 : Config.LearningRate }, ranks);

    [Test]
    public void Two_threads_end_with_the_weights_of_one([Values(RecipeKind.None, RecipeKind.AdvProp)] RecipeKind recipe)
    {
        TrainConfig config = Config with { Recipe = recipe };
        AssertClose(Weights(One(config, Architecture.Resnet18)), Weights(Train(1, config, NewRun(), threads: 2)));
    }

    [Test]
    public void Fare_of_a_share_is_that_of_one() =>
        AssertAsOne(Config with { Recipe = RecipeKind.Fare, LearningRate = 1e-3, AttackedShare = 0.25, TargetTurns = 4 }, 3);

    [TestCase(2, LossKind.Contrastive, RecipeKind.AdvProp)]
    [TestCase(2, LossKind.Triplet, RecipeKind.FastAdvProp)]
    [TestCase(4, LossKind.Triplet, RecipeKind.None)]
    [TestCase(4, LossKind.SmoothAP, RecipeKind.AdvProp)]
    public void Losses_that_compare_images_see_those_of_all_ranks(int ranks, LossKind loss, RecipeKind recipe) =>
        AssertAsOne(Config with { Loss = loss, Recipe = recipe, SmoothAPTemperature = 0.1 }, ranks);

    [TestCase(RecipeKind.FastAdvProp, 1)]
    [TestCase(RecipeKind.Ses, 2)]
    public void Averaging_accumulating_and_holding_out_are_those_of_one(RecipeKind recipe, int restarts) =>
        AssertAsOne(Config with { Recipe = recipe, AverageDecay = 0.9, AccumulatedBatches = 2, HeldOutShare = 0.34, Threat = Config.Threat with { Restarts = restarts } }, 3);

    [Test]
    public void Ranks_without_an_image_of_a_part_take_part() =>
        // Of 8 images 2 are attacked, by 4 ranks.
        AssertAsOne(Config with { Recipe = RecipeKind.FastAdvProp, BatchImagesPerClass = 2, Loss = LossKind.Triplet }, 4);

    [Test]
    public void A_backbone_without_norms_ends_as_one() => AssertAsOne(Config with { Recipe = RecipeKind.AdvProp }, 2, Architecture.Squeezenet);

    [Test]
    public void A_run_goes_on_with_another_number_of_ranks()
    {
        TrainConfig config = Config with { CheckpointEvery = 4, Recipe = RecipeKind.AdvProp };
        string run = NewRun();
        Assert.That(() => Train(3, config, run, stopAt: 7), Throws.TypeOf<RankFailedException>().With.InnerException.InstanceOf<OperationCanceledException>());
        Assert.That(SafeTensors.ReadMetadata(Path.Combine(run, "last", "checkpoint.safetensors")).Values.Single(), Does.Contain("\"step\":7"), "one rank was asked to stop, and all did after the same step");
        Assert.That(() => Train(2, config, run, resume: true, stopAt: 13), Throws.TypeOf<RankFailedException>());
        Train(1, config, run, resume: true);
        AssertClose(Weights(One(config, Architecture.Resnet18)), Weights(run));
        JsonNode[] lines = [.. File.ReadLines(Path.Combine(run, "metrics.jsonl")).Select(l => JsonNode.Parse(l)!)];
        Assert.That(lines.Where(l => (string)l["kind"]! == "step").Select(l => (int)l["step"]!), Is.EqualTo(Enumerable.Range(1, 20)), "written by one rank");
    }

    [Test]
    public void What_one_rank_cannot_read_ends_all_and_ranks_that_differ_do_not_begin()
    {
        string root = Path.Combine(folder, "bad");
        Drawn.Files(root, classes: 2, perClass: 2);
        ImageSet bad = ImageFolder.Open(root);
        foreach (string file in Directory.GetFiles(root, "*.png", SearchOption.AllDirectories)) File.WriteAllText(file, "no picture");
        TrainConfig config = Config with { BatchClasses = 2, BatchImagesPerClass = 2 };
        Assert.That(() => Train(2, config, NewRun(), from: bad), Throws.TypeOf<RankFailedException>().With.Message.Contains("none of the 4"));
        string refused = NewRun();
        Assert.That(() => Train(2, config, refused, seedOf: rank => rank), Throws.TypeOf<RankFailedException>().With.Message.Contains("rank 1: the ranks would train differently: weights_sha256"));
        Assert.That(Directory.Exists(refused), Is.False, "nor does rank 0");
        Assert.That(() => Train(5, config, NewRun()), Throws.TypeOf<RankFailedException>().With.Message.Contains("the batch is 4 images and 5 processes share it"));
    }

    void AssertAsOne(TrainConfig config, int ranks, Architecture architecture = Architecture.Resnet18) =>
        AssertClose(Weights(One(config, architecture)), Weights(Train(ranks, config, NewRun(), architecture)));

    string One(TrainConfig config, Architecture architecture)
    {
        if (!alone.TryGetValue((config, architecture), out string? run))
        {
            alone[(config, architecture)] = run = Train(1, config, NewRun(), architecture);
            AssertMoved(Weights(run), config, architecture);
        }
        return run;
    }

    /// <summary>Ends that are alike say something where the way there was long: ten times what may differ, and more.</summary>
    static void AssertMoved(Dictionary<string, float[]> end, TrainConfig config, Architecture architecture)
    {
        using Device device = Device.Open("host", 1);
        using Embedder start = Untrained(config, architecture, device, 3);
        double moved = start.BackboneParameters.Max(p => Difference(p.Parameter.data<float>().ToArray(), end["embedder." + p.Name]));
        TestContext.Out.WriteLine($"learned: {moved:g3}");
        Assert.That(moved, Is.GreaterThan(1e-5));
    }

    /// <summary>What was learned, class weights and averages with it, within 1e-6. Running statistics are of maps that one ReLU's rounding moves more than that.</summary>
    static void AssertClose(Dictionary<string, float[]> one, Dictionary<string, float[]> many)
    {
        foreach (bool statistics in new[] { false, true })
        {
            (string name, double difference) = one.Where(w => w.Key.Contains(".running_", StringComparison.Ordinal) == statistics).Select(w => (w.Key, Difference(w.Value, many[w.Key]))).MaxBy(d => d.Item2);
            TestContext.Out.WriteLine($"largest difference {difference:g3}, {name}");
            Assert.That(difference, Is.LessThanOrEqualTo(statistics ? 5e-3 : 1e-6), name);
        }
    }

    /// <summary>The largest of a tensor, beside its largest value.</summary>
    static double Difference(float[] a, float[] b) => a.Zip(b, (x, y) => Math.Abs((double)x - y)).Max() / Math.Max(1, a.Max(Math.Abs));

    /// <param name="stopAt">Step after which the last rank alone is asked to stop.</param>
    string Train(
        int size, TrainConfig config, string run, Architecture architecture = Architecture.Resnet18, bool resume = false, int stopAt = 0, ImageSet? from = null, Func<int, int>? seedOf = null,
        int threads = 1)
    {
        ThreadTeam.Run(size, ranks =>
        {
            using Device device = Device.Open("host", threads);
            using Embedder embedder = Untrained(config, architecture, device, seedOf?.Invoke(ranks.Rank) ?? 3);
            using var stop = new CancellationTokenSource();
            IProgress<Progress>? watcher = ranks.Rank == size - 1 && stopAt > 0 ? new At(stopAt, stop.Cancel) : null;
            return Trainer.Run(ranks, config, embedder, from ?? set, run, resume, device, threads, watcher, stop.Token);
        });
        return run;
    }

    static Embedder Untrained(TrainConfig config, Architecture architecture, Device device, long seed) => Embedder.Create(
        new EmbedderConfig { Architecture = architecture, Stage = architecture == Architecture.Resnet18 ? 2 : 4, ImageSize = 32, DescriptorSize = config.KeepsDescriptor ? null : 8 }, device, seed);

    string NewRun() => Path.Combine(folder, Guid.NewGuid().ToString("n"));

    /// <summary>All that the last checkpoint holds but the optimizer's moments.</summary>
    static Dictionary<string, float[]> Weights(string run)
    {
        using var scope = NewDisposeScope();
        return SafeTensors.Read(Path.Combine(run, "last", "checkpoint.safetensors")).Where(t => !t.Key.StartsWith("optimizer.", StringComparison.Ordinal))
            .ToDictionary(t => t.Key, t => t.Value.to_type(ScalarType.Float32).data<float>().ToArray());
    }

    sealed class At(int step, Action action) : IProgress<Progress>
    {
        public void Report(Progress value)
        {
            if (value.Done == step) action();
        }
    }
}
