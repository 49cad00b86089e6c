using ILGPU;

namespace Osprey.Kernels.Search;

/// <summary>
/// From the cost (see <see cref="CandidateKey.Cost"/>) that the answers of a query are guessed or known not to exceed to the threshold of the first pass:
/// a row whose fp32 cost is at most the limit has an upper bound that reaches the threshold.
/// </summary>
static class CudaThresholds
{
    /// <summary>
    /// For the query of each group, guesses the limit: that of the rank-th best of its sampled scores, or none where the sample has fewer.
    /// The score is found byte by byte from the top, by counting.
    /// </summary>
    /// <param name="scores">[queries, sampled]; NaN where a row is not eligible.</param>
    /// <param name="bounds">Gets the thresholds.</param>
    /// <param name="squares">‖q‖².</param>
    /// <param name="limits">[queries], costs; +∞ for none.</param>
    /// <param name="sampled">Scores per query.</param>
    /// <param name="rank">1 or more.</param>
    /// <param name="similarity">What a score is.</param>
    /// <param name="rounding">Of a score, relative: <see cref="ScoreChain.RelativeError"/>.</param>
    /// <param name="underflow">Of a score, absolute.</param>
    [CudaKernel]
    public static void Guess(
        ArrayView<float> scores, ArrayView<QueryBound> bounds, ArrayView<double> squares, ArrayView<float> limits,
        int sampled, int rank, Similarity similarity, double rounding, double underflow)
    {
        ArrayView<int> counts = SharedMemory.Allocate<int>(256);
        ArrayView<uint> found = SharedMemory.Allocate<uint>(1);
        ArrayView<int> wanted = SharedMemory.Allocate<int>(1);
        int query = Grid.IdxX, thread = Group.IdxX, threads = Group.DimX;
        if (thread == 0)
        {
            found[0] = 0;
            wanted[0] = rank;
        }
        for (int shift = 24; shift >= 0; shift -= 8)
        {
            for (int i = thread; i < 256; i += threads) counts[i] = 0;
            Group.Barrier();
            uint prefix = found[0];
            for (int i = thread; i < sampled; i += threads)
            {
                float score = scores[(long)query * sampled + i];
                uint key = float.IsNaN(score) ? uint.MaxValue : Key(score);
                // At the first byte every key matches; a shift by 32 would be none at all.
                if (shift == 24 || key >> (shift + 8) == prefix) Atomic.Add(ref counts[(int)(key >> shift) & 255], 1);
            }
            Group.Barrier();
            if (thread == 0)
            {
                int rest = wanted[0], digit = 0;
                // The sample may hold fewer than rank scores; then the last digit stands, and "none" comes out.
                while (digit < 255 && counts[digit] < rest)
                {
                    rest -= counts[digit];
                    digit++;
                }
                wanted[0] = rest;
                found[0] = prefix << 8 | (uint)digit;
            }
            Group.Barrier();
        }
        if (thread != 0) return;
        float limit = float.PositiveInfinity;
        if (found[0] != uint.MaxValue)
        {
            float score = Score(found[0]);
            // An approximate distance may be negative, a distance not.
            limit = similarity == Similarity.InnerProduct ? -score : (float)IntrinsicMath.Max(0.0, squares[query] - 2.0 * score);
        }
        limits[query] = limit;
        Set(bounds, squares, query, limit, similarity, rounding, underflow);
    }

    /// <summary>Sets the thresholds of limits that are known. One thread per query.</summary>
    [CudaKernel]
    public static void Know(
        ArrayView<QueryBound> bounds, ArrayView<double> squares, ArrayView<float> limits, Similarity similarity, double rounding, double underflow)
    {
        int query = Grid.IdxX * Group.DimX + Group.IdxX;
        if (query < limits.Length) Set(bounds, squares, query, limits[query], similarity, rounding, underflow);
    }

    static void Set(ArrayView<QueryBound> bounds, ArrayView<double> squares, int query, float limit, Similarity similarity, double rounding, double underflow)
    {
        QueryBound bound = bounds[query];
        bounds[query] = new QueryBound(bound.Scale, bound.Length, bound.Error, Threshold(similarity, limit, squares[query], rounding, underflow));
    }

    /// <summary>
    /// What the upper bound of every row reaches whose fp32 cost is at most the limit. That cost may be less than the true one by its rounding.
    /// For L2, q·x − ‖x‖²/2 = (‖q‖² − ‖q−x‖²)/2; ‖q‖² is right to 1e-9.
    /// </summary>
    public static float Threshold(Similarity similarity, float limit, double square, double rounding, double underflow) => Down(
        similarity == Similarity.InnerProduct ? -(double)limit - underflow : 0.5 * (square * (1 - 1e-9) - (limit + underflow) * (1 + 1.01 * rounding)));

    /// <summary>A float below the number, next to it.</summary>
    static float Down(double value)
    {
        float nearest = (float)value;
        if (float.IsNaN(nearest) || float.IsNegativeInfinity(nearest)) return float.NegativeInfinity;
        if (nearest == 0) return -float.Epsilon;
        uint bits = Interop.FloatAsInt(nearest);
        return Interop.IntAsFloat(nearest > 0 ? bits - 1 : bits + 1);
    }

    /// <summary>Lowest for the highest score; never 2³²−1.</summary>
    static uint Key(float score)
    {
        uint bits = Interop.FloatAsInt(0f - score);
        return bits ^ (uint)((int)bits >> 31 | int.MinValue);
    }

    static float Score(uint key) => 0f - Interop.IntAsFloat(key ^ ((key >> 31) - 1 | 0x8000_0000));
}
