using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Osprey.Kernels.Convolution;

/// <summary>
/// Convolution of channels-last images, with bias, a residual and ReLU in the same pass: for inference, where the filters are packed once. An image's results depend
/// on that image alone, bit for bit: not on the batch, its place in it or the number of threads. On the host; one call at a time per instance.
/// </summary>
public sealed unsafe class ConvolutionKernel : IDisposable
{
    readonly WindowConvolution windows;
    readonly WinogradConvolution winograd;

    /// <param name="threads">1 or more.</param>
    public ConvolutionKernel(int threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        windows = new WindowConvolution(threads);
        winograd = new WinogradConvolution(threads);
    }

    /// <summary>Whether this processor has the vectors that the kernel is written for, 512 bits, or 256 with fused multiplication; without them it is right, and slower than libtorch.</summary>
    public static bool IsFast => Vector512.IsHardwareAccelerated || Fma.IsSupported;

    /// <summary>
    /// Effectively y[n,oy,ox,o] = b[o] + Σ w[o,i,ky,kx]·x[n, oy·stride − padding + ky, ox·stride − padding + kx, i], pixels outside being 0, plus the residual's value
    /// at the same place if there is one, and with <paramref name="relu"/> 0 where that is below 0. Sums in float32, fused, in the order ky, kx, i, or, of
    /// filters for minimal filtering, over i at each of sixteen points. With ReLU a NaN may become 0.
    /// </summary>
    /// <param name="filters">w and b.</param>
    /// <param name="shape">Sizes.</param>
    /// <param name="input">[images, height, width, inputs].</param>
    /// <param name="residual">Laid out as <paramref name="output"/>, or empty for none. May be the output itself, which then is added to.</param>
    /// <param name="output">[images, oh, ow, outputs], or with more values per pixel where <paramref name="pixelValues"/> says so. Does not overlap the input.</param>
    /// <param name="relu">Whether negative results become 0.</param>
    /// <param name="offset">Where in a pixel of the output the first result goes; a multiple of 16.</param>
    /// <param name="pixelValues">Values of a pixel of the output, where the results are some of them; 0: exactly those.</param>
    /// <exception cref="ArgumentException">A size is out of its range, a span's length does not follow from the sizes, or the stride is not that of the filters.</exception>
    public void Apply(
        PackedFilters filters, ConvolutionShape shape, ReadOnlySpan<float> input, ReadOnlySpan<float> residual, Span<float> output, bool relu, int offset = 0, int pixelValues = 0)
    {
        if (pixelValues == 0) pixelValues = filters.Outputs;
        if (shape.Images < 0 || shape.Height < 1 || shape.Width < 1 || shape.Stride < 1 || shape.Padding < 0)
            throw new ArgumentException($"{shape.Images} images of {shape.Height}×{shape.Width}, stride {shape.Stride}, padding {shape.Padding}; give 1 or more pixels and a stride of 1 or more");
        long pixels = shape.Pixels(filters.Kernel);
        if (pixels == 0 && shape.Images > 0) throw new ArgumentException($"a window of {filters.Kernel}×{filters.Kernel} does not fit into {shape.Height}×{shape.Width} with padding {shape.Padding}");
        if (offset < 0 || offset + filters.Outputs > pixelValues) throw new ArgumentException($"{filters.Outputs} results from place {offset} on do not fit into pixels of {pixelValues} values");
        Check(nameof(input), input.Length, (long)shape.Images * shape.Height * shape.Width * filters.Inputs);
        Check(nameof(output), output.Length, pixels * pixelValues);
        if (residual.Length > 0) Check(nameof(residual), residual.Length, output.Length);
        if (filters.IsWinograd && shape.Stride != 1) throw new ArgumentException($"the stride is {shape.Stride}; filters that are transformed for minimal filtering have one of 1");
        if (pixels == 0) return;
        fixed (float* x = input, r = residual, y = output)
        {
            float* around = residual.Length > 0 ? r + offset : null;
            if (filters.IsWinograd) winograd.Apply(filters, shape, x, around, y + offset, relu, pixelValues);
            else windows.Apply(filters, shape, x, around, y + offset, relu, pixelValues);
        }
    }

    static void Check(string name, long length, long needed)
    {
        if (length != needed) throw new ArgumentException($"{name} has {length} values; {needed} are needed", name);
    }

    public void Dispose()
    {
        windows.Dispose();
        winograd.Dispose();
    }
}
