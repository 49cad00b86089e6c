using ILGPU;
using ILGPU.Algorithms;

namespace Osprey.Kernels.Search;

/// <summary>Rows and queries as 8-bit codes in −127 … 127 with their bounds: a warp per vector, or a thread. Codes lie four to an integer, [vectors, depth / 4], code 0 beyond the last dimension.</summary>
/// <remarks>
/// A vector gets no codes (Scale 0) where its largest value is below 2⁻¹⁰⁰, so that nothing here falls below the normal range, or where it is
/// not regular: longer than 2⁶², or with a value that is not finite. Sums of squares are in double, and x − Scale·code is exact in it.
/// </remarks>
static class CudaCodes
{
    /// <summary>Products of two vectors no longer than this stay far from overflow in fp32.</summary>
    const double LongestRegular = 1L << 62;

    const float SmallestCoded = 1f / (1L << 50) / (1L << 50);

    /// <summary>Makes up for the rounding of sums in double, with much to spare.</summary>
    const double Spare = 1 + 1e-9;

    /// <summary>Sixteen roundings in fp32.</summary>
    const double SixteenRoundings = 1.0 / (1 << 20);

    /// <param name="rows">[bounds.Length, dimension].</param>
    /// <param name="codes">[bounds.Length, depth / 4].</param>
    /// <param name="bounds">Written.</param>
    /// <param name="dimension">Values of a row.</param>
    /// <param name="depth">Codes of a row: dimension, rounded up to a multiple of 64.</param>
    /// <param name="similarity">L2 has an offset.</param>
    /// <param name="lanes">Threads per row: a warp, or 1 where shuffles are slow, as on the simulator.</param>
    [CudaKernel]
    public static void EncodeRows(ArrayView<float> rows, ArrayView<int> codes, ArrayView<RowBound> bounds, int dimension, int depth, Similarity similarity, int lanes)
    {
        int lane = Group.IdxX % lanes;
        long step = (long)Grid.DimX * (Group.DimX / lanes);
        for (long row = (long)Grid.IdxX * (Group.DimX / lanes) + Group.IdxX / lanes; row < bounds.Length; row += step)
        {
            Coded coded = Encode(rows.SubView(row * dimension, dimension), codes.SubView(row * (depth / 4), depth / 4), lane, lanes);
            if (lane == 0)
            {
                // A little above −‖x‖²/2, and by enough for the rounding of the sum it goes into.
                float offset = similarity == Similarity.L2 && coded.Regular ? (float)(-0.5 * (1 - SixteenRoundings) * coded.Square) : 0f;
                bounds[row] = coded.Regular
                    ? new RowBound(coded.Scale, Up(XMath.Sqrt(coded.Residual) * Spare), Up(XMath.Sqrt(coded.Square) * Spare), offset)
                    : new RowBound(0, float.PositiveInfinity, float.PositiveInfinity, 0);
            }
        }
    }

    /// <param name="queries">[queryCount, dimension].</param>
    /// <param name="codes">[bounds.Length, depth / 4].</param>
    /// <param name="bounds">Written, and beyond the last query such that no row survives. The threshold is −∞.</param>
    /// <param name="squares">[bounds.Length], ‖q‖².</param>
    /// <param name="queryCount">Queries without padding.</param>
    /// <param name="dimension">Values of a query.</param>
    /// <param name="depth">Codes of a query.</param>
    /// <param name="rounding">The rounding error of a score relative to ‖q‖·‖x‖; 0 for L2, whose threshold takes it.</param>
    [CudaKernel]
    public static void EncodeQueries(
        ArrayView<float> queries, ArrayView<int> codes, ArrayView<QueryBound> bounds, ArrayView<double> squares, int queryCount, int dimension, int depth, double rounding)
    {
        int step = Grid.DimX * (Group.DimX / Warp.WarpSize);
        for (int query = Grid.IdxX * (Group.DimX / Warp.WarpSize) + Group.IdxX / Warp.WarpSize; query < bounds.Length; query += step)
        {
            ArrayView<int> into = codes.SubView((long)query * (depth / 4), depth / 4);
            if (query < queryCount)
            {
                Coded coded = Encode(queries.SubView((long)query * dimension, dimension), into, Warp.LaneIdx, Warp.WarpSize);
                if (Warp.LaneIdx == 0)
                {
                    // The bound's own sums are rounded, too: sixteen roundings of each of its parts are more than there are.
                    double error = (XMath.Sqrt(coded.Residual) + (rounding + SixteenRoundings) * XMath.Sqrt(coded.Square)) * (1 + SixteenRoundings);
                    float length = Up(coded.Scale * XMath.Sqrt((double)coded.CodeSquares) * (1 + SixteenRoundings));
                    bounds[query] = coded.Regular ? new QueryBound(coded.Scale, length, Up(error), float.NegativeInfinity) : new QueryBound(0, 0, float.PositiveInfinity, float.NegativeInfinity);
                    squares[query] = coded.Square;
                }
            }
            else
            {
                for (int i = Warp.LaneIdx; i < into.Length; i += Warp.WarpSize) into[i] = 0;
                if (Warp.LaneIdx == 0)
                {
                    bounds[query] = new QueryBound(0, 0, 0, float.PositiveInfinity);
                    squares[query] = 0;
                }
            }
        }
    }

    /// <summary>Every lane calls it and gets the same.</summary>
    static Coded Encode(ArrayView<float> values, ArrayView<int> codes, int lane, int lanes)
    {
        int dimension = (int)values.Length;
        float largest = 0;
        double square = 0;
        for (int i = lane; i < dimension; i += lanes)
        {
            float value = values[i];
            largest = XMath.Max(largest, XMath.Abs(value));
            square += (double)value * value;
        }
        for (int distance = lanes / 2; distance > 0; distance /= 2)
        {
            largest = XMath.Max(largest, Warp.ShuffleXor(largest, distance));
            square += Warp.ShuffleXor(square, distance);
        }
        // Where a value is not a number, neither is the sum.
        bool regular = square <= LongestRegular * LongestRegular;
        float scale = regular && largest >= SmallestCoded ? largest / 127 : 0, inverse = scale > 0 ? 1 / scale : 0;

        double residual = 0;
        int codeSquares = 0;
        for (int group = lane; group < codes.Length; group += lanes)
        {
            int packed = 0;
            for (int j = 0; j < 4; j++)
            {
                int i = group * 4 + j;
                float value = regular && i < dimension ? values[i] : 0f;
                float scaled = value * inverse;
                int code = IntrinsicMath.Clamp((int)(scaled + (scaled < 0 ? -0.5f : 0.5f)), -127, 127);
                double difference = value - (double)scale * code;
                residual += difference * difference;
                codeSquares += code * code;
                packed |= (code & 255) << (8 * j);
            }
            codes[group] = packed;
        }
        for (int distance = lanes / 2; distance > 0; distance /= 2)
        {
            residual += Warp.ShuffleXor(residual, distance);
            codeSquares += Warp.ShuffleXor(codeSquares, distance);
        }
        return new Coded(regular, scale, square, residual, codeSquares);
    }

    /// <summary>The next float that is not below a number that is not negative.</summary>
    static float Up(double value)
    {
        float nearest = (float)value;
        return nearest < value ? Interop.IntAsFloat(Interop.FloatAsInt(nearest) + 1) : nearest;
    }

    readonly struct Coded(bool regular, float scale, double square, double residual, int codeSquares)
    {
        public readonly bool Regular = regular;
        public readonly float Scale = scale;
        public readonly double Square = square, Residual = residual;
        public readonly int CodeSquares = codeSquares;
    }
}
