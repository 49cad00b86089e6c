using Osprey.Kernels.Convolution;

namespace Osprey.Engine.Model;

/// <summary>The network for inference.</summary>
public sealed partial class Embedder
{
    FoldedBackbone? folded;

    /// <summary>
    /// From here on <see cref="Embed(ReadOnlySpan{float}, int, int, Span{float})"/> runs a copy of the backbone with the main normalisation folded into the convolutions,
    /// by our own kernel: the same descriptors but for rounding, in less time. The copy is of the weights as they are now; training mode and loading weights end it.
    /// <see cref="Describe"/> and what is saved stay as they are. Does nothing where the processor lacks vectors of 256 bits with fused multiplication (<see cref="ConvolutionKernel.IsFast"/>),
    /// unless <see cref="EmbedderConfig.Precision"/> is bfloat16: then the copy is what has that precision, and describing images makes it by itself.
    /// </summary>
    /// <exception cref="InvalidOperationException">In training mode, whose next change would end it.</exception>
    public void Fold()
    {
        if (training) throw new InvalidOperationException("the network is in training mode, and folding is for evaluation: call eval() first");
        if (Config.Precision is not null || ConvolutionKernel.IsFast) folded ??= backbone.Fold(threads, Config.Precision ?? Precision.Float32);
    }

    /// <summary>Whether <see cref="Fold"/> is in force.</summary>
    public bool IsFolded => folded is not null;

    void Unfold()
    {
        folded?.Dispose();
        folded = null;
    }

    public override void train(bool train = true)
    {
        if (train) Unfold();
        base.train(train);
    }
}
