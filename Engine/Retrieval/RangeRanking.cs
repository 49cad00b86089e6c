namespace Osprey.Engine.Retrieval;

/// <summary>The answer to a range search: for each query every row within the radius, best first, ties to the lower id.</summary>
public sealed class RangeRanking
{
    readonly long[][] ids;
    readonly float[][] scores;

    internal RangeRanking(long[][] ids, float[][] scores)
    {
        this.ids = ids;
        this.scores = scores;
    }

    public int Queries => ids.Length;

    /// <summary>Row ids of query <paramref name="q"/>.</summary>
    public ReadOnlySpan<long> Ids(int q) => ids[q];

    /// <summary>Scores beside them: cosine or inner product (larger is nearer), or squared distance (smaller is nearer).</summary>
    public ReadOnlySpan<float> Scores(int q) => scores[q];
}
