using ILGPU;
using ILGPU.Runtime;
using Osprey.Kernels.Sharing;

namespace Osprey.Kernels.Pooling;

/// <summary>Pooling of host memory on ILGPU's own accelerator: copied there and back, in buffers that stay.</summary>
internal sealed class CopiedPooling(Accelerator accelerator, PoolingKind kind) : IDisposable
{
    readonly CudaPooling kernels = new(new AcceleratorLoader(accelerator), kind);
    readonly DeviceBuffer<byte> map = new(accelerator), gradMap = new(accelerator);
    readonly DeviceBuffer<float> powers = new(accelerator), pooled = new(accelerator), unit = new(accelerator), norms = new(accelerator);
    readonly DeviceBuffer<float> gradPooled = new(accelerator), gradPowers = new(accelerator);

    public void Forward<T>(ReadOnlySpan<T> map, MapShape shape, ReadOnlySpan<float> powers, Span<float> pooled)
        where T : unmanaged
    {
        ArrayView<float> y = this.pooled.OfLength(pooled.Length);
        kernels.Forward(Map(map), shape, this.powers.Holding(powers), powers is [3], y);
        y.CopyToCPU(accelerator.DefaultStream, pooled);
    }

    public void ForwardUnit<T>(ReadOnlySpan<T> map, MapShape shape, ReadOnlySpan<float> powers, Span<float> pooled, Span<float> unit, Span<float> norms)
        where T : unmanaged
    {
        ArrayView<float> y = this.pooled.OfLength(pooled.Length), u = this.unit.OfLength(unit.Length), n = this.norms.OfLength(norms.Length);
        kernels.ForwardUnit(Map(map), shape, this.powers.Holding(powers), powers is [3], y, u, n);
        y.CopyToCPU(accelerator.DefaultStream, pooled);
        u.CopyToCPU(accelerator.DefaultStream, unit);
        n.CopyToCPU(accelerator.DefaultStream, norms);
    }

    public void Backward<T>(
        ReadOnlySpan<T> map,
        MapShape shape,
        ReadOnlySpan<float> powers,
        ReadOnlySpan<float> pooled,
        ReadOnlySpan<float> gradPooled,
        Span<T> gradMap,
        Span<float> gradPowers)
        where T : unmanaged
    {
        ArrayView<T> d = OfLength<T>(this.gradMap, gradMap.Length);
        ArrayView<float> p = this.gradPowers.OfLength(gradPowers.Length);
        kernels.Backward(ReadBack(map), shape, this.powers.Holding(powers), powers is [3], this.pooled.Holding(pooled), this.gradPooled.Holding(gradPooled), d, p);
        Fetch(d, gradMap, p, gradPowers);
    }

    public void BackwardUnit<T>(
        ReadOnlySpan<T> map,
        MapShape shape,
        ReadOnlySpan<float> powers,
        ReadOnlySpan<float> pooled,
        ReadOnlySpan<float> unit,
        ReadOnlySpan<float> norms,
        ReadOnlySpan<float> gradUnit,
        Span<T> gradMap,
        Span<float> gradPowers)
        where T : unmanaged
    {
        ArrayView<T> d = OfLength<T>(this.gradMap, gradMap.Length);
        ArrayView<float> p = this.gradPowers.OfLength(gradPowers.Length);
        kernels.BackwardUnit(
            ReadBack(map), shape, this.powers.Holding(powers), powers is [3], this.pooled.Holding(pooled), this.unit.Holding(unit), this.norms.Holding(norms), gradPooled.Holding(gradUnit), d, p);
        Fetch(d, gradMap, p, gradPowers);
    }

    ArrayView<T> Map<T>(ReadOnlySpan<T> values)
        where T : unmanaged
    {
        ArrayView<T> view = OfLength<T>(map, values.Length);
        view.CopyFromCPU(accelerator.DefaultStream, values);
        return view;
    }

    /// <summary>The map as the backward pass wants it: that of SPoC does not read it.</summary>
    ArrayView<T> ReadBack<T>(ReadOnlySpan<T> values)
        where T : unmanaged => kind == PoolingKind.Spoc ? OfLength<T>(map, values.Length) : Map(values);

    void Fetch<T>(ArrayView<T> gradMap, Span<T> toMap, ArrayView<float> gradPowers, Span<float> toPowers)
        where T : unmanaged
    {
        gradMap.CopyToCPU(accelerator.DefaultStream, toMap);
        if (toPowers.Length > 0) gradPowers.CopyToCPU(accelerator.DefaultStream, toPowers);
    }

    static unsafe ArrayView<T> OfLength<T>(DeviceBuffer<byte> buffer, long length)
        where T : unmanaged => buffer.OfLength(length * sizeof(T)).Cast<T>();

    public void Dispose()
    {
        kernels.Dispose();
        map.Dispose();
        gradMap.Dispose();
        powers.Dispose();
        pooled.Dispose();
        unit.Dispose();
        norms.Dispose();
        gradPooled.Dispose();
        gradPowers.Dispose();
    }
}
