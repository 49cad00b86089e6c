using NUnit.Framework;
using Osprey.Engine;
using Osprey.Engine.Datasets;
using Osprey.Engine.Model;
using Osprey.Engine.Robust;
using Osprey.Engine.Training;
using Osprey.Interop.Formats;
using Osprey.Tests.Interop.Mpi;
using Osprey.Tests.Tools;
using static TorchSharp.torch;
using Device = Osprey.Kernels.Device;

namespace Osprey.Tests.Engine.Distributed;

/// <summary>Ranks that are threads of this process train together, and end where one process ends.</summary>
[TestFixture]
public class DistributedTrainingTests
{
    /// <summary>4 classes × 6 images, batches of 12: 2 steps an epoch, 20 in all. Updates in proportion to the gradient, so that what is compared is rounding and not what Adam makes of it.</summary>
    static readonly TrainConfig Config = new()
    {
        Epochs = 10,
        BatchClasses = 4,
        BatchImagesPerClass = 3,
        DescriptorSize = 8,
        Seed = 5,
        Optimizer = OptimizerKind.Sgd,
        LearningRate = 1e-3,
        Threat = new Threat { Epsilon = 4.0 / 255 },
        Augmentation = new AugmentationConfig { CropScale = 0.6, Brightness = 0.1, Contrast = 0.1, Saturation = 0.1 },
    };

    readonly Device device = Device.Open("host", 1);
    readonly Dictionary<TrainConfig, Dictionary<string, float[]>> alone = [];
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
        device.Dispose();
        Directory.Delete(folder, true);
    }

    [Test]
    public void Any_number_of_ranks_ends_with_the_weights_of_one([Values(2, 3, 4)] int ranks, [Values] RecipeKind recipe) =>
        AssertAsOne(Config with { Recipe = recipe }, ranks);

    [Test]
    public void Losses_that_compare_images_see_those_of_all_ranks(
        [Values(2, 4)] int ranks, [Values(LossKind.Contrastive, LossKind.Triplet, LossKind.SmoothAP)] LossKind loss, [Values(RecipeKind.None, RecipeKind.AdvProp)] RecipeKind recipe) =>
        AssertAsOne(Config with { Loss = loss, Recipe = recipe, SmoothAPTemperature = 0.1 }, ranks);

    [Test]
    public void Clipping_averaging_accumulating_and_holding_out_are_those_of_one([Values(RecipeKind.None, RecipeKind.FastAdvProp, RecipeKind.Ses)] RecipeKind recipe) =>
        AssertAsOne(Config with { Recipe = recipe, ClipNorm = 0.5, AverageDecay = 0.9, AccumulatedBatches = 2, Epochs = 20, HeldOutShare = 0.34, Patience = 5, Threat = Config.Threat with { Restarts = recipe == RecipeKind.Ses ? 2 : 1 } }, 3);

    [Test]
    public void Ranks_without_an_image_of_a_part_take_part([Values(LossKind.ArcFace, LossKind.Triplet)] LossKind loss) =>
        // Of 8 images 2 are attacked, by 4 ranks.
        AssertAsOne(Config with { Recipe = RecipeKind.FastAdvProp, BatchImagesPerClass = 2, Loss = loss }, 4);

    [Test]
    public void A_backbone_without_norms_ends_as_one([Values(RecipeKind.None, RecipeKind.AdvProp)] RecipeKind recipe) =>
        AssertAsOne(Config with { Recipe = recipe }, 2, Osprey.Engine.Model.Architecture.Squeezenet);

    void AssertAsOne(TrainConfig config, int ranks, Osprey.Engine.Model.Architecture architecture = Osprey.Engine.Model.Architecture.Resnet18)
    {
        Dictionary<string, float[]> one = Weights(Train(1, config, NewRun(), architecture)), many = Weights(Train(ranks, config, NewRun(), architecture));
        double worst = one.Max(w => Difference(w.Value, many[w.Key]));
        TestContext.Out.WriteLine($"largest difference {worst:g3}, {one.MaxBy(w => Difference(w.Value, many[w.Key])).Key}");
        Assert.That(worst, Is.LessThanOrEqualTo(1e-6));
    }

    /// <summary>The largest of a tensor, beside its largest value.</summary>
    static double Difference(float[] a, float[] b) => a.Zip(b, (x, y) => Math.Abs((double)x - y)).Max() / Math.Max(1, a.Max(Math.Abs));

    string Train(int size, TrainConfig config, string run, Osprey.Engine.Model.Architecture architecture = Osprey.Engine.Model.Architecture.Resnet18, bool resume = false, int stopAt = 0)
    {
        ThreadTeam.Run(size, ranks =>
        {
            // One torch scope, one device and one network a rank, as in processes of their own.
            using Device own = Device.Open("host", 1);
            using Embedder embedder = Embedder.Create(
                new EmbedderConfig { Architecture = architecture, Stage = architecture == Osprey.Engine.Model.Architecture.Resnet18 ? 2 : 4, ImageSize = 32 }, own, 3);
            using var stop = new CancellationTokenSource();
            // One rank alone is asked to stop.
            IProgress<Progress>? watcher = ranks.Rank == size - 1 && stopAt > 0 ? new At(stopAt, stop.Cancel) : null;
            return Trainer.Run(ranks, config, embedder, set, run, resume, own, 1, watcher, stop.Token);
        });
        return run;
    }

    string NewRun() => Path.Combine(folder, Guid.NewGuid().ToString("n"));

    static Dictionary<string, float[]> Weights(string run)
    {
        using var scope = NewDisposeScope();
        return SafeTensors.Read(Path.Combine(run, "model.safetensors")).ToDictionary(t => t.Key, t => t.Value.to_type(ScalarType.Float32).data<float>().ToArray());
    }

    sealed class At(int step, Action action) : IProgress<Progress>
    {
        public void Report(Progress value)
        {
            if (value.Done == step) action();
        }
    }
}
