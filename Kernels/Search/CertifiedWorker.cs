using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Osprey.Kernels.Search;

/// <summary>One thread's memory in a certified search, and what it does with a tile: scan its codes, and score in fp32 the pairs that pass.</summary>
/// <remarks>
/// Pairs (row, query) that pass are gathered over all queries and ordered by row, so that a row's fp32 values are read once for all its
/// queries. They are scored sixteen chains side by side, with the bits of <see cref="ScoreTile{TScore}"/>: a row with four of its queries, or,
/// where pairs are many (wide rows, whose bounds are loose), a query with four of the rows that lie in the L2 cache.
/// </remarks>
sealed unsafe partial class CertifiedWorker : IDisposable
{
    /// <summary>Pairs gathered before they are scored: as many as a tile seldom has.</summary>
    const int MostPairs = 1 << 15;

    /// <summary>Pairs that one step of the scan can add.</summary>
    const int MostPassing = 16 * 32;

    /// <summary>Bytes of the rows that are scored together, query by query, and how many rows at most.</summary>
    const int GroupBytes = 3 << 17, MostGroupRows = 64;

    /// <summary>Pairs of a query in such a group from which on that is done.</summary>
    const double QueryPairs = 2.5;

    const int Chains = ScoreChain.Most;

    readonly PinnedRows source;
    readonly CodedRows? rows;
    readonly int dimension, chainLength, chainVectors, groupRows, tilePlaces;
    readonly Scratch<ulong> pairs = new(), sorted = new();
    readonly Scratch<int> counts = new(), thresholds = new(), sums = new(), queries = new(), starts = new();
    readonly Scratch<uint> masks = new(), allowed = new(), groupIds = new();
    readonly Scratch<long> ids = new();
    readonly Scratch<float> limits = new(), row = new(), padded = new(), pending = new(), scores = new();
    int count, waiting;

    public CertifiedWorker(PinnedRows source, CodedRows? rows)
    {
        this.source = source;
        this.rows = rows;
        dimension = source.Dimension;
        chainLength = ScoreChain.Length(dimension);
        chainVectors = (dimension + chainLength - 1) / chainLength;
        int places = Math.Max(rows?.TileBlocks ?? 0, LeastPlaces / 16) * 16;
        pairs.Ensure(MostPairs);
        sorted.Ensure(MostPairs);
        counts.Ensure(places + 1);
        thresholds.Ensure(places);
        sums.Ensure(16 * 32);
        queries.Ensure(Chains + 4);
        masks.Ensure(16);
        allowed.Ensure(places / 32 + 1);
        ids.Ensure(Chains + 4);
        limits.Ensure(16);
        tilePlaces = places;
        groupRows = Math.Clamp(GroupBytes / (chainLength * Chains * sizeof(float)), 4, MostGroupRows);
        groupIds.Ensure(groupRows);
        new Span<float>(row.Ensure(groupRows * chainLength * Chains), groupRows * chainLength * Chains).Clear();
        new Span<float>(padded.Ensure(chainLength * Chains), chainLength * Chains).Clear();
        pending.Ensure((Chains + 4) * Chains);
        scores.Ensure(Chains * Chains);
        Work = new double[dimension];
    }

    /// <summary>Rows of a tile where there are no codes.</summary>
    public const int LeastPlaces = 256;

    /// <summary>D doubles for whoever uses the thread.</summary>
    public double[] Work { get; }

    /// <summary>Keys for ranking candidates.</summary>
    public ulong[] Keys { get; set; } = [];

