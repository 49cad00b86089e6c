using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Osprey.Kernels.Pooling;

/// <summary>One term of a sum over a plane.</summary>
internal interface ITerm
{
    /// <param name="x">Sixteen activations.</param>
    /// <param name="p">GeM's power, in each lane its channel's.</param>
    /// <param name="inverse">The inverse of <see cref="PlaneScale"/>.</param>
    static abstract Vector512<float> Of(Vector512<float> x, Vector512<float> p, Vector512<float> inverse);
}

/// <summary>SPoC: x.</summary>
internal readonly struct PlainTerm : ITerm
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Of(Vector512<float> x, Vector512<float> p, Vector512<float> inverse) => x;
}

/// <summary>GeM: max(x, 1e-6)^p, scaled where the power wants it.</summary>
internal readonly struct GemTerm<TPower> : ITerm
    where TPower : struct, IGemPower
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Of(Vector512<float> x, Vector512<float> p, Vector512<float> inverse)
    {
        x = GemLanes.Clamp(x);
        return default(TPower).Raise(default(TPower).Scales ? x * inverse : x, p);
    }
}

/// <summary>GeM's gradient without or with the sum for its power's.</summary>
internal interface IGemSlope
{
    /// <summary>∂L/∂x for <paramref name="factor"/> = (∂L/∂y)/(h·w) and <paramref name="inverse"/> = 1/y; the term t^p·ln t with t = x/y, or zero.</summary>
    static abstract Vector512<float> Of(Vector512<float> x, Vector512<float> p, Vector512<float> inverse, Vector512<float> factor, out Vector512<float> term);
}

internal readonly struct GemSlope<TPower> : IGemSlope
    where TPower : struct, IGemPower
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Of(Vector512<float> x, Vector512<float> p, Vector512<float> inverse, Vector512<float> factor, out Vector512<float> term)
    {
        term = default;
        return GemLanes.AboveFloor(default(TPower).RaiseLess(GemLanes.Clamp(x) * inverse, p) * factor, x);
    }
}

internal readonly struct GemSlopeWithTerm<TPower> : IGemSlope
    where TPower : struct, IGemPower
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Of(Vector512<float> x, Vector512<float> p, Vector512<float> inverse, Vector512<float> factor, out Vector512<float> term)
    {
        Vector512<float> t = GemLanes.Clamp(x) * inverse, less = default(TPower).RaiseLess(t, p, out Vector512<float> log);
        term = less * t * log;
        return GemLanes.AboveFloor(less * factor, x);
    }
}

internal static class GemLanes
{
    /// <summary>max(x, 1e-6); NaN stays, on every machine that takes or keeps the second of two where one is NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Clamp(Vector512<float> x) => Vector512.MaxNative(Vector512.Create(PoolingKernel.Floor), x);

    /// <summary>0 where x &lt; 1e-6.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> AboveFloor(Vector512<float> gradient, Vector512<float> x) =>
        Vector512.AndNot(gradient, Vector512.LessThan(x, Vector512.Create(PoolingKernel.Floor)));
}
