using Osprey.Engine.Model;
using Osprey.Engine.Training;
using TorchSharp;
using static TorchSharp.torch;
using Device = Osprey.Kernels.Device;

namespace Osprey.Engine.Robust;

/// <summary>
/// Xie et al. 2020: the attack increases L(x_adv) through the auxiliary norms; the step decreases (1−w)·L(x) through the main norms plus
/// w·L(x_adv) through the auxiliary ones. What comes out is used with the main norms.
/// </summary>
/// <remarks>
/// As in the public code after the paper (tingxueronghua/pytorch-classification-advprop), the network is in evaluation mode while it is
/// attacked: the auxiliary norms' running statistics, which the attack therefore reads and does not move, so that every image is attacked
/// by itself and each batch counts once in the statistics. A backbone without norms (SqueezeNet) has a split one in the head only.
/// </remarks>
public sealed class AdvProp(Device device, Threat threat, double weight) : Recipe
{
    readonly Attack attack = new(device, threat);

    /// <inheritdoc/>
    public override bool SplitsNorms => true;

    /// <inheritdoc/>
    public override StepLoss Backward(Embedder embedder, MetricLoss loss, Tensor pixels, Tensor labels, ulong seed)
    {
        using DisposeScope scope = NewDisposeScope();
        try
        {
            embedder.Branch = NormBranch.Auxiliary;
            embedder.eval();
            Tensor adversarial = attack.Perturb(pixels, x => loss.Compute(embedder.Describe(x), labels), seed);
            embedder.train();
            double attacked = Part(embedder, loss, adversarial, labels, weight);
            embedder.Branch = NormBranch.Main;
            double clean = Part(embedder, loss, pixels, labels, 1 - weight);
            return new StepLoss((1 - weight) * clean + weight * attacked, clean, attacked);
        }
        finally
        {
            embedder.train();
            embedder.Branch = NormBranch.Main;
        }
    }

    static double Part(Embedder embedder, MetricLoss loss, Tensor pixels, Tensor labels, double share)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor value = loss.Compute(embedder.Describe(pixels), labels);
        (value * share).backward();
        return value.item<float>();
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) attack.Dispose();
        base.Dispose(disposing);
    }
}
