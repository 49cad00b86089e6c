using ILGPU;
using ILGPU.Runtime;
using Osprey.Kernels.Normalization;

namespace Osprey.Kernels.Pooling;

/// <summary>The kernels and buffers of <see cref="CudaPooling"/> for one type of map.</summary>
internal sealed class CudaMapPooling<TRaw, TValue> : IDisposable
    where TRaw : unmanaged
    where TValue : struct, IMapValue<TRaw>
{
    readonly Accelerator accelerator;
    readonly PoolingKind kind;
    readonly int groupSize;
    readonly DeviceBuffer<TRaw> map, gradMap;
    readonly DeviceBuffer<float> powers, pooled, unit, norms, gradPooled, terms;
    readonly Gem<CubePower>? cube;
    readonly Gem<AnyPower>? any;
    readonly Action<KernelConfig, ArrayView<TRaw>, ArrayView<float>, MapGrid, TValue>? plain;
    readonly Action<KernelConfig, ArrayView<float>, ArrayView<TRaw>, MapGrid, TValue>? spocBack;
    readonly Action<KernelConfig, ArrayView<TRaw>, ArrayView<float>, ArrayView<float>, ArrayView<TRaw>, MapGrid, TValue>? macBack;
    readonly CudaRegionPooling<TRaw, TValue>? regions;
    readonly CudaCrowPooling<TRaw, TValue>? crow;

    public CudaMapPooling(Accelerator accelerator, PoolingKind kind)
    {
        this.accelerator = accelerator;
        this.kind = kind;
        groupSize = Math.Min(MapGrid.GroupSize, accelerator.MaxNumThreadsPerGroup);
        map = new(accelerator);
        gradMap = new(accelerator);
        powers = new(accelerator);
        pooled = new(accelerator);
        unit = new(accelerator);
        norms = new(accelerator);
        gradPooled = new(accelerator);
        terms = new(accelerator);
        switch (kind)
        {
            case PoolingKind.Gem:
                cube = new(accelerator);
                any = new(accelerator);
                break;
            case PoolingKind.Spoc:
                plain = accelerator.LoadStreamKernel<ArrayView<TRaw>, ArrayView<float>, MapGrid, TValue>(CudaPlanes.SpocForward);
                spocBack = accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<TRaw>, MapGrid, TValue>(CudaPlanes.SpocBackward);
                break;
            case PoolingKind.Mac:
                plain = accelerator.LoadStreamKernel<ArrayView<TRaw>, ArrayView<float>, MapGrid, TValue>(CudaPlanes.MacForward);
                macBack = accelerator.LoadStreamKernel<ArrayView<TRaw>, ArrayView<float>, ArrayView<float>, ArrayView<TRaw>, MapGrid, TValue>(CudaPlanes.MacBackward);
                break;
            case PoolingKind.Rmac:
                regions = new(accelerator, groupSize);
                break;
            default:
                crow = new(accelerator, groupSize);
                break;
        }
    }

    /// <summary>GeM's kernels for one way to raise.</summary>
    sealed class Gem<TPower>(Accelerator accelerator)
        where TPower : struct, IGemPower
    {
        public readonly Action<KernelConfig, ArrayView<TRaw>, ArrayView<float>, ArrayView<float>, MapGrid, TPower, TValue> Forward =
            accelerator.LoadStreamKernel<ArrayView<TRaw>, ArrayView<float>, ArrayView<float>, MapGrid, TPower, TValue>(CudaPlanes.GemForward);

        public readonly Action<KernelConfig, ArrayView<TRaw>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<TRaw>, ArrayView<float>, MapGrid, TPower, TValue> Backward =
            accelerator.LoadStreamKernel<ArrayView<TRaw>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<TRaw>, ArrayView<float>, MapGrid, TPower, TValue>(CudaPlanes.GemBackward);
    }

    static bool IsCube(ReadOnlySpan<float> powers) => powers.Length == 1 && powers[0] == 3;

    KernelConfig Launch(MapGrid grid) => new(grid.Groups(accelerator.WarpSize, groupSize), groupSize);

    public void Forward(
        ReadOnlySpan<TRaw> map,
        MapShape shape,
        ReadOnlySpan<float> powers,
        TValue value,
        Span<float> pooled,
        CudaRowNormalization rows,
        Span<float> unit,
        Span<float> norms)
    {
        var grid = new MapGrid(shape);
        ArrayView<TRaw> x = this.map.Holding(map);
        ArrayView<float> y = this.pooled.OfLength(shape.Rows);
        switch (kind)
        {
            case PoolingKind.Gem when IsCube(powers): cube!.Forward(Launch(grid), x, this.powers.Holding(powers), y, grid, default, value); break;
            case PoolingKind.Gem: any!.Forward(Launch(grid), x, this.powers.Holding(powers), y, grid, default, value); break;
            case PoolingKind.Rmac: regions!.Forward(x, shape, y, value); break;
            case PoolingKind.Crow: crow!.Forward(x, shape, y, value); break;
            default: plain!(Launch(grid), x, y, grid, value); break;
        }
        if (!unit.IsEmpty)
        {
            ArrayView<float> u = this.unit.OfLength(shape.Rows), n = this.norms.OfLength(shape.Batch);
            rows.Forward(y, shape.Batch, shape.Channels, u, n);
            u.CopyToCPU(accelerator.DefaultStream, unit);
            n.CopyToCPU(accelerator.DefaultStream, norms);
        }
        y.CopyToCPU(accelerator.DefaultStream, pooled);
    }

    public void Backward(
        ReadOnlySpan<TRaw> map,
        MapShape shape,
        ReadOnlySpan<float> powers,
        TValue value,
        ReadOnlySpan<float> pooled,
        ReadOnlySpan<float> gradPooled,
        Span<TRaw> gradMap,
        Span<float> terms)
    {
        var grid = new MapGrid(shape);
        ArrayView<float> g = this.gradPooled.Holding(gradPooled), t = this.terms.OfLength(terms.Length);
        ArrayView<TRaw> d = this.gradMap.OfLength(shape.Length);
        if (kind == PoolingKind.Spoc)
        {
            spocBack!(Launch(grid), g, d, grid, value);
        }
        else
        {
            ArrayView<TRaw> x = this.map.Holding(map);
            switch (kind)
            {
                case PoolingKind.Gem when IsCube(powers):
                    cube!.Backward(Launch(grid), x, this.powers.Holding(powers), this.pooled.Holding(pooled), g, d, t, grid, default, value);
                    break;
                case PoolingKind.Gem:
                    any!.Backward(Launch(grid), x, this.powers.Holding(powers), this.pooled.Holding(pooled), g, d, t, grid, default, value);
                    break;
                case PoolingKind.Mac: macBack!(Launch(grid), x, this.pooled.Holding(pooled), g, d, grid, value); break;
                case PoolingKind.Rmac: regions!.Backward(x, shape, g, d, value); break;
                default: crow!.Backward(x, shape, g, d, value); break;
            }
        }
        d.CopyToCPU(accelerator.DefaultStream, gradMap);
        if (!terms.IsEmpty) t.CopyToCPU(accelerator.DefaultStream, terms);
    }

    public void Dispose()
    {
        map.Dispose();
        gradMap.Dispose();
        powers.Dispose();
        pooled.Dispose();
        unit.Dispose();
        norms.Dispose();
        gradPooled.Dispose();
        terms.Dispose();
        regions?.Dispose();
        crow?.Dispose();
    }
}
