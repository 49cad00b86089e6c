using System.Runtime.InteropServices;
using Osprey.Engine.Retrieval;
using Osprey.Interop.Mpi;
using Osprey.Kernels;

namespace Osprey.Engine.Distributed;

/// <summary>
/// Exact search over a store whose rows several processes share: rank i of R holds rows ⌊iN/R⌋ … ⌊(i+1)N/R⌋ − 1 and searches them, rank 0 merges. The answer is that
/// of an <see cref="ExactIndex"/> over the whole store, ids, scores and ties, to the bit, for any R.
/// </summary>
/// <remarks>A row's score is computed from it and the query alone, by the same operations wherever the row lies. Every rank reads its rows from the store, which all must see.</remarks>
public sealed class DistributedIndex : IDisposable
{
    /// <summary>Queries of a range search at once: how many rows it finds is not known before.</summary>
    const int RangeQueriesAtOnce = 64;

    readonly ICommunicator ranks;
    readonly ExactIndex own;
    readonly long first;

    DistributedIndex(ICommunicator ranks, ExactIndex own, long first, long rows)
    {
        this.ranks = ranks;
        this.own = own;
        this.first = first;
        Rows = rows;
    }

    /// <summary>N, on all ranks together.</summary>
    public long Rows { get; }

    /// <summary>Rows of all ranks together that rank 0 receives and merges at once: bounds their memory to about 50 MB, but for a query that finds more. The same on all ranks.</summary>
    internal int RowsAtOnce { get; set; } = 1 << 22;

    /// <summary>Reads this rank's rows. All ranks call it.</summary>
    /// <param name="ranks">Stays the caller's; must outlive the index.</param>
    /// <param name="store">The whole store, in the same state on all ranks.</param>
    /// <param name="device">Stays the caller's; must outlive the index.</param>
    /// <param name="metric">What nearness is, the same on all ranks.</param>
    /// <exception cref="RankFailedException">The ranks have different stores or metrics, one cannot read its rows, or one holds a value that is not finite.</exception>
    public static DistributedIndex Open(ICommunicator ranks, DescriptorStore store, Device device, Metric metric = Metric.Cosine)
    {
        // Each node may have a copy of its own, and an answer merged from two states of a store, or by two metrics, would be of neither.
        ranks.EnsureAlike(
            () => new { Metric = metric, store.Rows, store.Dimension, StoreSha256 = store.Sha256 }, "the ranks would search different things",
            $"give every rank the same {store.Path}, and the same index in it");
        return ranks.RunOnAll(() =>
        {
            (long first, long count) = new StoreShard(ranks.Rank, ranks.Size).Of(store.Rows);
            try
            {
                return new DistributedIndex(ranks, new ExactIndex(store, first, count, device, metric), first, store.Rows);
            }
            catch (ArgumentException e)
            {
                throw new ArgumentException($"{e.Message} (counted from row {first} of {store.Path} on)", e);
            }
        });
    }

    /// <summary>The k nearest rows of each query. All ranks call it; what is looked for is rank 0's.</summary>
    /// <param name="queries">[Q, D] on rank 0; elsewhere not looked at.</param>
    /// <param name="k">1 or more, the same on all ranks.</param>
    /// <param name="filter">On rank 0, which of the N rows may be found; null for all.</param>
    /// <returns>On rank 0 the answer; elsewhere null.</returns>
    /// <exception cref="RankFailedException">The sizes do not fit, or a query holds a NaN.</exception>
    public Ranking? Search(float[] queries, int k, RowFilter? filter = null)
    {
        (float[] all, RowFilter? mine) = Share(queries, filter);
        int count = all.Length / own.Dimension;
        ranks.RunOnAll(() =>
        {
            if (k < 1) throw new ArgumentException($"k is {k}; give 1 or more");
            if ((long)count * k > Array.MaxLength) throw new ArgumentException($"{count} queries × k={k} is more than one answer holds; search fewer queries at once");
        });
        bool root = ranks.Rank == 0;
        long[] ids = new long[root ? count * k : 0];
        float[] scores = new float[ids.Length];
        Array.Fill(ids, -1);
        Array.Fill(scores, own.Metric == Metric.L2 ? float.PositiveInfinity : float.NegativeInfinity);
        // More than its rows a rank cannot find, and need not make room for.
        int ownK = (int)Math.Clamp(own.Rows, 1, k), batch = (int)Math.Clamp(RowsAtOnce / ((long)k * ranks.Size), 1, 1024);
        for (int from = 0; from < count; from += batch)
        {
            int here = Math.Min(batch, count - from);
            RankedRows? merged = Merged(() => Flatten(own.Search(all.AsSpan(from * own.Dimension, here * own.Dimension), ownK, default, mine)), k);
            for (int q = 0, at = 0; merged is not null && q < here; at += merged.Found[q++])
            {
                merged.Ids.AsSpan(at, merged.Found[q]).CopyTo(ids.AsSpan((from + q) * k));
                merged.Scores.AsSpan(at, merged.Found[q]).CopyTo(scores.AsSpan((from + q) * k));
            }
        }
        return root ? new Ranking(count, k, ids, scores) : null;
    }

