using ILGPU;

namespace Osprey.Kernels.Search;

/// <summary>The second pass: fp32 scores of the survivors, the same operations in the same order as <see cref="SearchCuda.Scores"/>, so the same bits.</summary>
static class CudaRescore
{
    public const int Threads = 64;

    /// <summary>
    /// Replaces each query's entries from done[query] on, which are row numbers, by keys; <see cref="CandidateKey.None"/> where the score is NaN.
    /// Sixteen threads score a pair, each one chain.
    /// </summary>
    /// <param name="queries">[queries, dimension].</param>
    /// <param name="rows">[rows, dimension].</param>
    /// <param name="queryQuads">The queries' memory, four values at a time; empty where the dimension is no multiple of four.</param>
    /// <param name="rowQuads">The rows' memory likewise.</param>
    /// <param name="counts">[queries], survivors; may exceed the capacity.</param>
    /// <param name="done">[queries].</param>
    /// <param name="entries">[queries, capacity].</param>
    /// <param name="capacity">Entries per query.</param>
    /// <param name="dimension">1 or more.</param>
    /// <param name="firstId">Id of row 0.</param>
    /// <param name="groupsPerQuery">Groups that share a query's survivors.</param>
    /// <param name="similarity">Which score is better.</param>
    [CudaKernel(typeof(ProductScore))]
    [CudaKernel(typeof(DistanceScore))]
    public static void Rescore<TScore>(
        ArrayView<float> queries, ArrayView<float> rows, ArrayView<SearchCuda.Quad> queryQuads, ArrayView<SearchCuda.Quad> rowQuads,
        ArrayView<int> counts, ArrayView<int> done, ArrayView<ulong> entries,
        int capacity, int dimension, long firstId, int groupsPerQuery, Similarity similarity)
        where TScore : struct, IScore
    {
        ArrayView<float> sums = SharedMemory.Allocate<float>(Threads);
        int query = Grid.IdxX / groupsPerQuery, chain = Group.IdxX % ScoreChain.Most, pair = Group.IdxX / ScoreChain.Most;
        int length = ScoreChain.Length(dimension), from = chain * length, to = IntrinsicMath.Min(from + length, dimension);
        int count = IntrinsicMath.Min(counts[query], capacity);
        ArrayView<ulong> list = entries.SubView((long)query * capacity, capacity);
        const int Pairs = Threads / ScoreChain.Most;
        TScore score = default;
        for (int first = done[query] + Grid.IdxX % groupsPerQuery * Pairs; first < count; first += groupsPerQuery * Pairs)
        {
            int at = first + pair;
            float sum = 0;
            if (at < count)
            {
                long row = (long)list[at] * dimension;
                // Neighbouring threads read places that lie a chain apart: four values at a time, where rows lie so that they can.
                if (rowQuads.Length > 0)
                {
                    long qFirst = (long)query * dimension / 4, xFirst = row / 4;
                    for (int d = from / 4; d < to / 4; d++)
                    {
                        SearchCuda.Quad a = queryQuads[qFirst + d], b = rowQuads[xFirst + d];
                        sum = score.Add(score.Add(score.Add(score.Add(sum, a.A, b.A), a.B, b.B), a.C, b.C), a.D, b.D);
                    }
                }
                else
                {
                    for (int d = from; d < to; d++) sum = score.Add(sum, queries[(long)query * dimension + d], rows[row + d]);
                }
            }
            sums[Group.IdxX] = sum;
            Group.Barrier();
            if (chain == 0 && at < count)
            {
                // A chain that the dimension does not reach adds +0, which changes no total that began as +0.
                float total = 0;
                for (int c = 0; c < ScoreChain.Most; c++) total += sums[Group.IdxX + c];
                list[at] = float.IsNaN(total)
                    ? CandidateKey.None
                    : CandidateKey.FromBits(Interop.FloatAsInt(CandidateKey.Cost(similarity, total)), firstId + (long)list[at]);
            }
            Group.Barrier();
        }
    }

    /// <summary>All that is there is done; a count beyond the capacity stays just beyond it, so that no number of slices overflows it. One thread per query.</summary>
    [CudaKernel]
    public static void Settle(ArrayView<int> counts, ArrayView<int> done, int capacity)
    {
        int query = Grid.IdxX * Group.DimX + Group.IdxX;
        if (query >= counts.Length) return;
        counts[query] = IntrinsicMath.Min(counts[query], capacity + 1);
        done[query] = IntrinsicMath.Min(counts[query], capacity);
    }
}
