using System.Text.Json;
using NUnit.Framework;
using Osprey.Engine;
using Osprey.Engine.Datasets;
using Osprey.Engine.Evaluation;
using Osprey.Engine.Images;
using Osprey.Engine.Model;
using Osprey.Engine.Robust;
using Osprey.Kernels;
using Osprey.Kernels.Perturbation;
using Osprey.Tests.House;
using SkiaSharp;

namespace Osprey.Tests.Engine.Evaluation;

[TestFixture]
public class EvaluatorTests
{
    static readonly EmbedderConfig Small = new() { Architecture = Architecture.Squeezenet, ImageSize = 32 };

    static readonly EvalConfig Quick = new()
    {
        SplitRuns = 1,
        SupportRuns = 1,
        TrainFractions = [0.5],
        LinearProbe = false,
        BootstrapSamples = 20,
        RobustQueries = 4,
        GalleryQueries = 1,
        BatchSize = 4,
        Threats = [new Threat { Norm = PerturbationNorm.LInf, Epsilon = 8.0 / 255, Steps = 3 }, new Threat { Norm = PerturbationNorm.L2, Epsilon = 0, Steps = 1 }],
    };

    string folder = null!;
    Device device = null!;
    Embedder first = null!, second = null!;

    [OneTimeSetUp]
    public void Open()
    {
        folder = Directory.CreateTempSubdirectory("osprey-evaluator-").FullName;
        device = Device.Open("host", 2);
        first = Embedder.Create(Small, device, 1);
        second = Embedder.Create(Small, device, 2);
        var random = new Random(5);
        for (int label = 0; label < 3; label++)
        {
            string dir = Directory.CreateDirectory(Path.Combine(folder, "set", $"class{label}")).FullName;
            for (int i = 0; i < 6; i++)
            {
                using var bitmap = new SKBitmap(24, 24);
                for (int y = 0; y < 24; y++)
                    for (int x = 0; x < 24; x++)
                        bitmap.SetPixel(x, y, new SKColor((byte)(90 * label + random.Next(60)), (byte)(label == 1 ? 10 * y : 10 * x), (byte)random.Next(200)));
                using SKData png = bitmap.Encode(SKEncodedImageFormat.Png, 100);
                File.WriteAllBytes(Path.Combine(dir, $"{i}.png"), png.ToArray());
            }
        }
        File.WriteAllText(Path.Combine(folder, "set", "class0", "text.png"), "no picture");
    }

