using Osprey.Kernels.Pooling;
using static TorchSharp.torch;

namespace Osprey.Engine.Model;

/// <summary>What is added to an embedder after training.</summary>
public sealed partial class Embedder
{
    WhiteningLayer? whitening;

    /// <summary>Length of a descriptor before any fitted whitening.</summary>
    int UnwhitenedSize => Config.DescriptorSize ?? backbone.Channels;

    /// <summary>
    /// msp, the power in which descriptors of several scales are averaged: GeM's own where the descriptor is what GeM gives, else 1, as cnnimageretrieval-pytorch
    /// has it. A fitted whitening comes after the average and changes nothing in it.
    /// </summary>
    double ScalePower => Config.Pooling == PoolingKind.Gem && head is null ? power.item<float>() : 1;

    /// <summary>Adds a whitening of the descriptors that the embedder gives now.</summary>
    /// <exception cref="InvalidOperationException">There is one already.</exception>
    /// <exception cref="ArgumentException">It was fitted to descriptors of another length.</exception>
    public void Whiten(FittedWhitening fitted)
    {
        if (whitening is not null) throw new InvalidOperationException($"the model has a fitted whitening already, to {Config.WhitenedSize} dimensions; whiten the model that it was fitted to");
        if (fitted.Channels != Dimension) throw new ArgumentException($"the whitening was fitted to descriptors of {fitted.Channels} values, and the model's have {Dimension}");
        using var scope = NewDisposeScope();
        Config = (Config with { WhitenedSize = fitted.Size }).Validate();
        AttachWhitening(fitted.Size);
        whitening!.Set(fitted);
    }

    void AttachWhitening(int size)
    {
        if (size > UnwhitenedSize) throw new ArgumentException($"the whitened size is {size}, and descriptors have {UnwhitenedSize} values before it; give {UnwhitenedSize} or less");
        register_module("whitening", whitening = new WhiteningLayer(UnwhitenedSize, size));
    }
}
