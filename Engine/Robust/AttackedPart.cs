using Osprey.Engine.Datasets;
using Osprey.Engine.Distributed;
using static TorchSharp.torch;

namespace Osprey.Engine.Robust;

/// <summary>The part of a batch that is attacked, and what is left of the batch.</summary>
/// <remarks>
/// Whole classes are taken, in a random order, so that images keep company on both sides for losses that compare them; spread over the classes instead, the outcome was
/// the same (docs/results.md). Of a batch that ranks share out, each has its own images of either part.
/// </remarks>
internal sealed class AttackedPart
{
    /// <param name="share">What this process has of the batch.</param>
    /// <param name="labels">[n] int64, of its images.</param>
    /// <param name="part">In (0, 1): the share of the batch; rounded to whole images, at least 2 on each side.</param>
    /// <param name="random">Gives the order of the classes.</param>
    public AttackedPart(BatchShare share, Tensor labels, double part, SeededRandom random)
    {
        int[] order = ByClass(share.Labels(labels), random);
        int count = CountOf(order.Length, part);
        Fraction = (double)count / order.Length;
        (Places, Indices) = Own(share, order[..count]);
        (_, Rest) = Own(share, order[count..]);
    }

    /// <summary>Its share of the batch.</summary>
    public double Fraction { get; }

    /// <summary>Where this process's images stand among all that are attacked.</summary>
    public int[] Places { get; }

    /// <summary>[p] int64: the attacked images among this process's.</summary>
    public Tensor Indices { get; }

    /// <summary>[n−p] int64: the others.</summary>
    public Tensor Rest { get; }

    /// <summary>Images of a batch that are attacked.</summary>
    public static int CountOf(int batch, double part) => Math.Clamp((int)Math.Round(batch * part), 2, batch - 2);

    /// <summary>Positions in the batch, class after class, the classes in a random order.</summary>
    static int[] ByClass(long[] labels, SeededRandom random)
    {
        int[][] classes = [.. Enumerable.Range(0, labels.Length).GroupBy(i => labels[i]).Select(g => g.ToArray())];
        random.Shuffle(classes.AsSpan());
        return [.. classes.SelectMany(c => c)];
    }

    static (int[] Places, Tensor Indices) Own(BatchShare share, int[] positions)
    {
        int[] places = [.. Enumerable.Range(0, positions.Length).Where(i => share.Has(positions[i]))];
        return (places, tensor([.. places.Select(i => (long)share.IndexOf(positions[i]))]));
    }
}
