using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Osprey.Kernels.Search;

/// <summary>The scan on this process's cores.</summary>
/// <remarks>
/// The rows are cut into tiles that stay in a core's L2 cache. A thread takes the next tile, packs it, and takes every block of queries
/// over its panels; the few scores that reach a query's threshold go to the shared result under a lock. What is kept does not depend on
/// the order of offers, so neither does the result on the threads.
/// </remarks>
sealed unsafe class HostScan : IDisposable
{
    /// <summary>Bytes of packed rows a thread works on: half of the 1 MiB of L2 that the smallest current server cores have.</summary>
    const int TileBytes = 1 << 19;

    readonly Similarity similarity;
    readonly SimdLevel level;
    readonly int panelRows;
    readonly Scratch<float> packedQueries = new();
    readonly Scratch<float>[] packedTiles;

    public HostScan(Similarity similarity, SimdLevel level, int threads)
    {
        this.similarity = similarity;
        this.level = level;
        panelRows = ScoreTile<ProductScore>.PanelRows(level);
        packedTiles = new Scratch<float>[threads];
        for (int i = 0; i < threads; i++) packedTiles[i] = new Scratch<float>();
    }

    public void Run(
        ReadOnlySpan<float> rows, int count, int dimension, long firstId, ReadOnlySpan<float> queries, ReadOnlySpan<long> excluded, TopK results)
    {
        int queryCount = results.Queries, tail = queryCount % ScoreTile<ProductScore>.Block, full = queryCount - tail;
        int padded = full + (tail + ScoreTile<ProductScore>.TailBlock - 1) / ScoreTile<ProductScore>.TailBlock * ScoreTile<ProductScore>.TailBlock;
        float* packed = packedQueries.Ensure((nint)padded * dimension);
        PackQueries(queries, queryCount, padded, dimension, packed);

        int panelsPerTile = (int)Math.Max(1, TileBytes / ((long)panelRows * dimension * sizeof(float)));
        int panels = (int)(((long)count + panelRows - 1) / panelRows);
        // Fewer rows than full tiles for all threads: smaller tiles, so that each has some.
        panelsPerTile = Math.Max(1, Math.Min(panelsPerTile, panels / (2 * packedTiles.Length)));
        int tiles = (panels + panelsPerTile - 1) / panelsPerTile;
        int threads = Math.Min(packedTiles.Length, tiles);
        fixed (float* rowsAt = rows)
        fixed (long* excludedAt = excluded)
        {
            var work = new Work
            {
                Rows = rowsAt,
                Count = count,
                Dimension = dimension,
                FirstId = firstId,
                Queries = packed,
                QueryCount = queryCount,
                PaddedQueries = padded,
                Excluded = excluded.IsEmpty ? null : excludedAt,
                TileRows = panelsPerTile * panelRows,
                Tiles = tiles,
                Results = results,
            };
            for (int t = 0; t < threads; t++) packedTiles[t].Ensure((nint)panelsPerTile * panelRows * dimension);
            if (threads == 1)
            {
                Consume(work, packedTiles[0].Pointer);
            }
            else
            {
                Parallel.For(0, threads, new ParallelOptions { MaxDegreeOfParallelism = threads }, t => Consume(work, packedTiles[t].Pointer));
            }
        }
    }

    void Consume(Work work, float* packedTile)
    {
        if (similarity == Similarity.InnerProduct) Consume<ProductScore>(work, packedTile);
        else Consume<DistanceScore>(work, packedTile);
    }

    void Consume<TScore>(Work work, float* packedTile)
        where TScore : struct, IScore
    {
        const int Block = ScoreTile<ProductScore>.Block, TailBlock = ScoreTile<ProductScore>.TailBlock;
        float* scores = stackalloc float[Block * panelRows];
        int fullBlocks = work.QueryCount / Block;
        int blocks = fullBlocks + (work.PaddedQueries - fullBlocks * Block) / TailBlock;
        for (int tile = work.Next(); tile < work.Tiles; tile = work.Next())
        {
            int first = tile * work.TileRows, inTile = Math.Min(work.TileRows, work.Count - first);
            PackRows(work.Rows + (nint)first * work.Dimension, inTile, work.Dimension, packedTile);
            // Threads start at different queries, so that they seldom want the same one's lock.
            for (int step = 0, b = tile * 7 % blocks; step < blocks; step++, b = b + 1 == blocks ? 0 : b + 1)
            {
                int block = b < fullBlocks ? Block : TailBlock;
                int query = b < fullBlocks ? b * Block : fullBlocks * Block + (b - fullBlocks) * TailBlock;
                float* packedBlock = work.Queries + (nint)query * work.Dimension;
                int valid = Math.Min(block, work.QueryCount - query);
                for (int row = 0; row < inTile; row += panelRows)
                {
                    ScoreTile<TScore>.Compute(level, packedBlock, block, packedTile + (nint)row * work.Dimension, work.Dimension, scores);
                    Offer<TScore>(work, query, valid, scores, first + row, Math.Min(panelRows, inTile - row));
                }
            }
        }
    }

