using Osprey.Kernels.Sharing;

namespace Osprey.Kernels.Perturbation;

/// <summary>
/// <see cref="PerturbationKernel"/> on device memory that somebody else owns, in that owner's CUDA context and on its stream: nothing is copied, and a call returns
/// when its launch is on the stream. One call at a time per instance, and one stream: the next launch uses the same scratch memory.
/// </summary>
public sealed class SharedPerturbation : IDisposable
{
    readonly ContextLoader loader;
    readonly CudaPerturbation kernels;

    /// <param name="context">Must outlive this.</param>
    /// <param name="norm">Of the ball.</param>
    public SharedPerturbation(ICudaContext context, PerturbationNorm norm)
    {
        PerturbationKernel.Check(norm);
        loader = new ContextLoader(context);
        kernels = new CudaPerturbation(loader, norm);
    }

    /// <summary>As <see cref="PerturbationKernel.Start"/>.</summary>
    /// <exception cref="ArgumentException">A size or radius is out of range, or a span's length does not follow from the sizes.</exception>
    public void Start(DeviceSpan<float> clean, int images, int valuesPerImage, float epsilon, ulong seed, DeviceSpan<float> perturbed)
    {
        PerturbationKernel.Check(nameof(clean), clean.Length, images, valuesPerImage);
        PerturbationKernel.Check(nameof(perturbed), perturbed.Length, images, valuesPerImage);
        PerturbationKernel.CheckNotNegative(nameof(epsilon), epsilon);
        if (images > 0) kernels.Start(loader.View(clean), images, valuesPerImage, epsilon, seed, loader.View(perturbed));
    }

    /// <summary>As <see cref="PerturbationKernel.Step"/>.</summary>
    /// <exception cref="ArgumentException">A size, step or radius is out of range, or a span's length does not follow from the sizes.</exception>
    public void Step(DeviceSpan<float> clean, DeviceSpan<float> gradient, int images, int valuesPerImage, float stepSize, float epsilon, DeviceSpan<float> perturbed)
    {
        PerturbationKernel.Check(nameof(clean), clean.Length, images, valuesPerImage);
        PerturbationKernel.Check(nameof(gradient), gradient.Length, images, valuesPerImage);
        PerturbationKernel.Check(nameof(perturbed), perturbed.Length, images, valuesPerImage);
        PerturbationKernel.CheckNotNegative(nameof(stepSize), stepSize);
        PerturbationKernel.CheckNotNegative(nameof(epsilon), epsilon);
        if (images > 0) kernels.Step(loader.View(clean), loader.View(gradient), images, valuesPerImage, stepSize, epsilon, loader.View(perturbed));
    }

    /// <summary>As <see cref="PerturbationKernel.MomentumStep"/>.</summary>
    /// <exception cref="ArgumentException">A size, step, radius or decay is out of range, or a span's length does not follow from the sizes.</exception>
    public void MomentumStep(
        DeviceSpan<float> clean, DeviceSpan<float> gradient, int images, int valuesPerImage, float stepSize, float epsilon, float decay, DeviceSpan<float> momentum, DeviceSpan<float> perturbed)
    {
        PerturbationKernel.Check(nameof(clean), clean.Length, images, valuesPerImage);
        PerturbationKernel.Check(nameof(gradient), gradient.Length, images, valuesPerImage);
        PerturbationKernel.Check(nameof(momentum), momentum.Length, images, valuesPerImage);
        PerturbationKernel.Check(nameof(perturbed), perturbed.Length, images, valuesPerImage);
        PerturbationKernel.CheckNotNegative(nameof(stepSize), stepSize);
        PerturbationKernel.CheckNotNegative(nameof(epsilon), epsilon);
        PerturbationKernel.CheckNotNegative(nameof(decay), decay);
        if (images == 0) return;
        kernels.MomentumStep(
            loader.View(clean), loader.View(gradient), images, valuesPerImage, stepSize, epsilon, decay, loader.View(momentum), loader.View(perturbed));
    }

    public void Dispose()
    {
        kernels.Dispose();
        loader.Dispose();
    }
}
