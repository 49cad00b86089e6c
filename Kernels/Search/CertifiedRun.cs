using System.Runtime.CompilerServices;
namespace Osprey.Kernels.Search;

/// <summary>One call of a certified search: its queries, what limits them, and where scores go.</summary>
sealed unsafe class CertifiedRun(Similarity similarity, CodedQueries prepared) : IDisposable
{
    readonly Scratch<float> limits = new();
    TopK? best;
    RangeHits? hits;

    public Similarity Similarity => similarity;

    public CodedQueries Prepared => prepared;

    /// <summary>[Q, D].</summary>
    public float* Queries { get; private set; }

    /// <summary>For each query an id that it never gets; or null.</summary>
    public long* Excluded { get; private set; }

    /// <summary>A bit for each id, set where the row may be found; or null.</summary>
    public ulong* Allowed { get; private set; }

    public void Begin(float* queries, int count, long* excluded, ulong* allowed, TopK? best, RangeHits? hits)
    {
        Queries = queries;
        Excluded = excluded;
        Allowed = allowed;
        this.best = best;
        this.hits = hits;
        limits.Ensure(count);
    }

    /// <summary>No score limits any slot yet; of a range search the radius does.</summary>
    public void Open()
    {
        new Span<float>(limits.Pointer, prepared.Count).Fill(hits?.Radius ?? Worst);
    }

    public float Worst => similarity == Similarity.InnerProduct ? float.NegativeInfinity : float.PositiveInfinity;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsBetter(float score, float than) => similarity == Similarity.InnerProduct ? score > than : score < than;

    /// <summary>The score that a row must reach for a slot: guessed, or that of its k-th best so far.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float Limit(int slot)
    {
        float guess = limits.Pointer[slot];
        if (best is null) return guess;
        float known = best.Thresholds[prepared.QueryOf(slot)];
        return IsBetter(known, guess) ? known : guess;
    }

    /// <summary>Guesses a limit, if it is tighter than the one there. Whether it was right is seen at the end: <see cref="Holds"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Guess(int slot, float score)
    {
        if (IsBetter(score, limits.Pointer[slot])) limits.Pointer[slot] = score;
    }

    /// <summary>
    /// The certificate: the k-th best fp32 score found is at least as good as the tightest guess, so no row that a guess kept out could be among the k best.
    /// If not, <paramref name="certain"/> is a limit that is right: the k-th best found, or none.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public bool Holds(int slot, Span<ulong> work, out float certain)
    {
        int found = best!.Copy(prepared.QueryOf(slot), work);
        certain = found < best.K ? Worst : CandidateKey.Score(similarity, CandidateKey.AtRank(work[..found], best.K));
        return !IsBetter(limits.Pointer[slot], certain);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Offer(int slot, float score, long id)
    {
        float limit = Limit(slot);
        // NaN reaches nothing.
        if (!(similarity == Similarity.InnerProduct ? score >= limit : score <= limit)) return;
        int query = prepared.QueryOf(slot);
        if (Excluded is not null && Excluded[query] == id) return;
        ulong key = CandidateKey.Encode(similarity, score, id);
        if (best is not null) best.Offer(query, key);
        else hits!.Offer(query, key);
    }

    public void Dispose() => limits.Dispose();
}
