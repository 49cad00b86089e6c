using NUnit.Framework;
using Osprey.Kernels.Convolution;

namespace Osprey.Tests.Kernels.Convolution;

[TestFixture]
public class ConvolutionKernelTests
{
    public sealed record Case(string Purpose, int Images, int Height, int Width, int Inputs, int Outputs, int Kernel, int Stride, int Padding, bool Winograd = false)
    {
        public ConvolutionShape Shape => new(Images, Height, Width, Stride, Padding);

        public override string ToString() => $"{Purpose}: {Images}×{Height}×{Width}×{Inputs} to {Outputs}, {Kernel}×{Kernel}/{Stride}, padding {Padding}{(Winograd ? ", minimal filtering" : "")}";
    }

    static IEnumerable<Case> Cases() =>
    [
        new("a narrow tile less one", 1, 1, 5, 3, 16, 1, 1, 0),
        new("a narrow tile and one", 1, 1, 7, 3, 16, 1, 1, 0),
        new("one pixel", 1, 1, 1, 1, 16, 1, 1, 0),
        new("a tile less one", 1, 1, 11, 3, 32, 1, 1, 0),
        new("a tile", 1, 3, 4, 3, 32, 1, 1, 0),
        new("a tile and one", 1, 1, 13, 5, 48, 1, 1, 0),
        new("the last panel half", 2, 5, 7, 17, 80, 1, 1, 0),
        new("a first layer", 2, 23, 29, 3, 64, 7, 2, 3),
        new("a middle layer", 3, 9, 5, 16, 32, 3, 1, 1),
        new("a stride over the edge", 2, 6, 7, 16, 32, 3, 2, 1),
        new("a shortcut", 2, 7, 9, 16, 32, 1, 2, 0),
        new("no padding", 2, 9, 8, 3, 64, 3, 2, 0),
        new("smaller than its window", 2, 1, 2, 7, 16, 3, 1, 1),
        new("more padding than image", 1, 2, 2, 2, 16, 5, 1, 4),
        new("deep, few pixels", 1, 2, 2, 300, 96, 3, 1, 1),
        new("several bands", 2, 41, 37, 64, 32, 3, 1, 1),
        new("one patch", 1, 2, 2, 16, 16, 3, 1, 1, Winograd: true),
        new("one pixel of a patch", 1, 1, 1, 16, 16, 3, 1, 1, Winograd: true),
        new("odd sides", 3, 9, 5, 16, 32, 3, 1, 1, Winograd: true),
        new("the last group half", 2, 7, 8, 32, 80, 3, 1, 1, Winograd: true),
        new("deep, few patches", 1, 7, 7, 304, 192, 3, 1, 1, Winograd: true),
        new("several bands", 2, 41, 37, 64, 48, 3, 1, 1, Winograd: true),
        new("no padding", 2, 9, 8, 16, 64, 3, 1, 0, Winograd: true),
        new("more padding than image", 1, 2, 2, 16, 16, 3, 1, 2, Winograd: true),
        new("no image", 0, 5, 5, 16, 16, 3, 1, 1, Winograd: true),
        new("no image", 0, 5, 5, 3, 16, 3, 1, 1),
    ];

    [TestCaseSource(nameof(Cases))]
    public void It_follows_the_definition_to_the_same_bits_by_any_tile_and_threads(Case c)
    {
        float[] x = Close.Random(1, c.Images * c.Height * c.Width * c.Inputs, -1, 1), w = Close.Random(2, c.Outputs * c.Inputs * c.Kernel * c.Kernel, -1, 1), b = Close.Random(3, c.Outputs, -1, 1);
        int pixels = (int)c.Shape.Pixels(c.Kernel);
        float[] around = Close.Random(4, pixels * c.Outputs, -2, 2), y = new float[around.Length];
        float[]? first = null;
        foreach ((ConvolutionTile tile, int threads) in new (ConvolutionTile, int)[] { (new ConvolutionTile512(), 1), (new ConvolutionTile256(), 1), (ConvolutionTile.Best, 2), (ConvolutionTile.Best, 3) })
        {
            using var filters = new PackedFilters(w, b, c.Outputs, c.Inputs, c.Kernel, c.Winograd, tile);
            using var kernel = new ConvolutionKernel(threads);
            foreach (bool residual in (bool[])[false, true])
            {
                foreach (bool relu in (bool[])[false, true])
                {
                    Array.Fill(y, float.NaN);
                    kernel.Apply(filters, c.Shape, x, residual ? around : [], y, relu);
                    Check(c, x, w, b, residual ? around : null, relu, y);
                }
            }
            first ??= [.. y];
            Assert.That(y, Is.EqualTo(first), $"to the bit, {tile.Rows} windows by {tile.Width} outputs, {threads} threads");
        }
    }

