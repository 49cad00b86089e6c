using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Osprey.Kernels.Arithmetic;

namespace Osprey.Kernels.Pooling;

/// <summary>
/// CroW of one image, a lane a channel. The weights of the positions need all channels before the weighted sum can begin: the image comes from memory
/// once and the second time from the cache, if that holds an image.
/// </summary>
internal static unsafe class CrowPooling<T>
    where T : unmanaged
{
    /// <summary>Positions summed before they join the rest, against rounding errors.</summary>
    const int PartLength = 256;

    static int Padded(int count) => (count + Lanes.Count - 1) / Lanes.Count * Lanes.Count;

    /// <summary>Floats of scratch memory that an image needs.</summary>
    public static long Scratch(MapShape shape) => (2L * shape.Plane * Lanes.Count) + (3L * Padded(shape.Plane)) + Padded(shape.Channels);

    /// <summary>The parts of the scratch memory.</summary>
    readonly struct Memory(float* start, MapShape shape)
    {
        /// <summary>[h·w][16].</summary>
        public readonly float* Tile = start;

        /// <summary>[h·w][16]: a sum over the channels for each position, still in lanes.</summary>
        public readonly float* Lanes = start + (shape.Plane * Arithmetic.Lanes.Count);

        /// <summary>[h·w]: Σ x over the channels.</summary>
        public readonly float* Sums = start + (2 * shape.Plane * Arithmetic.Lanes.Count);

        /// <summary>[h·w].</summary>
        public readonly float* Spatial = start + (2 * shape.Plane * Arithmetic.Lanes.Count) + Padded(shape.Plane);

        /// <summary>[h·w]: ∂L/∂sum.</summary>
        public readonly float* Slopes = start + (2 * shape.Plane * Arithmetic.Lanes.Count) + (2 * Padded(shape.Plane));

        /// <summary>[C].</summary>
        public readonly float* Channel = start + (2 * shape.Plane * Arithmetic.Lanes.Count) + (3 * Padded(shape.Plane));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Forward(in PoolingCall<T> call, int image, float* scratch)
    {
        MapShape shape = call.Shape;
        var memory = new Memory(scratch, shape);
        Weights(call, memory, image);
        float* pooled = call.Pooled + ((long)image * shape.Channels);
        for (int c = 0; c < shape.Channels; c += Lanes.Count)
        {
            MapTile<T>.Load(call.Map, shape, image, c, memory.Tile);
            Vector512<float> total = Vector512<float>.Zero;
            for (int from = 0; from < shape.Plane; from += PartLength)
            {
                Vector512<float> part = Vector512<float>.Zero;
                for (int i = from; i < Math.Min(from + PartLength, shape.Plane); i++)
                    part = Vector512.FusedMultiplyAdd(Vector512.Create(memory.Spatial[i]), Vector512.Load(memory.Tile + (i * Lanes.Count)), part);
                total += part;
            }
            MapLanes.StoreUpTo(total * Vector512.Load(memory.Channel + c), pooled + c, shape.Channels - c);
        }
    }

    /// <summary>
    /// With h = g·(channel weight), a_i = Σ_c h_c·x_ci and s_i the spatial weights of the sums S with norm z:
    /// ∂L/∂x_ci = h_c·s_i + ∂L/∂S_i, and ∂L/∂S_i = a_i·s_i/(2·S_i) − S_i/(2·z²)·Σ_j a_j·s_j, the first term 0 where S_i ≤ 0.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Backward(in PoolingCall<T> call, int image, float* scratch)
    {
        MapShape shape = call.Shape;
        var memory = new Memory(scratch, shape);
        double square = Weights(call, memory, image);
        float* g = call.GradPooled + ((long)image * shape.Channels);
        new Span<float>(memory.Lanes, shape.Plane * Lanes.Count).Clear();
        for (int c = 0; c < shape.Channels; c += Lanes.Count)
        {
            Vector512<float> h = Vector512.Load(memory.Channel + c) * MapLanes.LoadUpTo(g + c, shape.Channels - c);
            h.Store(memory.Channel + c);
            MapTile<T>.Load(call.Map, shape, image, c, memory.Tile);
            for (int i = 0; i < shape.Plane * Lanes.Count; i += Lanes.Count)
                Vector512.FusedMultiplyAdd(h, Vector512.Load(memory.Tile + i), Vector512.Load(memory.Lanes + i)).Store(memory.Lanes + i);
        }
        double along = 0;
        for (int i = 0; i < shape.Plane; i++)
        {
            float a = ElementaryLanes.Sum(Vector512.Load(memory.Lanes + (i * Lanes.Count)));
            along += (double)a * memory.Spatial[i];
            memory.Slopes[i] = memory.Sums[i] <= 0 ? 0 : a * memory.Spatial[i] / (2 * memory.Sums[i]);
        }
        float pull = square == 0 ? 0 : (float)(along / (2 * square));
        for (int i = 0; i < shape.Plane; i++) memory.Slopes[i] -= memory.Sums[i] * pull;
        T* map = call.GradMap + ((long)image * shape.Channels * shape.Plane);
        if (shape.Layout == MapLayout.ChannelsLast) WriteRows(map, shape.Plane, shape.Channels, memory.Spatial, memory.Slopes, memory.Channel);
        else WriteColumns(map, shape.Channels, shape.Plane, memory.Spatial, memory.Slopes, memory.Channel);
    }

    /// <summary>map[i][c] = spatial[i]·channel[c] + slopes[i].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void WriteRows(T* map, int rows, int columns, float* spatial, float* slopes, float* channel)
    {
        for (int i = 0; i < rows; i++, map += columns)
        {
            Vector512<float> s = Vector512.Create(spatial[i]), slope = Vector512.Create(slopes[i]);
            for (int c = 0; c < columns; c += Lanes.Count)
            {
                // The last sixteen, some of them a second time.
                int at = Math.Max(0, Math.Min(c, columns - Lanes.Count));
                MapLanes.StoreUpTo(Vector512.FusedMultiplyAdd(s, Vector512.Load(channel + at), slope), map + at, columns);
            }
        }
    }

    /// <summary>map[c][i] = spatial[i]·channel[c] + slopes[i].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void WriteColumns(T* map, int rows, int columns, float* spatial, float* slopes, float* channel)
    {
        for (int c = 0; c < rows; c++, map += columns)
        {
            Vector512<float> h = Vector512.Create(channel[c]);
            for (int i = 0; i < columns; i += Lanes.Count)
            {
                int at = Math.Max(0, Math.Min(i, columns - Lanes.Count));
                MapLanes.StoreUpTo(Vector512.FusedMultiplyAdd(h, Vector512.Load(spatial + at), Vector512.Load(slopes + at)), map + at, columns);
            }
        }
    }

    /// <summary>The spatial and the channel weights; returns ‖S‖².</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static double Weights(in PoolingCall<T> call, Memory memory, int image)
    {
        MapShape shape = call.Shape;
        new Span<float>(memory.Lanes, shape.Plane * Lanes.Count).Clear();
        double nonZeros = 0;
        for (int c = 0; c < shape.Channels; c += Lanes.Count)
        {
            MapTile<T>.Load(call.Map, shape, image, c, memory.Tile);
            Vector512<int> count = Vector512<int>.Zero;
            for (int i = 0; i < shape.Plane * Lanes.Count; i += Lanes.Count)
            {
                Vector512<float> x = Vector512.Load(memory.Tile + i);
                (Vector512.Load(memory.Lanes + i) + x).Store(memory.Lanes + i);
                // All bits set are −1.
                count -= ~Vector512.Equals(x, Vector512<float>.Zero).AsInt32();
            }
            Vector512<float> counted = Vector512.ConvertToSingle(count);
            counted.Store(memory.Channel + c);
            nonZeros += ElementaryLanes.Sum(counted);
        }
        for (int c = 0; c < shape.Channels; c += Lanes.Count)
        {
            Vector512<float> count = Vector512.Load(memory.Channel + c);
            Vector512<float> weight = ElementaryLanes.Log(Vector512.Create((float)nonZeros) / Vector512.Max(count, Vector512<float>.One));
            (weight & Vector512.GreaterThan(count, Vector512<float>.Zero)).Store(memory.Channel + c);
        }
        double square = 0;
        for (int i = 0; i < shape.Plane; i++)
        {
            memory.Sums[i] = ElementaryLanes.Sum(Vector512.Load(memory.Lanes + (i * Lanes.Count)));
            square += (double)memory.Sums[i] * memory.Sums[i];
        }
        float inverse = (float)(1 / Math.Sqrt(square));
        for (int i = 0; i < shape.Plane; i++) memory.Spatial[i] = memory.Sums[i] <= 0 ? 0 : MathF.Sqrt(memory.Sums[i] * inverse);
        return square;
    }
}
