using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ILGPU;

namespace Osprey.Kernels.Pooling;

/// <summary>The power of two below a plane's largest activation, and its inverse: both exact, so scaling by them costs no accuracy.</summary>
internal static class PlaneScale
{
    // Beyond 2^126 the inverse would not be a normal float.
    const int Largest = 253 << 23, Both = 254 << 23, Exponent = 0x7f800000;

    /// <param name="maximum">At least 1e-6; +∞ and NaN count as 2^126.</param>
    /// <param name="inverse">2^-⌊log₂ maximum⌋.</param>
    public static float Of(float maximum, out float inverse)
    {
        int exponent = (int)Interop.FloatAsInt(maximum) & Exponent;
        if (exponent > Largest) exponent = Largest;
        inverse = Interop.IntAsFloat((uint)(Both - exponent));
        return Interop.IntAsFloat((uint)exponent);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Of(Vector512<float> maximum, out Vector512<float> inverse)
    {
        Vector512<int> exponent = Vector512.Min(maximum.AsInt32() & Vector512.Create(Exponent), Vector512.Create(Largest));
        inverse = (Vector512.Create(Both) - exponent).AsSingle();
        return exponent.AsSingle();
    }
}
