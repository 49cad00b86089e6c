using NUnit.Framework;
using Osprey.Engine.Model;
using Osprey.Engine.Robust;
using Osprey.Interop.Torch;
using TorchSharp;
using static TorchSharp.torch;
using Device = Osprey.Kernels.Device;

namespace Osprey.Tests.Engine.Robust;

/// <summary>A small network and a batch for one step of a recipe, and what is compared afterwards.</summary>
public abstract class RecipeFixture
{
    private protected const double Epsilon = 8.0 / 255;

    private protected static readonly Threat Threat = new() { Epsilon = Epsilon, Steps = 3 };
    private protected static readonly Threat OneStep = new() { Epsilon = Epsilon };

    private protected readonly Device device = Device.Open("host", 1);
    DisposeScope scope = null!;

    [OneTimeSetUp]
    public void OneThread() => TorchRuntime.Configure(1, 0);

    [OneTimeTearDown]
    public void Close() => device.Dispose();

    [SetUp]
    public void Begin() => scope = NewDisposeScope();

    [TearDown]
    public void End() => scope.Dispose();

    private protected static void AssertReady(Embedder embedder)
    {
        Assert.That(embedder.Branch, Is.EqualTo(NormBranch.Main));
        Assert.That(embedder.training, Is.True);
    }

    private protected static void AssertValue(StepLoss value, double total, Tensor? clean, Tensor adversarial)
    {
        Assert.That(value.Total, Is.EqualTo(total).Within(1e-4));
        Assert.That(value.Clean, clean is null ? Is.Null : Is.EqualTo(clean.item<float>()).Within(1e-5));
        Assert.That(value.Adversarial, Is.EqualTo(adversarial.item<float>()).Within(1e-5));
    }

    private protected static void AssertSameGradients(Embedder embedder, Embedder twin)
    {
        Dictionary<string, float[]> got = Gradients(embedder), wanted = Gradients(twin);
        Assert.That(got.Keys, Is.EquivalentTo(wanted.Keys));
        foreach ((string name, float[] gradient) in got)
            Assert.That(gradient, Is.EqualTo(wanted[name]).Within(1e-4 * (1 + wanted[name].Max(Math.Abs))), name);
    }

    private protected static void AssertSameStatistics(Embedder embedder, Embedder twin)
    {
        Dictionary<string, float[]> got = Statistics(embedder), wanted = Statistics(twin);
        Assert.That(got.Keys, Is.EquivalentTo(wanted.Keys));
        Assert.That(got, Has.Count.GreaterThan(10));
        foreach ((string name, float[] values) in got) Assert.That(values, Is.EqualTo(wanted[name]).Within(1e-5), name);
    }

    private protected static Dictionary<string, float[]> Statistics(Embedder embedder) => embedder.State(true).Where(t => t.Key.Contains("running_") || t.Key.Contains("num_batches"))
        .ToDictionary(t => t.Key, t => t.Value.to_type(ScalarType.Float32).data<float>().ToArray());

    private protected Embedder Small(bool split = false, Architecture architecture = Architecture.Resnet18)
    {
        Embedder embedder = Embedder.Create(
            new EmbedderConfig { Architecture = architecture, Stage = architecture == Architecture.Resnet18 ? 2 : 4, ImageSize = 32 }, device, 3);
        embedder.AddHead(8, 4);
        if (split) embedder.SplitNorms();
        embedder.train();
        return embedder;
    }

    private protected static (Tensor Pixels, Tensor Labels) Batch()
    {
        var random = new Random(1);
        return (tensor(Enumerable.Range(0, 8 * 3 * 32 * 32).Select(_ => random.NextSingle()).ToArray(), [8, 3, 32, 32]),
            tensor(Enumerable.Range(0, 8).Select(i => (long)i % 4).ToArray()));
    }

    private protected static Dictionary<string, float[]> Gradients(Embedder embedder) => embedder.BackboneParameters.Concat(embedder.HeadParameters)
        .Where(p => p.Parameter.grad is not null).ToDictionary(p => p.Name, p => p.Parameter.grad!.data<float>().ToArray());
}
