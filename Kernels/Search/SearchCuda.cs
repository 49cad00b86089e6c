using ILGPU;

namespace Osprey.Kernels.Search;

/// <summary>The CUDA kernels: scores of a chunk of rows for all queries, then per query the k best of those and of what was kept.</summary>
static class SearchCuda
{
    /// <summary>Queries and rows in a group's tile.</summary>
    public const int Tile = 32;

    /// <summary>Threads in a group of <see cref="Scores"/>: 8 × 8, each with 4 queries × 4 rows.</summary>
    public const int ScoreThreads = 64;

    /// <summary>Dimensions that are in shared memory at a time; divides <see cref="ScoreChain.Length"/>.</summary>
    const int Depth = 16;

    /// <summary>A tile's row in shared memory is one float longer than the tile, so that a column's values lie in different banks.</summary>
    const int Pitch = Tile + 1;

    /// <summary>Writes scores [queryCount, rowCount]. Groups go through the tiles of queries first; one index for both, since a grid's second is short.</summary>
    [CudaKernel(typeof(ProductScore))]
    [CudaKernel(typeof(DistanceScore))]
    public static void Scores<TScore>(ArrayView<float> queries, ArrayView<float> rows, ArrayView<float> scores, int queryCount, int rowCount, int dimension)
        where TScore : struct, IScore
    {
        ArrayView<float> sharedQueries = SharedMemory.Allocate<float>(Depth * Pitch), sharedRows = SharedMemory.Allocate<float>(Depth * Pitch);
        int queryTiles = (queryCount + Tile - 1) / Tile;
        int thread = Group.IdxX, firstQuery = Grid.IdxX % queryTiles * Tile, firstRow = Grid.IdxX / queryTiles * Tile;
        int q = thread / 8 * 4, r = thread % 8 * 4;
        // As on the host, so that the sums are rounded alike.
        int chain = ScoreChain.Length(dimension);
        Quad total0 = default, total1 = default, total2 = default, total3 = default;
        Quad sum0 = default, sum1 = default, sum2 = default, sum3 = default;
        for (int d = 0; d < dimension; d += Depth)
        {
            for (int i = thread; i < Tile * Depth; i += ScoreThreads)
            {
                int item = i / Depth, depth = i % Depth;
                bool inside = d + depth < dimension;
                // Zeros past the last dimension add nothing; past the last query or row they make scores that are not written.
                sharedQueries[depth * Pitch + item] = inside && firstQuery + item < queryCount ? queries[(long)(firstQuery + item) * dimension + d + depth] : 0f;
                sharedRows[depth * Pitch + item] = inside && firstRow + item < rowCount ? rows[(long)(firstRow + item) * dimension + d + depth] : 0f;
            }
            Group.Barrier();
            for (int depth = 0; depth < Depth; depth++)
            {
                int at = depth * Pitch;
                var x = new Quad(sharedRows[at + r], sharedRows[at + r + 1], sharedRows[at + r + 2], sharedRows[at + r + 3]);
                sum0 = sum0.Add<TScore>(sharedQueries[at + q], x);
                sum1 = sum1.Add<TScore>(sharedQueries[at + q + 1], x);
                sum2 = sum2.Add<TScore>(sharedQueries[at + q + 2], x);
                sum3 = sum3.Add<TScore>(sharedQueries[at + q + 3], x);
            }
            Group.Barrier();
            if ((d + Depth) % chain == 0 || d + Depth >= dimension)
            {
                total0 = total0.Plus(sum0);
                total1 = total1.Plus(sum1);
                total2 = total2.Plus(sum2);
                total3 = total3.Plus(sum3);
                sum0 = sum1 = sum2 = sum3 = default;
            }
        }
        Write(scores, total0, firstQuery + q, firstRow + r, queryCount, rowCount);
        Write(scores, total1, firstQuery + q + 1, firstRow + r, queryCount, rowCount);
        Write(scores, total2, firstQuery + q + 2, firstRow + r, queryCount, rowCount);
        Write(scores, total3, firstQuery + q + 3, firstRow + r, queryCount, rowCount);
    }

    static void Write(ArrayView<float> scores, Quad values, int query, int row, int queryCount, int rowCount)
    {
        if (query >= queryCount) return;
        long at = (long)query * rowCount + row;
        if (row < rowCount) scores[at] = values.A;
        if (row + 1 < rowCount) scores[at + 1] = values.B;
        if (row + 2 < rowCount) scores[at + 2] = values.C;
        if (row + 3 < rowCount) scores[at + 3] = values.D;
    }

    /// <summary>Four neighbouring values; ILGPU keeps the members in registers.</summary>
    public readonly struct Quad(float a, float b, float c, float d)
    {
        public readonly float A = a, B = b, C = c, D = d;

        public Quad Add<TScore>(float query, Quad row)
            where TScore : struct, IScore
        {
            TScore score = default;
            return new Quad(score.Add(A, query, row.A), score.Add(B, query, row.B), score.Add(C, query, row.C), score.Add(D, query, row.D));
        }

        public Quad Plus(Quad other) => new(A + other.A, B + other.B, C + other.C, D + other.D);
    }

    /// <summary>For the query of each group, writes to <paramref name="next"/> the k smallest keys, in any order, of the k in <paramref name="kept"/> and of the scores' keys.</summary>
    /// <param name="scores">[queries, rowCount].</param>
    /// <param name="eligible">Of these rows; the others have no key.</param>
    /// <param name="kept">[queries, k]; <see cref="CandidateKey.None"/> where there is none.</param>
    /// <param name="next">[queries, k].</param>
    /// <param name="rowCount">Scores per query.</param>
    /// <param name="k">Keys per query.</param>
    /// <param name="similarity">Which score is better.</param>
    [CudaKernel]
    public static void Select(ArrayView<float> scores, EligibleRows eligible, ArrayView<ulong> kept, ArrayView<ulong> next, int rowCount, int k, Similarity similarity)
    {
        int query = Grid.IdxX;
        var keys = new KeptAndScored(scores.SubView((long)query * rowCount, rowCount), eligible, kept.SubView((long)query * k, k), query, similarity);
        CudaSelection.Select(keys, (long)k + rowCount, next.SubView((long)query * k, k));
    }

    readonly struct KeptAndScored(ArrayView<float> scores, EligibleRows eligible, ArrayView<ulong> kept, int query, Similarity similarity) : IKeyList
    {
        readonly ArrayView<float> scores = scores;
        readonly EligibleRows eligible = eligible;
        readonly ArrayView<ulong> kept = kept;
        readonly int query = query;
        readonly Similarity similarity = similarity;

        public ulong Key(long i)
        {
            if (i < kept.Length) return kept[i];
            long row = i - kept.Length;
            float score = scores[row];
            if (float.IsNaN(score) || !eligible.Has(query, row)) return CandidateKey.None;
            return CandidateKey.FromBits(Interop.FloatAsInt(CandidateKey.Cost(similarity, score)), eligible.Id(row));
        }
    }
}
