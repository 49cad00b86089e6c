using Osprey.Engine.Model;
using Osprey.Engine.Training;
using static TorchSharp.torch;
using Device = Osprey.Kernels.Device;

namespace Osprey.Engine.Robust;

/// <summary>
/// After Mei et al. 2022: a share s of the batch is attacked through the auxiliary norms, the rest stays as it is; the step decreases
/// (1−s)·L(rest) through the main norms plus s·L(attacked) through the auxiliary ones, so that every image counts once.
/// </summary>
/// <remarks>
/// With one attack step a batch takes 1+s times a plain one's passes. Ours: <see cref="AttackedPart"/>, which images they are. And unlike
/// the public code (meijieru/fast_advprop) the attack runs in evaluation mode, and its pass gives no gradients to the parameters, where that code keeps half of them.
/// </remarks>
/// <param name="share">s, in (0, 1); rounded to whole images, at least 2 on each side, as batch statistics need.</param>
/// <param name="splitsNorms">False: the attacked part goes through the main norms too, still as a batch of its own.</param>
public sealed class FastAdvProp(Device device, Threat threat, double share, bool splitsNorms = true) : AdversarialRecipe(device, threat)
{
    /// <summary>Ours; Mei et al. 2022 attack one image beside four, public code.</summary>
    public const double DefaultShare = 0.25;

    /// <inheritdoc/>
    public override bool SplitsNorms => splitsNorms;

    /// <inheritdoc/>
    public override int Passes => 2;

    private protected override StepLoss Step(Embedder embedder, MetricLoss loss, Tensor pixels, Tensor labels, ulong seed)
    {
        (AttackedPart part, Tensor adversarial, Tensor attackedLabels) = AttackedShare(embedder, loss, pixels, labels, share, seed);
        double s = part.Fraction;
        double attacked = Part(embedder, AttackedBranch, loss, adversarial, attackedLabels, s);
        double clean = Part(embedder, NormBranch.Main, loss, pixels.index_select(0, part.Rest), labels.index_select(0, part.Rest), 1 - s);
        return new StepLoss((1 - s) * clean + s * attacked, clean, attacked);
    }
}
