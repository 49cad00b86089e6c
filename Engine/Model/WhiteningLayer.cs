using Osprey.Interop.Torch;
using static TorchSharp.torch;

namespace Osprey.Engine.Model;

/// <summary>
/// x ↦ P(x − m): rows [N,C] → [N,D], not yet of unit length. Gradients pass through; m and P are buffers that no optimiser moves. The mean is taken off first,
/// rather than a bias Pm added: P's rows may be long, and the two would cancel with float32's rounding.
/// </summary>
sealed class WhiteningLayer : nn.Module<Tensor, Tensor>
{
    readonly Tensor mean, projection;

    /// <summary>m = 0 and P the first <paramref name="size"/> rows of the identity, until values are copied in.</summary>
    public WhiteningLayer(int channels, int size) : base(nameof(WhiteningLayer))
    {
        register_buffer("mean", mean = zeros(channels));
        register_buffer("projection", projection = eye(size, channels));
        ModuleTensors.Keep(this);
    }

    public void Set(FittedWhitening fitted)
    {
        fitted.Mean.CopyTo(TensorMemory.Write(mean));
        fitted.Projection.CopyTo(TensorMemory.Write(projection));
    }

    public override Tensor forward(Tensor input)
    {
        using Tensor centred = input - mean;
        return nn.functional.linear(centred, projection);
    }
}
