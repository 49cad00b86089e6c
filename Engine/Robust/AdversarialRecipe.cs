using Osprey.Engine.Datasets;
using Osprey.Engine.Model;
using Osprey.Engine.Training;
using TorchSharp;
using static TorchSharp.torch;
using Device = Osprey.Kernels.Device;

namespace Osprey.Engine.Robust;

/// <summary>A recipe that attacks its images first.</summary>
/// <remarks>
/// The network is in evaluation mode while it is attacked, as in public code after the papers (tingxueronghua/pytorch-classification-advprop,
/// cdluminate/robrank, chs20/RobustVLM): the attack reads the running statistics and does not move them, so that every image is attacked by
/// itself and each batch counts once. It takes gradients with respect to pixels alone and adds none to a parameter.
/// </remarks>
public abstract class AdversarialRecipe(Device device, Threat threat) : Recipe
{
    readonly Attack attack = new(device, threat);

    /// <summary>The norms that the attacked images' part of the loss goes through.</summary>
    private protected NormBranch AttackedBranch => SplitsNorms ? NormBranch.Auxiliary : NormBranch.Main;

    /// <inheritdoc/>
    public sealed override StepLoss Backward(Embedder embedder, MetricLoss loss, Tensor pixels, Tensor labels, ulong seed)
    {
        using DisposeScope scope = NewDisposeScope();
        try
        {
            return Step(embedder, loss, pixels, labels, seed);
        }
        finally
        {
            embedder.train();
            embedder.Branch = NormBranch.Main;
        }
    }

    /// <summary>As <see cref="Backward"/>, in a dispose scope; the mode and the branch are put back afterwards.</summary>
    private protected abstract StepLoss Step(Embedder embedder, MetricLoss loss, Tensor pixels, Tensor labels, ulong seed);

    /// <summary>The images after the attack, found through one branch's running statistics; leaves the network in training mode on that branch.</summary>
    /// <param name="objective">Descriptors → what the attack increases.</param>
    /// <param name="places">Where the images stand among all processes' that are attacked; null: as they do in the batch.</param>
    private protected Tensor Attacked(Embedder embedder, NormBranch branch, Tensor pixels, Func<Tensor, Tensor> objective, ulong seed, int[]? places = null)
    {
        embedder.Branch = branch;
        embedder.eval();
        Tensor adversarial = attack.Perturb(pixels, x => objective(embedder.Describe(x)), seed, Share.IsWhole ? null : places ?? Share.PlacesOf(pixels.shape[0]));
        embedder.train();
        return adversarial;
    }

    /// <summary>A share of the batch after an attack that raises its loss through <see cref="AttackedBranch"/>, and its labels.</summary>
    /// <param name="share">Of the batch, in (0, 1).</param>
    private protected (AttackedPart Part, Tensor Adversarial, Tensor Labels) AttackedShare(Embedder embedder, MetricLoss loss, Tensor pixels, Tensor labels, double share, ulong seed)
    {
        var random = new SeededRandom((long)seed);
        var part = new AttackedPart(Share, labels, share, random);
        Tensor own = labels.index_select(0, part.Indices);
        return (part, Attacked(embedder, AttackedBranch, pixels.index_select(0, part.Indices), unit => loss.Compute(unit, own), random.NextBits(), part.Places), own);
    }

    /// <summary>The images after an attack that moves each from its own clean descriptor, by the main norms.</summary>
    private protected Tensor Shifted(Embedder embedder, Tensor pixels, ulong seed)
    {
        Tensor clean = Settled(embedder, pixels);
        return Attacked(embedder, NormBranch.Main, pixels, moved => DescriptorShift.Between(moved, clean), seed);
    }

    /// <summary>Descriptors by the running statistics, without gradients; leaves the network in evaluation mode.</summary>
    private protected static Tensor Settled(Embedder embedder, Tensor pixels)
    {
        using var frozen = no_grad();
        embedder.eval();
        return embedder.Describe(pixels);
    }

    /// <summary>Adds the gradients of share·L through one branch's batch statistics, and lets its graph go.</summary>
    /// <returns>L.</returns>
    private protected static double Part(Embedder embedder, NormBranch branch, MetricLoss loss, Tensor pixels, Tensor labels, double share)
    {
        using DisposeScope scope = NewDisposeScope();
        embedder.Branch = branch;
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
