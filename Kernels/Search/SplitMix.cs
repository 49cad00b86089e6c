using System.Runtime.CompilerServices;
namespace Osprey.Kernels.Search;

/// <summary>SplitMix64 (Steele, Lea, Flood 2014): a fast generator for orders and signs, where any good spread will do.</summary>
struct SplitMix(ulong seed)
{
    ulong state = seed;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Next()
    {
        ulong z = state += 0x9E37_79B9_7F4A_7C15;
        z = (z ^ z >> 30) * 0xBF58_476D_1CE4_E5B9;
        z = (z ^ z >> 27) * 0x94D0_49BB_1331_11EB;
        return z ^ z >> 31;
    }

    /// <summary>Below <paramref name="bound"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Below(ulong bound) => Math.BigMul(Next(), bound, out _);
}
