using System.Numerics;
using System.Runtime.InteropServices;

namespace Osprey.Engine.Evaluation;

/// <summary>Receives the 0-based ranks of one query's positives, rising; called from several threads at once, once per query.</summary>
/// <param name="query">Position in the list of queries.</param>
/// <param name="ranks">Empty where the query's class has no other image. Valid during the call.</param>
public delegate void RanksAction(int query, ReadOnlySpan<int> ranks);

/// <summary>Changes one query's scores before they are ranked; called from several threads at once, once per query.</summary>
/// <param name="query">Position in the list of queries.</param>
/// <param name="scores">[N], the inner product with each row of the set.</param>
public delegate void ScoresAction(int query, Span<float> scores);

/// <summary>
/// Where the positives of a query stand in the exact ranking of all other images by inner product, ties to the lower id.
/// </summary>
/// <remarks>
/// A metric needs the places of a class's hundreds of images in a ranking of tens of thousands, nothing else. So the ranking is not sorted
/// (nor kept: N² ids would be gigabytes): only the positives are, and every other image is dropped into the gap between them it falls in.
/// Time O(N²·D) for the scores, O(N² log n) for the gaps; memory O(N) per thread. A score is summed in one order whatever block it is
/// computed in, so two equal images have equal scores and the tie rule holds to the bit.
/// </remarks>
public static class PositiveRanks
{
    const int QueriesPerBlock = 16, Tile = 4;

    /// <summary>Every image is a query against all the others.</summary>
    public static void ForEach(DescriptorSet set, int threads, RanksAction action, CancellationToken cancellation = default) =>
        ForEach(set, set.Values, [.. Enumerable.Range(0, set.Count)], threads, action, cancellation: cancellation);

    /// <summary>Given queries, such as attacked images, against the set.</summary>
    /// <param name="set">What is ranked.</param>
    /// <param name="queries">[Q, D].</param>
    /// <param name="ids">[Q]: the image of the set that each query is, or is made from: left out of its ranking, and its label is the query's.</param>
    /// <param name="threads">Host threads, 1 or more.</param>
    /// <param name="action">Called once per query.</param>
    /// <param name="change">What else than the inner product is ranked by; null for that.</param>
    /// <param name="cancellation">Checked between blocks of queries.</param>
    public static void ForEach(DescriptorSet set, float[] queries, int[] ids, int threads, RanksAction action, ScoresAction? change = null, CancellationToken cancellation = default)
    {
        if (queries.LongLength != (long)ids.Length * set.Dimension)
            throw new ArgumentException($"{queries.LongLength} values were given for {ids.Length} queries of dimension {set.Dimension}");
        int blocks = (ids.Length + QueriesPerBlock - 1) / QueriesPerBlock;
        var options = new ParallelOptions { MaxDegreeOfParallelism = threads, CancellationToken = cancellation };
        Parallel.For(0, blocks, options, () => new float[QueriesPerBlock * (long)set.Count], (block, _, scores) =>
        {
            int first = block * QueriesPerBlock, count = Math.Min(QueriesPerBlock, ids.Length - first);
            Score(set, queries.AsSpan(first * set.Dimension, count * set.Dimension), scores);
            for (int q = 0; q < count; q++)
            {
                Span<float> own = scores.AsSpan(q * set.Count, set.Count);
                change?.Invoke(first + q, own);
                action(first + q, Ranks(own, set.Labels, ids[first + q]));
            }
            return scores;
        }, _ => { });
    }

    /// <summary>Inner products of each query with each row: scores[q·N + i].</summary>
    static void Score(DescriptorSet set, ReadOnlySpan<float> queries, float[] scores)
    {
        int dimension = set.Dimension, queryCount = queries.Length / dimension;
        Span<float> dots = stackalloc float[2 * Tile];
        for (int i = 0; i < set.Count; i += Tile)
        {
            // A last tile that is short scores its first rows again rather than take another path with another order of summation.
            ReadOnlySpan<float> r0 = set.Row(i), r1 = set.Row(Math.Min(i + 1, set.Count - 1)), r2 = set.Row(Math.Min(i + 2, set.Count - 1)), r3 = set.Row(Math.Min(i + 3, set.Count - 1));
            for (int q = 0; q < queryCount; q += 2)
            {
                int p = Math.Min(q + 1, queryCount - 1);
                Dots(queries.Slice(q * dimension, dimension), queries.Slice(p * dimension, dimension), r0, r1, r2, r3, dots);
                for (int r = 0; r < Math.Min(Tile, set.Count - i); r++)
                {
                    scores[q * set.Count + i + r] = dots[r];
                    scores[p * set.Count + i + r] = dots[Tile + r];
                }
            }
        }
    }