    static void Check(Case c, float[] x, float[] w, float[] b, float[]? around, bool relu, float[] y)
    {
        int oh = c.Shape.OutputHeight(c.Kernel), ow = c.Shape.OutputWidth(c.Kernel);
        for (int p = 0; p < y.Length / c.Outputs; p++)
        {
            int ox = p % ow, oy = p / ow % oh, n = p / ow / oh;
            for (int o = 0; o < c.Outputs; o++)
            {
                double sum = b[o], size = Math.Abs(b[o]);
                for (int ky = 0; ky < c.Kernel; ky++)
                {
                    for (int kx = 0; kx < c.Kernel; kx++)
                    {
                        int iy = (oy * c.Stride) - c.Padding + ky, ix = (ox * c.Stride) - c.Padding + kx;
                        if (iy < 0 || ix < 0 || iy >= c.Height || ix >= c.Width) continue;
                        for (int i = 0; i < c.Inputs; i++)
                        {
                            double product = (double)x[((((n * c.Height) + iy) * c.Width) + ix) * c.Inputs + i] * w[(((o * c.Inputs) + i) * c.Kernel + ky) * c.Kernel + kx];
                            sum += product;
                            size += Math.Abs(product);
                        }
                    }
                }
                if (around is not null) sum += around[(p * c.Outputs) + o];
                if (relu) sum = Math.Max(0, sum);
                float got = y[(p * c.Outputs) + o];
                if (!(Math.Abs(got - sum) <= 1e-6 * (1 + size))) Assert.Fail($"pixel {p}, output {o} is {got:R}, the reference {sum:R}");
            }
        }
    }

    [Test]
    public void A_case_by_hand()
    {
        // The sum of the 3×3 neighbourhood, plus 1: a single pixel of value 2 spreads.
        float[] w = new float[16 * 9], y = new float[9 * 16];
        w.AsSpan(0, 9).Fill(1);
        using var filters = new PackedFilters(w, [1, .. new float[15]], 16, 1, 3);
        using var kernel = new ConvolutionKernel(1);
        kernel.Apply(filters, new ConvolutionShape(1, 3, 3, 1, 1), [2, 0, 0, 0, 0, 0, 0, 0, 0], [], y, relu: false);
        Assert.That(Enumerable.Range(0, 9).Select(p => y[16 * p]), Is.EqualTo(new float[] { 3, 3, 1, 3, 3, 1, 1, 1, 1 }));
    }

    [Test]
    public void A_case_of_minimal_filtering_by_hand()
    {
        // A pixel in the middle of 3×3, value 2, and a filter of the taps 1 to 9: the result is the filter turned upside down, doubled, plus 1.
        float[] w = new float[16 * 16 * 9], x = new float[9 * 16], y = new float[9 * 16];
        for (int tap = 0; tap < 9; tap++) w[tap] = tap + 1;
        x[4 * 16] = 2;
        using var filters = new PackedFilters(w, [1, .. new float[15]], 16, 16, 3, winograd: true);
        using var kernel = new ConvolutionKernel(1);
        kernel.Apply(filters, new ConvolutionShape(1, 3, 3, 1, 1), x, [], y, relu: false);
        Assert.That(Enumerable.Range(0, 9).Select(p => y[16 * p]), Is.EqualTo(new float[] { 19, 17, 15, 13, 11, 9, 7, 5, 3 }));
    }

    [Test]
    public void Results_go_into_part_of_a_pixel_and_onto_what_is_there()
    {
        using var kernel = new ConvolutionKernel(2);
        float[] w = new float[16], y = new float[2 * 48];
        Array.Fill(y, 7);
        w[3] = 2;
        using var filters = new PackedFilters(w, new float[16], 16, 1, 1);
        kernel.Apply(filters, new ConvolutionShape(1, 1, 2, 1, 0), [1, 5], [], y, relu: false, offset: 16, pixelValues: 48);
        Assert.That((y[15], y[16], y[19], y[31], y[32], y[64 + 3]), Is.EqualTo((7f, 0f, 2f, 0f, 7f, 10f)));
        kernel.Apply(filters, new ConvolutionShape(1, 1, 2, 1, 0), [1, 5], y, y, relu: true, offset: 16, pixelValues: 48);
        Assert.That((y[15], y[16], y[19], y[32], y[64 + 3]), Is.EqualTo((7f, 0f, 4f, 7f, 20f)));
    }

