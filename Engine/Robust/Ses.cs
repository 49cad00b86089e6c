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
/// <remarks>Of a part of the batch alone, which the paper does not do, attack and second term cost that part of their passes.</remarks>
/// <param name="weight">λ, above 0.</param>
/// <param name="share">Of the batch that is attacked, in (0, 1]: the mean is over these. L stays that of all of it.</param>
public sealed class Ses(Device device, Threat threat, double weight, double share = 1) : AdversarialRecipe(device, threat)
{
    /// <inheritdoc/>
    public override bool SplitsNorms => false;

    /// <inheritdoc/>
    public override int Passes => share < 1 ? 1 : 2;

    private protected override StepLoss Step(Embedder embedder, MetricLoss loss, Tensor pixels, Tensor labels, ulong seed)
    {
        Tensor adversarial, unit, moved, from;
        if (share < 1)
        {
            // In one pass, so that both are normalised by one batch: that of a few classes alone has other statistics, and the shift would be theirs.
            AttackedPart part = Drawn(labels, share, ref seed);
            adversarial = Shifted(embedder, pixels.index_select(0, part.Indices), seed, part.Places);
            Tensor all = embedder.Describe(cat([pixels, adversarial]));
            unit = all.narrow(0, 0, pixels.shape[0]);
            (moved, from) = (all.narrow(0, pixels.shape[0], adversarial.shape[0]), unit.index_select(0, part.Indices));
        }
        else
        {
            adversarial = Shifted(embedder, pixels, seed);
            from = unit = embedder.Describe(pixels);
            moved = embedder.Describe(adversarial);
        }
        Tensor clean = loss.Compute(unit, labels), shift = Share.Gather(DescriptorShift.Between(moved, from)).mean();
        Tensor total = clean + weight * shift;
        total.backward();
        return new StepLoss(total.item<float>(), clean.item<float>(), shift.item<float>());
    }
}
