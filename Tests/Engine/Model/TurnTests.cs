using System.Text.Json;
using NUnit.Framework;
using Osprey.Engine;
using Osprey.Engine.Model;
using static TorchSharp.torch;
using Device = Osprey.Kernels.Device;

namespace Osprey.Tests.Engine.Model;

[TestFixture]
public sealed class TurnTests
{
    const int Side = 33, Images = 2;

    static readonly EmbedderConfig Small = new() { Architecture = Architecture.Resnet18, Stage = 2, ImageSize = Side };

    readonly Device device = Device.Open("host", 1);

    [OneTimeTearDown]
    public void Close() => device.Dispose();

    static float[] Pixels() => [.. OracleWeights.Uniform("pictures", Images * 3L * Side * Side).Select(v => 0.5f + v / 2)];

    /// <summary>A quarter counter-clockwise: what is now in row y and column x stood in row x of the column that y is from the right.</summary>
    static float[] Turned(float[] pixels, int quarters)
    {
        for (; quarters > 0; quarters--)
        {
            float[] next = new float[pixels.Length];
            for (int plane = 0; plane < pixels.Length; plane += Side * Side)
                for (int y = 0; y < Side; y++)
                    for (int x = 0; x < Side; x++) next[plane + y * Side + x] = pixels[plane + x * Side + (Side - 1 - y)];
            pixels = next;
        }
        return pixels;
    }

    /// <summary>The same seed, so that all have the same weights.</summary>
    float[] Described(EmbedderConfig config, float[] pixels, bool folded = false)
    {
        using var embedder = Embedder.Create(config, device, seed: 3);
        embedder.eval();
        if (folded) embedder.Fold();
        float[] descriptors = new float[Images * embedder.Dimension];
        embedder.Embed(pixels, Images, Side, descriptors);
        return descriptors;
    }

    static float[] Unit(double[] rows)
    {
        int dimension = rows.Length / Images;
        return [.. rows.Select((v, i) => (float)(v / Math.Sqrt(rows.Skip(i / dimension * dimension).Take(dimension).Sum(w => w * w))))];
    }

    [Test]
    public void A_descriptor_is_the_mean_of_its_turns([Values(2, 4)] int turns, [Values(null, 16)] int? head, [Values] bool folded)
    {
        EmbedderConfig config = Small with { DescriptorSize = head };
        float[][] each = [.. Enumerable.Range(0, turns).Select(t => Described(config, Turned(Pixels(), t * 4 / turns), folded))];
        float[] expected = Unit([.. Enumerable.Range(0, each[0].Length).Select(i => each.Average(e => (double)e[i]))]);
        float[] found = Described(config with { Turns = turns }, Pixels(), folded);
        Assert.That(found, Is.EqualTo(expected).Within(2e-6));
        Assert.That(found, Is.Not.EqualTo(each[0]).Within(1e-4), "turns say something else");
    }

    [Test]
    public void With_four_a_turned_image_has_the_same_descriptor()
    {
        EmbedderConfig config = Small with { Turns = 4, Scales = new ScaleSet(1, 0.6) };
        float[] found = Described(config, Pixels());
        for (int quarters = 1; quarters < 4; quarters++) Assert.That(Described(config, Turned(Pixels(), quarters)), Is.EqualTo(found).Within(3e-5), $"{quarters}");
        Assert.That(Described(Small, Turned(Pixels(), 1)), Is.Not.EqualTo(Described(Small, Pixels())).Within(1e-3), "as it has not with one");
    }

    /// <summary>An attack moves pixels by this gradient.</summary>
    [Test]
    public void The_gradient_is_the_sum_over_the_turns()
    {
        using var scope = NewDisposeScope();
        using Embedder one = Embedder.Create(Small, device, seed: 3), four = Embedder.Create(Small with { Turns = 4 }, device, seed: 3);
        one.eval();
        four.eval();
        Tensor wanted = tensor(OracleWeights.Uniform("wanted", (long)Images * one.Dimension), [Images, one.Dimension]);
        Tensor images = tensor(Pixels(), [Images, 3, Side, Side]).requires_grad_(), same = images.detach().clone().requires_grad_();
        (four.Describe(images) * wanted).sum().backward();
        Tensor mean = (one.Describe(same) + one.Describe(rot90(same, 1, (2, 3))) + one.Describe(rot90(same, 2, (2, 3))) + one.Describe(rot90(same, 3, (2, 3)))) / 4;
        (nn.functional.normalize(mean) * wanted).sum().backward();
        Tensor gradient = images.grad!, expected = same.grad!;
        Assert.That(((gradient - expected).norm() / expected.norm()).item<float>(), Is.LessThan(1e-3));
    }

    [Test]
    public void One_turn_is_none_and_others_are_refused()
    {
        Assert.That(Small with { Turns = 1 }, Is.EqualTo(Small));
        Assert.That(JsonSerializer.Serialize(Small with { Turns = 1 }, Json.Options), Does.Not.Contain("turns"), "stores of images as they are stay as they were");
        Assert.That(JsonSerializer.Deserialize<EmbedderConfig>(JsonSerializer.Serialize(Small with { Turns = 4 }, Json.Options), Json.Options), Is.EqualTo(Small with { Turns = 4 }));
        Assert.That(() => (Small with { Turns = 3 }).Validate(), Throws.ArgumentException.With.Message.Contains("turns are 3; give 1, 2 or 4"));
    }
}
