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

    EvaluationResult Run(EvalConfig config, IProgress<Progress>? progress = null) =>
        Evaluator.Run([("one", first), ("two", second)], [ImageFolder.Open(Path.Combine(folder, "set"))], config, new DecodeOptions(), device, progress);

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
            Assert.That(attacked.Attacked.Keys, Is.EquivalentTo(attacked.Clean.Keys).And.Contains("map").And.Contains("knn_1").And.Contains("nearest_mean_5").And.Contains("p_at_10"));
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
        using Embedder embedder = Embedder.Open(Shared.Weights(weights), device, size);
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
