using Osprey.Engine.Distributed;
using Osprey.Engine.Retrieval;
using Osprey.Interop.Mpi;

namespace Osprey.Engine.Evaluation;

/// <summary>The retrieval protocol: ranks of the positives of every query, every metric of each, their means and intervals.</summary>
public static class RetrievalEvaluation
{
    const int RecallLevels = 101;

    delegate double Metric(ReadOnlySpan<int> ranks);

    /// <exception cref="ArgumentException">No class has two images, so that there is no query.</exception>
    public static RetrievalReport Run(DescriptorSet set, EvalConfig config, int threads, ICommunicator? ranks = null, CancellationToken cancellation = default) =>
        Run(set, set.Values, [.. Enumerable.Range(0, set.Count)], config, threads, null, ranks, cancellation);

    /// <summary>Given queries, such as attacked images, against the clean set.</summary>
    /// <param name="set">What is ranked.</param>
    /// <param name="queries">[Q, D].</param>
    /// <param name="ids">[Q]: the image of the set that each query is made from, left out of its ranking.</param>
    /// <param name="config">Cut-offs, bootstrap samples and seed are read.</param>
    /// <param name="threads">Host threads, 1 or more.</param>
    /// <param name="change">What else than the inner product is ranked by, called with the id of the query; null for that.</param>
    /// <param name="ranks">Each ranks a share of the queries against the whole set, and has the report of all; null: this process ranks all of them.</param>
    /// <param name="cancellation">Checked between blocks of queries.</param>
    public static RetrievalReport Run(
        DescriptorSet set, float[] queries, int[] ids, EvalConfig config, int threads, ScoresAction? change = null, ICommunicator? ranks = null, CancellationToken cancellation = default)
    {
        int[] counts = set.ClassCounts();
        int[] kept = [.. Enumerable.Range(0, ids.Length).Where(q => counts[set.Labels[ids[q]]] > 1)];
        if (kept.Length == 0) throw new ArgumentException("no class has two images, so no query has anything to find; check the folders, one per class");
        ranks ??= SingleProcess.Alone;
        (long first, long count) = new StoreShard(ranks.Rank, ranks.Size).Of(kept.Length);
        int[] own = kept[(int)first..(int)(first + count)];
        if (own.Length < ids.Length)
        {
            float[] all = queries;
            queries = new float[(long)own.Length * set.Dimension];
            for (int q = 0; q < own.Length; q++) all.AsSpan(own[q] * set.Dimension, set.Dimension).CopyTo(queries.AsSpan(q * set.Dimension));
        }
        int[] keptIds = [.. kept.Select(q => ids[q])], ownIds = [.. own.Select(q => ids[q])];

        (string Name, Metric Metric)[] metrics = [.. Metrics(config.CutOffs, counts.Max() - 1)];
        var ownValues = new double[ownIds.Length * (long)metrics.Length];
        var ownCurves = new double[ownIds.Length * (long)RecallLevels];
        PositiveRanks.ForEach(set, queries, ownIds, threads, (q, positives) =>
        {
            for (int m = 0; m < metrics.Length; m++) ownValues[q * metrics.Length + m] = metrics[m].Metric(positives);
            RetrievalMetrics.AddPrecisionRecall(positives, ownCurves.AsSpan(q * RecallLevels, RecallLevels));
        }, change is null ? null : (q, scores) => change(ownIds[q], scores), cancellation);
        double[] values = ranks.Join(ownValues), curves = ranks.Join(ownCurves);

        Figure[] figures = Bootstrap.Means(values, metrics.Length, config.BootstrapSamples, config.Seed);
        return new RetrievalReport(
            metrics.Select((m, i) => (m.Name, i)).ToDictionary(p => p.Name, p => figures[p.i]),
            keptIds,
            [.. keptIds.Select((_, q) => values[q * metrics.Length])],
            [.. Enumerable.Range(0, RecallLevels).Select(level => keptIds.Select((_, q) => curves[q * RecallLevels + level]).Average())])
        {
            LeftOut = ids.Length - keptIds.Length,
        };
    }

    /// <summary>Every metric, standard AP first.</summary>
    static IEnumerable<(string, Metric)> Metrics(IReadOnlyList<int> cutOffs, int mostPositives)
    {
        yield return ("map", RetrievalMetrics.AveragePrecision);
        yield return ("map_trapezoid", RetrievalMetrics.TrapezoidAveragePrecision);
        yield return ("map_at_r", RetrievalMetrics.AveragePrecisionAtR);
        yield return ("r_precision", RetrievalMetrics.RPrecision);
        yield return ("anmrr", r => RetrievalMetrics.Nmrr(r, mostPositives));
        yield return ("anmrr_manjunath", r => RetrievalMetrics.NmrrManjunath(r, mostPositives));
        foreach (int k in cutOffs.Distinct())
        {
            yield return ($"p_at_{k}", r => RetrievalMetrics.PrecisionAt(r, k));
            yield return ($"r_at_{k}", r => RetrievalMetrics.RecallAt(r, k));
            yield return ($"map_at_{k}", r => RetrievalMetrics.AveragePrecisionAt(r, k));
            yield return ($"map_at_{k}_over_k", r => RetrievalMetrics.AveragePrecisionAtOverK(r, k));
        }
    }
}
