using ILGPU;
using Osprey.Kernels.Sharing;

namespace Osprey.Kernels.Pooling;

/// <summary>The kernels of <see cref="CudaPooling"/> for one type of map.</summary>
internal sealed class CudaMapPooling<TRaw, TValue> : IDisposable
    where TRaw : unmanaged
    where TValue : struct, IMapValue<TRaw>
{
    readonly PoolingKind kind;
    readonly int groupSize;
    readonly Gem<CubePower>? cube;
    readonly Gem<AnyPower>? any;
    readonly Action<KernelConfig, ArrayView<TRaw>, ArrayView<float>, MapGrid, TValue>? plain;
    readonly Action<KernelConfig, ArrayView<float>, ArrayView<TRaw>, MapGrid, TValue>? spocBack;
    readonly Action<KernelConfig, ArrayView<TRaw>, ArrayView<float>, ArrayView<float>, ArrayView<TRaw>, MapGrid, TValue>? macBack;
    readonly CudaRegionPooling<TRaw, TValue>? regions;
    readonly CudaCrowPooling<TRaw, TValue>? crow;

    public CudaMapPooling(KernelLoader loader, PoolingKind kind)
    {
        this.kind = kind;
        groupSize = Math.Min(MapGrid.GroupSize, loader.MaxGroupSize);
        switch (kind)
        {
            case PoolingKind.Gem:
                cube = new(loader);
                any = new(loader);
                break;
            case PoolingKind.Spoc:
                plain = loader.Load<ArrayView<TRaw>, ArrayView<float>, MapGrid, TValue>(CudaPlanes.SpocForward);
                spocBack = loader.Load<ArrayView<float>, ArrayView<TRaw>, MapGrid, TValue>(CudaPlanes.SpocBackward);
                break;
            case PoolingKind.Mac:
                plain = loader.Load<ArrayView<TRaw>, ArrayView<float>, MapGrid, TValue>(CudaPlanes.MacForward);
                macBack = loader.Load<ArrayView<TRaw>, ArrayView<float>, ArrayView<float>, ArrayView<TRaw>, MapGrid, TValue>(CudaPlanes.MacBackward);
                break;
            case PoolingKind.Rmac:
                regions = new(loader, groupSize);
                break;
            default:
                crow = new(loader, groupSize);
                break;
        }
    }

    /// <summary>GeM's kernels for one way to raise.</summary>
    sealed class Gem<TPower>(KernelLoader loader)
        where TPower : struct, IGemPower
    {
        public readonly Action<KernelConfig, ArrayView<TRaw>, ArrayView<float>, ArrayView<float>, MapGrid, TPower, TValue> Forward =
            loader.Load<ArrayView<TRaw>, ArrayView<float>, ArrayView<float>, MapGrid, TPower, TValue>(CudaPlanes.GemForward);

        public readonly Action<KernelConfig, ArrayView<TRaw>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<TRaw>, ArrayView<float>, MapGrid, TPower, TValue> Backward =
            loader.Load<ArrayView<TRaw>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<TRaw>, ArrayView<float>, MapGrid, TPower, TValue>(CudaPlanes.GemBackward);
    }

    KernelConfig Launch(MapGrid grid) => new(grid.Groups(KernelLoader.WarpSize, groupSize), groupSize);

    /// <param name="isCube">Whether the one power is known to be 3.</param>
    public void Forward(ArrayView<TRaw> map, MapShape shape, ArrayView<float> powers, bool isCube, TValue value, ArrayView<float> pooled)
    {
        var grid = new MapGrid(shape);
        switch (kind)
        {
            case PoolingKind.Gem when isCube: cube!.Forward(Launch(grid), map, powers, pooled, grid, default, value); break;
            case PoolingKind.Gem: any!.Forward(Launch(grid), map, powers, pooled, grid, default, value); break;
            case PoolingKind.Rmac: regions!.Forward(map, shape, pooled, value); break;
            case PoolingKind.Crow: crow!.Forward(map, shape, pooled, value); break;
            default: plain!(Launch(grid), map, pooled, grid, value); break;
        }
    }

    /// <param name="terms">[N,C], written: Σ t^p·ln t with t = x/y; empty leaves it out. GeM only.</param>
    public void Backward(
        ArrayView<TRaw> map,
        MapShape shape,
        ArrayView<float> powers,
        bool isCube,
        TValue value,
        ArrayView<float> pooled,
        ArrayView<float> gradPooled,
        ArrayView<TRaw> gradMap,
        ArrayView<float> terms)
    {
        var grid = new MapGrid(shape);
        switch (kind)
        {
            case PoolingKind.Gem when isCube: cube!.Backward(Launch(grid), map, powers, pooled, gradPooled, gradMap, terms, grid, default, value); break;
            case PoolingKind.Gem: any!.Backward(Launch(grid), map, powers, pooled, gradPooled, gradMap, terms, grid, default, value); break;
            case PoolingKind.Spoc: spocBack!(Launch(grid), gradPooled, gradMap, grid, value); break;
            case PoolingKind.Mac: macBack!(Launch(grid), map, pooled, gradPooled, gradMap, grid, value); break;
            case PoolingKind.Rmac: regions!.Backward(map, shape, gradPooled, gradMap, value); break;
            default: crow!.Backward(map, shape, gradPooled, gradMap, value); break;
        }
    }

    public void Dispose()
    {
        regions?.Dispose();
        crow?.Dispose();
    }
}
