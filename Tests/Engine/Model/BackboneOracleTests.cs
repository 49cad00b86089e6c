using NUnit.Framework;
using Osprey.Engine;
using Osprey.Engine.Model;
using Osprey.Interop.Formats;
using Osprey.Interop.Torch;
using Osprey.Tests.House;
using static TorchSharp.torch;

namespace Osprey.Tests.Engine.Model;

/// <summary>Our networks against torchvision's, on the same weights. Tests/Oracle/backbones.py made the numbers and says how.</summary>
[TestFixture]
public class BackboneOracleTests
{
    /// <summary>What issue and README promise: 1e-4 relative.</summary>
    const double Tolerance = 1e-4;

    public record Numbers
    {
        public long[] Shape { get; init; } = [];
        public double Mean { get; init; }
        public double Norm { get; init; }
        public double[] Samples { get; init; } = [];
    }

    public sealed record TrainNumbers : Numbers
    {
        public double GradientNorm { get; init; }
        public double[]? RunningMean { get; init; }
    }

    public sealed record Case : Numbers
    {
        public Architecture Architecture { get; init; }
        public int Stage { get; init; }
        public TrainNumbers? Train { get; init; }

        public override string ToString() => $"{Architecture} stage {Stage}";
    }

    public sealed record RealCase : Numbers
    {
        public string File { get; init; } = "";

        public override string ToString() => File;
    }

    public sealed record Oracle(string MadeWith, Case[] Cases, RealCase[] Real);

    static readonly Oracle Answers = Json.Read<Oracle>(Path.Combine(Shared.Repository, "Tests", "Oracle", "backbones.json"));

    static IEnumerable<Case> Cases => Answers.Cases;

    static IEnumerable<Case> TrainedCases => Answers.Cases.Where(c => c.Train is not null);

    static IEnumerable<RealCase> RealCases => Answers.Real;

    [TestCaseSource(nameof(Cases))]
    public void A_backbone_equals_torchvisions(Case expected)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using Backbone backbone = Create(expected);
        backbone.eval();
        Check(backbone.call(OracleWeights.Image()), expected);
    }

    /// <summary>Batch statistics, their update and the gradient through the whole network.</summary>
    [TestCaseSource(nameof(TrainedCases))]
    public void A_training_pass_equals_torchvisions(Case expected)
    {
        using var scope = NewDisposeScope();
        using Backbone backbone = Create(expected);
        backbone.train();
        if (expected.Architecture is Architecture.Resnet50 or Architecture.Resnet101 && !ProcessorCaches.AllowBottleneckGradients)
        {
            Assert.That(() => backbone.call(OracleWeights.Image()), Throws.TypeOf<NotSupportedException>());
            Assert.Ignore(ProcessorCaches.Advice);
        }
        Tensor map = backbone.call(OracleWeights.Image());
        map.square().mean().backward();
        TrainNumbers train = expected.Train!;
        Check(map, train);
        Tensor gradient = backbone.parameters().First().grad!;
        Assert.That(gradient.norm().item<float>(), Is.EqualTo(train.GradientNorm).Within(10 * Tolerance * train.GradientNorm));
        if (train.RunningMean is double[] means)
            Assert.That(backbone.get_buffer("bn1.running_mean")!.data<float>().Take(means.Length).Select(v => (double)v), Is.EqualTo(means).Within(1e-5));
    }

    [TestCaseSource(nameof(RealCases))]
    public void The_real_weights_give_pytorchs_answer(RealCase expected)
    {
        string path = Shared.Weights(expected.File);
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        IReadOnlyDictionary<string, Tensor> weights = WeightsFile.Read(path);
        ArchitectureGuess guess = ArchitectureGuess.From(weights.Select(w => (w.Key, (IReadOnlyList<long>)w.Value.shape)));
        using Backbone backbone = Backbone.Create(new EmbedderConfig { Architecture = guess.Architecture!.Value, Stage = guess.Stage });
        backbone.LoadTorchvision(weights);
        backbone.eval();
        Check(backbone.call(OracleWeights.Image()), expected);
    }

    static Backbone Create(Case expected)
    {
        Backbone backbone = Backbone.Create(new EmbedderConfig { Architecture = expected.Architecture, Stage = expected.Stage });
        backbone.LoadTorchvision(OracleWeights.For(backbone));
        return backbone;
    }

    static void Check(Tensor map, Numbers expected)
    {
        Assert.That(map.shape, Is.EqualTo(expected.Shape));
        Tensor flat = map.detach().to(ScalarType.Float64).flatten();
        double norm = flat.norm().item<double>();
        // Single elements are measured against the map's own scale: near zero their relative error says nothing.
        double scale = expected.Norm / Math.Sqrt(flat.NumberOfElements);
        double[] samples = [.. Enumerable.Range(0, 16).Select(k => flat[k * (flat.NumberOfElements - 1) / 15].item<double>())];
        Assert.Multiple(() =>
        {
            Assert.That(norm, Is.EqualTo(expected.Norm).Within(Tolerance * expected.Norm));
            Assert.That(flat.mean().item<double>(), Is.EqualTo(expected.Mean).Within(Tolerance * scale));
            for (int k = 0; k < 16; k++)
                Assert.That(samples[k], Is.EqualTo(expected.Samples[k]).Within(Tolerance * Math.Max(scale, Math.Abs(expected.Samples[k]))), $"sample {k}");
        });
    }
}
