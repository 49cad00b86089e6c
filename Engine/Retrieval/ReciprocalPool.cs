using System.Buffers;
using Osprey.Kernels;

namespace Osprey.Engine.Retrieval;

/// <summary>
/// The k-reciprocal encodings of a pool of unit rows, queries and gallery alike (Zhong et al. 2017, §3; the authors' public code person-re-ranking,
/// <c>re_ranking.py</c>), and distances by them.
/// </summary>
/// <remarks>
/// N(i, k) is row i itself and its k nearest others, ties to the lower id. R(i, k1) = {j ∈ N(i, k1): i ∈ N(j, k1)}. To it is added every R(j, k1/2) of a j in
/// it that has more than ⅔ of its rows in it, which gives R*. Row i's encoding has V_ij = exp(−d_ij), scaled to sum 1, for j in R*(i), else 0, with d the squared distance
/// divided by the farthest row's from i. Encodings are averaged over N(i, k2 − 1). The Jaccard distance of two rows is 1 − Σ_j min(V_ij, V_kj) / Σ_j max(V_ij, V_kj),
/// and the final one (1 − λ)·Jaccard + λ·d. Encodings are sparse, and an inverted list of each column finds the rows that share something.
/// </remarks>
sealed class ReciprocalPool
{
    readonly record struct Entry(int Row, float Weight);

    readonly float[] rows;
    readonly int dimension;
    readonly ReRanking config;
    readonly int[][] nearest;
    readonly float[] farthest;
    readonly Entry[][] encodings, columns;

    ReciprocalPool(float[] rows, int dimension, ReRanking config, int[][] nearest, float[] farthest, int threads)
    {
        (this.rows, this.dimension, this.config, this.nearest, this.farthest) = (rows, dimension, config, nearest, farthest);
        var own = new Entry[nearest.Length][];
        encodings = new Entry[nearest.Length][];
        var options = new ParallelOptions { MaxDegreeOfParallelism = threads };
        Parallel.For(0, nearest.Length, options, i => own[i] = Encode(i));
        Parallel.For(0, nearest.Length, options, i => encodings[i] = Average([.. Nearest(i, config.K2 - 1).ToArray().Select(j => own[j])]));
        var lists = new List<Entry>[nearest.Length];
        for (int i = 0; i < nearest.Length; i++)
            foreach (Entry entry in encodings[i]) (lists[entry.Row] ??= []).Add(new Entry(i, entry.Weight));
        columns = [.. lists.Select(l => l is null ? [] : l.ToArray())];
    }

    /// <param name="rows">[M, D], unit rows; taken, not copied.</param>
    /// <param name="dimension">D.</param>
    /// <param name="config">k1, k2 and λ.</param>
    /// <param name="device">Where neighbours are searched; its threads also encode.</param>
    /// <param name="cancellation">Looked at between batches of the search.</param>
    public static ReciprocalPool Create(float[] rows, int dimension, ReRanking config, Device device, CancellationToken cancellation = default)
    {
        int count = rows.Length / dimension, most = Math.Min(Math.Max(config.K1, config.K2 - 1), count - 1);
        var nearest = new int[count][];
        for (int i = 0; i < count; i++) nearest[i] = [i];
        float[] farthest = new float[count];
        if (most > 0)
        {
            using var index = new ExactIndex(rows, dimension, device);
            foreach (RankingBatch batch in index.SearchSelf(most, cancellation: cancellation))
                for (int q = 0; q < batch.Ranking.Queries; q++)
                    nearest[batch.First + q] = [(int)batch.First + q, .. batch.Ranking.Ids(q).ToArray().Select(id => (int)id)];
            // The farthest row from x is the nearest to −x.
            float[] opposite = new float[rows.Length];
            for (int i = 0; i < rows.Length; i++) opposite[i] = -rows[i];
            Ranking far = index.Search(opposite, 1);
            for (int i = 0; i < count; i++) farthest[i] = Math.Max(0, 2 + 2 * far.Scores(i)[0]);
        }
        return new ReciprocalPool(rows, dimension, config, nearest, farthest, device.Threads);
    }

    /// <summary>Replaces the cosine of <paramref name="row"/> with every row of the pool by 1 − the final distance, in 0…1.</summary>
    /// <param name="row">The query's place in the pool.</param>
    /// <param name="scores">[M].</param>
    public void Blend(int row, Span<float> scores)
    {
        double[] shared = ArrayPool<double>.Shared.Rent(scores.Length);
        try
        {
            Array.Clear(shared, 0, scores.Length);
            foreach (Entry own in encodings[row])
                foreach (Entry other in columns[own.Row]) shared[other.Row] += Math.Min(own.Weight, other.Weight);
            // Both encodings sum to 1, so that Σ max = 2 − Σ min.
            for (int i = 0; i < scores.Length; i++)
                scores[i] = (float)((1 - config.Lambda) * shared[i] / (2 - shared[i]) + config.Lambda * (1 - Distance(row, scores[i])));
        }
        finally
        {
            ArrayPool<double>.Shared.Return(shared);
        }
    }

    /// <summary>Squared distance of two unit vectors by their cosine, as a share of that of the farthest from <paramref name="row"/>.</summary>
    double Distance(int row, double cosine) => farthest[row] > 0 ? Math.Clamp((2 - 2 * cosine) / farthest[row], 0, 1) : 0;

    double Cosine(int i, int j)
    {
        double sum = 0;
        ReadOnlySpan<float> a = rows.AsSpan(i * dimension, dimension), b = rows.AsSpan(j * dimension, dimension);
        for (int d = 0; d < a.Length; d++) sum += (double)a[d] * b[d];
        return sum;
    }

    /// <summary>N(i, k), the row itself first.</summary>
    ReadOnlySpan<int> Nearest(int i, int k) => nearest[i].AsSpan(0, Math.Min(k + 1, nearest[i].Length));

    List<int> Reciprocal(int i, int k)
    {
        var mutual = new List<int>();
        foreach (int j in Nearest(i, k))
            if (Nearest(j, k).Contains(i)) mutual.Add(j);
        return mutual;
    }

    Entry[] Encode(int i)
    {
        List<int> reciprocal = Reciprocal(i, config.K1);
        HashSet<int> within = [.. reciprocal], expanded = [.. reciprocal];
        // The public code rounds half a k1 to the even neighbour.
        int half = (int)Math.Round(config.K1 / 2.0, MidpointRounding.ToEven);
        foreach (int j in reciprocal)
        {
            List<int> candidates = Reciprocal(j, half);
            if (3 * candidates.Count(within.Contains) > 2 * candidates.Count) expanded.UnionWith(candidates);
        }
        Entry[] entries = [.. expanded.Order().Select(j => new Entry(j, (float)Math.Exp(-Distance(i, i == j ? 1 : Cosine(i, j)))))];
        double sum = entries.Sum(e => (double)e.Weight);
        return [.. entries.Select(e => e with { Weight = (float)(e.Weight / sum) })];
    }

    static Entry[] Average(Entry[][] encodings)
    {
        var sums = new SortedDictionary<int, double>();
        foreach (Entry[] encoding in encodings)
            foreach (Entry entry in encoding) sums[entry.Row] = sums.GetValueOrDefault(entry.Row) + entry.Weight;
        return [.. sums.Select(s => new Entry(s.Key, (float)(s.Value / encodings.Length)))];
    }
}
