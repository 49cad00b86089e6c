using Osprey.Interop.Torch;
using Osprey.Kernels.Perturbation;
using TorchSharp;
using static TorchSharp.torch;
using Device = Osprey.Kernels.Device;

namespace Osprey.Engine.Benchmarks;

/// <summary>One ascent step of an attack on a batch of images beside torch's eager operations. Ours works in place; torch's result is new each time.</summary>
public sealed class StepContest : Contest
{
    readonly PerturbationNorm norm;
    readonly int images, values;
    readonly double step, epsilon;
    readonly PerturbationKernel kernel;
    readonly Tensor clean, gradient, before, x;

    public StepContest(Device device, PerturbationNorm norm, int images, int side)
    {
        (this.norm, this.images) = (norm, images);
        values = 3 * side * side;
        (step, epsilon) = norm == PerturbationNorm.LInf ? (2.0 / 255, 8.0 / 255) : (0.5, 2);
        kernel = new PerturbationKernel(device, norm);
        using DisposeScope scope = NewDisposeScope();
        clean = rand(images, 3, side, side);
        gradient = randn(images, 3, side, side);
        // Half of the ball away, so that some values meet its surface and some do not.
        before = norm == PerturbationNorm.LInf ? Eager.LInfStart(clean, epsilon) : Eager.L2Start(clean, epsilon);
        x = before.clone();
        scope.Detach(clean, gradient, before, x);
        Peers = [Peer.Here("torch", __version__, () => Eager.Run(() => Step(clean, gradient, before)))];
    }

    /// <summary>Clean image, gradient and x. ℓ2 needs them for its norms before it may write, and again then; of that an image that fits a cache is read once.</summary>
    public override double BytesRead => sizeof(float) * (double)clean.numel() * 3;

    public override double BytesWritten => sizeof(float) * (double)clean.numel();

    public override IReadOnlyList<Peer> Peers { get; }

    public override void Ours() =>
        kernel.Step(TensorMemory.Read(clean), TensorMemory.Read(gradient), images, values, (float)step, (float)epsilon, TensorMemory.Write(x));

    Tensor Step(Tensor c, Tensor g, Tensor from) => norm == PerturbationNorm.LInf ? Eager.LInfStep(c, g, from, step, epsilon) : Eager.L2Step(c, g, from, step, epsilon);

    public override double? MaxError()
    {
        x.copy_(before);
        Ours();
        using DisposeScope scope = NewDisposeScope();
        return Eager.Error(x, Step(clean.to(float64), gradient.to(float64), before.to(float64)));
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        foreach (Tensor t in new[] { clean, gradient, before, x }) t.Dispose();
        kernel.Dispose();
    }
}
