using Osprey.Interop.Torch;
using Osprey.Kernels.Convolution;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Osprey.Engine.Model;

/// <summary>
/// A convolution and the batch normalisation behind it as one: w′ = w·γ/√(σ²+ε), b′ = (b−μ)·γ/√(σ²+ε) + β, in float64 and then rounded. Of the weights as they
/// were when it was made. Maps are channels-last and contiguous: [N,h,w,C].
/// </summary>
abstract class FoldedConvolution : IDisposable
{
    /// <param name="conv">Square, without groups or dilation.</param>
    private protected FoldedConvolution(Conv2d conv)
    {
        (Outputs, Inputs, Kernel) = ((int)conv.out_channels, (int)conv.in_channels, (int)conv.kernel_size[0]);
        (Stride, Padding) = ((int)conv.stride[0], (int)conv.padding![0]);
    }

    public int Outputs { get; }

    private protected int Inputs { get; }

    /// <summary>Side of the window.</summary>
    private protected int Kernel { get; }

    private protected int Stride { get; }

    private protected int Padding { get; }

    /// <returns>Filters [O,C,k,k] and bias [O].</returns>
    /// <param name="conv">As the constructor's.</param>
    /// <param name="norm">Its main statistics are taken; null for none.</param>
    private protected static (float[] Weights, float[] Bias) Fold(Conv2d conv, SplitBatchNorm2d? norm)
    {
        float[] weights = TensorMemory.ToArray(conv.weight), bias = conv.bias is null ? new float[conv.out_channels] : TensorMemory.ToArray(conv.bias);
        if (norm is null) return (weights, bias);
        int values = weights.Length / bias.Length;
        (double[] scale, double[] shift) = norm.Affine();
        for (int o = 0; o < bias.Length; o++)
        {
            foreach (ref float w in weights.AsSpan(o * values, values)) w = (float)(w * scale[o]);
            bias[o] = (float)((bias[o] * scale[o]) + shift[o]);
        }
        return (weights, bias);
    }

    /// <returns>[N,oh,ow,C], a new map.</returns>
    public abstract Tensor Apply(Tensor input, bool relu);

    /// <summary>relu(this(input) + around), in the place of <paramref name="around"/>.</summary>
    public abstract void AddTo(Tensor around, Tensor input);

    /// <summary>relu(this(input)) as the channels of <paramref name="output"/> from <paramref name="offset"/> on.</summary>
    public abstract void ApplyInto(Tensor output, int offset, Tensor input);

    /// <returns>A map of so many channels as this convolution would make of <paramref name="input"/>; its values are not set.</returns>
    public Tensor NewMap(Tensor input, int channels)
    {
        ConvolutionShape shape = Shape(input);
        return empty([shape.Images, shape.OutputHeight(Kernel), shape.OutputWidth(Kernel), channels], input.dtype);
    }

    private protected ConvolutionShape Shape(Tensor input) => new((int)input.shape[0], (int)input.shape[1], (int)input.shape[2], Stride, Padding);

    public abstract void Dispose();
}
