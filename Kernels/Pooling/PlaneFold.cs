using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Osprey.Kernels.Arithmetic;

namespace Osprey.Kernels.Pooling;

/// <summary>How two lanes become one.</summary>
internal interface IFold
{
    static abstract Vector512<float> Of(Vector512<float> a, Vector512<float> b);

    static abstract float Of(Vector512<float> lanes);
}

internal readonly struct SumFold : IFold
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Of(Vector512<float> a, Vector512<float> b) => a + b;

    public static float Of(Vector512<float> lanes) => ElementaryLanes.Sum(lanes);
}

/// <summary>The larger; NaN if either is.</summary>
internal readonly struct LargestFold : IFold
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Of(Vector512<float> a, Vector512<float> b) => Vector512.Max(a, b);

    public static float Of(Vector512<float> lanes)
    {
        Vector256<float> a = Vector256.Max(lanes.GetLower(), lanes.GetUpper());
        Vector128<float> b = Vector128.Max(a.GetLower(), a.GetUpper());
        b = Vector128.Max(b, Vector128.Shuffle(b, Vector128.Create(2, 3, 0, 1)));
        return MathF.Max(b[0], b[1]);
    }
}

/// <summary>
/// The ends of sixteen planes at once: the lanes that each plane was folded to become one value each. Sixteen trees in one cost a third of sixteen
/// alone, and fold in the same order: lanes eight apart, then four, two, one.
/// </summary>
internal static unsafe class PlaneFold
{
    /// <param name="lanes">[16 planes][16 lanes].</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Of<TFold>(float* lanes)
        where TFold : IFold
    {
        if (Avx512F.IsSupported)
        {
            Vector512<float> a = Four<TFold>(lanes), b = Four<TFold>(lanes + 16), c = Four<TFold>(lanes + 32), d = Four<TFold>(lanes + 48);
            Vector512<float> ab = TFold.Of(Avx512F.Shuffle(a, b, 0x44), Avx512F.Shuffle(a, b, 0xee));
            Vector512<float> cd = TFold.Of(Avx512F.Shuffle(c, d, 0x44), Avx512F.Shuffle(c, d, 0xee));
            return TFold.Of(Avx512F.Shuffle(ab, cd, 0x88), Avx512F.Shuffle(ab, cd, 0xdd));
        }
        return OneByOne<TFold>(lanes);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static Vector512<float> OneByOne<TFold>(float* lanes)
        where TFold : IFold
    {
        float* each = stackalloc float[Lanes.Count];
        for (int r = 0; r < Lanes.Count; r++) each[r] = TFold.Of(Vector512.Load(lanes + (Lanes.Count * r)));
        return Vector512.Load(each);
    }

    /// <summary>Planes 0, 4, 8 and 12 from here, four lanes of each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<float> Four<TFold>(float* lanes)
        where TFold : IFold
    {
        Vector512<float> a = Vector512.Load(lanes), b = Vector512.Load(lanes + 64), c = Vector512.Load(lanes + 128), d = Vector512.Load(lanes + 192);
        Vector512<float> ab = TFold.Of(Avx512F.Shuffle4x128(a, b, 0x44), Avx512F.Shuffle4x128(a, b, 0xee));
        Vector512<float> cd = TFold.Of(Avx512F.Shuffle4x128(c, d, 0x44), Avx512F.Shuffle4x128(c, d, 0xee));
        return TFold.Of(Avx512F.Shuffle4x128(ab, cd, 0x88), Avx512F.Shuffle4x128(ab, cd, 0xdd));
    }
}
