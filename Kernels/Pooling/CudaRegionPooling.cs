using ILGPU;
using Osprey.Kernels.Sharing;

namespace Osprey.Kernels.Pooling;

/// <summary>Launches <see cref="CudaRegions"/>.</summary>
internal sealed class CudaRegionPooling<TRaw, TValue>(KernelLoader loader, int groupSize) : IDisposable
    where TRaw : unmanaged
    where TValue : struct, IMapValue<TRaw>
{
    readonly ScratchBuffer<MapRegion> regions = new(loader);
    readonly ScratchBuffer<float> maxima = new(loader), squares = new(loader), dots = new(loader);
    readonly ScratchBuffer<int> places = new(loader);
    readonly Action<KernelConfig, ArrayView<TRaw>, ArrayView<MapRegion>, ArrayView<float>, ArrayView<int>, MapGrid, TValue> maximaKernel =
        loader.Load<ArrayView<TRaw>, ArrayView<MapRegion>, ArrayView<float>, ArrayView<int>, MapGrid, TValue>(CudaRegions.Maxima);

    readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, int, int, int> normsKernel =
        loader.Load<ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, int, int, int>(CudaRegions.Norms);

    readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<MapRegion>, ArrayView<float>, int> combine =
        loader.Load<ArrayView<float>, ArrayView<float>, ArrayView<MapRegion>, ArrayView<float>, int>(CudaRegions.Combine);

    readonly Action<KernelConfig, ArrayView<float>, ArrayView<int>, ArrayView<float>, ArrayView<float>, ArrayView<MapRegion>, ArrayView<float>, ArrayView<TRaw>, MapGrid, TValue> scatter =
        loader.Load<ArrayView<float>, ArrayView<int>, ArrayView<float>, ArrayView<float>, ArrayView<MapRegion>, ArrayView<float>, ArrayView<TRaw>, MapGrid, TValue>(CudaRegions.Scatter);

    RegionGrid? grid;

    public void Forward(ArrayView<TRaw> map, MapShape shape, ArrayView<float> pooled, TValue value)
    {
        ArrayView<MapRegion> r = Regions(shape);
        ArrayView<float> m = Maxima(map, shape, r, 0, value), s = Squares(m, shape, 0, pooled.SubView(0, 0));
        combine(PerRow(shape), m, s, r, pooled, shape.Channels);
    }

    public void Backward(ArrayView<TRaw> map, MapShape shape, ArrayView<float> gradPooled, ArrayView<TRaw> gradMap, TValue value)
    {
        ArrayView<MapRegion> r = Regions(shape);
        ArrayView<float> m = Maxima(map, shape, r, (long)r.Length * shape.Rows, value), s = Squares(m, shape, (long)r.Length * shape.Batch, gradPooled);
        loader.Clear(gradMap);
        scatter(PerRow(shape), m, places.OfLength(m.Length), s, dots.OfLength(s.Length), r, gradPooled, gradMap, new MapGrid(shape), value);
    }

    KernelConfig PerRow(MapShape shape) => new((shape.Rows + groupSize - 1) / groupSize, groupSize);

    ArrayView<MapRegion> Regions(MapShape shape)
    {
        if (grid is null || grid.Height != shape.Height || grid.Width != shape.Width)
        {
            var next = new RegionGrid(shape.Height, shape.Width);
            loader.Upload<MapRegion>(regions.OfLength(next.Regions.Length), next.Regions);
            grid = next;
        }
        return regions.OfLength(grid.Regions.Length);
    }

    ArrayView<float> Maxima(ArrayView<TRaw> map, MapShape shape, ArrayView<MapRegion> regions, long places, TValue value)
    {
        var grid = new MapGrid(shape);
        ArrayView<float> m = maxima.OfLength(regions.Length * shape.Rows);
        maximaKernel(new KernelConfig(grid.Groups(KernelLoader.WarpSize, groupSize), groupSize), map, regions, m, this.places.OfLength(places), grid, value);
        return m;
    }

    ArrayView<float> Squares(ArrayView<float> maxima, MapShape shape, long dots, ArrayView<float> gradPooled)
    {
        int count = grid!.Regions.Length;
        ArrayView<float> s = squares.OfLength((long)count * shape.Batch);
        normsKernel(new KernelConfig(count * shape.Batch, groupSize), maxima, gradPooled, s, this.dots.OfLength(dots), count, shape.Rows, shape.Channels);
        return s;
    }

    public void Dispose()
    {
        regions.Dispose();
        maxima.Dispose();
        squares.Dispose();
        dots.Dispose();
        places.Dispose();
    }
}
