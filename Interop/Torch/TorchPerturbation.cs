using Osprey.Kernels.Perturbation;
using static TorchSharp.torch;
using Device = Osprey.Kernels.Device;

namespace Osprey.Interop.Torch;

/// <summary>
/// Steps of an attack on tensors [N, …] of pixels in [0, 1], in place and outside autograd. See <see cref="PerturbationKernel"/> for the arithmetic. Tensors
/// on the CPU are worked on by <paramref name="device"/>; tensors on a CUDA device stay there, and a call returns when its launch is on libtorch's default stream.
/// </summary>
public sealed class TorchPerturbation(Device device, PerturbationNorm norm) : IDisposable
{
    readonly PerturbationKernel kernel = new(device, norm);
    readonly SharedKernels<SharedPerturbation> shared = new(context => new SharedPerturbation(context, norm));

    /// <summary>Writes a random start in the ball of radius <paramref name="eps"/> around <paramref name="clean"/> into <paramref name="perturbed"/>.</summary>
    /// <exception cref="ArgumentException">The shapes differ, a radius is negative, or <paramref name="perturbed"/> is not contiguous float32, or the tensors are not all on one device.</exception>
    public void Start(Tensor clean, double eps, ulong seed, Tensor perturbed)
    {
        (int images, int values) = Sizes(clean, perturbed, nameof(perturbed));
        using Tensor c = clean.contiguous();
        lock (kernel)
        {
            if (shared.Of(perturbed, out int d) is { } there) there.Start(TensorMemory.OnDevice(c, d), images, values, (float)eps, seed, TensorMemory.OnDevice(perturbed, d));
            else kernel.Start(TensorMemory.Read(c), images, values, (float)eps, seed, TensorMemory.Write(perturbed));
        }
    }

    /// <summary>One ascent step of size <paramref name="step"/> on <paramref name="perturbed"/>, which stays in the ball and in [0, 1].</summary>
    /// <exception cref="ArgumentException">The shapes differ, a size is negative, or <paramref name="perturbed"/> is not contiguous float32, or the tensors are not all on one device.</exception>
    public void Step(Tensor clean, Tensor gradient, double step, double eps, Tensor perturbed)
    {
        (int images, int values) = Sizes(clean, perturbed, nameof(perturbed));
        Sizes(clean, gradient, nameof(gradient));
        using Tensor c = clean.contiguous(), g = gradient.contiguous();
        lock (kernel)
        {
            if (shared.Of(perturbed, out int d) is { } there) there.Step(TensorMemory.OnDevice(c, d), TensorMemory.OnDevice(g, d), images, values, (float)step, (float)eps, TensorMemory.OnDevice(perturbed, d));
            else kernel.Step(TensorMemory.Read(c), TensorMemory.Read(g), images, values, (float)step, (float)eps, TensorMemory.Write(perturbed));
        }
    }

    /// <summary>One step of MI-FGSM: <paramref name="momentum"/> takes up the gradient with decay <paramref name="decay"/>, and <paramref name="perturbed"/> follows it.</summary>
    /// <exception cref="ArgumentException">
    /// The shapes differ, a size or the decay is negative, or <paramref name="momentum"/> or <paramref name="perturbed"/> is not contiguous float32, or the tensors are not all on one device.
    /// </exception>
    public void MomentumStep(Tensor clean, Tensor gradient, double step, double eps, double decay, Tensor momentum, Tensor perturbed)
    {
        (int images, int values) = Sizes(clean, perturbed, nameof(perturbed));
        Sizes(clean, gradient, nameof(gradient));
        Sizes(clean, momentum, nameof(momentum));
        using Tensor c = clean.contiguous(), g = gradient.contiguous();
        lock (kernel)
        {
            if (shared.Of(perturbed, out int d) is { } there)
            {
                there.MomentumStep(
                    TensorMemory.OnDevice(c, d), TensorMemory.OnDevice(g, d), images, values, (float)step, (float)eps, (float)decay, TensorMemory.OnDevice(momentum, d), TensorMemory.OnDevice(perturbed, d));
                return;
            }
            kernel.MomentumStep(
                TensorMemory.Read(c), TensorMemory.Read(g), images, values, (float)step, (float)eps, (float)decay, TensorMemory.Write(momentum), TensorMemory.Write(perturbed));
        }
    }

    static (int Images, int Values) Sizes(Tensor clean, Tensor other, string name)
    {
        if (clean.dim() < 2 || !clean.shape.AsSpan().SequenceEqual(other.shape))
            throw new ArgumentException($"clean is {TensorMemory.Describe(clean)} and {name} {TensorMemory.Describe(other)}; both must be [N, …] alike");
        int images = checked((int)clean.shape[0]);
        long values = 1;
        for (int i = 1; i < clean.dim(); i++) values *= clean.shape[i];
        return (images, checked((int)values));
    }

    public void Dispose()
    {
        shared.Dispose();
        kernel.Dispose();
    }
}
