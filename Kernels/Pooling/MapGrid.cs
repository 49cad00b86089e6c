using ILGPU;
using Osprey.Kernels.Arithmetic;

namespace Osprey.Kernels.Pooling;

/// <summary>
/// Which activations a CUDA thread reads, so that a warp's reads lie together, and how the threads of one plane meet. Channels-first: a warp per plane,
/// its lanes along the positions. Channels-last: a group for 32 channels, a lane per channel, the warps along the positions.
/// </summary>
internal readonly struct MapGrid
{
    public const int GroupSize = 256;

    readonly int batch, channels, plane, width, channelsLast;

    public MapGrid(MapShape shape)
        : this(shape.Batch, shape.Channels, shape.Plane, shape.Width, shape.Layout == MapLayout.ChannelsLast ? 1 : 0)
    {
    }

    MapGrid(int batch, int channels, int plane, int width, int channelsLast) =>
        (this.batch, this.channels, this.plane, this.width, this.channelsLast) = (batch, channels, plane, width, channelsLast);

    /// <summary>The same memory with positions as channels and channels as positions.</summary>
    public MapGrid Turned => new(batch, plane, channels, 1, 1 - channelsLast);

    public int Channels => channels;

    public int Plane => plane;

    public int Width => width;

    public int Rows => batch * channels;

    /// <summary>Groups to launch.</summary>
    public int Groups(int warpSize, int groupSize) =>
        channelsLast == 0 ? (Rows + (groupSize / warpSize) - 1) / (groupSize / warpSize) : batch * ((channels + warpSize - 1) / warpSize);

    /// <summary>The plane of this thread, n·C + c, or −1 where there is none.</summary>
    public int Row()
    {
        if (channelsLast == 0)
        {
            long row = ((long)Grid.IdxX * (Group.DimX / Warp.WarpSize)) + (Group.IdxX / Warp.WarpSize);
            return row < Rows ? (int)row : -1;
        }
        int tiles = (channels + Warp.WarpSize - 1) / Warp.WarpSize, channel = (Grid.IdxX % tiles * Warp.WarpSize) + Warp.LaneIdx;
        return channel < channels ? (Grid.IdxX / tiles * channels) + channel : -1;
    }

    /// <summary>The first position of this thread.</summary>
    public int First() => channelsLast == 0 ? Warp.LaneIdx : Group.IdxX / Warp.WarpSize;

    /// <summary>From one position of this thread to its next.</summary>
    public int Step() => channelsLast == 0 ? Warp.WarpSize : Group.DimX / Warp.WarpSize;

    /// <summary>Whether this thread writes what belongs to its plane.</summary>
    public bool Writes() => channelsLast == 0 ? Warp.LaneIdx == 0 : Group.IdxX < Warp.WarpSize;

    /// <summary>Where position 0 of a plane lies.</summary>
    public long Origin(int row) => channelsLast == 0 ? (long)row * plane : ((long)(row / channels) * plane * channels) + (row % channels);

    /// <summary>From one position to the next in memory.</summary>
    public int Stride() => channelsLast == 0 ? 1 : channels;

    /// <summary>The sum over the threads of a plane, in each of them, always in the same order. Every thread of the group must call it.</summary>
    public float Sum(float value)
    {
        if (channelsLast == 0) return CudaMath.WarpSum(value);
        ArrayView<float> values = SharedMemory.Allocate<float>(GroupSize);
        values[Group.IdxX] = value;
        Group.Barrier();
        float sum = 0;
        for (int i = Warp.LaneIdx; i < Group.DimX; i += Warp.WarpSize) sum += values[i];
        Group.Barrier();
        return sum;
    }

    /// <summary>As <see cref="Sum"/>, the largest; NaN if any is.</summary>
    public float Largest(float value)
    {
        if (channelsLast == 0)
        {
            for (int distance = Warp.WarpSize / 2; distance > 0; distance /= 2) value = Larger(value, Warp.ShuffleXor(value, distance));
            return value;
        }
        ArrayView<float> values = SharedMemory.Allocate<float>(GroupSize);
        values[Group.IdxX] = value;
        Group.Barrier();
        float largest = float.NegativeInfinity;
        for (int i = Warp.LaneIdx; i < Group.DimX; i += Warp.WarpSize) largest = Larger(values[i], largest);
        Group.Barrier();
        return largest;
    }

    /// <summary>As <see cref="Sum"/>, the least.</summary>
    public int Least(int value)
    {
        if (channelsLast == 0)
        {
            for (int distance = Warp.WarpSize / 2; distance > 0; distance /= 2)
            {
                int other = Warp.ShuffleXor(value, distance);
                if (other < value) value = other;
            }
            return value;
        }
        ArrayView<int> values = SharedMemory.Allocate<int>(GroupSize);
        values[Group.IdxX] = value;
        Group.Barrier();
        int least = int.MaxValue;
        for (int i = Warp.LaneIdx; i < Group.DimX; i += Warp.WarpSize)
            if (values[i] < least) least = values[i];
        Group.Barrier();
        return least;
    }

    /// <summary>The larger; NaN if either is.</summary>
    public static float Larger(float a, float b) => a > b || float.IsNaN(a) ? a : b;
}
