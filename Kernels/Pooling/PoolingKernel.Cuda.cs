using ILGPU;
using Osprey.Kernels.Normalization;
using Osprey.Kernels.Sharing;

namespace Osprey.Kernels.Pooling;

/// <summary>Pooling as CUDA kernels, on device memory; a call returns before it is done. The kernels of 16-bit maps load with the first such map.</summary>
internal sealed class CudaPooling : IDisposable
{
    readonly KernelLoader loader;
    readonly PoolingKind kind;
    readonly ScratchBuffer<float> terms, gradRows;
    readonly CudaRowNormalization rows;
    readonly CudaMapPooling<float, FloatValue> floats;
    readonly CudaPowerGradient? powerGradient;
    CudaMapPooling<ushort, ShortValue>? shorts;

    public CudaPooling(KernelLoader loader, PoolingKind kind)
    {
        this.loader = loader;
        this.kind = kind;
        terms = new(loader);
        gradRows = new(loader);
        rows = new(loader);
        floats = new(loader, kind);
        if (kind == PoolingKind.Gem) powerGradient = new(loader);
    }

    /// <param name="powers">GeM's: one, or one per channel.</param>
    /// <param name="isCube">Whether the one power is known to be 3.</param>
    public void Forward<T>(ArrayView<T> map, MapShape shape, ArrayView<float> powers, bool isCube, ArrayView<float> pooled)
        where T : unmanaged
    {
        if (typeof(T) == typeof(float)) floats.Forward(map.Cast<float>(), shape, powers, isCube, default, pooled);
        else Shorts().Forward(map.Cast<ushort>(), shape, powers, isCube, Value<T>(), pooled);
    }

    public void ForwardUnit<T>(
        ArrayView<T> map, MapShape shape, ArrayView<float> powers, bool isCube, ArrayView<float> pooled, ArrayView<float> unit, ArrayView<float> norms)
        where T : unmanaged
    {
        Forward(map, shape, powers, isCube, pooled);
        rows.Forward(pooled, shape.Batch, shape.Channels, unit, norms);
    }

    /// <param name="gradPowers">Empty leaves it out.</param>
    public void Backward<T>(
        ArrayView<T> map,
        MapShape shape,
        ArrayView<float> powers,
        bool isCube,
        ArrayView<float> pooled,
        ArrayView<float> gradPooled,
        ArrayView<T> gradMap,
        ArrayView<float> gradPowers)
        where T : unmanaged
    {
        ArrayView<float> t = terms.OfLength(gradPowers.Length > 0 ? shape.Rows : 0);
        if (typeof(T) == typeof(float)) floats.Backward(map.Cast<float>(), shape, powers, isCube, default, pooled, gradPooled, gradMap.Cast<float>(), t);
        else Shorts().Backward(map.Cast<ushort>(), shape, powers, isCube, Value<T>(), pooled, gradPooled, gradMap.Cast<ushort>(), t);
        if (gradPowers.Length > 0) powerGradient!.Run(shape, powers, pooled, gradPooled, t, gradPowers);
    }

    public void BackwardUnit<T>(
        ArrayView<T> map,
        MapShape shape,
        ArrayView<float> powers,
        bool isCube,
        ArrayView<float> pooled,
        ArrayView<float> unit,
        ArrayView<float> norms,
        ArrayView<float> gradUnit,
        ArrayView<T> gradMap,
        ArrayView<float> gradPowers)
        where T : unmanaged
    {
        ArrayView<float> gradPooled = gradRows.OfLength(shape.Rows);
        rows.Backward(unit, norms, gradUnit, shape.Batch, shape.Channels, gradPooled);
        Backward(map, shape, powers, isCube, pooled, gradPooled, gradMap, gradPowers);
    }

    CudaMapPooling<ushort, ShortValue> Shorts() => shorts ??= new(loader, kind);

    static ShortValue Value<T>() => new(typeof(T) == typeof(System.Half) ? 1 : 0);

    public void Dispose()
    {
        terms.Dispose();
        gradRows.Dispose();
        floats.Dispose();
        powerGradient?.Dispose();
        shorts?.Dispose();
    }
}
