using static TorchSharp.torch;

namespace Osprey.Engine.Model;

/// <summary>(x − mean) / deviation per channel, with ImageNet's figures for RGB in 0…1. The network's first layer, so that an attack works in pixel space.</summary>
sealed class ImageNormalization : IDisposable
{
    readonly Tensor mean = tensor([0.485f, 0.456f, 0.406f], [1, 3, 1, 1]).DetachFromDisposeScope();
    readonly Tensor deviation = tensor([0.229f, 0.224f, 0.225f], [1, 3, 1, 1]).DetachFromDisposeScope();

    public Tensor Apply(Tensor pixels)
    {
        Tensor centred = pixels.sub(mean);
        return centred.div_(deviation);
    }

    public void Dispose()
    {
        mean.Dispose();
        deviation.Dispose();
    }
}
