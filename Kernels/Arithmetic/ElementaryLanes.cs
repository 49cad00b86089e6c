using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using static Osprey.Kernels.Arithmetic.Elementary;

namespace Osprey.Kernels.Arithmetic;

/// <summary><see cref="Elementary"/> for sixteen values at once, the same bits. Where the machine has no 512-bit registers .NET takes two of 256.</summary>
internal static class ElementaryLanes
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Log(Vector512<float> x)
    {
        Vector512<float> e = SplitExponent(x, out Vector512<float> mantissa);
        Vector512<float> f = mantissa - Vector512<float>.One;
        Vector512<float> z = f * f;
        Vector512<float> tail = Fma(e, Of(Ln2Low), LogTail(f) * (z * f));
        tail = Fma(Of(-0.5f), z, tail);
        return Fma(e, Of(Ln2High), f + tail);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Power(Vector512<float> x, Vector512<float> p)
    {
        Vector512<float> e = SplitExponent(x, out Vector512<float> mantissa);
        Vector512<float> f = mantissa - Vector512<float>.One;
        Vector512<float> z = f * f;
        Vector512<float> log2 = (f + Fma(Of(-0.5f), z, LogTail(f) * (z * f))) * Of(Log2E);
        Vector512<float> high = p * e;
        Vector512<float> low = Fma(p, log2, Fma(p, e, -high));
        Vector512<float> rounded = high + low + Of(Rounder);
        Vector512<float> fraction = (high - (rounded - Of(Rounder))) + low;
        Vector512<int> n = rounded.AsInt32() - Vector512.Create(RounderBits);
        n = Vector512.Min(Vector512.Max(n, Vector512.Create(-252)), Vector512.Create(254));
        Vector512<int> half = Vector512.ShiftRightArithmetic(n, 1);
        Vector512<float> result = Exp2Core(fraction) * Scale(half) * Scale(n - half);
        return Vector512.ConditionalSelect(Vector512.LessThan(x, Of(float.PositiveInfinity)), result, x);
    }

    public static Vector512<float> CubeRoot(Vector512<float> x)
    {
        Vector512<float> third = Vector512.ConvertToSingle(x.AsInt32()) * Of(1f / 3);
        Vector512<float> y = (Vector512.ConvertToInt32(third) + Vector512.Create(709921077)).AsSingle();
        y -= (y - x / (y * y)) * Of(1f / 3);
        y -= (y - x / (y * y)) * Of(1f / 3);
        y -= (y - x / (y * y)) * Of(1f / 3);
        y -= (y - x / (y * y)) * Of(1f / 3);
        return Vector512.ConditionalSelect(Vector512.LessThan(x, Of(float.PositiveInfinity)), y, x);
    }

    public static Vector512<float> SinCosTurn(Vector512<float> u, out Vector512<float> cosine)
    {
        Vector512<float> quarters = u * 4 + Of(Rounder);
        Vector512<int> quadrant = quarters.AsInt32() - Vector512.Create(RounderBits);
        Vector512<float> angle = (u - (quarters - Of(Rounder)) * 0.25f) * TwoPi;
        Vector512<float> z = angle * angle;
        Vector512<float> s = Fma(Fma(Fma(Of(S0), z, Of(S1)), z, Of(S2)), z * angle, angle);
        Vector512<float> c = Fma(Fma(Fma(Of(C0), z, Of(C1)), z, Of(C2)), z * z, Fma(Of(-0.5f), z, Vector512<float>.One));
        Vector512<float> straight = Vector512.Equals(quadrant & Vector512<int>.One, Vector512<int>.Zero).AsSingle();
        // Bit 1 of the quadrant, moved to the sign.
        Vector512<int> sineSign = (quadrant & Vector512.Create(2)) << 30, cosineSign = ((quadrant + Vector512<int>.One) & Vector512.Create(2)) << 30;
        cosine = (Vector512.ConditionalSelect(straight, c, s).AsInt32() ^ cosineSign).AsSingle();
        return (Vector512.ConditionalSelect(straight, s, c).AsInt32() ^ sineSign).AsSingle();
    }

    /// <summary>The sum of all lanes, in one order on every machine.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector512<float> v)
    {
        Vector256<float> a = v.GetLower() + v.GetUpper();
        Vector128<float> b = a.GetLower() + a.GetUpper();
        b += Vector128.Shuffle(b, Vector128.Create(2, 3, 0, 1));
        return b[0] + b[1];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<float> SplitExponent(Vector512<float> x, out Vector512<float> mantissa)
    {
        Vector512<int> bits = x.AsInt32();
        Vector512<int> exponent = Vector512.ShiftRightArithmetic(bits - Vector512.Create(SqrtHalfBits), 23);
        mantissa = (bits - (exponent << 23)).AsSingle();
        return Vector512.ConvertToSingle(exponent);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<float> LogTail(Vector512<float> f)
    {
        Vector512<float> p = Fma(Of(L0), f, Of(L1));
        p = Fma(p, f, Of(L2));
        p = Fma(p, f, Of(L3));
        p = Fma(p, f, Of(L4));
        p = Fma(p, f, Of(L5));
        p = Fma(p, f, Of(L6));
        p = Fma(p, f, Of(L7));
        return Fma(p, f, Of(L8));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<float> Exp2Core(Vector512<float> x)
    {
        Vector512<float> p = Fma(Of(E0), x, Of(E1));
        p = Fma(p, x, Of(E2));
        p = Fma(p, x, Of(E3));
        p = Fma(p, x, Of(E4));
        p = Fma(p, x, Of(E5));
        return Fma(p, x, Vector512<float>.One);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<float> Scale(Vector512<int> exponent) => ((exponent + Vector512.Create(127)) << 23).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<float> Fma(Vector512<float> a, Vector512<float> b, Vector512<float> c) => Vector512.FusedMultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<float> Of(float value) => Vector512.Create(value);
}