    [TestCase(false)]
    [TestCase(true)]
    public void An_image_is_the_same_alone_and_in_a_batch(bool winograd)
    {
        const int size = 9 * 9 * 16;
        float[] x = Close.Random(1, 3 * size, -1, 1), batch = new float[3 * 9 * 9 * 32], alone = new float[9 * 9 * 32];
        using var filters = new PackedFilters(Close.Random(2, 32 * 16 * 9, -1, 1), new float[32], 32, 16, 3, winograd);
        using var kernel = new ConvolutionKernel(2);
        kernel.Apply(filters, new ConvolutionShape(3, 9, 9, 1, 1), x, [], batch, relu: false);
        kernel.Apply(filters, new ConvolutionShape(1, 9, 9, 1, 1), x.AsSpan(size, size), [], alone, relu: false);
        Assert.That(alone, Is.EqualTo(batch[alone.Length..(2 * alone.Length)]));
    }

    [Test]
    public void A_NaN_stays_in_the_windows_that_hold_it()
    {
        float[] x = new float[25], y = new float[25 * 16];
        x[0] = float.NaN;
        float[] w = new float[16 * 9];
        Array.Fill(w, 1);
        using var filters = new PackedFilters(w, new float[16], 16, 1, 3);
        using var kernel = new ConvolutionKernel(1);
        kernel.Apply(filters, new ConvolutionShape(1, 5, 5, 1, 1), x, [], y, relu: false);
        Assert.That(Enumerable.Range(0, 25).Where(p => float.IsNaN(y[16 * p])), Is.EqualTo(new[] { 0, 1, 5, 6 }));
    }

    [TestCase(false)]
    [TestCase(true)]
    public void Nothing_is_allocated_per_call(bool winograd)
    {
        float[] x = new float[4 * 9 * 16], y = new float[4 * 9 * 32];
        using var filters = new PackedFilters(new float[32 * 16 * 9], new float[32], 32, 16, 3, winograd);
        using var kernel = new ConvolutionKernel(1);
        Allocations.AssertNoneOnceWarm(() => kernel.Apply(filters, new ConvolutionShape(1, 4, 9, 1, 1), x, [], y, relu: true));
    }

    [Test]
    public void Wrong_sizes_are_refused()
    {
        using var kernel = new ConvolutionKernel(1);
        using var filters = new PackedFilters(new float[16 * 3 * 9], new float[16], 16, 3, 3);
        var shape = new ConvolutionShape(1, 4, 4, 1, 1);
        Assert.That(() => new PackedFilters(new float[15], new float[15], 15, 1, 1), Throws.ArgumentException.With.Message.Contains("multiple of 16"));
        Assert.That(() => new PackedFilters(new float[15], new float[16], 16, 1, 1), Throws.ArgumentException.With.Message.Contains("15 weights"));
        Assert.That(() => new PackedFilters(new float[16], new float[15], 16, 1, 1), Throws.ArgumentException.With.Message.Contains("15 biases"));
        Assert.That(() => new PackedFilters([], new float[16], 16, 0, 1), Throws.ArgumentException.With.Message.Contains("0 inputs"));
        Assert.That(() => kernel.Apply(filters, shape, new float[47], [], new float[256], false), Throws.ArgumentException.With.Message.Contains("47").And.Message.Contains("48"));
        Assert.That(() => kernel.Apply(filters, shape, new float[48], [], new float[255], false), Throws.ArgumentException.With.Message.Contains("255"));
        Assert.That(() => kernel.Apply(filters, shape, new float[48], new float[3], new float[256], false), Throws.ArgumentException.With.Message.Contains("residual"));
        Assert.That(() => kernel.Apply(filters, shape, new float[48], [], new float[512], false, offset: 17, pixelValues: 32), Throws.ArgumentException.With.Message.Contains("from place 17"));
        Assert.That(() => kernel.Apply(filters, shape with { Height = 1, Width = 1, Padding = 0 }, new float[3], [], [], false), Throws.ArgumentException.With.Message.Contains("does not fit"));
        Assert.That(() => kernel.Apply(filters, shape with { Stride = 0 }, new float[48], [], new float[256], false), Throws.ArgumentException.With.Message.Contains("stride 0"));
        Assert.That(() => new PackedFilters(new float[16 * 3 * 9], new float[16], 16, 3, 3, winograd: true), Throws.ArgumentException.With.Message.Contains("minimal filtering"));
        Assert.That(() => new PackedFilters(new float[16 * 16], new float[16], 16, 16, 1, winograd: true), Throws.ArgumentException.With.Message.Contains("1×1"));
        using var transformed = new PackedFilters(new float[16 * 16 * 9], new float[16], 16, 16, 3, winograd: true);
        Assert.That(() => kernel.Apply(transformed, shape with { Stride = 2 }, new float[256], [], new float[64], false), Throws.ArgumentException.With.Message.Contains("stride is 2"));
        Assert.That(() => new ConvolutionKernel(0), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }
}
