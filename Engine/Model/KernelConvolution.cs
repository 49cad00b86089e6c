using Osprey.Interop.Torch;
using Osprey.Kernels.Convolution;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Osprey.Engine.Model;

/// <summary>In float32, by our kernel, 3×3 of stride 1 by minimal filtering. A map's values do not depend on the batch or the number of threads.</summary>
sealed class KernelConvolution : FoldedConvolution
{
    readonly ConvolutionKernel kernel;
    readonly PackedFilters filters;

    /// <param name="kernel">Stays the caller's.</param>
    /// <param name="conv">Square, without groups or dilation.</param>
    /// <param name="norm">Its main statistics are taken; null for none.</param>
    public KernelConvolution(ConvolutionKernel kernel, Conv2d conv, SplitBatchNorm2d? norm) : base(conv)
    {
        this.kernel = kernel;
        (float[] weights, float[] bias) = Fold(conv, norm);
        filters = new PackedFilters(weights, bias, Outputs, Inputs, Kernel, winograd: Stride == 1 && PackedFilters.CanTransform(Inputs, Kernel));
    }

    public override Tensor Apply(Tensor input, bool relu)
    {
        Tensor output = NewMap(input, Outputs);
        kernel.Apply(filters, Shape(input), TensorMemory.Read(input), [], TensorMemory.Write(output), relu);
        return output;
    }

    public override void AddTo(Tensor around, Tensor input)
    {
        Span<float> values = TensorMemory.Write(around);
        kernel.Apply(filters, Shape(input), TensorMemory.Read(input), values, values, relu: true);
    }

    public override void ApplyInto(Tensor output, int offset, Tensor input) =>
        kernel.Apply(filters, Shape(input), TensorMemory.Read(input), [], TensorMemory.Write(output), relu: true, offset, (int)output.shape[3]);

    public override void Dispose() => filters.Dispose();
}
