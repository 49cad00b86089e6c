using Osprey.Interop.Torch;
using Osprey.Kernels.Perturbation;
using TorchSharp;
using static TorchSharp.torch;
using Device = Osprey.Kernels.Device;

namespace Osprey.Engine.Benchmarks;

/// <summary>One ascent step of an attack on a batch of images, along the gradient or along its momentum, beside torch's eager operations.</summary>
/// <remarks>Ours works in place; torch's result is new each time, its momentum in place.</remarks>
public sealed class StepContest : Contest
{
    readonly PerturbationNorm norm;
    readonly int images, values;
    readonly bool momentum;
    readonly double step, epsilon;
    readonly PerturbationKernel kernel;
    readonly Tensor clean, gradient, before, x, velocity, torchVelocity;

    const double Decay = 1;

    public StepContest(Device device, PerturbationNorm norm, int images, int side, bool momentum)
    {
        (this.norm, this.images, this.momentum) = (norm, images, momentum);
        values = 3 * side * side;
        (step, epsilon) = norm == PerturbationNorm.LInf ? (2.0 / 255, 8.0 / 255) : (0.5, 2);
        kernel = new PerturbationKernel(device, norm);
        using DisposeScope scope = NewDisposeScope();
        clean = rand(images, 3, side, side);
        gradient = randn(images, 3, side, side);
        // Half of the ball away, so that some values meet its surface and some do not.
        before = norm == PerturbationNorm.LInf ? Eager.LInfStart(clean, epsilon) : Eager.L2Start(clean, epsilon);
        x = before.clone();
        velocity = momentum ? zeros_like(clean) : empty(0);
        torchVelocity = zeros_like(velocity);
        scope.Detach(clean, gradient, before, x, velocity, torchVelocity);
        Peers = [Peer.Here("torch", __version__, () => Eager.Run(() => Step(clean, gradient, before, torchVelocity)))];
    }

    /// <summary>Clean image, gradient, x and the momentum. A norm needs some of them twice; an image that fits a cache comes from memory once.</summary>
    public override double BytesRead => sizeof(float) * (double)clean.numel() * (momentum ? 4 : 3);

    public override double BytesWritten => sizeof(float) * (double)clean.numel() * (momentum ? 2 : 1);

    public override IReadOnlyList<Peer> Peers { get; }

    public override void Ours()
    {
        ReadOnlySpan<float> c = TensorMemory.Read(clean), g = TensorMemory.Read(gradient);
        if (momentum) kernel.MomentumStep(c, g, images, values, (float)step, (float)epsilon, (float)Decay, TensorMemory.Write(velocity), TensorMemory.Write(x));
        else kernel.Step(c, g, images, values, (float)step, (float)epsilon, TensorMemory.Write(x));
    }

    Tensor Step(Tensor c, Tensor g, Tensor from, Tensor m)
    {
        Tensor along = momentum ? Eager.Momentum(m, g, Decay) : g;
        return norm == PerturbationNorm.LInf ? Eager.LInfStep(c, along, from, step, epsilon) : Eager.L2Step(c, along, from, step, epsilon);
    }

    public override double? MaxError()
    {
        x.copy_(before);
        velocity.zero_();
        Ours();
        using DisposeScope scope = NewDisposeScope();
        Tensor m = zeros_like(velocity, float64), expected = Step(clean.to(float64), gradient.to(float64), before.to(float64), m);
        return momentum ? Math.Max(Eager.Error(x, expected), Eager.Error(velocity, m)) : Eager.Error(x, expected);
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        foreach (Tensor t in new[] { clean, gradient, before, x, velocity, torchVelocity }) t.Dispose();
        kernel.Dispose();
    }
}
