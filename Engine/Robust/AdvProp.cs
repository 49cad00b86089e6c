using Osprey.Engine.Model;
using Osprey.Engine.Training;
using static TorchSharp.torch;
using Device = Osprey.Kernels.Device;

namespace Osprey.Engine.Robust;

/// <summary>
/// Xie et al. 2020: the attack increases L(x_adv) through the auxiliary norms; the step decreases (1−w)·L(x) through the main norms plus
/// w·L(x_adv) through the auxiliary ones. What comes out is used with the main norms.
/// </summary>
/// <remarks>A backbone without norms (SqueezeNet) has a split one in the head only. Of a part of the batch alone, which the paper does not do, the attack costs that part of its passes.</remarks>
/// <param name="weight">w, in (0, 1).</param>
/// <param name="share">Of the batch that is attacked, in (0, 1]; x in the first term stays all of it.</param>
/// <param name="splitsNorms">False: attacked images go through the main norms too, which the paper argues against.</param>
public sealed class AdvProp(Device device, Threat threat, double weight, double share = 1, bool splitsNorms = true) : AdversarialRecipe(device, threat)
{
    /// <inheritdoc/>
    public override bool SplitsNorms => splitsNorms;

    /// <inheritdoc/>
    public override int Passes => 2;

    private protected override StepLoss Step(Embedder embedder, MetricLoss loss, Tensor pixels, Tensor labels, ulong seed)
    {
        Tensor adversarial, attackedLabels = labels;
        if (share < 1) (_, adversarial, attackedLabels) = AttackedShare(embedder, loss, pixels, labels, share, seed);
        else adversarial = Attacked(embedder, AttackedBranch, pixels, unit => loss.Compute(unit, labels), seed);
        double attacked = Part(embedder, AttackedBranch, loss, adversarial, attackedLabels, weight);
        double clean = Part(embedder, NormBranch.Main, loss, pixels, labels, 1 - weight);
        return new StepLoss((1 - weight) * clean + weight * attacked, clean, attacked);
    }
}
