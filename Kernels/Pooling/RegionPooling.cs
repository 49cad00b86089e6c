using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Osprey.Kernels.Arithmetic;
using Osprey.Kernels.Normalization;

namespace Osprey.Kernels.Pooling;

/// <summary>
/// R-MAC of one image, a lane a channel. The map is read once: each activation goes into the maximum of its cell (<see cref="RegionGrid"/>), and the
/// regions' maxima are maxima of cells. Norms over the channels follow, and the weighted sum.
/// </summary>
internal static unsafe class RegionPooling<T>
    where T : unmanaged
{
    const float Epsilon = RowNormalization.Epsilon;

    static int Padded(MapShape shape) => (shape.Channels + Lanes.Count - 1) / Lanes.Count * Lanes.Count;

    /// <summary>Floats of scratch memory that an image needs.</summary>
    public static long Scratch(MapShape shape, RegionGrid grid) =>
        ((long)(shape.Plane + grid.Cells + (4 * grid.Regions.Length)) * Lanes.Count) + (2L * grid.Regions.Length * Padded(shape));

    /// <summary>The parts of the scratch memory.</summary>
    readonly struct Memory(float* start, MapShape shape, RegionGrid grid)
    {
        /// <summary>[h·w][16].</summary>
        public readonly float* Tile = start;

        /// <summary>[cells][16].</summary>
        public readonly float* Cells = start + (shape.Plane * Lanes.Count);

        /// <summary>[regions][16]: Σ maximum².</summary>
        public readonly float* Squares = start + ((shape.Plane + grid.Cells) * Lanes.Count);

        /// <summary>[regions][16]: Σ maximum·gradient.</summary>
        public readonly float* Dots = start + ((shape.Plane + grid.Cells + grid.Regions.Length) * Lanes.Count);

        /// <summary>[regions], of the maximum in the descriptor and in its gradient.</summary>
        public readonly float* Weights = start + ((shape.Plane + grid.Cells + (2 * grid.Regions.Length)) * Lanes.Count);

        public readonly float* Pulls = start + ((shape.Plane + grid.Cells + (3 * grid.Regions.Length)) * Lanes.Count);

        /// <summary>[regions][channels, padded].</summary>
        public readonly float* Maxima = start + ((long)(shape.Plane + grid.Cells + (4 * grid.Regions.Length)) * Lanes.Count);

        /// <summary>[regions][channels, padded]: the position of the first maximum.</summary>
        public readonly int* Places = (int*)(start + ((long)(shape.Plane + grid.Cells + (4 * grid.Regions.Length)) * Lanes.Count) + ((long)grid.Regions.Length * Padded(shape)));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Forward(in PoolingCall<T> call, RegionGrid grid, int image, float* scratch)
    {
        MapShape shape = call.Shape;
        var memory = new Memory(scratch, shape, grid);
        int padded = Padded(shape), regions = grid.Regions.Length;
        new Span<float>(memory.Squares, regions * Lanes.Count).Clear();
        for (int c = 0; c < shape.Channels; c += Lanes.Count) Maxima(call, grid, memory, image, c, padded);
        for (int r = 0; r < regions; r++) memory.Weights[r] = grid.Regions[r].Weight / (Norm(memory, r) + Epsilon);
        float* pooled = call.Pooled + ((long)image * shape.Channels);
        for (int c = 0; c < shape.Channels; c += Lanes.Count)
        {
            Vector512<float> sum = Vector512<float>.Zero;
            for (int r = 0; r < regions; r++)
                sum = Vector512.FusedMultiplyAdd(Vector512.Create(memory.Weights[r]), Vector512.Load(memory.Maxima + ((long)r * padded) + c), sum);
            MapLanes.StoreUpTo(sum, pooled + c, shape.Channels - c);
        }
    }

    /// <summary>
    /// With M the maxima of a region, n = ‖M‖ and w its weight: ∂L/∂M = w·(g/(n + ε) − M·⟨g,M⟩/(n·(n + ε)²)), and all of it goes to the first maximum.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Backward(in PoolingCall<T> call, RegionGrid grid, int image, float* scratch)
    {
        MapShape shape = call.Shape;
        var memory = new Memory(scratch, shape, grid);
        int padded = Padded(shape), regions = grid.Regions.Length;
        float* g = call.GradPooled + ((long)image * shape.Channels);
        new Span<float>(memory.Squares, regions * Lanes.Count).Clear();
        new Span<float>(memory.Dots, regions * Lanes.Count).Clear();
        for (int c = 0; c < shape.Channels; c += Lanes.Count)
        {
            Maxima(call, grid, memory, image, c, padded);
            Vector512<float> gradient = MapLanes.LoadUpTo(g + c, shape.Channels - c);
            for (int r = 0; r < regions; r++)
            {
                long at = ((long)r * padded) + c;
                Vector512<float> maximum = Vector512.Load(memory.Maxima + at);
                float* dot = memory.Dots + (r * Lanes.Count);
                Vector512.FusedMultiplyAdd(maximum, gradient, Vector512.Load(dot)).Store(dot);
                Place(memory.Tile, shape.Width, grid.Regions[r], maximum).Store(memory.Places + at);
            }
        }
        for (int r = 0; r < regions; r++)
        {
            float norm = Norm(memory, r), length = norm + Epsilon, weight = grid.Regions[r].Weight;
            memory.Weights[r] = weight / length;
            memory.Pulls[r] = norm == 0 ? 0 : -weight * (ElementaryLanes.Sum(Vector512.Load(memory.Dots + (r * Lanes.Count))) / norm / length / length);
        }
        float* slopes = stackalloc float[Lanes.Count];
        for (int c = 0; c < shape.Channels; c += Lanes.Count)
        {
            int channels = Math.Min(Lanes.Count, shape.Channels - c);
            Vector512<float> gradient = MapLanes.LoadUpTo(g + c, channels);
            new Span<float>(memory.Tile, shape.Plane * Lanes.Count).Clear();
            for (int r = 0; r < regions; r++)
            {
                long at = ((long)r * padded) + c;
                Vector512<float> along = Vector512.Create(memory.Pulls[r]) * Vector512.Load(memory.Maxima + at);
                Vector512.FusedMultiplyAdd(Vector512.Create(memory.Weights[r]), gradient, along).Store(slopes);
                // In float32, whatever the map's type: a position may be the maximum of several regions.
                for (int l = 0; l < channels; l++) memory.Tile[(memory.Places[at + l] * Lanes.Count) + l] += slopes[l];
            }
            MapTile<T>.Store(memory.Tile, call.GradMap, shape, image, c);
        }
    }

    static float Norm(Memory memory, int region) => MathF.Sqrt(ElementaryLanes.Sum(Vector512.Load(memory.Squares + (region * Lanes.Count))));

    /// <summary>The maxima of every region for sixteen channels, and their squares added up.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Maxima(in PoolingCall<T> call, RegionGrid grid, Memory memory, int image, int channel, int padded)
    {
        MapTile<T>.Load(call.Map, call.Shape, image, channel, memory.Tile);
        int columns = grid.ColumnCuts.Length - 1, width = call.Shape.Width;
        for (int row = 0; row + 1 < grid.RowCuts.Length; row++)
        {
            for (int column = 0; column < columns; column++)
            {
                Largest(memory.Tile, width, grid.RowCuts[row], grid.RowCuts[row + 1], grid.ColumnCuts[column], grid.ColumnCuts[column + 1])
                    .Store(memory.Cells + (((row * columns) + column) * Lanes.Count));
            }
        }
        for (int r = 0; r < grid.Regions.Length; r++)
        {
            (int top, int bottom) = grid.CellRows[r];
            (int left, int right) = grid.CellColumns[r];
            Vector512<float> maximum = Largest(memory.Cells, columns, top, bottom, left, right);
            maximum.Store(memory.Maxima + ((long)r * padded) + channel);
            float* square = memory.Squares + (r * Lanes.Count);
            Vector512.FusedMultiplyAdd(maximum, maximum, Vector512.Load(square)).Store(square);
        }
    }

    /// <summary>The largest of a rectangle of [rows][columns][16]; NaN where any is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<float> Largest(float* values, int columns, int top, int bottom, int left, int right)
    {
        Vector512<float> a = Vector512.Create(float.NegativeInfinity), b = a;
        for (int y = top; y < bottom; y++)
        {
            float* x = values + (((y * columns) + left) * Lanes.Count), end = x + ((right - left) * Lanes.Count);
            for (; x + (2 * Lanes.Count) <= end; x += 2 * Lanes.Count)
            {
                a = Vector512.Max(a, Vector512.Load(x));
                b = Vector512.Max(b, Vector512.Load(x + Lanes.Count));
            }
            if (x < end) a = Vector512.Max(a, Vector512.Load(x));
        }
        return Vector512.Max(a, b);
    }

    /// <summary>The first position of a region, by rows, that holds the maximum (the first NaN, if that is one).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static Vector512<int> Place(float* tile, int width, MapRegion region, Vector512<float> maximum)
    {
        Vector512<int> place = Vector512<int>.Zero;
        bool nan = !Vector512.EqualsAll(maximum, maximum);
        for (int y = region.Top + region.Height - 1; y >= region.Top; y--)
        {
            for (int i = (y * width) + region.Left + region.Width - 1; i >= (y * width) + region.Left; i--)
            {
                Vector512<float> x = Vector512.Load(tile + (i * Lanes.Count)), here = Vector512.Equals(x, maximum);
                if (nan) here |= ~Vector512.Equals(x, x) & ~Vector512.Equals(maximum, maximum);
                place = Vector512.ConditionalSelect(here.AsInt32(), Vector512.Create(i), place);
            }
        }
        return place;
    }
}