    /// <summary>Scans a tile's codes for all panels, and scores what passes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Scan(CodeScan scan, CertifiedRun run, int tile)
    {
        CodedRows coded = rows!;
        CodedQueries prepared = run.Prepared;
        int firstBlock = tile * coded.TileBlocks, pairsOfBlocks = coded.BlocksOf(tile) / 2;
        uint* ids = coded.Ids + (nint)firstBlock * CodeScan.BlockRows;
        byte* codes = coded.Codes + (nint)firstBlock * coded.BlockBytes;
        uint* open = run.Allowed is null ? null : Allow(run.Allowed, ids, pairsOfBlocks);
        for (int step = 0, panel = tile * 7 % prepared.Panels; step < prepared.Panels; step++, panel = panel + 1 == prepared.Panels ? 0 : panel + 1)
        {
            int first = prepared.FirstSlot(panel), inPanel = prepared.SlotsOf(panel);
            for (int q = 0; q < inPanel; q++) limits.Pointer[q] = prepared.Threshold(first + q, run.Limit(first + q));
            Thresholds(prepared.Scale(panel), prepared.ResidualShare(panel), prepared.NormShare(panel), coded.BlockBounds + firstBlock, 2 * pairsOfBlocks);
            for (int at = 0; at < pairsOfBlocks;)
            {
                int end = pairsOfBlocks;
                if (open is not null)
                {
                    // Only runs of pairs of blocks in which a row is allowed.
                    while (at < pairsOfBlocks && open[at] == 0) at++;
                    for (end = at; end < pairsOfBlocks && open[end] != 0;) end++;
                    if (at == end) break;
                }
                while (at < end)
                {
                    at += scan.Run(
                        prepared.Panel(panel), inPanel, coded.Groups, prepared.Bias(panel), codes + (nint)at * 2 * coded.BlockBytes, end - at,
                        thresholds.Pointer + at * 32, sums.Pointer, masks.Pointer);
                    if (at >= end) break;
                    uint mask = open is null ? uint.MaxValue : open[at];
                    for (int q = 0; q < inPanel; q++)
                        for (uint m = masks.Pointer[q] & mask; m != 0; m &= m - 1) pairs.Pointer[count++] = (ulong)(uint)(at * 32 + System.Numerics.BitOperations.TrailingZeroCount(m)) << 32 | (uint)(first + q);
                    at++;
                    if (count > MostPairs - MostPassing) Score(run, ids);
                }
            }
        }
        Score(run, ids);
    }

    /// <summary>Best value of each block of a sample for each query: <c>[slot][blocks]</c>, as <see cref="CodedQueries.Estimate"/> takes it.</summary>
    /// <param name="scan">Which level.</param>
    /// <param name="run">The queries.</param>
    /// <param name="firstBlock">Even.</param>
    /// <param name="blocks">Even.</param>
    /// <param name="every">Whether all sixteen values of a block are wanted instead of the best.</param>
    /// <param name="values">Where block 0's values of slot 0 are.</param>
    /// <param name="stride">Values of a slot.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Sample(CodeScan scan, CertifiedRun run, int firstBlock, int blocks, bool every, float* values, int stride)
    {
        CodedRows coded = rows!;
        CodedQueries prepared = run.Prepared;
        uint* ids = coded.Ids + (nint)firstBlock * CodeScan.BlockRows;
        uint* open = run.Allowed is null ? null : Allow(run.Allowed, ids, blocks / 2);
        new Span<int>(thresholds.Pointer, 32).Fill(int.MinValue);
        for (int panel = 0; panel < prepared.Panels; panel++)
        {
            int first = prepared.FirstSlot(panel), inPanel = prepared.SlotsOf(panel);
            for (int block = firstBlock; block < firstBlock + blocks; block += 2)
            {
                scan.Run(
                    prepared.Panel(panel), inPanel, coded.Groups, prepared.Bias(panel), coded.Codes + (nint)block * coded.BlockBytes, 1, thresholds.Pointer,
                    sums.Pointer, masks.Pointer);
                uint mask = open is null ? uint.MaxValue : open[(block - firstBlock) / 2];
                for (int half = 0; half < 2; half++)
                {
                    CodedBlock bounds = coded.BlockBounds[block + half];
                    Vector512<int> present = Vector512.Equals(Vector512.Create((int)(mask >> 16 * half)) & Bits, Bits);
                    for (int q = 0; q < inPanel; q++)
                    {
                        Vector512<int> sum = Vector512.Load(sums.Pointer + (q * 32) + (half * 16));
                        sum = Vector512.ConditionalSelect(present, sum, Vector512.Create(int.MinValue));
                        float unit = 1 / (bounds.Scale * prepared.Scale(panel)[q]);
                        float* to = values + ((nint)(first + q) * stride);
                        if (every) ((Vector512.ConvertToSingle(sum) * unit) - Vector512.Create(bounds.Offset)).Store(to + ((block + half) * 16));
                        else to[block + half] = (MaxLane(sum) * unit) - bounds.Offset;
                    }
                }
            }
        }
    }

