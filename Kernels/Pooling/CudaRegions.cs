using ILGPU;
using Osprey.Kernels.Arithmetic;
using Osprey.Kernels.Normalization;

namespace Osprey.Kernels.Pooling;

/// <summary>R-MAC as CUDA kernels: every region's maxima, norms over the channels, and the weighted sum; back, the first maxima get the gradients.</summary>
internal static class CudaRegions
{
    static long Position(MapRegion region, int i, int width) => ((long)(region.Top + (i / region.Width)) * width) + region.Left + (i % region.Width);

    /// <summary>maxima[region][n·C + c], and the positions of the first ones, where places is not empty. A plane is read from memory once: its regions overlap.</summary>
    [CudaKernel(typeof(float), typeof(FloatValue))]
    [CudaKernel(typeof(ushort), typeof(ShortValue))]
    public static void Maxima<TRaw, TValue>(ArrayView<TRaw> map, ArrayView<MapRegion> regions, ArrayView<float> maxima, ArrayView<int> places, MapGrid grid, TValue value)
        where TRaw : unmanaged
        where TValue : struct, IMapValue<TRaw>
    {
        int row = grid.Row();
        long origin = row < 0 ? 0 : grid.Origin(row);
        for (int r = 0; r < regions.Length; r++)
        {
            MapRegion region = regions[r];
            int end = row < 0 ? 0 : region.Height * region.Width;
            float best = float.NegativeInfinity;
            for (int i = grid.First(); i < end; i += grid.Step())
                best = MapGrid.Larger(value.Read(map[origin + (Position(region, i, grid.Width) * grid.Stride())]), best);
            best = grid.Largest(best);
            if (row >= 0 && grid.Writes()) maxima[((long)r * grid.Rows) + row] = best;
            if (places.Length == 0) continue;
            int first = int.MaxValue;
            for (int i = grid.First(); i < end; i += grid.Step())
            {
                long position = Position(region, i, grid.Width);
                float x = value.Read(map[origin + (position * grid.Stride())]);
                if (position < first && (x == best || (float.IsNaN(x) && float.IsNaN(best)))) first = (int)position;
            }
            first = grid.Least(first);
            if (row >= 0 && grid.Writes()) places[((long)r * grid.Rows) + row] = first;
        }
    }

    /// <summary>A group per image and region: squares = Σ M² and, where gradPooled is not empty, dots = Σ M·g, both [N][regions].</summary>
    [CudaKernel]
    public static void Norms(ArrayView<float> maxima, ArrayView<float> gradPooled, ArrayView<float> squares, ArrayView<float> dots, int regions, int rows, int channels)
    {
        int image = Grid.IdxX / regions, region = Grid.IdxX % regions;
        float square = 0, dot = 0;
        for (int c = Group.IdxX; c < channels; c += Group.DimX)
        {
            long row = ((long)image * channels) + c;
            float maximum = maxima[((long)region * rows) + row];
            square = CudaMath.Fma(maximum, maximum, square);
            if (gradPooled.Length > 0) dot = CudaMath.Fma(maximum, gradPooled[row], dot);
        }
        square = CudaMath.GroupSum(square);
        dot = CudaMath.GroupSum(dot);
        if (Group.IdxX > 0) return;
        squares[Grid.IdxX] = square;
        if (gradPooled.Length > 0) dots[Grid.IdxX] = dot;
    }

    /// <summary>A thread per image and channel.</summary>
    [CudaKernel]
    public static void Combine(ArrayView<float> maxima, ArrayView<float> squares, ArrayView<MapRegion> regions, ArrayView<float> pooled, int channels)
    {
        long row = ((long)Grid.IdxX * Group.DimX) + Group.IdxX;
        if (row >= pooled.Length) return;
        long image = row / channels * regions.Length;
        float sum = 0;
        for (int r = 0; r < regions.Length; r++)
        {
            float weight = regions[r].Weight / (CudaMath.Sqrt(squares[image + r]) + RowNormalization.Epsilon);
            sum = CudaMath.Fma(weight, maxima[(r * pooled.Length) + row], sum);
        }
        pooled[row] = sum;
    }

    /// <summary>A thread per image and channel, into a map of zeros. Regions whose maxima fall together are added up before they are written.</summary>
    [CudaKernel(typeof(float), typeof(FloatValue))]
    [CudaKernel(typeof(ushort), typeof(ShortValue))]
    public static void Scatter<TRaw, TValue>(
        ArrayView<float> maxima,
        ArrayView<int> places,
        ArrayView<float> squares,
        ArrayView<float> dots,
        ArrayView<MapRegion> regions,
        ArrayView<float> gradPooled,
        ArrayView<TRaw> gradMap,
        MapGrid grid,
        TValue value)
        where TRaw : unmanaged
        where TValue : struct, IMapValue<TRaw>
    {
        int row = (Grid.IdxX * Group.DimX) + Group.IdxX;
        if (row >= gradPooled.Length) return;
        long image = (long)(row / grid.Channels) * regions.Length;
        for (int r = 0; r < regions.Length; r++)
        {
            int place = places[((long)r * grid.Rows) + row];
            bool met = false;
            for (int earlier = 0; earlier < r; earlier++) met |= places[((long)earlier * grid.Rows) + row] == place;
            if (met) continue;
            float slope = 0;
            for (int s = r; s < regions.Length; s++)
            {
                if (places[((long)s * grid.Rows) + row] != place) continue;
                float norm = CudaMath.Sqrt(squares[image + s]), length = norm + RowNormalization.Epsilon, weight = regions[s].Weight;
                float pull = norm == 0 ? 0 : -weight * (dots[image + s] / norm / length / length);
                slope += CudaMath.Fma(weight / length, gradPooled[row], pull * maxima[((long)s * grid.Rows) + row]);
            }
            gradMap[grid.Origin(row) + ((long)place * grid.Stride())] = value.Write(slope);
        }
    }
}
