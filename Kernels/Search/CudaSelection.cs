using ILGPU;

namespace Osprey.Kernels.Search;

/// <summary>A list of keys that is made as it is read.</summary>
interface IKeyList
{
    ulong Key(long i);
}

/// <summary>The smallest keys of a list, by a group. Called from the kernels that own a list.</summary>
static class CudaSelection
{
    /// <summary>
    /// Writes to <paramref name="smallest"/> the k smallest of the keys, in any order. The k-th smallest is found byte by byte from the top by counting
    /// (radix selection), so any k will do.
    /// </summary>
    /// <param name="keys">At least k.</param>
    /// <param name="count">Of keys.</param>
    /// <param name="smallest">[k].</param>
    public static void Select<TKeys>(TKeys keys, long count, ArrayView<ulong> smallest)
        where TKeys : struct, IKeyList
    {
        ArrayView<int> counts = SharedMemory.Allocate<int>(256);
        ArrayView<ulong> found = SharedMemory.Allocate<ulong>(1);
        ArrayView<int> places = SharedMemory.Allocate<int>(2);
        int thread = Group.IdxX, threads = Group.DimX, k = (int)smallest.Length;
        if (thread == 0)
        {
            found[0] = 0;
            places[0] = k;
            places[1] = 0;
        }
        for (int shift = 56; shift >= 0; shift -= 8)
        {
            for (int i = thread; i < 256; i += threads) counts[i] = 0;
            Group.Barrier();
            ulong prefix = found[0];
            for (long i = thread; i < count; i += threads)
            {
                ulong key = keys.Key(i);
                // At the first byte every key matches; a shift by 64 would be none at all.
                if (shift == 56 || key >> (shift + 8) == prefix) Atomic.Add(ref counts[(int)(key >> shift) & 255], 1);
            }
            Group.Barrier();
            if (thread == 0)
            {
                int wanted = places[0], digit = 0;
                while (counts[digit] < wanted)
                {
                    wanted -= counts[digit];
                    digit++;
                }
                places[0] = wanted;
                found[0] = prefix << 8 | (uint)digit;
            }
            Group.Barrier();
        }

        ulong last = found[0];
        for (long i = thread; i < count; i += threads)
        {
            ulong key = keys.Key(i);
            if (key < last) smallest[Atomic.Add(ref places[1], 1)] = key;
        }
        Group.Barrier();
        // What is left of the k places belongs to the k-th smallest itself: one place, or all the empty ones where it is None.
        for (int i = places[1] + thread; i < k; i += threads) smallest[i] = last;
    }

    /// <summary>For the query of each group, the k best of its survivors' keys.</summary>
    /// <param name="entries">[queries, capacity].</param>
    /// <param name="counts">[queries]; may exceed the capacity.</param>
    /// <param name="best">[queries, k]; <see cref="CandidateKey.None"/> where there are fewer.</param>
    /// <param name="capacity">Entries per query.</param>
    /// <param name="k">Keys per query.</param>
    [CudaKernel]
    public static void SelectSurvivors(ArrayView<ulong> entries, ArrayView<int> counts, ArrayView<ulong> best, int capacity, int k)
    {
        int query = Grid.IdxX, count = IntrinsicMath.Min(counts[query], capacity);
        var keys = new Survivors(entries.SubView((long)query * capacity, capacity), count);
        Select(keys, IntrinsicMath.Max(count, k), best.SubView((long)query * k, k));
    }

    readonly struct Survivors(ArrayView<ulong> entries, int count) : IKeyList
    {
        readonly ArrayView<ulong> entries = entries;
        readonly int count = count;

        public ulong Key(long i) => i < count ? entries[i] : CandidateKey.None;
    }
}