    static Vector512<int> Bits => Vector512.Create(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768);

    static int MaxLane(Vector512<int> lanes)
    {
        Vector256<int> half = Vector256.Max(lanes.GetLower(), lanes.GetUpper());
        Vector128<int> quarter = Vector128.Max(half.GetLower(), half.GetUpper());
        quarter = Vector128.Max(quarter, Vector128.Shuffle(quarter, Vector128.Create(2, 3, 0, 1)));
        return Math.Max(quarter[0], quarter[1]);
    }

    /// <summary>Which rows of a tile the filter allows, a bit each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    uint* Allow(ulong* filter, uint* ids, int pairsOfBlocks)
    {
        for (int pair = 0; pair < pairsOfBlocks; pair++)
        {
            uint mask = 0;
            for (int r = 0; r < 32; r++)
            {
                uint id = ids[(pair * 32) + r];
                if (id != CodedRows.NoRow) mask |= (uint)(filter[id / 64] >> (int)(id % 64) & 1) << r;
            }
            allowed.Pointer[pair] = mask;
        }
        return allowed.Pointer;
    }

    /// <summary>The least sum that passes, for each block and each query of a panel; <see cref="CodedQueries"/> has the formula.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void Thresholds(float* scales, float* residualShares, float* normShares, CodedBlock* bounds, int blocks)
    {
        Vector512<float> t = Vector512.Load(limits.Pointer), scale = Vector512.Load(scales);
        Vector512<float> q1 = -Vector512.Load(residualShares), q2 = -Vector512.Load(normShares);
        Vector512<float> most = Vector512.Create(2147483520f), spare = Vector512.Create(-CodedQueries.Spare);
        int* to = thresholds.Pointer;
        for (int b = 0; b < blocks; b++, to += 16)
        {
            Vector512<float> least = Vector512.FusedMultiplyAdd(q1, Vector512.Create(bounds[b].Residual), t + Vector512.Create(bounds[b].Offset));
            least = Vector512.FusedMultiplyAdd(q2, Vector512.Create(bounds[b].Norm), least);
            least = least * Vector512.Create(bounds[b].Scale) * scale;
            least = Vector512.FusedMultiplyAdd(Vector512.Abs(least), spare, least);
            // Towards zero: a negative one is rounded up to the next integer, which is right, and a positive one down, which lets one more pass.
            // What is not a number or below the integers becomes the least integer, or 0 on ARM, for a block without rows only.
            Vector512.ConvertToInt32Native(Vector512.Min(least, most)).Store(to);
        }
    }

    /// <summary>Gathers every pair of rows and queries without looking at codes, and scores them.</summary>
    /// <param name="run">The queries.</param>
    /// <param name="rowIds">Ids of the rows, <see cref="LeastPlaces"/> at most.</param>
    /// <param name="places">How many.</param>
    public void ScoreAll(CertifiedRun run, uint* rowIds, int places)
    {
        for (int r = 0; r < places; r++)
        {
            for (int slot = 0; slot < run.Prepared.Count; slot++)
            {
                pairs.Pointer[count++] = (ulong)(uint)r << 32 | (uint)slot;
                if (count == MostPairs) Score(run, rowIds);
            }
        }
        Score(run, rowIds);
    }

    void Score(CertifiedRun run, uint* rowIds)
    {
        if (count == 0) return;
        ulong* order = Sort();
        bool byQuery = order == sorted.Pointer && (double)count * groupRows >= QueryPairs * tilePlaces * run.Prepared.Count;
        if (run.Similarity == Similarity.InnerProduct) Score<ProductScore>(run, rowIds, order, byQuery);
        else Score<DistanceScore>(run, rowIds, order, byQuery);
        count = 0;
    }

    /// <summary>The pairs by row; of one row in the order they came.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    ulong* Sort()
    {
        ulong* from = pairs.Pointer, to = sorted.Pointer;
        if (count <= 64)
        {
            new Span<ulong>(from, count).Sort();
            return from;
        }
        var starts = new Span<int>(counts.Pointer, (int)counts.Length);
        starts.Clear();
        for (int i = 0; i < count; i++) starts[(int)(from[i] >> 32) + 1]++;
        for (int i = 1; i < starts.Length; i++) starts[i] += starts[i - 1];
        for (int i = 0; i < count; i++) to[starts[(int)(from[i] >> 32)]++] = from[i];
        return to;
    }

