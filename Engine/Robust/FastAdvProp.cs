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
/// With one attack step a batch takes 1+s times a plain one's passes. Ours: the attacked images are spread over the batch's classes, so that both sides' batch statistics
/// see them all; for losses that compare images they are whole classes, so that images keep company on both sides. And unlike the public code (meijieru/fast_advprop) the
/// attack runs in evaluation mode, and its pass gives no gradients to the parameters, where that code keeps half of them.
/// </remarks>
/// <param name="share">s, in (0, 1); rounded to whole images, at least 2 on each side, as batch statistics need.</param>
/// <param name="wholeClasses">Whether images of one class stay on one side.</param>
/// <param name="splitsNorms">False: the attacked part goes through the main norms too, still as a batch of its own.</param>
public sealed class FastAdvProp(Device device, Threat threat, double share, bool wholeClasses, bool splitsNorms = true) : AdversarialRecipe(device, threat)
{
    /// <inheritdoc/>
    public override bool SplitsNorms => splitsNorms;

    NormBranch AttackedBranch => splitsNorms ? NormBranch.Auxiliary : NormBranch.Main;

    /// <summary>Images of a batch that are attacked.</summary>
    public static int Count(int batch, double share) => Math.Clamp((int)Math.Round(batch * share), 2, batch - 2);

    private protected override StepLoss Step(Embedder embedder, MetricLoss loss, Tensor pixels, Tensor labels, ulong seed)
    {
        var random = new SeededRandom((long)seed);
        long[] order = Order(labels, random);
        int count = Count(order.Length, share);
        Tensor chosen = tensor(order[..count]), rest = tensor(order[count..]), chosenLabels = labels.index_select(0, chosen);
        double s = (double)count / order.Length;

        Tensor adversarial = Attacked(embedder, AttackedBranch, pixels.index_select(0, chosen), unit => loss.Compute(unit, chosenLabels), random.NextBits());
        double attacked = Part(embedder, AttackedBranch, loss, adversarial, chosenLabels, s);
        double clean = Part(embedder, NormBranch.Main, loss, pixels.index_select(0, rest), labels.index_select(0, rest), 1 - s);
        return new StepLoss((1 - s) * clean + s * attacked, clean, attacked);
    }

    /// <summary>Positions in the batch, the classes in a random order: class after class, or a random image of each class, then another of each.</summary>
    long[] Order(Tensor labels, SeededRandom random)
    {
        long[][] classes = [.. Enumerable.Range(0, (int)labels.shape[0]).GroupBy(i => labels[i].item<long>(), i => (long)i).Select(g => g.ToArray())];
        random.Shuffle(classes.AsSpan());
        if (wholeClasses) return [.. classes.SelectMany(c => c)];
        foreach (long[] images in classes) random.Shuffle(images.AsSpan());
        return [.. Enumerable.Range(0, classes.Max(c => c.Length)).SelectMany(i => classes.Where(c => i < c.Length).Select(c => c[i]))];
    }
}
