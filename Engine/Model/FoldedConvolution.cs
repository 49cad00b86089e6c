using Osprey.Interop.Torch;
using Osprey.Kernels.Convolution;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Osprey.Engine.Model;

/// <summary>
/// A convolution and the batch normalisation behind it as one: w′ = w·γ/√(σ²+ε), b′ = (b−μ)·γ/√(σ²+ε) + β, in float64 and then rounded. Of the weights as they
/// were when it was made. Maps are channels-last and contiguous: [N,h,w,C].
/// </summary>
sealed class FoldedConvolution : IDisposable
{
    readonly ConvolutionKernel kernel;
    readonly PackedFilters filters;
    readonly int stride, padding;

    /// <param name="kernel">Stays the caller's.</param>
    /// <param name="conv">Square, without groups or dilation.</param>
    /// <param name="norm">Its main statistics are taken; null for none.</param>
    public FoldedConvolution(ConvolutionKernel kernel, Conv2d conv, SplitBatchNorm2d? norm)
    {
        this.kernel = kernel;
        (stride, padding) = ((int)conv.stride[0], (int)conv.padding![0]);
        float[] weights = TensorMemory.ToArray(conv.weight), bias = conv.bias is null ? new float[conv.out_channels] : TensorMemory.ToArray(conv.bias);
        if (norm is not null)
        {
            int values = weights.Length / bias.Length;
            (double[] scale, double[] shift) = norm.Affine();
            for (int o = 0; o < bias.Length; o++)
            {
                foreach (ref float w in weights.AsSpan(o * values, values)) w = (float)(w * scale[o]);
                bias[o] = (float)((bias[o] * scale[o]) + shift[o]);
            }
        }
        filters = new PackedFilters(weights, bias, (int)conv.out_channels, (int)conv.in_channels, (int)conv.kernel_size[0]);
    }

    public int Outputs => filters.Outputs;

    /// <returns>[N,oh,ow,C], a new map.</returns>
    public Tensor Apply(Tensor input, bool relu)
    {
        Tensor output = NewMap(input, filters.Outputs);
        kernel.Apply(filters, Shape(input), TensorMemory.Read(input), [], TensorMemory.Write(output), relu);
        return output;
    }

    /// <summary>relu(this(input) + around), in the place of <paramref name="around"/>.</summary>
    public void AddTo(Tensor around, Tensor input)
    {
        Span<float> values = TensorMemory.Write(around);
        kernel.Apply(filters, Shape(input), TensorMemory.Read(input), values, values, relu: true);
    }

    /// <summary>relu(this(input)) as the channels of <paramref name="output"/> from <paramref name="offset"/> on.</summary>
    public void ApplyInto(Tensor output, int offset, Tensor input) =>
        kernel.Apply(filters, Shape(input), TensorMemory.Read(input), [], TensorMemory.Write(output), relu: true, offset, (int)output.shape[3]);

    /// <returns>A map of so many channels as this convolution would make of <paramref name="input"/>; its values are not set.</returns>
    public Tensor NewMap(Tensor input, int channels)
    {
        ConvolutionShape shape = Shape(input);
        return empty([shape.Images, shape.OutputHeight(filters.Kernel), shape.OutputWidth(filters.Kernel), channels], float32);
    }

    ConvolutionShape Shape(Tensor input) => new((int)input.shape[0], (int)input.shape[1], (int)input.shape[2], stride, padding);

    public void Dispose() => filters.Dispose();
}
