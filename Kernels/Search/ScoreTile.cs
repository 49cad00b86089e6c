using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Osprey.Kernels.Search;

/// <summary>
/// Scores of a block of queries for a panel of rows, the sums held in registers. Both sides are packed dimension by dimension, so that
/// one dimension is a broadcast of each query's value times a vector of rows.
/// </summary>
/// <remarks>
/// Every score is one lane, summed as <see cref="ScoreChain"/> says. So its bits depend on the two vectors alone, not on the vector width,
/// the block it falls in, or the thread. The chain's end bounds the rounding error by about (D/16 + 16)·2⁻²⁴ of Σ|q·x| instead of D·2⁻²⁴.
/// The loops ask for optimised code at once: the first search of a process is often its only one.
/// </remarks>
static unsafe class ScoreTile<TScore>
    where TScore : struct, IScore
{
    /// <summary>Queries in a full block.</summary>
    public const int Block = 12;

    /// <summary>Queries in a block of the tail.</summary>
    public const int TailBlock = 4;

    /// <summary>Rows in a panel.</summary>
    public static int PanelRows(SimdLevel level) => level switch
    {
        SimdLevel.Vector512 => 32,
        SimdLevel.Vector256 => 16,
        _ => 2 * Vector<float>.Count,
    };

    /// <summary>Writes the scores [block][panel rows].</summary>
    /// <param name="level">Which micro-kernel.</param>
    /// <param name="queries">[dimension][block].</param>
    /// <param name="block"><see cref="Block"/> or <see cref="TailBlock"/>.</param>
    /// <param name="rows">[dimension][panel rows].</param>
    /// <param name="dimension">At least 1.</param>
    /// <param name="scores">Overwritten.</param>
    public static void Compute(SimdLevel level, float* queries, int block, float* rows, int dimension, float* scores)
    {
        int panel = PanelRows(level), chain = ScoreChain.Length(dimension);
        Unsafe.InitBlockUnaligned(scores, 0, (uint)(block * panel * sizeof(float)));
        for (int d = 0; d < dimension; d += chain)
        {
            int length = Math.Min(chain, dimension - d);
            float* q = queries + (nint)d * block, x = rows + (nint)d * panel;
            if (level == SimdLevel.Vector512)
            {
                if (block == Block) Twelve512(q, block, x, length, scores);
                else Four512(q, block, x, length, scores);
            }
            else if (level == SimdLevel.Vector256)
            {
                if (block == Block)
                {
                    Six256(q, block, x, length, scores);
                    Six256(q + 6, block, x, length, scores + 6 * panel);
                }
                else
                {
                    Four256(q, block, x, length, scores);
                }
            }
            else
            {
                for (int i = 0; i < block; i += TailBlock) FourPortable(q + i, block, x, length, scores + i * panel);
            }
        }
    }

    /// <summary>12 queries × 32 rows: 24 sums in registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Twelve512(float* queries, int stride, float* rows, int length, float* sums)
    {
        Vector512<float> a0 = Vector512<float>.Zero, a1 = Vector512<float>.Zero, a2 = Vector512<float>.Zero, a3 = Vector512<float>.Zero, a4 = Vector512<float>.Zero, a5 = Vector512<float>.Zero, a6 = Vector512<float>.Zero, a7 = Vector512<float>.Zero, a8 = Vector512<float>.Zero, a9 = Vector512<float>.Zero, a10 = Vector512<float>.Zero, a11 = Vector512<float>.Zero;
        Vector512<float> b0 = Vector512<float>.Zero, b1 = Vector512<float>.Zero, b2 = Vector512<float>.Zero, b3 = Vector512<float>.Zero, b4 = Vector512<float>.Zero, b5 = Vector512<float>.Zero, b6 = Vector512<float>.Zero, b7 = Vector512<float>.Zero, b8 = Vector512<float>.Zero, b9 = Vector512<float>.Zero, b10 = Vector512<float>.Zero, b11 = Vector512<float>.Zero;
        for (float* end = rows + (nint)length * 2 * 16; rows < end; rows += 2 * 16, queries += stride)
        {
            Vector512<float> x = Vector512.Load(rows), y = Vector512.Load(rows + 16), q;
            q = Vector512.Create(*queries);
            a0 = TScore.Add(a0, q, x);
            b0 = TScore.Add(b0, q, y);
            q = Vector512.Create(queries[1]);
            a1 = TScore.Add(a1, q, x);
            b1 = TScore.Add(b1, q, y);
            q = Vector512.Create(queries[2]);
            a2 = TScore.Add(a2, q, x);
            b2 = TScore.Add(b2, q, y);
            q = Vector512.Create(queries[3]);
            a3 = TScore.Add(a3, q, x);
            b3 = TScore.Add(b3, q, y);
            q = Vector512.Create(queries[4]);
            a4 = TScore.Add(a4, q, x);
            b4 = TScore.Add(b4, q, y);
            q = Vector512.Create(queries[5]);
            a5 = TScore.Add(a5, q, x);
            b5 = TScore.Add(b5, q, y);
            q = Vector512.Create(queries[6]);
            a6 = TScore.Add(a6, q, x);
            b6 = TScore.Add(b6, q, y);
            q = Vector512.Create(queries[7]);
            a7 = TScore.Add(a7, q, x);
            b7 = TScore.Add(b7, q, y);
            q = Vector512.Create(queries[8]);
            a8 = TScore.Add(a8, q, x);
            b8 = TScore.Add(b8, q, y);
            q = Vector512.Create(queries[9]);
            a9 = TScore.Add(a9, q, x);
            b9 = TScore.Add(b9, q, y);
            q = Vector512.Create(queries[10]);
            a10 = TScore.Add(a10, q, x);
            b10 = TScore.Add(b10, q, y);
            q = Vector512.Create(queries[11]);
            a11 = TScore.Add(a11, q, x);
            b11 = TScore.Add(b11, q, y);
        }
        AddTo(sums, 0, a0, b0);
        AddTo(sums, 1, a1, b1);
        AddTo(sums, 2, a2, b2);
        AddTo(sums, 3, a3, b3);
        AddTo(sums, 4, a4, b4);
        AddTo(sums, 5, a5, b5);
        AddTo(sums, 6, a6, b6);
        AddTo(sums, 7, a7, b7);
        AddTo(sums, 8, a8, b8);
        AddTo(sums, 9, a9, b9);
        AddTo(sums, 10, a10, b10);
        AddTo(sums, 11, a11, b11);
    }

    /// <summary>4 queries × 32 rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Four512(float* queries, int stride, float* rows, int length, float* sums)
    {
        Vector512<float> a0 = Vector512<float>.Zero, a1 = Vector512<float>.Zero, a2 = Vector512<float>.Zero, a3 = Vector512<float>.Zero;
        Vector512<float> b0 = Vector512<float>.Zero, b1 = Vector512<float>.Zero, b2 = Vector512<float>.Zero, b3 = Vector512<float>.Zero;
        for (float* end = rows + (nint)length * 2 * 16; rows < end; rows += 2 * 16, queries += stride)
        {
            Vector512<float> x = Vector512.Load(rows), y = Vector512.Load(rows + 16), q;
            q = Vector512.Create(*queries);
            a0 = TScore.Add(a0, q, x);
            b0 = TScore.Add(b0, q, y);
            q = Vector512.Create(queries[1]);
            a1 = TScore.Add(a1, q, x);
            b1 = TScore.Add(b1, q, y);
            q = Vector512.Create(queries[2]);
            a2 = TScore.Add(a2, q, x);
            b2 = TScore.Add(b2, q, y);
            q = Vector512.Create(queries[3]);
            a3 = TScore.Add(a3, q, x);
            b3 = TScore.Add(b3, q, y);
        }
        AddTo(sums, 0, a0, b0);
        AddTo(sums, 1, a1, b1);
        AddTo(sums, 2, a2, b2);
        AddTo(sums, 3, a3, b3);
    }

    /// <summary>6 queries × 16 rows: 12 of the 16 registers hold sums.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Six256(float* queries, int stride, float* rows, int length, float* sums)
    {
        Vector256<float> a0 = Vector256<float>.Zero, a1 = Vector256<float>.Zero, a2 = Vector256<float>.Zero, a3 = Vector256<float>.Zero, a4 = Vector256<float>.Zero, a5 = Vector256<float>.Zero;
        Vector256<float> b0 = Vector256<float>.Zero, b1 = Vector256<float>.Zero, b2 = Vector256<float>.Zero, b3 = Vector256<float>.Zero, b4 = Vector256<float>.Zero, b5 = Vector256<float>.Zero;
        for (float* end = rows + (nint)length * 2 * 8; rows < end; rows += 2 * 8, queries += stride)
        {
            Vector256<float> x = Vector256.Load(rows), y = Vector256.Load(rows + 8), q;
            q = Vector256.Create(*queries);
            a0 = TScore.Add(a0, q, x);
            b0 = TScore.Add(b0, q, y);
            q = Vector256.Create(queries[1]);
            a1 = TScore.Add(a1, q, x);
            b1 = TScore.Add(b1, q, y);
            q = Vector256.Create(queries[2]);
            a2 = TScore.Add(a2, q, x);
            b2 = TScore.Add(b2, q, y);
            q = Vector256.Create(queries[3]);
            a3 = TScore.Add(a3, q, x);
            b3 = TScore.Add(b3, q, y);
            q = Vector256.Create(queries[4]);
            a4 = TScore.Add(a4, q, x);
            b4 = TScore.Add(b4, q, y);
            q = Vector256.Create(queries[5]);
            a5 = TScore.Add(a5, q, x);
            b5 = TScore.Add(b5, q, y);
        }
        AddTo(sums, 0, a0, b0);
        AddTo(sums, 1, a1, b1);
        AddTo(sums, 2, a2, b2);
        AddTo(sums, 3, a3, b3);
        AddTo(sums, 4, a4, b4);
        AddTo(sums, 5, a5, b5);
    }

    /// <summary>4 queries × 16 rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Four256(float* queries, int stride, float* rows, int length, float* sums)
    {
        Vector256<float> a0 = Vector256<float>.Zero, a1 = Vector256<float>.Zero, a2 = Vector256<float>.Zero, a3 = Vector256<float>.Zero;
        Vector256<float> b0 = Vector256<float>.Zero, b1 = Vector256<float>.Zero, b2 = Vector256<float>.Zero, b3 = Vector256<float>.Zero;
        for (float* end = rows + (nint)length * 2 * 8; rows < end; rows += 2 * 8, queries += stride)
        {
            Vector256<float> x = Vector256.Load(rows), y = Vector256.Load(rows + 8), q;
            q = Vector256.Create(*queries);
            a0 = TScore.Add(a0, q, x);
            b0 = TScore.Add(b0, q, y);
            q = Vector256.Create(queries[1]);
            a1 = TScore.Add(a1, q, x);
            b1 = TScore.Add(b1, q, y);
            q = Vector256.Create(queries[2]);
            a2 = TScore.Add(a2, q, x);
            b2 = TScore.Add(b2, q, y);
            q = Vector256.Create(queries[3]);
            a3 = TScore.Add(a3, q, x);
            b3 = TScore.Add(b3, q, y);
        }
        AddTo(sums, 0, a0, b0);
        AddTo(sums, 1, a1, b1);
        AddTo(sums, 2, a2, b2);
        AddTo(sums, 3, a3, b3);
    }

    /// <summary>4 queries × two vectors of rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void FourPortable(float* queries, int stride, float* rows, int length, float* sums)
    {
        Vector<float> a0 = Vector<float>.Zero, a1 = Vector<float>.Zero, a2 = Vector<float>.Zero, a3 = Vector<float>.Zero;
        Vector<float> b0 = Vector<float>.Zero, b1 = Vector<float>.Zero, b2 = Vector<float>.Zero, b3 = Vector<float>.Zero;
        for (float* end = rows + (nint)length * 2 * Vector<float>.Count; rows < end; rows += 2 * Vector<float>.Count, queries += stride)
        {
            Vector<float> x = Vector.Load(rows), y = Vector.Load(rows + Vector<float>.Count), q;
            q = new Vector<float>(*queries);
            a0 = TScore.Add(a0, q, x);
            b0 = TScore.Add(b0, q, y);
            q = new Vector<float>(queries[1]);
            a1 = TScore.Add(a1, q, x);
            b1 = TScore.Add(b1, q, y);
            q = new Vector<float>(queries[2]);
            a2 = TScore.Add(a2, q, x);
            b2 = TScore.Add(b2, q, y);
            q = new Vector<float>(queries[3]);
            a3 = TScore.Add(a3, q, x);
            b3 = TScore.Add(b3, q, y);
        }
        AddTo(sums, 0, a0, b0);
        AddTo(sums, 1, a1, b1);
        AddTo(sums, 2, a2, b2);
        AddTo(sums, 3, a3, b3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void AddTo(float* sums, int query, Vector512<float> a, Vector512<float> b)
    {
        float* at = sums + query * 32;
        (Vector512.Load(at) + a).Store(at);
        (Vector512.Load(at + 16) + b).Store(at + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void AddTo(float* sums, int query, Vector256<float> a, Vector256<float> b)
    {
        float* at = sums + query * 16;
        (Vector256.Load(at) + a).Store(at);
        (Vector256.Load(at + 8) + b).Store(at + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void AddTo(float* sums, int query, Vector<float> a, Vector<float> b)
    {
        float* at = sums + query * 2 * Vector<float>.Count;
        (Vector.Load(at) + a).Store(at);
        (Vector.Load(at + Vector<float>.Count) + b).Store(at + Vector<float>.Count);
    }
}
