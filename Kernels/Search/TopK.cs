using System.Runtime.CompilerServices;
namespace Osprey.Kernels.Search;

/// <summary>The k best rows found so far for each of a batch of queries: filled by <see cref="SearchKernel"/> or <see cref="CertifiedSearch"/>, read best first.</summary>
/// <remarks>
/// Ties go to the lower id, so that the answer does not depend on the order in which rows were seen. A query keeps its candidates
/// unordered, up to twice k of them; when that is full the better half stays and its worst member becomes the score to beat.
/// Memory grows with what was kept: about 16 to 28 bytes times min(k, rows seen) per query.
/// </remarks>
public sealed class TopK
{
    /// <summary>Candidates beyond k that are kept before the list is cut back: for small k, cutting at 2k would be at every other row.</summary>
    const int LeastSlack = 64;

    readonly Query[] kept;
    readonly SpinLock[] locks;

    /// <param name="queries">0 or more.</param>
    /// <param name="k">1 or more; may exceed the number of rows.</param>
    /// <param name="similarity">Which score is better; must be that of the <see cref="SearchKernel"/>.</param>
    public TopK(int queries, int k, Similarity similarity)
    {
        if (queries < 0) throw new ArgumentException($"queries is {queries}; give 0 or more");
        if (k < 1) throw new ArgumentException($"k is {k}; give 1 or more");
        Queries = queries;
        K = k;
        Similarity = similarity;
        kept = new Query[queries];
        Thresholds = new float[queries];
        // A lock per query would be a heap object per query; with far fewer threads than stripes they hardly meet.
        // They are held for nanoseconds, once per score that passes: a monitor took a tenth of a search, and a Lock allocates its event when threads first meet at it.
        locks = new SpinLock[Math.Min(Math.Max(queries, 1), 64)];
        Array.Fill(locks, new SpinLock(enableThreadOwnerTracking: false));
        Clear();
    }

    public int Queries { get; }

    public int K { get; }

    public Similarity Similarity { get; }

    /// <summary>Per query, the score that a row must reach to be worth offering. Read without a lock: a stale value only lets more through.</summary>
    internal float[] Thresholds { get; }

    /// <summary>Forgets every row and keeps the memory.</summary>
    public void Clear()
    {
        for (int q = 0; q < Queries; q++) Forget(q);
    }

    /// <summary>Row ids of query <paramref name="q"/>, best first, K of them; −1 where fewer rows were found. Different queries may be read from different threads.</summary>
    public ReadOnlySpan<long> Ids(int q)
    {
        Settle(q);
        return kept[q].Ids;
    }

    /// <summary>Scores beside <see cref="Ids"/>; −∞ (inner product) or +∞ (L2) where the id is −1.</summary>
    public ReadOnlySpan<float> Scores(int q)
    {
        Settle(q);
        return kept[q].Scores;
    }

    /// <summary>Rows found for query <paramref name="q"/>, at most K.</summary>
    public int Found(int q) => Math.Min(kept[q].Count, K);

    /// <summary>Offers the rows firstId + i for which bit i of <paramref name="mask"/> is set. Safe from several threads.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Offer(int q, ReadOnlySpan<float> scores, ulong mask, long firstId, long excluded)
    {
        using (Hold(q))
        {
            for (; mask != 0; mask &= mask - 1)
            {
                int i = System.Numerics.BitOperations.TrailingZeroCount(mask);
                if (firstId + i != excluded) Add(q, CandidateKey.Encode(Similarity, scores[i], firstId + i));
            }
        }
    }

