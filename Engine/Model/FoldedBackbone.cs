using Osprey.Kernels.Convolution;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Osprey.Engine.Model;

/// <summary>
/// A backbone for inference alone: normalisation folded into the convolutions, channels-last. In float32 these are our kernel, with ReLU and the way around in the same pass, and a
/// map's values do not depend on the batch or the number of threads; in bfloat16 they are libtorch's. It has copies of the weights as they were, knows no gradients and is never written to a file.
/// </summary>
abstract class FoldedBackbone : IDisposable
{
    /// <summary>Pixels of a slice of the batch, about: its largest map, sixteen values per pixel, then takes 64 MiB.</summary>
    const int SlicePixels = 1 << 20;

    readonly ConvolutionKernel? kernel;
    readonly List<FoldedConvolution> layers = [];

    private protected FoldedBackbone(int threads, Precision precision)
    {
        if (precision == Precision.Float32) kernel = new ConvolutionKernel(threads);
    }

    private protected FoldedConvolution Fold(Conv2d conv, SplitBatchNorm2d? norm)
    {
        FoldedConvolution layer = kernel is null ? new BFloat16Convolution(conv, norm) : new KernelConvolution(kernel, conv, norm);
        layers.Add(layer);
        return layer;
    }

    /// <param name="input">[N,3,H,W], normalised; read fastest where it is channels-last.</param>
    /// <returns>[N,C,h,w] as of <see cref="Backbone"/>, float32, channels-last.</returns>
    public Tensor Map(Tensor input)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        Tensor pixels = input.permute(0, 2, 3, 1).contiguous().to(kernel is null ? bfloat16 : float32);
        long images = pixels.shape[0], slice = Math.Max(1, SlicePixels / (pixels.shape[1] * pixels.shape[2]));
        Tensor[] maps = [.. Enumerable.Range(0, (int)((images + slice - 1) / slice)).Select(s => Forward(pixels.narrow(0, s * slice, Math.Min(slice, images - (s * slice)))))];
        return (maps.Length == 1 ? maps[0] : cat(maps)).to(float32).permute(0, 3, 1, 2).MoveToOuterDisposeScope();
    }

    /// <param name="pixels">[n,H,W,3], contiguous.</param>
    /// <returns>[n,h,w,C], contiguous.</returns>
    private protected abstract Tensor Forward(Tensor pixels);

    private protected static Tensor Pool(Tensor map, long padding, bool ceiling)
    {
        using var scope = NewDisposeScope();
        Tensor pooled = nn.functional.max_pool2d(map.permute(0, 3, 1, 2), 3, stride: 2, padding: padding, ceil_mode: ceiling);
        return pooled.permute(0, 2, 3, 1).contiguous().MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        foreach (FoldedConvolution layer in layers) layer.Dispose();
        kernel?.Dispose();
    }
}