    [OneTimeTearDown]
    public void Close()
    {
        second.Dispose();
        first.Dispose();
        device.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    EvaluationResult Run(EvalConfig config, IProgress<Progress>? progress = null, IReadOnlyList<ModelGroup>? groups = null) =>
        Evaluator.Run([("one", first), ("two", second)], [ImageFolder.Open(Path.Combine(folder, "set"))], config, new DecodeOptions(), device, progress, groups);

    [Test]
    public void Two_models_on_a_folder_with_a_bad_file_clean_and_attacked()
    {
        var told = new List<Progress>();
        EvaluationResult result = Run(Quick, new Recorder(told));
        Assert.That(result.Results.Select(r => (r.Model, r.Data, r.Images, r.Classes, r.ImageSize)), Is.EqualTo(new[] { ("one", "set", 18, 3, 32), ("two", "set", 18, 3, 32) }));
        Assert.That(result.Results.SelectMany(r => r.BadFiles).Select(b => Path.GetFileName(b.Path)), Is.EqualTo(new[] { "text.png", "text.png" }));
        Assert.That(result.Differences, Has.Count.EqualTo(1));
        Assert.That(result.Galleries.Single().Models, Is.EqualTo(new[] { "one", "two" }));
        foreach (ModelResult r in result.Results)
        {
            RobustReport attacked = r.Robust[0], untouched = r.Robust[1];
            Assert.That(attacked.Queries, Is.EqualTo(4));
            Assert.That(attacked.Attacked.Keys, Is.EquivalentTo(attacked.Clean.Keys).And.Contains("map").And.Contains("knn_1").And.Contains("nearest_mean_5").And.Contains("simple_cnaps_1").And.Contains("p_at_10"));
            Assert.That(attacked.Shift, Is.GreaterThan(1e-4), "the attack moves the descriptors");
            Assert.That(untouched.Shift, Is.EqualTo(0).Within(1e-5), "a ball of radius 0 moves nothing");
            Assert.That(untouched.Attacked["map"].Value, Is.EqualTo(untouched.Clean["map"].Value).Within(1e-3));
        }
        Assert.That(told.Select(p => p.Stage).Distinct(), Is.SupersetOf(new[] { "set, one: embedding", "set, one: ranking", "set, two: attacking" }));
    }

    [Test]
    public void Some_attacked_images_are_kept_to_look_at()
    {
        EvaluationResult result = Run(Quick);
        foreach (ModelResult r in result.Results)
        {
            foreach (RobustReport report in r.Robust)
            {
                Assert.That(report.Examples.Select(e => e.Query), Is.EqualTo(result.Results[0].Robust[0].Examples.Select(e => e.Query)), "the same of every model and threat");
                foreach (AdversarialExample e in report.Examples)
                {
                    int id = r.Set.Images.ToList().IndexOf(e.Query);
                    Assert.That(e.Before.AveragePrecision, Is.EqualTo(r.Retrieval.AveragePrecisions[Array.IndexOf(r.Retrieval.QueryIds, id)]).Within(1e-12));
                    Assert.That(e.Before.Neighbours.Concat(e.After.Neighbours).Select(n => n.Image), Has.None.EqualTo(e.Query));
                    float moved = e.Clean.Zip(e.Attacked, (a, b) => Math.Abs(a - b)).Max();
                    Assert.That(moved, report.Epsilon == 0 ? Is.Zero : Is.InRange(0.5 * report.Epsilon, report.Epsilon + 1e-6));
                    Assert.That(e.Clean, Has.Length.EqualTo(3 * 32 * 32).And.All.InRange(0f, 1f));
                    Assert.That(e.Shift, report.Epsilon == 0 ? Is.EqualTo(0).Within(1e-5) : Is.Positive);
                }
            }
            Assert.That(r.Robust[0].Examples, Has.Count.EqualTo(3));
        }
        Assert.That(AdversarialExample.Choose([10, 20, 30, 40]), Is.EqualTo(new[] { 10, 30, 40 }));
        Assert.That(AdversarialExample.Choose([7]), Is.EqualTo(new[] { 7 }));
    }

    [Test]
    public void The_attack_does_more_than_its_random_start()
    {
        double Shift(Threat threat) =>
            Evaluator.Run([("one", first)], [ImageFolder.Open(Path.Combine(folder, "set"))], Quick with { Threats = [threat] }, new DecodeOptions(), device).Results[0].Robust[0].Shift;
        var strong = new Threat { Epsilon = 8.0 / 255, Steps = 4 };
        // A step too short to matter leaves the random start.
        double random = Shift(strong with { StepSize = 1e-9 }), climbed = Shift(strong);
        Assert.That(climbed, Is.GreaterThan(1.5 * random));
    }

    [Test]
    public void Of_several_restarts_each_figure_of_each_image_is_the_worst()
    {
        RobustReport Report(int restarts) => Run(Quick with { RobustQueries = 0, Threats = [new Threat { Epsilon = 8.0 / 255, Steps = 1, Restarts = restarts }] }).Results[0].Robust[0];
        RobustReport one = Report(1), several = Report(4);
        Assert.That(several.Shift, Is.GreaterThan(one.Shift));
        foreach ((string name, Figure figure) in several.Attacked) Assert.That(figure.Value, Is.LessThanOrEqualTo(one.Attacked[name].Value + 1e-12), name);
        Assert.That(several.Attacked["map"].Value, Is.LessThan(one.Attacked["map"].Value), "four random starts do not all end alike");
        Assert.That(several.Clean["map"], Is.EqualTo(one.Clean["map"]));
    }

    [Test]
    public void The_attack_is_checked_against_noise_steps_restarts_and_the_other_model()
    {
        EvaluationResult result = Run(Quick with { CheckAttack = true, RobustQueries = 0, Threats = EvalConfig.Pgd10(PerturbationNorm.L2, 0.5, 2) });
        AttackCheckKind[] Kinds(int model) => [.. result.Results[model].AttackChecks.Select(c => c.Kind)];
        AttackCheckKind[] own = [AttackCheckKind.LargerEpsilon, AttackCheckKind.LargerEpsilon, AttackCheckKind.AboveNoise, AttackCheckKind.MoreSteps, AttackCheckKind.MoreSteps, AttackCheckKind.MoreRestarts];
        Assert.That(Kinds(0), Is.EqualTo(own), "the first model has nobody to take an attack from");
        Assert.That(Kinds(1), Is.EqualTo(own.Append(AttackCheckKind.AboveTransfer)));
        Assert.That(result.Results[0].AttackChecks.Select(c => (c.Weaker, c.Stronger)), Is.EqualTo(new[]
        {
            ("clean", "0.5"), ("0.5", "2"), ("noise at 2", "10 steps at 2"), ("1 step at 2", "10 steps at 2"), ("10 steps at 2", "20 steps at 2"), ("10 steps at 2", "3 restarts at 2"),
        }));
        foreach (AttackCheck check in result.Results.SelectMany(r => r.AttackChecks)) Assert.That(check.Figures.Select(f => f.Name), Is.EqualTo(new[] { "shift", "map", "knn_1" }));
        AttackCheckFigure noise = result.Results[0].AttackChecks[2].Figures[0], transfer = result.Results[1].AttackChecks[6].Figures[0];
        Assert.That(noise.Stronger, Is.GreaterThan(2 * noise.Weaker), "the gradient is worth something");
        Assert.That(transfer.Stronger, Is.GreaterThan(transfer.Weaker));
        Assert.That(result.AttackSanity!.Checks, Is.EqualTo(13));
        Assert.That(result.AttackSanity.Failed.Select(f => f.Check), Is.EqualTo(result.Results.SelectMany(r => r.AttackChecks).Where(c => !c.Passed)));
    }

    /// <summary>Steps of no length leave the random start, which a step of noise of the ball's full radius beats: the check must see that.</summary>
    [Test]
    public void An_attack_that_does_not_use_its_gradient_fails_the_check()
    {
        EvaluationResult result = Run(Quick with { CheckAttack = true, RobustQueries = 0, Threats = [new Threat { Epsilon = 8.0 / 255, Steps = 3, StepSize = 1e-9 }] });
        Assert.That(result.AttackSanity!.Passed, Is.False);
        Assert.That(result.AttackSanity.Failed.Select(f => f.Check.Kind), Has.Member(AttackCheckKind.AboveNoise).And.Member(AttackCheckKind.MoreSteps));
    }

    [Test]
    public void Corruptions_are_measured_kind_by_kind_on_the_same_images_as_attacks()
    {
        EvaluationResult result = Run(Quick with { Corruptions = [CorruptionKind.GaussianNoise, CorruptionKind.Rotation], Severities = [1, 3] });
        foreach (ModelResult r in result.Results)
        {
            Assert.That(r.Corruptions.Select(c => (c.Kind, c.Severity, c.Amount)), Is.EqualTo(new[]
            {
                (CorruptionKind.GaussianNoise, 1, 0.04), (CorruptionKind.GaussianNoise, 3, 0.16), (CorruptionKind.Rotation, 1, 90.0), (CorruptionKind.Rotation, 3, 270.0),
            }));
            Assert.That(r.Corruptions.Select(c => c.Queries), Is.All.EqualTo(4));
            Assert.That(r.Corruptions.Select(c => c.Clean["map"]), Is.All.EqualTo(r.Robust[0].Clean["map"]));
            Assert.That(r.Corruptions[1].Shift, Is.GreaterThan(r.Corruptions[0].Shift).And.GreaterThan(1e-3));
            Assert.That(r.Corruptions[0].Corrupted.Keys, Is.EquivalentTo(r.Robust[0].Attacked.Keys));
        }
    }

    [Test]
    public void Runs_in_a_group_are_summed_up_and_compared_as_one()
    {
        EvaluationResult alone = Run(Quick with { Threats = [] }), together = Run(Quick with { Threats = [] }, groups: [new ModelGroup("both", ["one", "two"])]);
        double[] maps = [.. alone.Results.Select(r => r.Retrieval.Map.Value)];
        GroupResult both = together.Groups.Single();
        Assert.That(both.Figures["map"].Mean, Is.EqualTo(maps.Average()).Within(1e-12));
        Assert.That(both.Figures["map"].Deviation, Is.EqualTo(Math.Abs(maps[0] - maps[1]) / Math.Sqrt(2)).Within(1e-12));
        Assert.That(together.Differences, Is.Empty);
        Assert.That(alone.Groups, Is.Empty);
        Assert.That(() => Run(Quick, groups: [new ModelGroup("half", ["one"])]), Throws.ArgumentException.With.Message.Contains("each model belongs to one group"));
    }

    [Test]
    public void The_same_seed_gives_the_same_json_and_leaves_the_models_as_they_were()
    {
        first.train();
        string once = JsonSerializer.Serialize(Run(Quick), Json.Options), again = JsonSerializer.Serialize(Run(Quick), Json.Options);
        Assert.That(first.training, Is.True);
        Assert.That(first.parameters().Select(p => p.grad), Is.All.Null, "no gradient of a weight is left behind");
        Assert.That(again, Is.EqualTo(once));
    }

    [Test]
    public void The_image_size_of_the_configuration_rules() =>
        Assert.That(Run(Quick with { ImageSize = 48, Threats = [] }).Results.Select(r => r.ImageSize), Is.All.EqualTo(48));

    [Test]
    public void Wrong_use_is_refused()
    {
        ImageSet set = ImageFolder.Open(Path.Combine(folder, "set"));
        Assert.That(() => Evaluator.Run([("a", first), ("a", second)], [set], Quick, new DecodeOptions(), device), Throws.ArgumentException.With.Message.Contains("two models are called 'a'"));
        Assert.That(() => Evaluator.Run([], [set], Quick, new DecodeOptions(), device), Throws.ArgumentException.With.Message.Contains("no model"));
        Assert.That(() => Evaluator.Run([("a", first)], [], Quick, new DecodeOptions(), device), Throws.ArgumentException.With.Message.Contains("no data set"));
    }

    /// <summary>The figures that PyTorch gives for published weights.</summary>
    [TestCase("squeezenet1_1.safetensors", "ucm", 128, 51.58, 52.60)]
    [TestCase("resnet18_stage3.safetensors", "rsscn7", 128, 41.52, 52.86)]
    public void The_baseline_has_pytorchs_figures(string weights, string data, int size, double map, double precisionAt10)
    {
        using Embedder embedder = Embedder.Open(Shared.Weights(weights), device, c => c with { ImageSize = size });
        EvalConfig config = Quick with { ImageSize = size, Threats = [], BatchSize = 32 };
        RetrievalReport report = Evaluator.Run([("baseline", embedder)], [ImageFolder.Open(Shared.Data(data))], config, new DecodeOptions(), device).Results[0].Retrieval;
        Assert.That(100 * report.Map.Value, Is.EqualTo(map).Within(0.3));
        Assert.That(100 * report.Figures["p_at_10"].Value, Is.EqualTo(precisionAt10).Within(0.3));
    }

    sealed class Recorder(List<Progress> told) : IProgress<Progress>
    {
        public void Report(Progress value) => told.Add(value);
    }
}
