using NUnit.Framework;
using Osprey.Engine.Images;
using Osprey.Engine.Robust;
using Osprey.Tests.Engine.Images;

namespace Osprey.Tests.Engine.Robust;

[TestFixture]
public class CorruptionTests
{
    static RgbImage Apply(CorruptionKind kind, int severity, RgbImage image, long seed = 1) => new Corruption(kind, severity).Apply(image, seed);

    static RgbImage Flat(byte value, int side) => new(side, side, [.. Enumerable.Repeat(value, 3 * side * side)]);

    static double Distance(RgbImage a, RgbImage b) => Math.Sqrt(a.Pixels.Zip(b.Pixels, (x, y) => Math.Pow(x - y, 2)).Average());

    [Test]
    public void Severity_0_is_the_image_itself([Values] CorruptionKind kind)
    {
        RgbImage image = Pictures.Noise(8, 8, 3);
        Assert.That(Apply(kind, 0, image), Is.SameAs(image));
    }

    [Test]
    public void Each_severity_leaves_its_source_alone_and_keeps_the_size([Values] CorruptionKind kind, [Values(1, 2, 3)] int severity)
    {
        RgbImage image = Pictures.Smooth(256, 256);
        byte[] before = [.. image.Pixels];
        RgbImage corrupted = Apply(kind, severity, image);
        Assert.That(image.Pixels, Is.EqualTo(before));
        Assert.That((corrupted.Width, corrupted.Height), Is.EqualTo((256, 256)));
        Assert.That(corrupted.Pixels, Is.Not.EqualTo(before));
        Assert.That(Apply(kind, severity, image).Pixels, Is.EqualTo(corrupted.Pixels), "the seed decides");
    }

    /// <summary>All but turns, which have no size.</summary>
    static IEnumerable<CorruptionKind> Sized => Enum.GetValues<CorruptionKind>().Except([CorruptionKind.Rotation]);

    [TestCaseSource(nameof(Sized))]
    public void More_severe_is_farther_from_the_image(CorruptionKind kind)
    {
        RgbImage image = Pictures.Noise(256, 256, 7);
        double[] distances = [.. new[] { 1, 2, 3 }.Select(s => Distance(Apply(kind, s, image), image))];
        Assert.That(distances, Is.Ordered.Ascending.And.All.Positive);
    }

    /// <summary>At a side of 256 severity 1 has σ = 1, radius 3: the weights e^(−i²/2) over their sum 2.5066 − tails; of a white point on black 255·w(i)·w(j).</summary>
    [Test]
    public void Blur_by_hand()
    {
        RgbImage image = Flat(0, 256);
        int centre = 3 * (100 * 256 + 50);
        image.Pixels[centre] = 255;
        RgbImage blurred = Apply(CorruptionKind.GaussianBlur, 1, image);
        double[] w = [.. Enumerable.Range(0, 4).Select(i => Math.Exp(-i * i / 2.0))];
        double sum = w[0] + 2 * (w[1] + w[2] + w[3]);
        for (int dy = -4; dy <= 4; dy++)
            for (int dx = -4; dx <= 4; dx++)
            {
                double expected = Math.Max(Math.Abs(dx), Math.Abs(dy)) > 3 ? 0 : 255 * w[Math.Abs(dx)] * w[Math.Abs(dy)] / (sum * sum);
                Assert.That(blurred.Pixels[centre + 3 * (256 * dy + dx)], Is.EqualTo(expected).Within(0.51), $"{dx}, {dy}");
            }
        Assert.That(blurred.Pixels[centre + 1], Is.Zero, "green stays");
    }

    [Test]
    public void Blur_is_in_proportion_to_the_side_and_keeps_what_is_even()
    {
        Assert.That(Apply(CorruptionKind.GaussianBlur, 3, Flat(93, 16)).Pixels, Is.All.EqualTo(93), "edges are repeated");
        // σ = 4·64/256 = 1: the same weights as above.
        RgbImage image = Flat(0, 64);
        image.Pixels[3 * (20 * 64 + 20)] = 255;
        double sum = 1 + 2 * (Math.Exp(-0.5) + Math.Exp(-2) + Math.Exp(-4.5));
        Assert.That(Apply(CorruptionKind.GaussianBlur, 3, image).Pixels[3 * (20 * 64 + 20)], Is.EqualTo(255 / (sum * sum)).Within(0.51));
    }

