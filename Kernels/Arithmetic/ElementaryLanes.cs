using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using static System.Runtime.Intrinsics.Vector512;
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
        return Log(e, f, z, LogTail(f) * (z * f));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Power(Vector512<float> x, Vector512<float> p)
    {
        Vector512<float> e = SplitExponent(x, out Vector512<float> mantissa);
        Vector512<float> f = mantissa - Vector512<float>.One;
        Vector512<float> z = f * f;
        return Power(x, p, e, f, z, LogTail(f) * (z * f));
    }

    /// <summary>Power and logarithm for little more than the power alone.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Power(Vector512<float> x, Vector512<float> p, out Vector512<float> log)
    {
        Vector512<float> e = SplitExponent(x, out Vector512<float> mantissa);
        Vector512<float> f = mantissa - Vector512<float>.One;
        Vector512<float> z = f * f, tail = LogTail(f) * (z * f);
        log = Log(e, f, z, tail);
        return Power(x, p, e, f, z, tail);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<float> Log(Vector512<float> e, Vector512<float> f, Vector512<float> z, Vector512<float> tail)
    {
        tail = FusedMultiplyAdd(e, Create(Ln2Low), tail);
        tail = FusedMultiplyAdd(Create(-0.5f), z, tail);
        return FusedMultiplyAdd(e, Create(Ln2High), f + tail);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<float> Power(Vector512<float> x, Vector512<float> p, Vector512<float> e, Vector512<float> f, Vector512<float> z, Vector512<float> tail)
    {
        Vector512<float> log2 = (f + FusedMultiplyAdd(Create(-0.5f), z, tail)) * Create(Log2E);
        Vector512<float> high = p * e;
        Vector512<float> low = FusedMultiplyAdd(p, log2, FusedMultiplyAdd(p, e, -high));
        Vector512<float> rounded = high + low + Create(Rounder);
        Vector512<float> fraction = (high - (rounded - Create(Rounder))) + low;
        Vector512<int> n = rounded.AsInt32() - Create(RounderBits);
        n = Min(Max(n, Create(-252)), Create(254));
        Vector512<int> half = ShiftRightArithmetic(n, 1);
        Vector512<float> result = Exp2Core(fraction) * Scale(half) * Scale(n - half);
        return ConditionalSelect(LessThan(x, Create(float.PositiveInfinity)), result, x);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Vector512<float> CubeRoot(Vector512<float> x)
    {
        Vector512<float> third = ConvertToSingle(x.AsInt32()) * Create(1f / 3);
        Vector512<float> y = (ConvertToInt32(third) + Create(709921077)).AsSingle();
        y -= (y - x / (y * y)) * Create(1f / 3);
        y -= (y - x / (y * y)) * Create(1f / 3);
        y -= (y - x / (y * y)) * Create(1f / 3);
        y -= (y - x / (y * y)) * Create(1f / 3);
        return ConditionalSelect(LessThan(x, Create(float.PositiveInfinity)), y, x);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Vector512<float> SinCosTurn(Vector512<float> u, out Vector512<float> cosine)
    {
        Vector512<float> quarters = u * 4 + Create(Rounder);
        Vector512<int> quadrant = quarters.AsInt32() - Create(RounderBits);
        Vector512<float> angle = (u - (quarters - Create(Rounder)) * 0.25f) * TwoPi;
        Vector512<float> z = angle * angle;
        Vector512<float> s = FusedMultiplyAdd(FusedMultiplyAdd(FusedMultiplyAdd(Create(S0), z, Create(S1)), z, Create(S2)), z * angle, angle);
        Vector512<float> c = FusedMultiplyAdd(FusedMultiplyAdd(FusedMultiplyAdd(Create(C0), z, Create(C1)), z, Create(C2)), z * z, FusedMultiplyAdd(Create(-0.5f), z, Vector512<float>.One));
        Vector512<float> straight = Vector512.Equals(quadrant & Vector512<int>.One, Vector512<int>.Zero).AsSingle();
        // Bit 1 of the quadrant, moved to the sign.
        Vector512<int> sineSign = (quadrant & Create(2)) << 30, cosineSign = ((quadrant + Vector512<int>.One) & Create(2)) << 30;
        cosine = (ConditionalSelect(straight, c, s).AsInt32() ^ cosineSign).AsSingle();
        return (ConditionalSelect(straight, s, c).AsInt32() ^ sineSign).AsSingle();
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
        Vector512<int> exponent = ShiftRightArithmetic(bits - Create(SqrtHalfBits), 23);
        mantissa = (bits - (exponent << 23)).AsSingle();
        return ConvertToSingle(exponent);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<float> LogTail(Vector512<float> f)
    {
        Vector512<float> p = FusedMultiplyAdd(Create(L0), f, Create(L1));
        p = FusedMultiplyAdd(p, f, Create(L2));
        p = FusedMultiplyAdd(p, f, Create(L3));
        p = FusedMultiplyAdd(p, f, Create(L4));
        p = FusedMultiplyAdd(p, f, Create(L5));
        p = FusedMultiplyAdd(p, f, Create(L6));
        p = FusedMultiplyAdd(p, f, Create(L7));
        return FusedMultiplyAdd(p, f, Create(L8));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<float> Exp2Core(Vector512<float> x)
    {
        Vector512<float> p = FusedMultiplyAdd(Create(E0), x, Create(E1));
        p = FusedMultiplyAdd(p, x, Create(E2));
        p = FusedMultiplyAdd(p, x, Create(E3));
        p = FusedMultiplyAdd(p, x, Create(E4));
        p = FusedMultiplyAdd(p, x, Create(E5));
        return FusedMultiplyAdd(p, x, Vector512<float>.One);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<float> Scale(Vector512<int> exponent) => ((exponent + Create(127)) << 23).AsSingle();
}