    /// <summary>Offers keys made elsewhere; <see cref="CandidateKey.None"/> is passed over.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Offer(int q, ReadOnlySpan<ulong> keys)
    {
        using (Hold(q))
        {
            foreach (ulong key in keys) Add(q, key);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Offer(int q, ulong key)
    {
        using (Hold(q)) Add(q, key);
    }

    /// <summary>Copies the keys of the candidates kept so far, in any order, and returns how many. Safe while others offer.</summary>
    /// <param name="q">Which query.</param>
    /// <param name="keys">Room for <see cref="MostKept"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal int Copy(int q, Span<ulong> keys)
    {
        using (Hold(q))
        {
            ref Query query = ref kept[q];
            query.Keys.AsSpan(0, query.Count).CopyTo(keys);
            return query.Count;
        }
    }

    Held Hold(int q) => new(ref locks[q % locks.Length]);

    /// <summary>A query's lock, until this is disposed.</summary>
    readonly ref struct Held
    {
        readonly ref SpinLock held;

        public Held(ref SpinLock at)
        {
            held = ref at;
            bool taken = false;
            held.Enter(ref taken);
        }

        public void Dispose() => held.Exit(useMemoryBarrier: true);
    }

    /// <summary>Forgets the rows of one query and keeps the memory.</summary>
    internal void Forget(int q)
    {
        kept[q].Count = 0;
        kept[q].Worst = CandidateKey.None;
        kept[q].Read = false;
        Thresholds[q] = Similarity == Similarity.InnerProduct ? float.NegativeInfinity : float.PositiveInfinity;
    }

    /// <summary>Candidates that one query may keep at a time.</summary>
    internal int MostKept => (int)Math.Min(K + (long)Math.Max(K, LeastSlack), Array.MaxLength);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void Add(int q, ulong key)
    {
        ref Query query = ref kept[q];
        if (key >= query.Worst) return;
        query.Keys ??= new ulong[Math.Min(MostKept, 256)];
        if (query.Count == query.Keys.Length)
        {
            if (query.Count < MostKept)
            {
                Array.Resize(ref query.Keys, (int)Math.Min(2L * query.Count, MostKept));
            }
            else
            {
                Cut(q);
                if (key >= query.Worst) return;
            }
        }
        query.Keys[query.Count++] = key;
        query.Read = false;
    }

    /// <summary>Keeps the k best of more than k candidates; the worst of them is the one to beat from now on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void Cut(int q)
    {
        ref Query query = ref kept[q];
        CandidateKey.Select(query.Keys.AsSpan(0, query.Count), K);
        query.Count = K;
        ulong worst = 0;
        foreach (ulong key in query.Keys.AsSpan(0, K)) worst = Math.Max(worst, key);
        query.Worst = worst;
        Thresholds[q] = CandidateKey.Score(Similarity, worst);
    }

    /// <summary>Writes ids and scores of query <paramref name="q"/> as <see cref="Ids"/> and <see cref="Scores"/> give them, without keeping a copy.</summary>
    /// <param name="q">Different queries may be read from different threads.</param>
    /// <param name="ids">K of them.</param>
    /// <param name="scores">K of them.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Read(int q, Span<long> ids, Span<float> scores)
    {
        if (ids.Length != K || scores.Length != K) throw new ArgumentException($"room for {ids.Length} ids and {scores.Length} scores was given; give {K} each");
        ref Query query = ref kept[q];
        if (query.Count > K) Cut(q);
        Span<ulong> keys = query.Keys.AsSpan(0, query.Count);
        CandidateKey.Sort(keys);
        for (int i = 0; i < keys.Length; i++)
        {
            ids[i] = CandidateKey.Id(keys[i]);
            scores[i] = CandidateKey.Score(Similarity, keys[i]);
        }
        ids[keys.Length..].Fill(-1);
        scores[keys.Length..].Fill(Similarity == Similarity.InnerProduct ? float.NegativeInfinity : float.PositiveInfinity);
    }

    /// <summary>Sorts the candidates and writes them out, if any came since the last time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void Settle(int q)
    {
        ref Query query = ref kept[q];
        if (query.Read) return;
        Read(q, query.Ids ??= new long[K], query.Scores ??= new float[K]);
        query.Read = true;
    }

    struct Query
    {
        public ulong[]? Keys;
        public int Count;
        public ulong Worst;
        public long[]? Ids;
        public float[]? Scores;
        public bool Read;
    }
}