    void Score<TScore>(CertifiedRun run, uint* rowIds, ulong* order, bool byQuery)
        where TScore : struct, IScore
    {
        for (int i = 0; i < count;) i = byQuery ? GroupByQuery<TScore>(run, rowIds, order, i) : OneRow<TScore>(run, rowIds, order, i);
        while (waiting > 0) Settle(run);
    }

    /// <summary>Scores the pairs of one row, from <paramref name="i"/> on; returns where the next row's begin.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    int OneRow<TScore>(CertifiedRun run, uint* rowIds, ulong* order, int i)
        where TScore : struct, IScore
    {
        CodedQueries prepared = run.Prepared;
        int end = EndOfRow(order, i);
        uint id = rowIds[(uint)(order[i] >> 32)];
        if (end < count) Prefetch(rowIds[(uint)(order[end] >> 32)]);
        if (id == CodedRows.NoRow) return end;
        Lay(source.Row(id), row.Pointer);
        for (int here; i < end; i += here)
        {
            here = Math.Min(4, end - i);
            int last = i + here - 1, a = (int)(uint)order[i], b = (int)(uint)order[Math.Min(i + 1, last)], c = (int)(uint)order[Math.Min(i + 2, last)], e = (int)(uint)order[last];
            Four<TScore>(row.Pointer, prepared.Chains(a), prepared.Chains(b), prepared.Chains(c), prepared.Chains(e), chainLength, pending.Pointer + (waiting * Chains));
            queries.Pointer[waiting] = a;
            queries.Pointer[waiting + 1] = b;
            queries.Pointer[waiting + 2] = c;
            queries.Pointer[waiting + 3] = e;
            for (int j = 0; j < here; j++) ids.Pointer[waiting + j] = id;
            waiting += here;
            if (waiting >= Chains) Settle(run);
        }
        return end;
    }

    int EndOfRow(ulong* order, int i)
    {
        int end = i + 1;
        while (end < count && order[end] >> 32 == order[i] >> 32) end++;
        return end;
    }

