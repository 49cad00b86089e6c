using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Osprey.Kernels.Arithmetic;

namespace Osprey.Kernels.Normalization;

/// <summary>
/// Whitening on this process's cores. A chunk is a band of rows; the weights pass by in tiles of outputs, which stay in the cache for all blocks of four
/// rows of the band, four times four sums in registers.
/// </summary>
internal sealed unsafe class HostWhitening
{
    /// <summary>Rows of a block and outputs of a step: sixteen sums.</summary>
    const int Side = 4;

    /// <summary>Rows of a chunk.</summary>
    const int Band = 32;

    /// <summary>Dimensions summed in one chain.</summary>
    const int ChainLength = 256;

    /// <summary>Values of a tile of weights.</summary>
    const int TileLength = 1 << 15;

    readonly HostTeam team;
    readonly Action<int> chunk;

    // The call in progress.
    int count, dimension, outputs;
    bool unitRows;
    float* rows, weights, bias, whitened;

    public HostWhitening(HostTeam team)
    {
        this.team = team;
        chunk = Chunk;
    }

    public void Apply(
        ReadOnlySpan<float> rows, int count, int dimension, ReadOnlySpan<float> weights, ReadOnlySpan<float> bias, int outputs, Span<float> whitened, bool unitRows)
    {
        (this.count, this.dimension, this.outputs, this.unitRows) = (count, dimension, outputs, unitRows);
        fixed (float* r = rows, w = weights, b = bias, y = whitened)
        {
            this.rows = r;
            this.weights = w;
            this.bias = b;
            this.whitened = y;
            team.Run(chunk, (count + Band - 1) / Band);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void Chunk(int chunk)
    {
        int from = chunk * Band, to = Math.Min(from + Band, count), tile = Math.Max(Side, TileLength / dimension / Side * Side);
        for (int first = 0; first < outputs; first += tile)
        {
            int last = Math.Min(first + tile, outputs);
            for (int row = from; row < to; row += Side)
                for (int output = first; output < last; output += Side) Block(row, Math.Min(Side, to - row), output, Math.Min(Side, last - output));
        }
        if (!unitRows) return;
        for (int row = from; row < to; row++)
        {
            float* y = whitened + ((long)row * outputs);
            Scale(y, outputs, 1 / (MathF.Sqrt(Lanes.Dot(y, y, outputs)) + RowNormalization.Epsilon));
        }
    }

    /// <summary>Up to four rows by up to four outputs; the last of each stands in for those that are not there.</summary>
    void Block(int row, int rowCount, int output, int outputCount)
    {
        float* sums = stackalloc float[Side * Side];
        float* x = rows + ((long)row * dimension), w = weights + ((long)output * dimension);
        Products(
            x, x + (dimension * (long)Math.Min(1, rowCount - 1)), x + (dimension * (long)Math.Min(2, rowCount - 1)), x + (dimension * (long)(rowCount - 1)),
            w, w + (dimension * (long)Math.Min(1, outputCount - 1)), w + (dimension * (long)Math.Min(2, outputCount - 1)), w + (dimension * (long)(outputCount - 1)),
            dimension, sums);
        for (int i = 0; i < rowCount; i++)
        {
            // With fewer than four, the last is the fourth.
            int r = i == rowCount - 1 ? Side - 1 : i;
            for (int j = 0; j < outputCount; j++)
            {
                float sum = sums[(r * Side) + (j == outputCount - 1 ? Side - 1 : j)];
                whitened[((long)(row + i) * outputs) + output + j] = bias is null ? sum : sum + bias[output + j];
            }
        }
    }

    /// <summary>sums[i][j] = ⟨x_i, w_j⟩, in an order that only n decides.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Products(float* x0, float* x1, float* x2, float* x3, float* w0, float* w1, float* w2, float* w3, int n, float* sums)
    {
        new Span<float>(sums, Side * Side).Clear();
        for (int start = 0; start < n; start += ChainLength)
        {
            int end = Math.Min(n, start + ChainLength), i = start;
            Vector512<float> s00 = default, s01 = default, s02 = default, s03 = default, s10 = default, s11 = default, s12 = default, s13 = default;
            Vector512<float> s20 = default, s21 = default, s22 = default, s23 = default, s30 = default, s31 = default, s32 = default, s33 = default;
            for (; i + Lanes.Count <= end; i += Lanes.Count)
            {
                Vector512<float> a = Vector512.Load(x0 + i), b = Vector512.Load(x1 + i), c = Vector512.Load(x2 + i), d = Vector512.Load(x3 + i);
                Vector512<float> w = Vector512.Load(w0 + i);
                s00 = Vector512.FusedMultiplyAdd(a, w, s00);
                s10 = Vector512.FusedMultiplyAdd(b, w, s10);
                s20 = Vector512.FusedMultiplyAdd(c, w, s20);
                s30 = Vector512.FusedMultiplyAdd(d, w, s30);
                w = Vector512.Load(w1 + i);
                s01 = Vector512.FusedMultiplyAdd(a, w, s01);
                s11 = Vector512.FusedMultiplyAdd(b, w, s11);
                s21 = Vector512.FusedMultiplyAdd(c, w, s21);
                s31 = Vector512.FusedMultiplyAdd(d, w, s31);
                w = Vector512.Load(w2 + i);
                s02 = Vector512.FusedMultiplyAdd(a, w, s02);
                s12 = Vector512.FusedMultiplyAdd(b, w, s12);
                s22 = Vector512.FusedMultiplyAdd(c, w, s22);
                s32 = Vector512.FusedMultiplyAdd(d, w, s32);
                w = Vector512.Load(w3 + i);
                s03 = Vector512.FusedMultiplyAdd(a, w, s03);
                s13 = Vector512.FusedMultiplyAdd(b, w, s13);
                s23 = Vector512.FusedMultiplyAdd(c, w, s23);
                s33 = Vector512.FusedMultiplyAdd(d, w, s33);
            }
            Add(sums, s00, s01, s02, s03);
            Add(sums + Side, s10, s11, s12, s13);
            Add(sums + (2 * Side), s20, s21, s22, s23);
            Add(sums + (3 * Side), s30, s31, s32, s33);
            for (; i < end; i++)
            {
                AddOne(sums, x0[i], w0[i], w1[i], w2[i], w3[i]);
                AddOne(sums + Side, x1[i], w0[i], w1[i], w2[i], w3[i]);
                AddOne(sums + (2 * Side), x2[i], w0[i], w1[i], w2[i], w3[i]);
                AddOne(sums + (3 * Side), x3[i], w0[i], w1[i], w2[i], w3[i]);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Add(float* sums, Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float> d)
    {
        sums[0] += ElementaryLanes.Sum(a);
        sums[1] += ElementaryLanes.Sum(b);
        sums[2] += ElementaryLanes.Sum(c);
        sums[3] += ElementaryLanes.Sum(d);
    }

    static void AddOne(float* sums, float x, float a, float b, float c, float d)
    {
        sums[0] += x * a;
        sums[1] += x * b;
        sums[2] += x * c;
        sums[3] += x * d;
    }

    static void Scale(float* y, int n, float scale)
    {
        for (int i = 0; i < n; i++) y[i] *= scale;
    }
}
