using ILGPU;
using Osprey.Kernels.Sharing;

namespace Osprey.Kernels.Pooling;

/// <summary>Launches <see cref="CudaCrow"/>.</summary>
internal sealed class CudaCrowPooling<TRaw, TValue>(KernelLoader loader, int groupSize) : IDisposable
    where TRaw : unmanaged
    where TValue : struct, IMapValue<TRaw>
{
    readonly ScratchBuffer<float> sums = new(loader), counts = new(loader), spatial = new(loader), channel = new(loader), squares = new(loader), slopes = new(loader);
    readonly Action<KernelConfig, ArrayView<TRaw>, ArrayView<float>, ArrayView<float>, ArrayView<float>, MapGrid, TValue> sumsKernel =
        loader.Load<ArrayView<TRaw>, ArrayView<float>, ArrayView<float>, ArrayView<float>, MapGrid, TValue>(CudaCrow.Sums);

    readonly Action<KernelConfig, ArrayView<TRaw>, ArrayView<float>, MapGrid, TValue> countsKernel =
        loader.Load<ArrayView<TRaw>, ArrayView<float>, MapGrid, TValue>(CudaCrow.Counts);

    readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, int, int> weights =
        loader.Load<ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, int, int>(CudaCrow.Weights);

    readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, int> slopesKernel =
        loader.Load<ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, int>(CudaCrow.Slopes);

    readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<TRaw>, MapGrid, TValue> write =
        loader.Load<ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<TRaw>, MapGrid, TValue>(CudaCrow.Write);

    public void Forward(ArrayView<TRaw> map, MapShape shape, ArrayView<float> pooled, TValue value)
    {
        var grid = new MapGrid(shape);
        Weights(map, shape, grid, pooled.SubView(0, 0), value);
        sumsKernel(Launch(grid), map, spatial.OfLength(Positions(shape)), channel.OfLength(shape.Rows), pooled, grid, value);
    }

    public void Backward(ArrayView<TRaw> map, MapShape shape, ArrayView<float> gradPooled, ArrayView<TRaw> gradMap, TValue value)
    {
        var grid = new MapGrid(shape);
        Weights(map, shape, grid, gradPooled, value);
        ArrayView<float> h = channel.OfLength(shape.Rows), a = slopes.OfLength(Positions(shape)), s = spatial.OfLength(Positions(shape));
        sumsKernel(Launch(grid.Turned), map, h, a.SubView(0, 0), a, grid.Turned, value);
        slopesKernel(new KernelConfig(shape.Batch, groupSize), sums.OfLength(Positions(shape)), s, squares.OfLength(shape.Batch), a, shape.Plane);
        write(Launch(grid), s, a, h, gradMap, grid, value);
    }

    void Weights(ArrayView<TRaw> map, MapShape shape, MapGrid grid, ArrayView<float> gradPooled, TValue value)
    {
        ArrayView<float> sum = sums.OfLength(Positions(shape)), count = counts.OfLength(shape.Rows);
        sumsKernel(Launch(grid.Turned), map, sum.SubView(0, 0), sum.SubView(0, 0), sum, grid.Turned, value);
        countsKernel(Launch(grid), map, count, grid, value);
        weights(
            new KernelConfig(shape.Batch, groupSize), sum, count, gradPooled, spatial.OfLength(sum.Length), channel.OfLength(shape.Rows), squares.OfLength(shape.Batch), shape.Plane, shape.Channels);
    }

    static long Positions(MapShape shape) => (long)shape.Batch * shape.Plane;

    KernelConfig Launch(MapGrid grid) => new(grid.Groups(KernelLoader.WarpSize, groupSize), groupSize);

    public void Dispose()
    {
        sums.Dispose();
        counts.Dispose();
        spatial.Dispose();
        channel.Dispose();
        squares.Dispose();
        slopes.Dispose();
    }
}