    /// <summary>Scores the pairs of the next few rows, ordered by query; returns where the next group begins.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    int GroupByQuery<TScore>(CertifiedRun run, uint* rowIds, ulong* order, int i)
        where TScore : struct, IScore
    {
        int first = i, found = 0, slots = run.Prepared.Count, stride = chainLength * Chains;
        // Pairs were ordered by row into the other array, so this one is free: (query, row in the group).
        ulong* byRow = pairs.Pointer;
        int kept = 0;
        for (int rowsIn = 0; i < count && rowsIn < groupRows;)
        {
            int end = EndOfRow(order, i);
            uint id = rowIds[(uint)(order[i] >> 32)];
            if (end < count) Prefetch(rowIds[(uint)(order[end] >> 32)]);
            if (id != CodedRows.NoRow)
            {
                Lay(source.Row(id), row.Pointer + (rowsIn * stride));
                groupIds.Pointer[rowsIn] = id;
                for (; i < end; i++) byRow[kept++] = order[i] << 32 | (uint)rowsIn;
                rowsIn++;
            }
            i = end;
        }
        var begins = new Span<int>(starts.Ensure(slots + 1), slots + 1);
        begins.Clear();
        for (int j = 0; j < kept; j++) begins[(int)(byRow[j] >> 32) + 1]++;
        for (int j = 1; j <= slots; j++) begins[j] += begins[j - 1];
        ulong* byQuery = order + first;
        for (int j = 0; j < kept; j++) byQuery[begins[(int)(byRow[j] >> 32)]++] = byRow[j];
        while (found < kept)
        {
            int slot = (int)(byQuery[found] >> 32), here = 1;
            while (here < 4 && found + here < kept && (int)(byQuery[found + here] >> 32) == slot) here++;
            int last = found + here - 1;
            uint a = (uint)byQuery[found], b = (uint)byQuery[Math.Min(found + 1, last)], c = (uint)byQuery[Math.Min(found + 2, last)], e = (uint)byQuery[last];
            float* rowsAt = row.Pointer;
            Four<TScore>(
                run.Prepared.Chains(slot), rowsAt + (a * stride), rowsAt + (b * stride), rowsAt + (c * stride), rowsAt + (e * stride), chainLength, pending.Pointer + (waiting * Chains));
            for (int j = 0; j < here; j++)
            {
                queries.Pointer[waiting + j] = slot;
                ids.Pointer[waiting + j] = groupIds.Pointer[(uint)byQuery[found + j]];
            }
            waiting += here;
            found += here;
            if (waiting >= Chains) Settle(run);
        }
        return i;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    void Prefetch(uint id)
    {
        if (!Sse.IsSupported || id == CodedRows.NoRow) return;
        float* at = source.Row(id);
        for (int d = 0; d < dimension; d += 16) Sse.Prefetch0(at + d);
    }

    /// <summary>A row as the queries lie: see <see cref="CodedQueries.Lay"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void Lay(float* values, float* to)
    {
        // Chains are laid four at a time.
        if (dimension < chainLength * ((chainVectors + 3) / 4 * 4))
        {
            new ReadOnlySpan<float>(values, dimension).CopyTo(new Span<float>(padded.Pointer, dimension));
            values = padded.Pointer;
        }
        if (chainVectors > 12)
        {
            for (int i = 0; i < chainLength; i += 16) Transposition.Sixteen(values + i, chainLength, to + ((nint)i * Chains), Chains);
            return;
        }
        for (int chain = 0; chain < chainVectors; chain += 4)
            for (int i = 0; i < chainLength; i += 4)
                Transposition.Four(values + ((nint)chain * chainLength) + i, chainLength, to + ((nint)i * Chains) + chain, Chains);
    }

    /// <summary>The chains of one vector with four others: <c>[pair][16 chains]</c>. Which of them is the query changes no bit.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Four<TScore>(float* one, float* a, float* b, float* c, float* e, int length, float* to)
        where TScore : struct, IScore
    {
        Vector512<float> sa = Vector512<float>.Zero, sb = sa, sc = sa, se = sa;
        for (nint at = 0, end = (nint)length * Chains; at < end; at += Chains)
        {
            Vector512<float> x = Vector512.Load(one + at);
            sa = TScore.Add(sa, Vector512.Load(a + at), x);
            sb = TScore.Add(sb, Vector512.Load(b + at), x);
            sc = TScore.Add(sc, Vector512.Load(c + at), x);
            se = TScore.Add(se, Vector512.Load(e + at), x);
        }
        sa.Store(to);
        sb.Store(to + Chains);
        sc.Store(to + (2 * Chains));
        se.Store(to + (3 * Chains));
    }

    /// <summary>Adds up the chains of up to sixteen pairs, in order, and hands on the scores that reach their query's limit.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void Settle(CertifiedRun run)
    {
        int settled = Math.Min(waiting, Chains);
        Transposition.Sixteen(pending.Pointer, Chains, scores.Pointer, Chains);
        Vector512<float> total = Vector512.Load(scores.Pointer);
        for (int chain = 1; chain < chainVectors; chain++) total += Vector512.Load(scores.Pointer + (chain * Chains));
        total.Store(scores.Pointer);
        for (int i = 0; i < settled; i++) run.Offer(queries.Pointer[i], scores.Pointer[i], ids.Pointer[i]);
        waiting -= settled;
        for (int i = 0; i < waiting; i++)
        {
            queries.Pointer[i] = queries.Pointer[Chains + i];
            ids.Pointer[i] = ids.Pointer[Chains + i];
            Vector512.Load(pending.Pointer + ((Chains + i) * Chains)).Store(pending.Pointer + (i * Chains));
        }
    }

    public void Dispose()
    {
        foreach (Scratch<ulong> scratch in (ReadOnlySpan<Scratch<ulong>>)[pairs, sorted]) scratch.Dispose();
        foreach (Scratch<int> scratch in (ReadOnlySpan<Scratch<int>>)[counts, thresholds, sums, queries, starts, gatheredBiases, gatheredSlots]) scratch.Dispose();
        foreach (Scratch<uint> scratch in (ReadOnlySpan<Scratch<uint>>)[masks, allowed, groupIds]) scratch.Dispose();
        foreach (Scratch<float> scratch in (ReadOnlySpan<Scratch<float>>)[limits, row, padded, pending, scores, gatheredShares]) scratch.Dispose();
        ids.Dispose();
        gathered.Dispose();
    }
}
