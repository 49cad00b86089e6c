using System.Security.Cryptography;
using NUnit.Framework;
using Osprey.Engine.Images;

namespace Osprey.Tests.Engine.Images;

[TestFixture]
public class ResizeTests
{
    /// <remarks>
    /// The first 16 hexadecimal digits of the SHA-256 of what Pillow 9.4.0 makes of the same noise:
    /// <c>Image.frombytes("RGB", (w, h), noise).resize((W, H), Image.BILINEAR).tobytes()</c>, the noise's seed being 1000·w + h.
    /// </remarks>
    [TestCase(7, 5, 3, 2, "e18244e6038b1061")]
    [TestCase(3, 2, 7, 5, "f0a9208f61a3c636")]
    [TestCase(64, 48, 64, 31, "9c825a169c057d8b", Description = "rows only")]
    [TestCase(64, 48, 17, 48, "b83ed50d404ddf77", Description = "columns only")]
    [TestCase(256, 256, 128, 128, "4c20c9d94d0ba0e8")]
    [TestCase(150, 150, 224, 224, "013fafe12dc91d3a")]
    [TestCase(255, 257, 128, 128, "59f356494dcfaf37")]
    [TestCase(600, 400, 96, 128, "98be803a7625c689")]
    [TestCase(1, 1, 9, 4, "a8d9d4a2190a6e1d", Description = "one pixel")]
    [TestCase(1, 33, 16, 16, "94d01beaf4d82186", Description = "one column")]
    [TestCase(41, 1, 5, 3, "6bb2a6f0bb37109c", Description = "one row")]
    [TestCase(2000, 3, 2, 7, "acd56c7d5782513f", Description = "a thousandfold")]
    [TestCase(31, 37, 1, 1, "0cc012ea7e43a284", Description = "to one pixel")]
    [TestCase(100, 80, 101, 79, "7908e99fdd13fe1e")]
    [TestCase(13, 11, 640, 3, "144eeab75b32fbf8")]
    [TestCase(33, 21, 64, 64, "72741840e622523e")]
    [TestCase(1023, 5, 511, 9, "aec647c78ec833b6")]
    public void Bilinear_is_Pillow_to_the_byte(int width, int height, int toWidth, int toHeight, string sha)
    {
        RgbImage resized = Resize.Bilinear(Pictures.Noise(width, height, (uint)(1000 * width + height)), toWidth, toHeight);
        Assert.That((resized.Width, resized.Height), Is.EqualTo((toWidth, toHeight)));
        Assert.That(Convert.ToHexStringLower(SHA256.HashData(resized.Pixels))[..16], Is.EqualTo(sha));
    }

    /// <summary>The same operation in double precision without rounding between the passes; two roundings to 8 bits may part them by 1.</summary>
    [Test]
    public void Bilinear_is_the_antialiased_triangle_filter([Values(1, 2, 5, 16, 17, 50)] int from, [Values(1, 3, 16, 31, 64)] int to)
    {
        RgbImage image = Pictures.Noise(from, from + 3, (uint)(from + 100 * to)), resized = Resize.Bilinear(image, to, to + 1);
        double[][] columns = Weights(from, to), rows = Weights(from + 3, to + 1);
        for (int y = 0; y < to + 1; y++)
        {
            for (int x = 0; x < to; x++)
            {
                for (int c = 0; c < 3; c++)
                {
                    double expected = 0;
                    for (int i = 0; i < from + 3; i++)
                    {
                        for (int j = 0; j < from; j++) expected += rows[y][i] * columns[x][j] * image.Pixels[3 * (i * from + j) + c];
                    }
                    Assert.That(resized.Pixels[3 * (y * to + x) + c], Is.EqualTo(expected).Within(1.01), $"at {x}, {y}, {c}");
                }
            }
        }

        static double[][] Weights(int input, int output)
        {
            double scale = (double)input / output, spread = Math.Max(1, scale);
            return [.. Enumerable.Range(0, output).Select(o =>
            {
                double[] w = [.. Enumerable.Range(0, input).Select(i => Math.Max(0, 1 - Math.Abs(i + 0.5 - (o + 0.5) * scale) / spread))];
                return w.Select(v => v / w.Sum()).ToArray();
            })];
        }
    }

    [Test]
    public void A_flat_picture_stays_flat([Values(0, 1, 127, 254, 255)] int level, [Values(3, 100, 333)] int size)
    {
        byte[] flat = new byte[3 * 90 * 70];
        Array.Fill(flat, (byte)level);
        Assert.That(Resize.Bilinear(new RgbImage(90, 70, flat), size, size + 1).Pixels, Is.All.EqualTo((byte)level));
    }

    [Test]
    public void The_same_size_is_the_same_picture()
    {
        RgbImage image = Pictures.Noise(8, 9, 1);
        Assert.That(Resize.Bilinear(image, 8, 9), Is.SameAs(image));
    }

    [Test]
    public void Sizes_below_one_are_refused([Values(0, -3)] int size)
    {
        Assert.That(() => Resize.Bilinear(Pictures.Noise(2, 2, 1), size, 4), Throws.ArgumentException.With.Message.Contains(size.ToString()));
        Assert.That(() => Resize.Bilinear(Pictures.Noise(2, 2, 1), 4, size), Throws.ArgumentException);
        Assert.That(() => Resize.Bilinear(Pictures.Noise(2, 2, 1), 50_000, 50_000), Throws.ArgumentException, "more than an array holds");
    }
}