    /// <summary>Hands the scores that reach their query's threshold to the result. NaN reaches none.</summary>
    void Offer<TScore>(Work work, int firstQuery, int queries, float* scores, int firstRow, int rows)
    {
        float[] thresholds = work.Results.Thresholds;
        ulong present = (1UL << rows) - 1;
        for (int q = 0; q < queries; q++, scores += panelRows)
        {
            ulong mask = 0;
            Vector256<float> threshold = Vector256.Create(thresholds[firstQuery + q]);
            for (int i = 0; i < panelRows; i += 8)
            {
                Vector256<float> score = Vector256.Load(scores + i);
                Vector256<float> reaches = typeof(TScore) == typeof(ProductScore)
                    ? Vector256.GreaterThanOrEqual(score, threshold)
                    : Vector256.LessThanOrEqual(score, threshold);
                mask |= (ulong)reaches.ExtractMostSignificantBits() << i;
            }
            mask &= present;
            if (mask == 0) continue;
            long excluded = work.Excluded is null ? -1 : work.Excluded[firstQuery + q];
            work.Results.Offer(firstQuery + q, new ReadOnlySpan<float>(scores, panelRows), mask, work.FirstId + firstRow, excluded);
        }
    }

    /// <summary>[Q, D] → blocks of queries, each [D][block]; queries beyond the last are 0.</summary>
    static void PackQueries(ReadOnlySpan<float> queries, int count, int padded, int dimension, float* packed)
    {
        int full = count - count % ScoreTile<ProductScore>.Block;
        for (int q = 0; q < padded; q++)
        {
            int block = q < full ? ScoreTile<ProductScore>.Block : ScoreTile<ProductScore>.TailBlock;
            int inBlock = q < full ? q % block : (q - full) % block;
            float* to = packed + (nint)(q - inBlock) * dimension + inBlock;
            if (q < count)
            {
                foreach (float value in queries.Slice(q * dimension, dimension))
                {
                    *to = value;
                    to += block;
                }
            }
            else
            {
                for (int d = 0; d < dimension; d++, to += block) *to = 0;
            }
        }
    }

    /// <summary>[rows, D] → panels, each [D][panel rows]; rows beyond the last are 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void PackRows(float* rows, int count, int dimension, float* packed)
    {
        for (int first = 0; first < count; first += panelRows, packed += (nint)panelRows * dimension)
        {
            for (int r = 0; r < panelRows; r += 4)
            {
                int present = Math.Clamp(count - first - r, 0, 4);
                float* from = rows + (nint)(first + r) * dimension;
                float* to = packed + r;
                int d = 0;
                if (present == 4)
                {
                    for (; d <= dimension - 4; d += 4) Transposition.Four(from + d, dimension, to + (nint)d * panelRows, panelRows);
                }
                for (; d < dimension; d++)
                    for (int i = 0; i < 4; i++)
                        to[(nint)d * panelRows + i] = i < present ? from[(nint)i * dimension + d] : 0;
            }
        }
    }

    public void Dispose()
    {
        packedQueries.Dispose();
        foreach (Scratch<float> tile in packedTiles) tile.Dispose();
    }

    /// <summary>What the threads of one scan share.</summary>
    sealed class Work
    {
        int next = -1;

        public required float* Rows { get; init; }
        public required int Count { get; init; }
        public required int Dimension { get; init; }
        public required long FirstId { get; init; }
        public required float* Queries { get; init; }
        public required int QueryCount { get; init; }
        public required int PaddedQueries { get; init; }
        public required long* Excluded { get; init; }
        public required int TileRows { get; init; }
        public required int Tiles { get; init; }
        public required TopK Results { get; init; }

        public int Next() => Interlocked.Increment(ref next);
    }
}
