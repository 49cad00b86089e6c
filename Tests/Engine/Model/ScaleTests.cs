using System.Text.Json;
using NUnit.Framework;
using Osprey.Engine;
using Osprey.Engine.Model;
using Osprey.Kernels.Pooling;
using static TorchSharp.torch;
using Device = Osprey.Kernels.Device;

namespace Osprey.Tests.Engine.Model;

[TestFixture]
public sealed class ScaleTests
{
    static readonly EmbedderConfig Small = new() { Architecture = Architecture.Resnet18, Stage = 2, ImageSize = 64 };
    static readonly ScaleSet Three = new(1, 0.7071, 0.5);

    readonly Device device = Device.Open("host", 1);

    [OneTimeTearDown]
    public void Close() => device.Dispose();

    static Tensor Images(int size = 64) => tensor(OracleWeights.Uniform("pictures", 2 * 3L * size * size), [2, 3, size, size]).mul(0.5).add(0.5);

    static float[] Values(Tensor tensor) => tensor.detach().contiguous().data<float>().ToArray();

    /// <summary>The same seed, so that both have the same weights.</summary>
    float[] Described(EmbedderConfig config, Tensor images)
    {
        using var embedder = Embedder.Create(config, device, seed: 3);
        embedder.eval();
        return Values(embedder.Describe(images));
    }

    /// <summary>(mean over scales of v^msp)^(1/msp), then unit length; msp is GeM's power where the descriptor is GeM's own, else 1.</summary>
    [TestCase(PoolingKind.Gem, 3.0, null, 3.0)]
    [TestCase(PoolingKind.Gem, 2.2, null, 2.2)]
    [TestCase(PoolingKind.Gem, 3.0, 16, 1.0)]
    [TestCase(PoolingKind.Mac, 3.0, null, 1.0)]
    public void A_descriptor_of_several_scales_is_the_generalised_mean(PoolingKind pooling, double power, int? head, double msp)
    {
        using var scope = NewDisposeScope();
        EmbedderConfig config = Small with { Pooling = pooling, Power = power, DescriptorSize = head };
        Tensor images = Images();
        // ⌊64 · 0.7071⌋ = 45 and 32 pixels.
        float[][] each = [.. new[] { 64, 45, 32 }.Select(side => Described(config, side == 64 ? images : nn.functional.interpolate(images, size: [side, side], mode: InterpolationMode.Bilinear, align_corners: false, antialias: true)))];
        float[] found = Described(config with { Scales = Three }, images);
        int dimension = found.Length / 2;
        for (int row = 0; row < 2; row++)
        {
            double[] mean = [.. Enumerable.Range(row * dimension, dimension).Select(i => msp == 1 ? each.Average(v => v[i]) : Math.Pow(each.Average(v => Math.Pow(v[i], msp)), 1 / msp))];
            double length = Math.Sqrt(mean.Sum(m => m * m));
            Assert.That(found[(row * dimension)..((row + 1) * dimension)], Is.EqualTo(mean.Select(m => m / length)).Within(3e-6));
        }
    }

    [Test]
    public void One_scale_of_1_is_none_and_half_a_scale_is_a_smaller_image()
    {
        Assert.That(Small with { Scales = new ScaleSet(1) }, Is.EqualTo(Small));
        Assert.That(JsonSerializer.Serialize(Small with { Scales = ScaleSet.Single }, Json.Options), Does.Not.Contain("scales"), "stores of one scale stay as they were");
        using var scope = NewDisposeScope();
        Tensor images = Images();
        // Half the side, antialiased: a triangle of weights 1, 3, 3, 1 over 8 either way.
        float[] half = Described(Small with { Scales = new ScaleSet(0.5) }, images);
        Assert.That(half, Is.EqualTo(Described(Small, nn.functional.interpolate(images, size: [32, 32], mode: InterpolationMode.Bilinear, align_corners: false, antialias: true))).Within(2e-6));
        Assert.That(half, Is.Not.EqualTo(Described(Small, images)).Within(1e-3));
    }

    [Test]
    public void Large_powers_do_not_run_out_of_range()
    {
        using var scope = NewDisposeScope();
        float[] found = Described(Small with { Power = 100, Scales = Three }, Images());
        Assert.That(found.All(float.IsFinite));
        Assert.That(found.Take(found.Length / 2).Sum(v => (double)v * v), Is.EqualTo(1).Within(1e-4));
    }

    /// <summary>An attack moves pixels by this gradient.</summary>
    [Test]
    public void The_gradient_is_that_of_finite_differences()
    {
        using var scope = NewDisposeScope();
        using var embedder = Embedder.Create(Small with { Scales = new ScaleSet(1, 0.5), ImageSize = 32 }, device, seed: 3);
        embedder.Whiten(new FittedWhitening([.. Enumerable.Repeat(0.01f, 128)], OracleWeights.Uniform("projection", 8 * 128), 0));
        embedder.eval();
        Tensor images = Images(32), wanted = tensor(OracleWeights.Uniform("wanted", 2 * 8), [2, 8]);
        double Objective(Tensor pixels) => (embedder.Describe(pixels) * wanted).sum().item<float>();
        Tensor tracked = images.clone().requires_grad_();
        (embedder.Describe(tracked) * wanted).sum().backward();
        Tensor gradient = tracked.grad!, direction = gradient / gradient.norm();
        const double Step = 0.05;
        double slope = (Objective(images + direction * Step) - Objective(images - direction * Step)) / (2 * Step);
        Assert.That(slope, Is.EqualTo(gradient.norm().item<float>()).Within(2).Percent);
    }

    [Test]
    public void Sets_are_equal_by_value_and_come_back_from_json()
    {
        EmbedderConfig config = Small with { Scales = Three };
        string json = JsonSerializer.Serialize(config, Json.Options);
        Assert.That(JsonSerializer.Deserialize<EmbedderConfig>(json, Json.Options), Is.EqualTo(config));
        Assert.That(json.ReplaceLineEndings("").Replace(" ", "", StringComparison.Ordinal), Does.Contain("\"scales\":[1,0.7071,0.5]"));
        Assert.That(Three, Is.Not.EqualTo(new ScaleSet(0.5, 0.7071, 1)));
        Assert.That($"{Three}", Is.EqualTo("1 0.7071 0.5"));
        Assert.That(() => JsonSerializer.Deserialize<ScaleSet>("[1, -1]", Json.Options), Throws.TypeOf<JsonException>().With.Message.Contains("-1"));
    }

    [Test]
    public void Wrong_scales_are_refused()
    {
        Assert.That(() => new ScaleSet(), Throws.ArgumentException.With.Message.Contains("no scale"));
        Assert.That(() => new ScaleSet(1, 0), Throws.ArgumentException.With.Message.Contains("a scale is 0"));
        Assert.That(() => new ScaleSet(double.NaN), Throws.ArgumentException);
        Assert.That(() => new ScaleSet(4.1), Throws.ArgumentException.With.Message.Contains("4.1"));
        Assert.That(() => new ScaleSet(1, 1), Throws.ArgumentException.With.Message.Contains("twice"));
        Assert.That(() => (Small with { Scales = new ScaleSet(1, 0.2) }).Validate(), Throws.ArgumentException.With.Message.Contains("64 px has 12"));
    }
}
