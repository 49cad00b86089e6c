namespace Osprey.Engine.Evaluation;

/// <summary>
/// Figures of one query, from the 0-based ranks at which its n positives stand in the ranking of every other image, in rising order.
/// All are in [0,1]; all but <see cref="Nmrr"/> and <see cref="NmrrManjunath"/> are better the larger.
/// </summary>
/// <remarks>Every positive must be there: a ranking cut short would hide misses. An empty list is refused, since a query without positives has no figure.</remarks>
public static class RetrievalMetrics
{
    /// <summary>(1/n) Σ_j (j+1)/(r_j+1): the mean of the precision at each positive. The field's standard AP.</summary>
    public static double AveragePrecision(ReadOnlySpan<int> ranks)
    {
        Check(ranks);
        double sum = 0;
        for (int j = 0; j < ranks.Length; j++) sum += (j + 1.0) / (ranks[j] + 1.0);
        return sum / ranks.Length;
    }

    /// <summary>
    /// (1/n) Σ_j ½[j/r_j (1 where r_j = 0) + (j+1)/(r_j+1)]: the area under the precision–recall curve by the trapezoid rule, as the Oxford
    /// buildings benchmark (Philbin et al. 2007) and the authors of the method compute it. Never above <see cref="AveragePrecision"/>.
    /// </summary>
    public static double TrapezoidAveragePrecision(ReadOnlySpan<int> ranks)
    {
        Check(ranks);
        double sum = 0;
        for (int j = 0; j < ranks.Length; j++)
        {
            double before = ranks[j] == 0 ? 1 : (double)j / ranks[j];
            sum += 0.5 * (before + (j + 1.0) / (ranks[j] + 1.0));
        }
        return sum / ranks.Length;
    }

    /// <summary>AP of the first k places: Σ of the precision at each positive among them, divided by min(n, k), so that a perfect answer has 1.</summary>
    public static double AveragePrecisionAt(ReadOnlySpan<int> ranks, int k) => PrecisionSum(ranks, k) / Math.Min(ranks.Length, k);

    /// <summary>The same sum divided by k whatever n is, as papers on hashing do: a class with fewer than k positives cannot reach 1.</summary>
    public static double AveragePrecisionAtOverK(ReadOnlySpan<int> ranks, int k) => PrecisionSum(ranks, k) / k;

    /// <summary>MAP@R (Musgrave et al. 2020): <see cref="AveragePrecisionAt"/> with k = n.</summary>
    public static double AveragePrecisionAtR(ReadOnlySpan<int> ranks) => AveragePrecisionAt(ranks, ranks.Length);

    /// <summary>Positives among the first k places, divided by k.</summary>
    public static double PrecisionAt(ReadOnlySpan<int> ranks, int k) => (double)Hits(ranks, k) / k;

    /// <summary>1 if any positive stands among the first k places, else 0: recall as the retrieval benchmarks count it.</summary>
    public static double RecallAt(ReadOnlySpan<int> ranks, int k) => Hits(ranks, k) > 0 ? 1 : 0;

    /// <summary>Precision at k = n.</summary>
    public static double RPrecision(ReadOnlySpan<int> ranks) => PrecisionAt(ranks, ranks.Length);

    /// <summary>
    /// Normalised modified retrieval rank, ISO/IEC 15938-8 (MPEG-7): 1-based ranks beyond K = min(4n, 2·max n) count as K + 1;
    /// (mean rank − 0.5 − n/2) / (K + 0.5 − n/2). 0 perfect, 1 nothing within K. Its mean over queries is ANMRR.
    /// </summary>
    /// <param name="ranks">0-based, rising.</param>
    /// <param name="mostPositives">The largest n over all queries of the set.</param>
    public static double Nmrr(ReadOnlySpan<int> ranks, int mostPositives)
    {
        int cutOff = CutOff(ranks, mostPositives);
        return ModifiedRank(ranks, cutOff, cutOff + 1.0) / (cutOff + 0.5 - 0.5 * ranks.Length);
    }

    /// <summary>The variant of Manjunath et al. 2001: ranks beyond K count as 1.25·K; the denominator is 1.25·K − ½(1 + n).</summary>
    /// <inheritdoc cref="Nmrr"/>
    public static double NmrrManjunath(ReadOnlySpan<int> ranks, int mostPositives)
    {
        int cutOff = CutOff(ranks, mostPositives);
        return ModifiedRank(ranks, cutOff, 1.25 * cutOff) / (1.25 * cutOff - 0.5 * (1 + ranks.Length));
    }

    /// <summary>
    /// Adds to <paramref name="curve"/> the interpolated precision at equally spaced recalls 0…1: at recall q the largest precision at any
    /// recall ≥ q, so it never rises.
    /// </summary>
    public static void AddPrecisionRecall(ReadOnlySpan<int> ranks, Span<double> curve)
    {
        Check(ranks);
        double best = 0;
        int at = ranks.Length;
        for (int i = curve.Length - 1; i >= 0; i--)
        {
            double recall = curve.Length == 1 ? 0 : (double)i / (curve.Length - 1);
            // The positives from this one on lie at recall (j+1)/n ≥ the level; 1e-9 forgives the rounding of i/(levels−1).
            int first = Math.Max(0, (int)Math.Ceiling(recall * ranks.Length - 1e-9) - 1);
            while (at > first)
            {
                at--;
                best = Math.Max(best, (at + 1.0) / (ranks[at] + 1.0));
            }
            curve[i] += best;
        }
    }

    static int CutOff(ReadOnlySpan<int> ranks, int mostPositives)
    {
        Check(ranks);
        if (mostPositives < ranks.Length)
            throw new ArgumentException($"the most positives of any query are given as {mostPositives}, yet this query has {ranks.Length}");
        return (int)Math.Min(4L * ranks.Length, 2L * mostPositives);
    }

    static double ModifiedRank(ReadOnlySpan<int> ranks, int cutOff, double penalty)
    {
        double sum = 0;
        foreach (int rank in ranks) sum += rank < cutOff ? rank + 1 : penalty;
        return sum / ranks.Length - 0.5 - 0.5 * ranks.Length;
    }

    static double PrecisionSum(ReadOnlySpan<int> ranks, int k)
    {
        int hits = Hits(ranks, k);
        double sum = 0;
        for (int j = 0; j < hits; j++) sum += (j + 1.0) / (ranks[j] + 1.0);
        return sum;
    }

    static int Hits(ReadOnlySpan<int> ranks, int k)
    {
        Check(ranks);
        if (k < 1) throw new ArgumentException($"k is {k}; give 1 or more");
        int hits = 0;
        while (hits < ranks.Length && ranks[hits] < k) hits++;
        return hits;
    }

    static void Check(ReadOnlySpan<int> ranks)
    {
        if (ranks.IsEmpty) throw new ArgumentException("a query without positives has no figure; leave it out of the mean and count it");
        int previous = -1;
        foreach (int rank in ranks)
        {
            if (rank <= previous) throw new ArgumentException($"ranks must rise from 0 or more; {rank} follows {previous}");
            previous = rank;
        }
    }
}
