using ILGPU;
using ILGPU.Runtime;
using Osprey.Kernels.Sharing;

namespace Osprey.Kernels.Perturbation;

/// <summary>Perturbation of host memory on ILGPU's own accelerator: copied there and back, in buffers that stay.</summary>
internal sealed class CopiedPerturbation(Accelerator accelerator, PerturbationNorm norm) : IDisposable
{
    readonly CudaPerturbation kernels = new(new AcceleratorLoader(accelerator), norm);
    readonly DeviceBuffer<float> clean = new(accelerator), gradient = new(accelerator), momentum = new(accelerator), perturbed = new(accelerator);

    public void Start(ReadOnlySpan<float> clean, int images, int values, float epsilon, ulong seed, Span<float> perturbed)
    {
        ArrayView<float> x = this.perturbed.OfLength(perturbed.Length);
        kernels.Start(this.clean.Holding(clean), images, values, epsilon, seed, x);
        x.CopyToCPU(accelerator.DefaultStream, perturbed);
    }

    public void Step(ReadOnlySpan<float> clean, ReadOnlySpan<float> gradient, int images, int values, float stepSize, float epsilon, Span<float> perturbed)
    {
        ArrayView<float> x = this.perturbed.Holding(perturbed);
        kernels.Step(this.clean.Holding(clean), this.gradient.Holding(gradient), images, values, stepSize, epsilon, x);
        x.CopyToCPU(accelerator.DefaultStream, perturbed);
    }

    public void MomentumStep(
        ReadOnlySpan<float> clean, ReadOnlySpan<float> gradient, int images, int values, float stepSize, float epsilon, float decay, Span<float> momentum, Span<float> perturbed)
    {
        ArrayView<float> m = this.momentum.Holding(momentum), x = this.perturbed.Holding(perturbed);
        kernels.MomentumStep(this.clean.Holding(clean), this.gradient.Holding(gradient), images, values, stepSize, epsilon, decay, m, x);
        m.CopyToCPU(accelerator.DefaultStream, momentum);
        x.CopyToCPU(accelerator.DefaultStream, perturbed);
    }

    public void Dispose()
    {
        kernels.Dispose();
        clean.Dispose();
        gradient.Dispose();
        momentum.Dispose();
        perturbed.Dispose();
    }
}
