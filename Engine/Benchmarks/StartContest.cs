using Osprey.Interop.Torch;
using Osprey.Kernels.Perturbation;
using TorchSharp;
using static TorchSharp.torch;
using Device = Osprey.Kernels.Device;

namespace Osprey.Engine.Benchmarks;

/// <summary>The random start of an attack (Philox) beside torch's own random numbers.</summary>
public sealed class StartContest : Contest
{
    readonly PerturbationNorm norm;
    readonly int images, values;
    readonly double epsilon;
    readonly PerturbationKernel kernel;
    readonly Tensor clean, x;
    ulong seed;

    public StartContest(Device device, PerturbationNorm norm, int images, int side)
    {
        (this.norm, this.images) = (norm, images);
        values = 3 * side * side;
        epsilon = norm == PerturbationNorm.LInf ? 8.0 / 255 : 2;
        kernel = new PerturbationKernel(device, norm);
        clean = rand(images, 3, side, side);
        x = clean.clone();
        Peers = [Peer.Here("torch", __version__, () => Eager.Run(() => norm == PerturbationNorm.LInf ? Eager.LInfStart(clean, epsilon) : Eager.L2Start(clean, epsilon)))];
    }

    /// <summary>The clean image: the random numbers come from nowhere.</summary>
    public override double BytesRead => sizeof(float) * (double)clean.numel();

    public override double BytesWritten => sizeof(float) * (double)clean.numel();

    public override IReadOnlyList<Peer> Peers { get; }

    public override void Ours() => kernel.Start(TensorMemory.Read(clean), images, values, (float)epsilon, ++seed, TensorMemory.Write(x));

    /// <summary>The two draw different numbers: what can be compared is the ball. How far outside it, or the pixel range, the start lies, relative to ε.</summary>
    public override double? MaxError()
    {
        Ours();
        using DisposeScope scope = NewDisposeScope();
        Tensor change = (x.to(float64) - clean.to(float64)).flatten(1);
        Tensor length = norm == PerturbationNorm.LInf ? change.abs().amax([1]) : change.norm(1, keepdim: false, p: 2);
        double outside = Math.Max(length.max().item<double>() - epsilon, Math.Max(-x.min().item<float>(), x.max().item<float>() - 1.0));
        return Math.Max(0, outside) / epsilon;
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        clean.Dispose();
        x.Dispose();
        kernel.Dispose();
    }
}