    [Test]
    public void Noise_has_its_deviation_no_mean_and_differs_by_image()
    {
        RgbImage grey = Flat(128, 64);
        double[] noise = [.. Apply(CorruptionKind.GaussianNoise, 2, grey).Pixels.Select(v => v - 128.0)];
        Assert.That(noise.Average(), Is.EqualTo(0).Within(0.6), "four standard errors of 20.4/√12288");
        Assert.That(Math.Sqrt(noise.Average(v => v * v)), Is.EqualTo(0.08 * 255).Within(0.6));
        Assert.That(Apply(CorruptionKind.GaussianNoise, 2, grey, seed: 2).Pixels, Is.Not.EqualTo(Apply(CorruptionKind.GaussianNoise, 2, grey).Pixels));
        // One stream for all severities: the milder noise is half of the severer, to rounding.
        double[] mild = [.. Apply(CorruptionKind.GaussianNoise, 1, grey).Pixels.Select(v => v - 128.0)];
        for (int i = 0; i < mild.Length; i++) Assert.That(noise[i], Is.EqualTo(2 * mild[i]).Within(1.51));
    }

    /// <summary>0.8·100 + 0.2·0.9·255 = 125.9; 0.4·0 + 0.6·0.9·255 = 137.7; 0.6·255 + 0.4·0.9·255 = 244.8.</summary>
    [TestCase(1, 100, 126)]
    [TestCase(3, 0, 138)]
    [TestCase(2, 255, 245)]
    public void Haze_by_hand(int severity, int value, int expected) =>
        Assert.That(Apply(CorruptionKind.Haze, severity, Flat((byte)value, 2)).Pixels, Is.All.EqualTo(expected));

    /// <summary>About half of the images one way, half the other: 0.6·100 = 60, 100/0.6 = 166.7, 200/0.6 &gt; 255.</summary>
    [Test]
    public void Brightness_by_hand_either_way()
    {
        int[] dim = [.. Enumerable.Range(0, 40).Select(seed => (int)Apply(CorruptionKind.Brightness, 2, Flat(100, 2), seed).Pixels[0])];
        Assert.That(dim, Is.All.AnyOf(60, 167));
        Assert.That(dim.Count(v => v == 60), Is.InRange(10, 30));
        int brighter = Array.IndexOf(dim, 167);
        Assert.That(Apply(CorruptionKind.Brightness, 2, Flat(200, 2), brighter).Pixels, Is.All.EqualTo(255));
        Assert.That(Apply(CorruptionKind.Brightness, 1, Flat(100, 2), brighter).Pixels, Is.All.EqualTo(125), "the same way at every severity");
    }

    /// <summary>Mean grey of black and (200, 100, 50): (0.299·200 + 0.587·100 + 0.114·50)/2 = 62.1. Half contrast: 0.5·v + 31.05.</summary>
    [Test]
    public void Contrast_by_hand()
    {
        var image = new RgbImage(2, 1, [0, 0, 0, 200, 100, 50]);
        Assert.That(Apply(CorruptionKind.Contrast, 2, image).Pixels, Is.EqualTo(new byte[] { 31, 31, 31, 131, 81, 56 }));
    }

    [Test]
    public void Rotation_by_hand()
    {
        // 1 2
        // 3 4, turned clockwise: 3 1 over 4 2.
        static RgbImage Square(params byte[] v) => new(2, 2, [.. v.SelectMany(b => new[] { b, b, b })]);
        RgbImage image = Square(1, 2, 3, 4);
        Assert.That(Apply(CorruptionKind.Rotation, 1, image).Pixels, Is.EqualTo(Square(3, 1, 4, 2).Pixels));
        Assert.That(Apply(CorruptionKind.Rotation, 2, image).Pixels, Is.EqualTo(Square(4, 3, 2, 1).Pixels));
        Assert.That(Apply(CorruptionKind.Rotation, 3, image).Pixels, Is.EqualTo(Square(2, 4, 1, 3).Pixels));
    }

    [Test]
    public void Jpeg_blocks_of_one_colour_survive_and_noise_does_not()
    {
        foreach (int severity in new[] { 1, 2, 3 })
            Assert.That(Apply(CorruptionKind.Jpeg, severity, Flat(128, 16)).Pixels, Is.All.EqualTo(128).Within(1), "mid-grey is the zero of every coefficient");
        RgbImage noise = Pictures.Noise(32, 32, 5);
        double smooth = Distance(Apply(CorruptionKind.Jpeg, 1, Pictures.Smooth(32, 32)), Pictures.Smooth(32, 32));
        Assert.That(Distance(Apply(CorruptionKind.Jpeg, 1, noise), noise), Is.GreaterThan(3 * smooth));
    }

    [Test]
    public void A_severity_out_of_range_is_refused() =>
        Assert.That(() => Apply(CorruptionKind.Haze, 4, Flat(0, 2)), Throws.ArgumentException.With.Message.Contains("severity of a corruption is 4; give 0 to 3"));
}
