using Osprey.Engine.Model;
using Osprey.Engine.Training;
using static TorchSharp.torch;
using Device = Osprey.Kernels.Device;

namespace Osprey.Engine.Robust;

/// <summary>
/// Zhou et al. 2020, the embedding-shifted defence: the attack increases d(f(x_adv), f(x)), d = 1 − cosine; the step decreases L(x_adv)
/// alone. All through the main norms, whose statistics are therefore those of attacked images.
/// </summary>
public sealed class Est(Device device, Threat threat) : AdversarialRecipe(device, threat)
{
    /// <inheritdoc/>
    public override bool SplitsNorms => false;

    private protected override StepLoss Step(Embedder embedder, MetricLoss loss, Tensor pixels, Tensor labels, ulong seed)
    {
        Tensor adversarial = Shifted(embedder, pixels, seed);
        double attacked = Part(embedder, NormBranch.Main, loss, adversarial, labels, 1);
        return new StepLoss(attacked, null, attacked);
    }
}
