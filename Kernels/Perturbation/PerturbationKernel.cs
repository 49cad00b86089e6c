namespace Osprey.Kernels.Perturbation;

/// <summary>
/// The steps of a projected gradient attack on images in pixel space [0, 1]: a random start in the ball of radius ε around the clean image, and
/// ascent steps that stay in ball ∩ [0, 1] (Madry et al. 2018). The result of a call is the same for any number of host threads. One call at a time per
/// instance; spans of one call must not overlap.
/// </summary>
public sealed class PerturbationKernel : IDisposable
{
    readonly HostPerturbation? host;
    readonly CopiedPerturbation? cuda;

    public PerturbationKernel(Device device, PerturbationNorm norm)
    {
        Check(norm);
        if (device.Accelerator is { } accelerator) cuda = new CopiedPerturbation(accelerator, norm);
        else host = new HostPerturbation(norm, device.Threads);
    }

    /// <summary>
    /// Writes a random start. ℓ∞: clean + U[−ε, ε) for each value, clamped to [0, 1]. ℓ2: clean + a uniform direction times ε·u^(1/d), which is uniform in
    /// the ball of d = <paramref name="valuesPerImage"/> dimensions, then clamped to [0, 1], which only brings it nearer. The random numbers come from
    /// Philox4x32-10 by seed, image and value alone: host and device draw the same (under ℓ2 the last bits differ, as the direction's norm is summed in
    /// another order).
    /// </summary>
    /// <param name="clean">[images, valuesPerImage], in [0, 1].</param>
    /// <param name="images">0 or more.</param>
    /// <param name="valuesPerImage">1 or more.</param>
    /// <param name="epsilon">Radius of the ball in pixel space, 0 or more.</param>
    /// <param name="seed">Another seed for every batch, or the same image of each batch gets the same start.</param>
    /// <param name="perturbed">[images, valuesPerImage], written.</param>
    /// <exception cref="ArgumentException">A size or radius is out of range, or a span's length does not follow from the sizes.</exception>
    public void Start(ReadOnlySpan<float> clean, int images, int valuesPerImage, float epsilon, ulong seed, Span<float> perturbed)
    {
        Check(nameof(clean), clean.Length, images, valuesPerImage);
        Check(nameof(perturbed), perturbed.Length, images, valuesPerImage);
        CheckNotNegative(nameof(epsilon), epsilon);
        if (images == 0) return;
        if (cuda is not null) cuda.Start(clean, images, valuesPerImage, epsilon, seed, perturbed);
        else host!.Start(clean, images, valuesPerImage, epsilon, seed, perturbed);
    }

    /// <summary>
    /// One ascent step in place. ℓ∞: x + α·sign(g), clamped to [clean − ε, clean + ε] ∩ [0, 1]. ℓ2: z = x + α·g/(‖g‖₂ + 1e-10) with the norm over the image; where
    /// ‖z − clean‖₂ exceeds ε it is brought back along its radius; then clamped to [0, 1], which for a clean image in [0, 1] leads no further away.
    /// A zero gradient moves nothing; a NaN in the gradient makes the value (ℓ2: the image) NaN.
    /// </summary>
    /// <param name="clean">[images, valuesPerImage], in [0, 1].</param>
    /// <param name="gradient">[images, valuesPerImage]: of the objective that is to grow.</param>
    /// <param name="images">0 or more.</param>
    /// <param name="valuesPerImage">1 or more.</param>
    /// <param name="stepSize">α in pixel space, 0 or more.</param>
    /// <param name="epsilon">Radius of the ball in pixel space, 0 or more.</param>
    /// <param name="perturbed">[images, valuesPerImage], changed.</param>
    /// <exception cref="ArgumentException">A size, step or radius is out of range, or a span's length does not follow from the sizes.</exception>
    public void Step(
        ReadOnlySpan<float> clean, ReadOnlySpan<float> gradient, int images, int valuesPerImage, float stepSize, float epsilon, Span<float> perturbed)
    {
        Check(nameof(clean), clean.Length, images, valuesPerImage);
        Check(nameof(gradient), gradient.Length, images, valuesPerImage);
        Check(nameof(perturbed), perturbed.Length, images, valuesPerImage);
        CheckNotNegative(nameof(stepSize), stepSize);
        CheckNotNegative(nameof(epsilon), epsilon);
        if (images == 0) return;
        if (cuda is not null) cuda.Step(clean, gradient, images, valuesPerImage, stepSize, epsilon, perturbed);
        else host!.Step(clean, gradient, images, valuesPerImage, stepSize, epsilon, perturbed);
    }

