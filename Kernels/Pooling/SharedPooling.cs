using Osprey.Kernels.Sharing;

namespace Osprey.Kernels.Pooling;

/// <summary>
/// <see cref="PoolingKernel"/> on device memory that somebody else owns, in that owner's CUDA context and on its stream: nothing is copied, and a call returns
/// when its launches are on the stream. R-MAC alone waits for the stream, when a map has another height or width than the one before: then the table of its
/// regions is copied. One call at a time per instance, and one stream: the next launch uses the same scratch memory.
/// </summary>
public sealed class SharedPooling : IDisposable
{
    readonly PoolingKind kind;
    readonly ContextLoader loader;
    readonly CudaPooling kernels;

    /// <param name="context">Must outlive this.</param>
    /// <param name="kind">Of pooling.</param>
    public SharedPooling(ICudaContext context, PoolingKind kind)
    {
        PoolingChecks.Kind(kind);
        this.kind = kind;
        loader = new ContextLoader(context);
        kernels = new CudaPooling(loader, kind);
    }

    /// <summary>As <see cref="PoolingKernel.Forward{T}"/>.</summary>
    /// <exception cref="ArgumentException">A span's length is not the shape's, a known power is out of range, or the type is not one of the three.</exception>
    public void Forward<T>(DeviceSpan<T> map, MapShape shape, DevicePowers powers, DeviceSpan<float> pooled)
        where T : unmanaged
    {
        Check(map, shape, powers, pooled);
        if (shape.Length > 0) kernels.Forward(loader.View(map), shape, loader.View(powers.Values), powers.Known is [3], loader.View(pooled));
    }

    /// <summary>As <see cref="PoolingKernel.ForwardUnit{T}"/>.</summary>
    /// <exception cref="ArgumentException">As <see cref="Forward{T}"/>.</exception>
    public void ForwardUnit<T>(DeviceSpan<T> map, MapShape shape, DevicePowers powers, DeviceSpan<float> pooled, DeviceSpan<float> unit, DeviceSpan<float> norms)
        where T : unmanaged
    {
        Check(map, shape, powers, pooled);
        PoolingChecks.UnitRows(unit.Length, norms.Length, shape);
        if (shape.Length == 0) return;
        kernels.ForwardUnit(loader.View(map), shape, loader.View(powers.Values), powers.Known is [3], loader.View(pooled), loader.View(unit), loader.View(norms));
    }

    /// <summary>As <see cref="PoolingKernel.Backward{T}"/>.</summary>
    /// <exception cref="ArgumentException">As <see cref="Forward{T}"/>.</exception>
    public void Backward<T>(
        DeviceSpan<T> map,
        MapShape shape,
        DevicePowers powers,
        DeviceSpan<float> pooled,
        DeviceSpan<float> gradPooled,
        DeviceSpan<T> gradMap,
        DeviceSpan<float> gradPowers)
        where T : unmanaged
    {
        PoolingChecks.Length(nameof(gradPooled), gradPooled.Length, shape.Rows, shape);
        if (!Begins(map, shape, powers, pooled, gradMap, gradPowers)) return;
        kernels.Backward(
            loader.View(map), shape, loader.View(powers.Values), powers.Known is [3], loader.View(pooled), loader.View(gradPooled), loader.View(gradMap), loader.View(gradPowers));
    }

    /// <summary>As <see cref="PoolingKernel.BackwardUnit{T}"/>.</summary>
    /// <exception cref="ArgumentException">As <see cref="Forward{T}"/>.</exception>
    public void BackwardUnit<T>(
        DeviceSpan<T> map,
        MapShape shape,
        DevicePowers powers,
        DeviceSpan<float> pooled,
        DeviceSpan<float> unit,
        DeviceSpan<float> norms,
        DeviceSpan<float> gradUnit,
        DeviceSpan<T> gradMap,
        DeviceSpan<float> gradPowers)
        where T : unmanaged
    {
        PoolingChecks.UnitRows(unit.Length, norms.Length, shape);
        PoolingChecks.Length(nameof(gradUnit), gradUnit.Length, shape.Rows, shape);
        if (!Begins(map, shape, powers, pooled, gradMap, gradPowers)) return;
        kernels.BackwardUnit(
            loader.View(map),
            shape,
            loader.View(powers.Values),
            powers.Known is [3],
            loader.View(pooled),
            loader.View(unit),
            loader.View(norms),
            loader.View(gradUnit),
            loader.View(gradMap),
            loader.View(gradPowers));
    }

    /// <summary>Checks what both ways back take, and whether anything is to be done.</summary>
    bool Begins<T>(DeviceSpan<T> map, MapShape shape, DevicePowers powers, DeviceSpan<float> pooled, DeviceSpan<T> gradMap, DeviceSpan<float> gradPowers)
        where T : unmanaged
    {
        Check(map, shape, powers, pooled);
        PoolingChecks.Length(nameof(gradMap), gradMap.Length, shape.Length, shape);
        PoolingChecks.PowerGradient(kind, gradPowers.Length, powers.Values.Length);
        if (shape.Length > 0) return true;
        loader.Clear(loader.View(gradPowers));
        return false;
    }

    void Check<T>(DeviceSpan<T> map, MapShape shape, DevicePowers powers, DeviceSpan<float> pooled)
        where T : unmanaged
    {
        PoolingChecks.Type<T>();
        PoolingChecks.Length(nameof(map), map.Length, shape.Length, shape);
        PoolingChecks.Length(nameof(pooled), pooled.Length, shape.Rows, shape);
        PoolingChecks.PowerCount(kind, powers.Values.Length, shape);
        PoolingChecks.PowerRange(kind, powers.Known);
        if (powers.Known.Length > 0 && powers.Known.Length != powers.Values.Length)
            throw new ArgumentException($"{powers.Values.Length} powers on the device and {powers.Known.Length} known ones", nameof(powers));
    }

    public void Dispose()
    {
        kernels.Dispose();
        loader.Dispose();
    }
}