    /// <summary>Every row within a radius of each query. All ranks call it; what is looked for is rank 0's.</summary>
    /// <param name="queries">[Q, D] on rank 0; elsewhere not looked at.</param>
    /// <param name="radius">As for <see cref="ExactIndex.SearchRange"/>, the same on all ranks.</param>
    /// <param name="filter">On rank 0, which of the N rows may be found; null for all.</param>
    /// <returns>On rank 0 the answer; elsewhere null.</returns>
    /// <exception cref="RankFailedException">The sizes do not fit, or a query or the radius is NaN.</exception>
    public RangeRanking? SearchRange(float[] queries, float radius, RowFilter? filter = null)
    {
        (float[] all, RowFilter? mine) = Share(queries, filter);
        int count = all.Length / own.Dimension;
        long[][] ids = new long[count][];
        float[][] scores = new float[count][];
        for (int from = 0; from < count; from += RangeQueriesAtOnce)
        {
            int here = Math.Min(RangeQueriesAtOnce, count - from);
            RangeRanking within = ranks.RunOnAll(() => own.SearchRange(all.AsSpan(from * own.Dimension, here * own.Dimension), radius, mine));
            double[] hits = [.. Enumerable.Range(0, here).Select(q => (double)within.Ids(q).Length)];
            ranks.AllReduceSum(hits);
            for (int first = 0, end; first < here; first = end)
            {
                // As many queries as fit, but one at least: a wide radius finds every row.
                double together = hits[first];
                for (end = first + 1; end < here && together + hits[end] <= RowsAtOnce; end++) together += hits[end];
                if (together > Array.MaxLength) throw new RankFailedException(new ArgumentException($"query {from + first} finds {together} rows, more than one answer holds; give a narrower radius"));
                (int begin, int queriesHere) = (first, end - first);
                RankedRows? merged = Merged(() => Flatten(within, begin, queriesHere), int.MaxValue);
                for (int q = 0, at = 0; merged is not null && q < queriesHere; at += merged.Found[q++])
                {
                    ids[from + begin + q] = merged.Ids[at..(at + merged.Found[q])];
                    scores[from + begin + q] = merged.Scores[at..(at + merged.Found[q])];
                }
            }
        }
        return ranks.Rank == 0 ? new RangeRanking(ids, scores) : null;
    }

    /// <summary>Rank 0's queries, and this rank's part of its filter.</summary>
    (float[] Queries, RowFilter? Filter) Share(float[] queries, RowFilter? filter)
    {
        ranks.RunOnAll(() =>
        {
            if (ranks.Rank != 0) return;
            if (queries.Length % own.Dimension != 0) throw new ArgumentException($"{queries.Length} values are no whole number of queries of {own.Dimension}, the index's dimension");
            if (filter is not null && filter.Rows != Rows) throw new ArgumentException($"the filter is for {filter.Rows} rows, and the index has {Rows}");
        });
        long[] head = [queries.Length, filter is null ? 0 : 1];
        ranks.Broadcast(MemoryMarshal.AsBytes(head.AsSpan()), 0);
        float[] all = ranks.Rank == 0 ? queries : new float[head[0]];
        ranks.Spread(all, 0);
        if (head[1] == 0) return (all, null);
        ulong[] words = new ulong[RowFilter.WordsOf(Rows)];
        if (ranks.Rank == 0) filter!.Words.CopyTo(words);
        ranks.Spread(words, 0);
        return (all, new RowFilter(Rows, words).Slice(first, own.Rows));
    }

    RankedRows? Merged(Func<RankedRows> search, int most)
    {
        RankedRows[] parts = ranks.RunOnAll(search).Gather(ranks, Math.Max(1, RowsAtOnce / ranks.Size));
        return ranks.Rank == 0 ? RankedRows.Merge(parts, most, own.Metric == Metric.L2) : null;
    }

    RankedRows Flatten(Ranking ranking)
    {
        int[] found = new int[ranking.Queries];
        List<long> ids = [];
        List<float> scores = [];
        for (int q = 0; q < found.Length; q++)
        {
            found[q] = ranking.Found(q);
            Append(ranking.Ids(q)[..found[q]], ranking.Scores(q)[..found[q]], ids, scores);
        }
        return new RankedRows(found, [.. ids], [.. scores]);
    }

    RankedRows Flatten(RangeRanking ranking, int begin, int queries)
    {
        int[] found = new int[queries];
        List<long> ids = [];
        List<float> scores = [];
        for (int q = 0; q < queries; q++)
        {
            found[q] = ranking.Ids(begin + q).Length;
            Append(ranking.Ids(begin + q), ranking.Scores(begin + q), ids, scores);
        }
        return new RankedRows(found, [.. ids], [.. scores]);
    }

    void Append(ReadOnlySpan<long> foundIds, ReadOnlySpan<float> foundScores, List<long> ids, List<float> scores)
    {
        foreach (long id in foundIds) ids.Add(first + id);
        scores.AddRange(foundScores);
    }

    public void Dispose() => own.Dispose();
}
