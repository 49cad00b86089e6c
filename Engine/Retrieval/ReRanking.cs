using Osprey.Kernels;

namespace Osprey.Engine.Retrieval;

/// <summary>
/// Re-ranking by k-reciprocal encoding (Zhong et al. 2017, <em>Re-ranking Person Re-identification with k-reciprocal Encoding</em>). One record, one JSON object,
/// one set of flags; defaults are the paper's. What it computes: <see cref="ReciprocalPool"/>.
/// </summary>
public sealed record ReRanking
{
    /// <summary>Neighbours within which two rows must find each other, 1 or more.</summary>
    public int K1 { get; init; } = 20;

    /// <summary>Rows whose encodings are averaged, the row itself and its K2 − 1 nearest; 1 for none besides itself.</summary>
    public int K2 { get; init; } = 6;

    /// <summary>Share of the original distance in the final one, 0…1; 1 leaves the order as it was.</summary>
    public double Lambda { get; init; } = 0.3;

    /// <exception cref="ArgumentException">A value is out of its range; the message shows both.</exception>
    public ReRanking Validate()
    {
        if (K1 < 1) throw new ArgumentException($"k1 of the re-ranking is {K1}; give 1 or more");
        if (K2 < 1) throw new ArgumentException($"k2 of the re-ranking is {K2}; give 1 or more");
        if (!(Lambda is >= 0 and <= 1)) throw new ArgumentException($"λ of the re-ranking is {Lambda}; give a number from 0 to 1");
        return this;
    }

    /// <summary>Puts the rows that were found for each query in a new order: that of the pool of the query and these rows, and no others.</summary>
    /// <param name="index">Where the rows are, by the cosine.</param>
    /// <param name="queries">[Q, D].</param>
    /// <param name="first">[Q, k], the rows to order.</param>
    /// <param name="device">Where neighbours within a pool are searched.</param>
    /// <param name="cancellation">Looked at between queries.</param>
    /// <returns>[Q, k]; the score is 1 − the final distance, in 0…1. Ties go to the lower id.</returns>
    /// <exception cref="ArgumentException">A value is out of range, or the index is by another metric.</exception>
    public Ranking Apply(ExactIndex index, ReadOnlySpan<float> queries, Ranking first, Device device, CancellationToken cancellation = default)
    {
        Validate();
        if (index.Metric != Metric.Cosine) throw new ArgumentException($"re-ranking compares cosines, and the index is by {index.Metric}; make it again by the cosine");
        int dimension = index.Dimension;
        long[] ids = new long[(long)first.Queries * first.K];
        float[] scores = new float[ids.Length];
        for (int q = 0; q < first.Queries; q++)
        {
            cancellation.ThrowIfCancellationRequested();
            long[] found = [.. first.Ids(q).ToArray().TakeWhile(id => id >= 0)];
            float[] rows = new float[(found.Length + 1) * (long)dimension], similarity = new float[found.Length + 1];
            UnitRows.Normalize(queries.Slice(q * dimension, dimension), dimension).CopyTo(rows);
            for (int i = 0; i < found.Length; i++) index.ReadRow(found[i], rows.AsSpan((i + 1) * dimension, dimension));
            first.Scores(q)[..found.Length].CopyTo(similarity.AsSpan(1));
            ReciprocalPool.Create(rows, dimension, this, device, cancellation).Blend(0, similarity);
            (long Id, float Score)[] order = [.. found.Select((id, i) => (id, similarity[i + 1])).OrderByDescending(f => f.Item2).ThenBy(f => f.id)];
            for (int rank = 0; rank < first.K; rank++)
                (ids[q * first.K + rank], scores[q * first.K + rank]) = rank < order.Length ? order[rank] : (-1, 0);
        }
        return new Ranking(first.Queries, first.K, ids, scores);
    }
}
