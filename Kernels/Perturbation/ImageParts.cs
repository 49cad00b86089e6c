using ILGPU;
using Osprey.Kernels.Arithmetic;

namespace Osprey.Kernels.Perturbation;

/// <summary>
/// How an image is divided among CUDA groups, and how these meet inside one launch. Each group sums its part, says so in a counter of the image, waits for
/// the others, and then adds all their sums in the parts' order itself: every group has the same total, and nothing is added atomically but counters.
/// </summary>
/// <remarks>
/// A waiting group holds its multiprocessor, so the ones it waits for must find room. Groups take tickets as they start, and tickets go through the images in
/// order: the groups of the first unfinished image have all started, or fewer than <see cref="Count"/> groups run. Since an image has no more parts than there
/// are multiprocessors and each holds one group at least, the next ticket then finds room.
/// </remarks>
internal readonly struct ImageParts
{
    /// <summary>Sums of one part: one of the first meeting, three of the second.</summary>
    public const int SumsPerPart = 4;

    /// <summary>Below this a part is not worth another group.</summary>
    const int ShortestPart = 128 * Philox.Tile;

    /// <summary>Values of an image and of a part but the last, and the number of parts.</summary>
    public readonly long Values, PartLength;
    public readonly int Count;

    public ImageParts(int values, int multiprocessors)
    {
        int parts = Math.Min(multiprocessors, ((values - 1) / ShortestPart) + 1);
        Values = values;
        // Whole tiles of random numbers.
        PartLength = (((Values - 1) / parts / Philox.Tile) + 1) * Philox.Tile;
        Count = (int)((Values - 1) / PartLength) + 1;
    }

    /// <summary>The counters and sums that a launch over so many images needs. Counters are zero before a launch and after it.</summary>
    public static long CountersOf(int images) => 1L + images;

    public long SumsOf(int images) => (long)images * Count * SumsPerPart;

    /// <summary>This group's ticket: image · Count + part.</summary>
    public int Enter(ArrayView<int> counters)
    {
        if (Count == 1) return Grid.IdxX;
        ArrayView<int> shared = SharedMemory.Allocate<int>(1);
        if (Group.IdxX == 0)
        {
            int taken = Atomic.Add(ref counters[0], 1);
            if (taken == Grid.DimX - 1) Atomic.Exchange(ref counters[0], 0);
            shared[0] = taken;
        }
        Group.Barrier();
        return shared[0];
    }

    public int ImageOf(int ticket) => ticket / Count;

    /// <summary>Where the part begins within its image.</summary>
    public long FirstOf(int ticket) => ticket % Count * PartLength;

    public long EndOf(int ticket) => Math.Min(Values, FirstOf(ticket) + PartLength);

    /// <summary>The first meeting: the sum over the image of one number per thread.</summary>
    public double Sum(ArrayView<int> counters, ArrayView<double> sums, int ticket, float value)
    {
        value = CudaMath.GroupSum(value);
        if (Count == 1) return value;
        if (Group.IdxX == 0) sums[(long)ticket * SumsPerPart] = value;
        Meet(counters, ticket, 1);
        return SumOfParts(sums, ticket, 0);
    }

    /// <summary>A meeting of three sums, the first or the second of the launch.</summary>
    public void Sum(ArrayView<int> counters, ArrayView<double> sums, int ticket, int meeting, ref double a, ref double b, ref double c)
    {
        a = CudaMath.GroupSum((float)a);
        b = CudaMath.GroupSum((float)b);
        c = CudaMath.GroupSum((float)c);
        if (Count == 1) return;
        long at = ((long)ticket * SumsPerPart) + 1;
        if (Group.IdxX == 0)
        {
            sums[at] = a;
            sums[at + 1] = b;
            sums[at + 2] = c;
        }
        Meet(counters, ticket, meeting);
        a = SumOfParts(sums, ticket, 1);
        b = SumOfParts(sums, ticket, 2);
        c = SumOfParts(sums, ticket, 3);
    }

    /// <summary>After the last of <paramref name="meetings"/>: the last group to leave an image clears its counter for the next launch.</summary>
    public void Leave(ArrayView<int> counters, int ticket, int meetings)
    {
        if (Count == 1 || Group.IdxX > 0) return;
        int image = 1 + ImageOf(ticket);
        if (Atomic.Add(ref counters[image], 1) == ((meetings + 1) * Count) - 1) Atomic.Exchange(ref counters[image], 0);
    }

    void Meet(ArrayView<int> counters, int ticket, int meeting)
    {
        if (Group.IdxX == 0)
        {
            int image = 1 + ImageOf(ticket);
            // What this group wrote is seen before its arrival, and what the others wrote after theirs.
            MemoryFence.DeviceLevel();
            Atomic.Add(ref counters[image], 1);
            while (Atomic.Or(ref counters[image], 0) < meeting * Count) { }
            MemoryFence.DeviceLevel();
        }
        Group.Barrier();
    }

    double SumOfParts(ArrayView<double> sums, int ticket, int which)
    {
        long first = (long)ImageOf(ticket) * Count;
        double sum = 0;
        // Every warp adds all parts: cheaper than another barrier.
        for (int k = Warp.LaneIdx; k < Count; k += Warp.WarpSize) sum += sums[((first + k) * SumsPerPart) + which];
        return CudaMath.WarpSum(sum);
    }
}