    /// <summary>
    /// One step of MI-FGSM (Dong et al. 2018) in place: m ← μ·m + g/‖g‖₁ with the norm over the image, then as <see cref="Step"/> along m instead of g:
    /// ℓ∞ x + α·sign(m), ℓ2 x + α·m/(‖m‖₂ + 1e-10), and back into ball ∩ [0, 1]. A zero gradient lets the momentum decay and the step goes on along it; a NaN
    /// in the gradient makes the image's momentum NaN, and with it the image.
    /// </summary>
    /// <param name="clean">[images, valuesPerImage], in [0, 1].</param>
    /// <param name="gradient">[images, valuesPerImage]: of the objective that is to grow.</param>
    /// <param name="images">0 or more.</param>
    /// <param name="valuesPerImage">1 or more.</param>
    /// <param name="stepSize">α in pixel space, 0 or more.</param>
    /// <param name="epsilon">Radius of the ball in pixel space, 0 or more.</param>
    /// <param name="decay">μ, 0 or more; 1 in the paper. With 0 each step forgets the steps before it.</param>
    /// <param name="momentum">[images, valuesPerImage], changed; zeros before the first step.</param>
    /// <param name="perturbed">[images, valuesPerImage], changed.</param>
    /// <exception cref="ArgumentException">A size, step, radius or decay is out of range, or a span's length does not follow from the sizes.</exception>
    public void MomentumStep(
        ReadOnlySpan<float> clean, ReadOnlySpan<float> gradient, int images, int valuesPerImage, float stepSize, float epsilon, float decay, Span<float> momentum, Span<float> perturbed)
    {
        Check(nameof(clean), clean.Length, images, valuesPerImage);
        Check(nameof(gradient), gradient.Length, images, valuesPerImage);
        Check(nameof(momentum), momentum.Length, images, valuesPerImage);
        Check(nameof(perturbed), perturbed.Length, images, valuesPerImage);
        CheckNotNegative(nameof(stepSize), stepSize);
        CheckNotNegative(nameof(epsilon), epsilon);
        CheckNotNegative(nameof(decay), decay);
        if (images == 0) return;
        if (cuda is not null) cuda.MomentumStep(clean, gradient, images, valuesPerImage, stepSize, epsilon, decay, momentum, perturbed);
        else host!.MomentumStep(clean, gradient, images, valuesPerImage, stepSize, epsilon, decay, momentum, perturbed);
    }

    internal static void Check(PerturbationNorm norm)
    {
        if (!Enum.IsDefined(norm)) throw new ArgumentException($"unknown norm {norm}; give {string.Join(", ", Enum.GetNames<PerturbationNorm>())}");
    }

    internal static void Check(string name, long length, int images, int valuesPerImage)
    {
        if (images < 0 || valuesPerImage <= 0) throw new ArgumentException($"{images} images of {valuesPerImage} values; give 0 or more of 1 or more");
        if (length != (long)images * valuesPerImage) throw new ArgumentException($"{name} has {length} values; {images} x {valuesPerImage} are needed", name);
    }

    internal static void CheckNotNegative(string name, float value)
    {
        if (!(value >= 0 && float.IsFinite(value))) throw new ArgumentException($"{name} is {value}; it must be 0 or more, and finite", name);
    }

    public void Dispose() => cuda?.Dispose();
}
