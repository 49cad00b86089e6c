using NUnit.Framework;
using Osprey.Engine.Images;
using Osprey.Engine.Training;

namespace Osprey.Tests.Engine.Training;

[TestFixture]
public class AugmentationTests
{
    const int Size = 5;

    [Test]
    public void The_whole_image_at_its_own_size_comes_through_exactly()
    {
        RgbImage image = Noise(Size, Size, 1);
        float[] planes = Render(image, View.Whole, Size);
        for (int c = 0; c < 3; c++)
            for (int i = 0; i < Size * Size; i++)
                Assert.That(planes[c * Size * Size + i], Is.EqualTo(image.Pixels[3 * i + c] / 255f));
    }

    [Test]
    public void Turns_and_flips_move_every_pixel_where_they_should(
        [Values(0, 1, 2, 3)] int turns, [Values] bool flipX, [Values] bool flipY)
    {
        RgbImage image = Noise(Size, Size, 2);
        float[] got = Render(image, View.Whole with { Turns = turns, FlipX = flipX, FlipY = flipY }, Size);

        // Step by step on the plain picture: quarter turns counter-clockwise, out[i,j] = in[j, S−1−i]; then the flips.
        float[,,] picture = Cube(Render(image, View.Whole, Size));
        for (int t = 0; t < turns; t++) picture = Map(picture, (i, j) => (j, Size - 1 - i));
        if (flipX) picture = Map(picture, (i, j) => (i, Size - 1 - j));
        if (flipY) picture = Map(picture, (i, j) => (Size - 1 - i, j));
        Assert.That(Cube(got), Is.EqualTo(picture));
    }

    [Test]
    public void A_crop_is_a_bilinear_sample_of_its_rectangle()
    {
        RgbImage image = Noise(11, 7, 3);
        View view = View.Whole with { X = 0.2, Y = 0.1, Width = 0.55, Height = 0.7 };
        float[] got = Render(image, view, Size);
        for (int c = 0; c < 3; c++)
            for (int i = 0; i < Size; i++)
                for (int j = 0; j < Size; j++)
                {
                    double y = Math.Clamp(0.1 * 7 + (i + 0.5) * 0.7 * 7 / Size - 0.5, 0, 6), x = Math.Clamp(0.2 * 11 + (j + 0.5) * 0.55 * 11 / Size - 0.5, 0, 10);
                    double sum = 0;
                    for (int row = 0; row < 7; row++)
                        for (int column = 0; column < 11; column++)
                            sum += Math.Max(0, 1 - Math.Abs(y - row)) * Math.Max(0, 1 - Math.Abs(x - column)) * image.Pixels[3 * (row * 11 + column) + c];
                    Assert.That(got[(c * Size + i) * Size + j], Is.EqualTo(sum / 255).Within(1e-5));
                }
    }

    [TestCase(1.3, 1, 1)]
    [TestCase(1, 0.6, 1)]
    [TestCase(1, 1, 0.2)]
    [TestCase(0.8, 1.4, 1.5)]
    public void Colour_is_brightness_then_contrast_then_saturation(double brightness, double contrast, double saturation)
    {
        RgbImage image = Noise(Size, Size, 4);
        float[] got = Render(image, View.Whole with { Brightness = brightness, Contrast = contrast, Saturation = saturation }, Size);
        double[][] rgb = [.. Enumerable.Range(0, Size * Size).Select(i => Enumerable.Range(0, 3).Select(c => brightness * image.Pixels[3 * i + c] / 255).ToArray())];
        static double Grey(double[] p) => 0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2];
        double mean = rgb.Average(Grey);
        foreach (double[] p in rgb)
            for (int c = 0; c < 3; c++) p[c] = mean + contrast * (p[c] - mean);
        for (int i = 0; i < rgb.Length; i++)
            for (int c = 0; c < 3; c++)
            {
                double expected = Math.Clamp(Grey(rgb[i]) + saturation * (rgb[i][c] - Grey(rgb[i])), 0, 1);
                Assert.That(got[c * Size * Size + i], Is.EqualTo(expected).Within(1e-5));
            }
    }

    [Test]
    public void A_view_follows_seed_step_and_index_and_nothing_else()
    {
        var config = new AugmentationConfig { CropScale = 0.5, Brightness = 0.2, Contrast = 0.2, Saturation = 0.2 };
        View view = View.Draw(config, 1, 2, 3);
        _ = View.Draw(config, 1, 9, 9);
        Assert.That(View.Draw(config, 1, 2, 3), Is.EqualTo(view));
        Assert.That(View.Draw(config, 2, 2, 3), Is.Not.EqualTo(view));
        Assert.That(View.Draw(config, 1, 3, 3), Is.Not.EqualTo(view));
        Assert.That(View.Draw(config, 1, 2, 4), Is.Not.EqualTo(view));
    }

    [Test]
    public void Views_stay_in_their_ranges_and_use_all_of_them()
    {
        var config = new AugmentationConfig { CropScale = 0.3, Brightness = 0.2, Contrast = 0.3, Saturation = 0.4 };
        View[] views = [.. Enumerable.Range(0, 2000).Select(i => View.Draw(config, 5, 0, i))];
        foreach (View v in views)
        {
            Assert.That(v.X >= 0 && v.X + v.Width <= 1 + 1e-12 && v.Y >= 0 && v.Y + v.Height <= 1 + 1e-12, $"{v}");
            Assert.That(v.Width * v.Height, Is.InRange(0.3 * 0.75, 1));
        }
        Assert.That(views.Min(v => v.Brightness), Is.InRange(0.8, 0.81));
        Assert.That(views.Max(v => v.Contrast), Is.InRange(1.29, 1.3));
        Assert.That(views.Max(v => v.Saturation), Is.InRange(1.39, 1.4));
        // 16 pictures of turns × flips, each twice among the eight symmetries; 125 expected of each, standard deviation 11.
        Assert.That(views.CountBy(v => (v.Turns, v.FlipX, v.FlipY)).Select(c => c.Value), Has.Exactly(16).InRange(70, 180));
    }

    [Test]
    public void Switched_off_augmentation_is_the_whole_image()
    {
        var off = new AugmentationConfig { Flip = false, Rotate = false };
        Assert.That(Enumerable.Range(0, 50).Select(i => View.Draw(off, 1, 2, i)), Has.All.EqualTo(View.Whole));
    }

    [Test]
    public void A_buffer_of_another_size_is_refused_with_both_numbers()
        => Assert.That(() => Augmentation.Render(Noise(4, 4, 1), View.Whole, 4, new float[47]),
            Throws.ArgumentException.With.Message.Contains("47").And.Message.Contains("48"));

    static float[] Render(RgbImage image, View view, int size)
    {
        var planes = new float[3 * size * size];
        Augmentation.Render(image, view, size, planes);
        return planes;
    }

    static RgbImage Noise(int width, int height, int seed)
    {
        var pixels = new byte[3 * width * height];
        new Random(seed).NextBytes(pixels);
        return new RgbImage(width, height, pixels);
    }

    static float[,,] Cube(float[] planes)
    {
        var cube = new float[3, Size, Size];
        Buffer.BlockCopy(planes, 0, cube, 0, 4 * planes.Length);
        return cube;
    }

    static float[,,] Map(float[,,] from, Func<int, int, (int I, int J)> source)
    {
        var to = new float[3, Size, Size];
        for (int c = 0; c < 3; c++)
            for (int i = 0; i < Size; i++)
                for (int j = 0; j < Size; j++)
                {
                    (int y, int x) = source(i, j);
                    to[c, i, j] = from[c, y, x];
                }
        return to;
    }
}