    /// <summary>Two queries by four rows: eight sums in flight, enough to hide the latency of each.</summary>
    static void Dots(ReadOnlySpan<float> q, ReadOnlySpan<float> p, ReadOnlySpan<float> a, ReadOnlySpan<float> b, ReadOnlySpan<float> c, ReadOnlySpan<float> d, Span<float> dots)
    {
        ReadOnlySpan<Vector<float>> vq = MemoryMarshal.Cast<float, Vector<float>>(q), vp = MemoryMarshal.Cast<float, Vector<float>>(p)[..vq.Length];
        ReadOnlySpan<Vector<float>> va = MemoryMarshal.Cast<float, Vector<float>>(a)[..vq.Length], vb = MemoryMarshal.Cast<float, Vector<float>>(b)[..vq.Length];
        ReadOnlySpan<Vector<float>> vc = MemoryMarshal.Cast<float, Vector<float>>(c)[..vq.Length], vd = MemoryMarshal.Cast<float, Vector<float>>(d)[..vq.Length];
        Vector<float> qa = default, qb = default, qc = default, qd = default, pa = default, pb = default, pc = default, pd = default;
        for (int v = 0; v < vq.Length; v++)
        {
            Vector<float> x = vq[v], y = vp[v], row = va[v];
            qa = Vector.FusedMultiplyAdd(x, row, qa);
            pa = Vector.FusedMultiplyAdd(y, row, pa);
            row = vb[v];
            qb = Vector.FusedMultiplyAdd(x, row, qb);
            pb = Vector.FusedMultiplyAdd(y, row, pb);
            row = vc[v];
            qc = Vector.FusedMultiplyAdd(x, row, qc);
            pc = Vector.FusedMultiplyAdd(y, row, pc);
            row = vd[v];
            qd = Vector.FusedMultiplyAdd(x, row, qd);
            pd = Vector.FusedMultiplyAdd(y, row, pd);
        }
        (dots[0], dots[1], dots[2], dots[3]) = (Vector.Sum(qa), Vector.Sum(qb), Vector.Sum(qc), Vector.Sum(qd));
        (dots[4], dots[5], dots[6], dots[7]) = (Vector.Sum(pa), Vector.Sum(pb), Vector.Sum(pc), Vector.Sum(pd));
        for (int i = vq.Length * Vector<float>.Count; i < q.Length; i++)
        {
            dots[0] += q[i] * a[i];
            dots[1] += q[i] * b[i];
            dots[2] += q[i] * c[i];
            dots[3] += q[i] * d[i];
            dots[4] += p[i] * a[i];
            dots[5] += p[i] * b[i];
            dots[6] += p[i] * c[i];
            dots[7] += p[i] * d[i];
        }
    }

    /// <summary>Ranks of the images that share <paramref name="self"/>'s label in the order of <paramref name="scores"/>, itself left out.</summary>
    internal static int[] Ranks(ReadOnlySpan<float> scores, ReadOnlySpan<int> labels, int self)
    {
        int label = labels[self], positives = 0;
        foreach (int other in labels)
            if (other == label) positives++;
        if (positives == 1) return [];
        var keys = new long[positives - 1];
        int filled = 0;
        for (int i = 0; i < labels.Length; i++)
            if (labels[i] == label && i != self) keys[filled++] = Key(scores[i], i);
        Array.Sort(keys);
        // ahead[j]: other images that come before positive j and after positive j−1; the last entry counts those after all of them.
        var ahead = new int[keys.Length + 1];
        for (int i = 0; i < labels.Length; i++)
            if (labels[i] != label) ahead[Before(keys, Key(scores[i], i))]++;
        var ranks = new int[keys.Length];
        int before = 0;
        for (int j = 0; j < ranks.Length; j++)
        {
            before += ahead[j];
            ranks[j] = before + j;
        }
        return ranks;
    }

    /// <summary>How many of the sorted <paramref name="keys"/> are smaller than <paramref name="key"/>.</summary>
    /// <remarks>A binary search whose steps depend on the data by arithmetic alone: a branch would be guessed wrong every other time.</remarks>
    static int Before(long[] keys, long key)
    {
        int low = 0;
        for (int length = keys.Length; length > 1;)
        {
            int half = length >> 1;
            low += half & (int)((keys[low + half - 1] - key) >> 63);
            length -= half;
        }
        return low - (int)((keys[low] - key) >> 63);
    }

    /// <summary>A number of 63 bits that rises along the ranking: falling score first, then rising id. The difference of two does not overflow.</summary>
    static long Key(float score, int id)
    {
        // Adding 0 turns −0 into +0; flipping the bits of negative numbers makes unsigned order the order of floats (IEEE 754 §5.10).
        uint bits = BitConverter.SingleToUInt32Bits(score + 0f);
        uint rising = (bits & 0x80000000) != 0 ? ~bits : bits | 0x80000000;
        return (long)((ulong)~rising << 31 | (uint)id);
    }
}
