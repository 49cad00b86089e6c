using Osprey.Engine.Retrieval;
using Osprey.Interop.Mpi;
using Osprey.Kernels;

namespace Osprey.Engine.Evaluation;

/// <summary>Measures query expansion and re-ranking by the protocol of plain retrieval: a query's answer is every other image of the set.</summary>
/// <remarks>
/// <para>
/// Expansion: a query's neighbours are searched among the others, never itself, so that it has its one say of weight 1 and no more; the images it is expanded by
/// are ranked like any.
/// </para>
/// <para>
/// Re-ranking, by its definition, encodes the query and its gallery together. Query and gallery of this protocol are the whole set whichever image asks: the
/// encodings are made once, and are those that each query alone would have. A query's presence in others' neighbourhoods is what reciprocity means; it is left out of
/// its own ranking. No label is read.
/// </para>
/// </remarks>
public static class RefinedEvaluation
{
    /// <param name="set">Every image a query.</param>
    /// <param name="plain">What is compared with.</param>
    /// <param name="config">Expansion and re-ranking, where asked for; cut-offs, bootstrap samples and seed.</param>
    /// <param name="device">Where neighbours are searched; its threads rank.</param>
    /// <param name="ranks">Each expands and encodes all, and ranks a share; null: this process by itself.</param>
    /// <param name="cancellation">Checked throughout.</param>
    /// <returns>One per refinement that the configuration names.</returns>
    public static IReadOnlyList<RefinedReport> Run(DescriptorSet set, RetrievalReport plain, EvalConfig config, Device device, ICommunicator? ranks = null, CancellationToken cancellation = default)
    {
        int[] ids = [.. Enumerable.Range(0, set.Count)];
        var reports = new List<RefinedReport>();
        if (config.Expansion is { } expansion)
        {
            using var index = new ExactIndex(set.Values, set.Dimension, device);
            float[] expanded = expansion.Expand(index, set.Values, [.. ids.Select(i => (long)i)]);
            reports.Add(Report(RefinementKind.QueryExpansion, RetrievalEvaluation.Run(set, expanded, ids, config, device.Threads, null, ranks, cancellation)));
        }
        if (config.ReRanking is { } reRanking)
        {
            ReciprocalPool pool = ReciprocalPool.Create(set.Values, set.Dimension, reRanking, device, cancellation);
            reports.Add(Report(RefinementKind.ReRanking, RetrievalEvaluation.Run(set, set.Values, ids, config, device.Threads, pool.Blend, ranks, cancellation)));
        }
        return reports;

        RefinedReport Report(RefinementKind kind, RetrievalReport refined)
        {
            Figure gain = Bootstrap.Difference(refined.AveragePrecisions, plain.AveragePrecisions, config.BootstrapSamples, config.Seed);
            return new RefinedReport(kind, refined, gain.Value, [gain.Low, gain.High]);
        }
    }
}
