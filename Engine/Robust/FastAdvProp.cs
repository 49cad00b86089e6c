using Osprey.Engine.Datasets;
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
/// With one attack step a batch takes 1+s times a plain one's passes. Ours: which images are attacked goes by whole classes, in a random
/// order, so that images keep company on both sides for losses that compare them; spread over the classes instead, the outcome was the same (docs/results.md). And unlike
/// the public code (meijieru/fast_advprop) the attack runs in evaluation mode, and its pass gives no gradients to the parameters, where that code keeps half of them.
/// </remarks>
/// <param name="share">s, in (0, 1); rounded to whole images, at least 2 on each side, as batch statistics need.</param>
/// <param name="splitsNorms">False: the attacked part goes through the main norms too, still as a batch of its own.</param>
public sealed class FastAdvProp(Device device, Threat threat, double share, bool splitsNorms = true) : AdversarialRecipe(device, threat)
{
    /// <inheritdoc/>
    public override bool SplitsNorms => splitsNorms;

    /// <inheritdoc/>
    public override int Passes => 2;

    /// <summary>Images of a batch that are attacked.</summary>
    public static int Count(int batch, double share) => Math.Clamp((int)Math.Round(batch * share), 2, batch - 2);

    private protected override StepLoss Step(Embedder embedder, MetricLoss loss, Tensor pixels, Tensor labels, ulong seed)
    {
        var random = new SeededRandom((long)seed);
        int[] order = ByClass(Share.Labels(labels), random);
        int count = Count(order.Length, share);
        (int[] places, Tensor chosen) = Own(order[..count]);
        (_, Tensor rest) = Own(order[count..]);
        Tensor chosenLabels = labels.index_select(0, chosen);
        double s = (double)count / order.Length;

        Tensor adversarial = Attacked(embedder, AttackedBranch, pixels.index_select(0, chosen), unit => loss.Compute(unit, chosenLabels), random.NextBits(), places);
        double attacked = Part(embedder, AttackedBranch, loss, adversarial, chosenLabels, s);
        double clean = Part(embedder, NormBranch.Main, loss, pixels.index_select(0, rest), labels.index_select(0, rest), 1 - s);
        return new StepLoss((1 - s) * clean + s * attacked, clean, attacked);
    }

    /// <summary>Positions in the batch, class after class, the classes in a random order.</summary>
    static int[] ByClass(long[] labels, SeededRandom random)
    {
        int[][] classes = [.. Enumerable.Range(0, labels.Length).GroupBy(i => labels[i]).Select(g => g.ToArray())];
        random.Shuffle(classes.AsSpan());
        return [.. classes.SelectMany(c => c)];
    }

    /// <summary>Of some of the batch's images this process's own: their places among these, and their indices among all that it has.</summary>
    (int[] Places, Tensor Indices) Own(int[] positions)
    {
        int[] places = [.. Enumerable.Range(0, positions.Length).Where(i => Share.Has(positions[i]))];
        return (places, tensor([.. places.Select(i => (long)Share.IndexOf(positions[i]))]));
    }
}
