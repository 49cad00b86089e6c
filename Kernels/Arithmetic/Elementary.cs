using System.Runtime.CompilerServices;
using ILGPU;

namespace Osprey.Kernels.Arithmetic;

/// <summary>
/// Powers, logarithms and the sine of float32, in one form for CUDA kernels (float; here) and one for the host's SIMD
/// (<see cref="ElementaryLanes"/>), step by step the same operations and so the same bits. Polynomials after Moshier's Cephes
/// (logf, exp2f, sinf, cosf). Errors against fp64, measured in ElementaryTests: power 4·max(1, p) ulp where the result is normal,
/// logarithm and cube root 2 ulp, sine and cosine 2^-23 absolute.
/// </summary>
internal static class Elementary
{
    /// <summary>Below it: x = 2^e·m with m in [√½, √2) no longer holds, and x is taken for about 2^-127.</summary>
    public const float SmallestNormal = 1.17549435e-38f;

    internal const int SqrtHalfBits = 0x3f3504f3;
    internal const float Log2E = 1.44269504f;

    /// <summary>ln 2 in two parts; the first has so few bits that its product with an exponent is exact.</summary>
    internal const float Ln2High = 0.693359375f, Ln2Low = -2.12194440e-4f;

    /// <summary>1.5·2²³: adding it rounds a float of magnitude below 2²² to an integer, which stands in the low bits of the sum.</summary>
    internal const float Rounder = 12582912f;
    internal const int RounderBits = 0x4b400000;

    internal const float L0 = 7.0376836292e-2f, L1 = -1.1514610310e-1f, L2 = 1.1676998740e-1f, L3 = -1.2420140846e-1f, L4 = 1.4249322787e-1f,
        L5 = -1.6668057665e-1f, L6 = 2.0000714765e-1f, L7 = -2.4999993993e-1f, L8 = 3.3333331174e-1f;

    internal const float E0 = 1.535336188319500e-4f, E1 = 1.339887440266574e-3f, E2 = 9.618437357674640e-3f, E3 = 5.550332471162809e-2f,
        E4 = 2.402264791363012e-1f, E5 = 6.931472028550421e-1f;

    internal const float S0 = -1.9515295891e-4f, S1 = 8.3321608736e-3f, S2 = -1.6666654611e-1f;
    internal const float C0 = 2.443315711809948e-5f, C1 = -1.388731625493765e-3f, C2 = 4.166664568298827e-2f;
    internal const float TwoPi = 6.28318531f;

    /// <summary>ln x, x normal and positive.</summary>
    public static float Log(float x)
    {
        float e = SplitExponent(x, out float mantissa);
        float f = mantissa - 1;
        float z = f * f;
        // f − f²/2 + f³·P(f), the small terms first.
        float tail = CudaMath.Fma(e, Ln2Low, LogTail(f) * (z * f));
        tail = CudaMath.Fma(-0.5f, z, tail);
        return CudaMath.Fma(e, Ln2High, f + tail);
    }

    /// <summary>x^p: x positive (+∞ and NaN come back as they are), |p| ≤ 1000.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Power(float x, float p)
    {
        float e = SplitExponent(x, out float mantissa);
        float f = mantissa - 1;
        float z = f * f;
        float log2 = (f + CudaMath.Fma(-0.5f, z, LogTail(f) * (z * f))) * Log2E;
        // p·e keeps its rounding error, so that the error of the result does not grow with the exponent of x.
        float high = p * e;
        float low = CudaMath.Fma(p, log2, CudaMath.Fma(p, e, -high));
        float rounded = high + low + Rounder;
        float fraction = (high - (rounded - Rounder)) + low;
        int n = (int)Interop.FloatAsInt(rounded) - RounderBits;
        n = n < -252 ? -252 : n > 254 ? 254 : n;
        // 2^n in two factors: either alone is a normal float, their product may overflow or fade out as the result does.
        int half = n >> 1;
        float result = Exp2Core(fraction) * Scale(half) * Scale(n - half);
        return x < float.PositiveInfinity ? result : x;
    }

    /// <summary>∛x, x normal and positive (+∞ and NaN come back as they are).</summary>
    public static float CubeRoot(float x)
    {
        // A third of the exponent and mantissa bits is within 6 %; each Newton step squares the error.
        float third = (int)Interop.FloatAsInt(x) * (1f / 3);
        float y = Interop.IntAsFloat((uint)((int)third + 709921077));
        y -= (y - x / (y * y)) * (1f / 3);
        y -= (y - x / (y * y)) * (1f / 3);
        y -= (y - x / (y * y)) * (1f / 3);
        y -= (y - x / (y * y)) * (1f / 3);
        return x < float.PositiveInfinity ? y : x;
    }

    /// <summary>sin and cos of 2π·u for u in [0, 1].</summary>
    public static float SinCosTurn(float u, out float cosine)
    {
        float quarters = u * 4 + Rounder;
        int quadrant = (int)Interop.FloatAsInt(quarters) - RounderBits;
        float angle = (u - (quarters - Rounder) * 0.25f) * TwoPi;
        float z = angle * angle;
        float s = CudaMath.Fma(CudaMath.Fma(CudaMath.Fma(S0, z, S1), z, S2), z * angle, angle);
        float c = CudaMath.Fma(CudaMath.Fma(CudaMath.Fma(C0, z, C1), z, C2), z * z, CudaMath.Fma(-0.5f, z, 1));
        float sine = (quadrant & 1) == 0 ? s : c;
        cosine = (quadrant & 1) == 0 ? c : s;
        if ((quadrant & 2) != 0) sine = -sine;
        if (((quadrant + 1) & 2) != 0) cosine = -cosine;
        return sine;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static float SplitExponent(float x, out float mantissa)
    {
        int bits = (int)Interop.FloatAsInt(x);
        int exponent = (bits - SqrtHalfBits) >> 23;
        mantissa = Interop.IntAsFloat((uint)(bits - (exponent << 23)));
        return exponent;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static float LogTail(float f)
    {
        float p = CudaMath.Fma(L0, f, L1);
        p = CudaMath.Fma(p, f, L2);
        p = CudaMath.Fma(p, f, L3);
        p = CudaMath.Fma(p, f, L4);
        p = CudaMath.Fma(p, f, L5);
        p = CudaMath.Fma(p, f, L6);
        p = CudaMath.Fma(p, f, L7);
        return CudaMath.Fma(p, f, L8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static float Exp2Core(float x)
    {
        float p = CudaMath.Fma(E0, x, E1);
        p = CudaMath.Fma(p, x, E2);
        p = CudaMath.Fma(p, x, E3);
        p = CudaMath.Fma(p, x, E4);
        p = CudaMath.Fma(p, x, E5);
        return CudaMath.Fma(p, x, 1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static float Scale(int exponent) => Interop.IntAsFloat((uint)((exponent + 127) << 23));
}
