using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Osprey.Kernels.Perturbation;

/// <summary>
/// Philox4x32-10 (Salmon et al. 2011): four random words from a counter and a key, without a state, so that value i of image n is the same on every
/// device and for any number of threads. Values come in tiles of 64: lane l and word w of a tile's sixteen counters make value 16·w + l.
/// </summary>
internal static class Philox
{
    /// <summary>Values of one tile: sixteen counters of four words.</summary>
    public const int Tile = 64;

    const uint M0 = 0xD2511F53, M1 = 0xCD9E8D57, W0 = 0x9E3779B9, W1 = 0xBB67AE85;

    /// <summary>The four words of one counter; <paramref name="c1"/> … <paramref name="c3"/> are in and out as c0 is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Generate(ref uint c0, ref uint c1, ref uint c2, ref uint c3, uint k0, uint k1)
    {
        for (int round = 0; round < 10; round++)
        {
            ulong p0 = (ulong)M0 * c0, p1 = (ulong)M1 * c2;
            c0 = (uint)(p1 >> 32) ^ c1 ^ k0;
            c1 = (uint)p1;
            c2 = (uint)(p0 >> 32) ^ c3 ^ k1;
            c3 = (uint)p0;
            k0 += W0;
            k1 += W1;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Generate(
        ref Vector512<uint> c0, ref Vector512<uint> c1, ref Vector512<uint> c2, ref Vector512<uint> c3, uint k0, uint k1)
    {
        for (int round = 0; round < 10; round++)
        {
            Vector512<uint> high0 = Multiply(c0, M0, out Vector512<uint> low0), high1 = Multiply(c2, M1, out Vector512<uint> low1);
            c0 = high1 ^ c1 ^ Vector512.Create(k0);
            c1 = low1;
            c2 = high0 ^ c3 ^ Vector512.Create(k1);
            c3 = low0;
            k0 += W0;
            k1 += W1;
        }
    }

    /// <summary>24 random bits as a float in [0, 1), exactly.</summary>
    public static float Unit(uint word) => (int)(word >> 8) * (1f / 16777216);

    public static Vector512<float> Unit(Vector512<uint> word) => Vector512.ConvertToSingle((word >> 8).AsInt32()) * (1f / 16777216);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<uint> Multiply(Vector512<uint> a, uint m, out Vector512<uint> low)
    {
        // 64-bit products of the even and of the odd lanes; both factors fit in 32 bits.
        Vector512<ulong> factor = Vector512.Create((ulong)m), mask = Vector512.Create(0xffffffffUL);
        Vector512<ulong> even = (a.AsUInt64() & mask) * factor, odd = (a.AsUInt64() >> 32) * factor;
        low = ((even & mask) | (odd << 32)).AsUInt32();
        return ((even >> 32) | (odd & ~mask)).AsUInt32();
    }
}
