using Osprey.Engine.Model;
using Osprey.Engine.Training;
using static TorchSharp.torch;
using Device = Osprey.Kernels.Device;

namespace Osprey.Engine.Robust;

/// <summary>
/// Zhou et al. 2020, suppressing the embedding shift: the attack increases d(f(x_adv), f(x)), d = 1 − cosine; the step decreases
/// L(x) + λ·mean d(f(x_adv), f(x)). As in the public code (robrank) both f pass gradients, and both go through the one set of norms,
/// whose statistics see the clean batch and then the attacked one.
/// </summary>
/// <param name="weight">λ, above 0.</param>
public sealed class Ses(Device device, Threat threat, double weight) : AdversarialRecipe(device, threat)
{
    /// <inheritdoc/>
    public override bool SplitsNorms => false;

    /// <inheritdoc/>
    public override int Passes => 2;

    private protected override StepLoss Step(Embedder embedder, MetricLoss loss, Tensor pixels, Tensor labels, ulong seed)
    {
        Tensor adversarial = Shifted(embedder, pixels, seed);
        Tensor unit = embedder.Describe(pixels);
        Tensor clean = loss.Compute(unit, labels), shift = Share.Gather(DescriptorShift.Between(embedder.Describe(adversarial), unit)).mean();
        Tensor total = clean + weight * shift;
        total.backward();
        return new StepLoss(total.item<float>(), clean.item<float>(), shift.item<float>());
    }
}
