using System.Buffers;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Osprey.Kernels.Search;

/// <summary>
/// A scored row as one integer whose order is the order of a ranking: better score first, then the lower id.
/// </summary>
/// <remarks>High 32 bits: the score's bits mapped to ascending order, best lowest. Low 32 bits: the id. No NaN has a key.</remarks>
static class CandidateKey
{
    /// <summary>No candidate. Above every key, for no score maps to 2³²−1.</summary>
    public const ulong None = ulong.MaxValue;

    /// <summary>Ids are below this.</summary>
    public const long IdLimit = 1L << 32;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Encode(Similarity similarity, float score, long id) => FromBits(BitConverter.SingleToUInt32Bits(Cost(similarity, score)), id);

    /// <summary>The score, or its negative where larger is better. Adding +0 turns −0 into +0: the two are equal scores and must tie.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Cost(Similarity similarity, float score) => (similarity == Similarity.InnerProduct ? -score : score) + 0f;

    /// <summary>The key of a cost given as its bits: host and ILGPU have different names for the cast.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong FromBits(uint bits, long id)
    {
        uint ascending = bits ^ (uint)((int)bits >> 31 | int.MinValue);
        return (ulong)ascending << 32 | (uint)id;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Id(ulong key) => (uint)key;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Score(Similarity similarity, ulong key)
    {
        uint ascending = (uint)(key >> 32);
        float cost = BitConverter.UInt32BitsToSingle(ascending ^ ((ascending >> 31) - 1 | 0x8000_0000));
        return similarity == Similarity.InnerProduct ? 0f - cost : cost;
    }

    /// <summary>Reorders so that the <paramref name="k"/> smallest come first, in any order. 0 &lt; k ≤ length.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Select(Span<ulong> keys, int k)
    {
        int from = 0, to = keys.Length;
        // Quickselect halves on average; input on which it does not is sorted instead, so that no input costs its square.
        for (int rounds = 2 * BitOperations.Log2((uint)keys.Length) + 4; to - from > 32 && rounds > 0; rounds--)
        {
            ulong pivot = Median(keys[from], keys[from + (to - from) / 2], keys[to - 1]);
            int i = from, j = to - 1;
            while (i <= j)
            {
                while (keys[i] < pivot) i++;
                while (keys[j] > pivot) j--;
                if (i > j) break;
                (keys[i], keys[j]) = (keys[j], keys[i]);
                i++;
                j--;
            }
            // [from, j] ≤ pivot ≤ [i, to): the boundary k−1|k falls in one of them or between.
            if (k <= j) to = j + 1;
            else if (k >= i) from = i;
            else return;
            if (k <= from || k >= to) return;
        }
        keys[from..to].Sort();
    }

    /// <summary>The <paramref name="rank"/>-th smallest, 1 … length; reorders.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static ulong AtRank(Span<ulong> keys, int rank)
    {
        Select(keys, rank);
        ulong last = 0;
        foreach (ulong key in keys[..rank]) last = Math.Max(last, key);
        return last;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static ulong Median(ulong a, ulong b, ulong c) => Math.Max(Math.Min(a, b), Math.Min(Math.Max(a, b), c));

    /// <summary>Ascending. Long lists go by counting bytes, about six times as fast as comparing at 30,000 keys.</summary>
    public static void Sort(Span<ulong> keys)
    {
        if (keys.Length < 1024)
        {
            keys.Sort();
            return;
        }
        ulong[] rented = ArrayPool<ulong>.Shared.Rent(keys.Length);
        Span<ulong> from = keys, to = rented.AsSpan(0, keys.Length);
        Span<int> starts = stackalloc int[256];
        for (int shift = 0; shift < 64; shift += 8)
        {
            starts.Clear();
            foreach (ulong key in from) starts[(int)(key >> shift) & 255]++;
            if (starts[(int)(from[0] >> shift) & 255] == from.Length) continue;
            int next = 0;
            foreach (ref int start in starts) (start, next) = (next, next + start);
            foreach (ulong key in from) to[starts[(int)(key >> shift) & 255]++] = key;
            Span<ulong> swap = from;
            from = to;
            to = swap;
        }
        if (from != keys) from.CopyTo(keys);
        ArrayPool<ulong>.Shared.Return(rented);
    }
}
