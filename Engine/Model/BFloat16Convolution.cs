using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Osprey.Engine.Model;

/// <summary>Maps, filters and bias in bfloat16, by libtorch, which adds up in float32 and rounds once for each value of a map. Its bits may depend on the batch and the number of threads.</summary>
/// <remarks>A 1×1 convolution is a matrix product here: oneDNN's own, channels-last, ends the process where CPUID hides the caches (<see cref="Interop.Torch.ProcessorCaches"/>), and is no faster elsewhere.</remarks>
sealed class BFloat16Convolution : FoldedConvolution
{
    readonly Tensor weight, bias;

    /// <param name="conv">Square, without groups or dilation.</param>
    /// <param name="norm">Its main statistics are taken; null for none.</param>
    public BFloat16Convolution(Conv2d conv, SplitBatchNorm2d? norm) : base(conv)
    {
        using var scope = NewDisposeScope();
        (float[] weights, float[] shift) = Fold(conv, norm);
        Tensor filters = tensor(weights, [Outputs, Inputs, Kernel, Kernel]);
        filters = IsProduct ? filters.view(Outputs, Inputs) : filters.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);
        weight = filters.to(bfloat16).DetachFromDisposeScope();
        bias = tensor(shift).to(bfloat16).DetachFromDisposeScope();
    }

    bool IsProduct => Kernel == 1 && Padding == 0;

    public override Tensor Apply(Tensor input, bool relu)
    {
        using var scope = NewDisposeScope();
        Tensor output = IsProduct ? Product(input) : Convolution(input);
        if (relu) output.relu_();
        return output.MoveToOuterDisposeScope();
    }

    Tensor Product(Tensor input)
    {
        long[] shape = input.shape;
        Tensor seen = Stride == 1 ? input : input.slice(1, 0, shape[1], Stride).slice(2, 0, shape[2], Stride).contiguous();
        return nn.functional.linear(seen.view(-1, Inputs), weight, bias).view(seen.shape[0], seen.shape[1], seen.shape[2], Outputs);
    }

    Tensor Convolution(Tensor input) =>
        nn.functional.conv2d(input.permute(0, 3, 1, 2), weight, bias, [Stride, Stride], [Padding, Padding]).permute(0, 2, 3, 1).contiguous();

    public override void AddTo(Tensor around, Tensor input)
    {
        using Tensor branch = Apply(input, relu: false);
        around.add_(branch).relu_();
    }

    public override void ApplyInto(Tensor output, int offset, Tensor input)
    {
        using Tensor made = Apply(input, relu: true), place = output.narrow(3, offset, Outputs);
        place.copy_(made);
    }

    public override void Dispose()
    {
        weight.Dispose();
        bias.Dispose();
    }
}
