namespace Osprey.Engine.Retrieval;

/// <summary>The answer to a search: for each of Q queries the k best rows, best first, ties to the lower id.</summary>
public sealed class Ranking
{
    readonly long[] ids;
    readonly float[] scores;

    /// <param name="queries">Q.</param>
    /// <param name="k">Ranks per query.</param>
    /// <param name="ids">[Q, k], taken, not copied; −1 where fewer rows were found.</param>
    /// <param name="scores">[Q, k], taken, not copied.</param>
    public Ranking(int queries, int k, long[] ids, float[] scores)
    {
        if (ids.LongLength != (long)queries * k || scores.LongLength != ids.LongLength)
            throw new ArgumentException($"{ids.Length} ids and {scores.Length} scores were given for {queries} queries × {k}");
        Queries = queries;
        K = k;
        this.ids = ids;
        this.scores = scores;
    }

    public int Queries { get; }

    public int K { get; }

    /// <summary>Row ids of query <paramref name="q"/>, k of them; −1 past the last that was found.</summary>
    public ReadOnlySpan<long> Ids(int q) => ids.AsSpan(q * K, K);

    /// <summary>Scores beside them: cosine or inner product (larger is nearer), or squared distance (smaller is nearer).</summary>
    public ReadOnlySpan<float> Scores(int q) => scores.AsSpan(q * K, K);

    /// <summary>How many rows query <paramref name="q"/> found, k at most: the ids past them are −1.</summary>
    public int Found(int q) => Ids(q).IndexOf(-1) is var end && end < 0 ? K : end;

    /// <summary>The first k ranks of each query; past the ranks there are, id −1 and score 0.</summary>
    /// <param name="k">1 or more.</param>
    public Ranking First(int k)
    {
        if (k < 1) throw new ArgumentException($"k is {k}; give 1 or more");
        long[] firstIds = new long[(long)Queries * k];
        float[] firstScores = new float[firstIds.Length];
        Array.Fill(firstIds, -1);
        for (int q = 0; q < Queries; q++)
        {
            Ids(q)[..Math.Min(k, K)].CopyTo(firstIds.AsSpan(q * k));
            Scores(q)[..Math.Min(k, K)].CopyTo(firstScores.AsSpan(q * k));
        }
        return new Ranking(Queries, k, firstIds, firstScores);
    }
}

/// <summary>Some consecutive queries' part of a long answer.</summary>
/// <param name="First">Id of the first query.</param>
/// <param name="Ranking">Its query q is query <paramref name="First"/> + q of the whole.</param>
public sealed record RankingBatch(long First, Ranking Ranking);
