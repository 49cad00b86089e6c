namespace Osprey.Kernels.Search;

/// <summary>Per query all rows whose score is at least as good as a given one: filled by <see cref="CertifiedSearch.SearchRange"/>, read best first, ties to the lower id.</summary>
public sealed class RangeHits
{
    readonly List<ulong>[] kept;
    readonly bool[] sorted;
    readonly object[] locks;

    /// <param name="queries">0 or more.</param>
    /// <param name="radius">The least inner product, or the largest squared distance, of a row that is found; not NaN.</param>
    /// <param name="similarity">Which score is better.</param>
    public RangeHits(int queries, float radius, Similarity similarity)
    {
        if (queries < 0) throw new ArgumentException($"queries is {queries}; give 0 or more");
        if (float.IsNaN(radius)) throw new ArgumentException("the radius is not a number");
        Queries = queries;
        Radius = radius;
        Similarity = similarity;
        kept = new List<ulong>[queries];
        for (int q = 0; q < queries; q++) kept[q] = [];
        sorted = new bool[queries];
        // Plain objects, as in TopK.
        locks = new object[Math.Min(Math.Max(queries, 1), 64)];
        for (int i = 0; i < locks.Length; i++) locks[i] = new object();
    }

    public int Queries { get; }

    public float Radius { get; }

    public Similarity Similarity { get; }

    /// <summary>Forgets every row and keeps the memory.</summary>
    public void Clear()
    {
        foreach (List<ulong> keys in kept) keys.Clear();
    }

    /// <summary>Rows found for query <paramref name="q"/>.</summary>
    public int Found(int q) => kept[q].Count;

    /// <summary>Writes the rows of query <paramref name="q"/>, best first.</summary>
    /// <param name="q">Different queries may be read from different threads.</param>
    /// <param name="ids">As many as <see cref="Found"/> says.</param>
    /// <param name="scores">As many.</param>
    public void Read(int q, Span<long> ids, Span<float> scores)
    {
        List<ulong> keys = kept[q];
        if (ids.Length != keys.Count || scores.Length != keys.Count) throw new ArgumentException($"room for {ids.Length} ids and {scores.Length} scores was given; give {keys.Count} each");
        if (!sorted[q]) keys.Sort();
        sorted[q] = true;
        for (int i = 0; i < keys.Count; i++)
        {
            ids[i] = CandidateKey.Id(keys[i]);
            scores[i] = CandidateKey.Score(Similarity, keys[i]);
        }
    }

    /// <summary>Safe from several threads.</summary>
    internal void Offer(int q, ulong key)
    {
        lock (locks[q % locks.Length])
        {
            kept[q].Add(key);
            sorted[q] = false;
        }
    }
}
