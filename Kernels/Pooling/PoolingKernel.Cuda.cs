using System.Runtime.InteropServices;
using ILGPU.Runtime;
using Osprey.Kernels.Normalization;

namespace Osprey.Kernels.Pooling;

/// <summary>Pooling as CUDA kernels. Spans are copied to and from buffers that stay; those of a 16-bit type load with the first such map.</summary>
internal sealed class CudaPooling(Accelerator accelerator, PoolingKind kind) : IDisposable
{
    readonly CudaRowNormalization rows = new(accelerator);
    readonly CudaMapPooling<float, FloatValue> floats = new(accelerator, kind);
    CudaMapPooling<ushort, ShortValue>? shorts;

    /// <param name="unit">[N,C], or empty: then norms is too.</param>
    public void Forward<T>(ReadOnlySpan<T> map, MapShape shape, ReadOnlySpan<float> powers, Span<float> pooled, Span<float> unit, Span<float> norms)
        where T : unmanaged
    {
        if (typeof(T) == typeof(float)) floats.Forward(MemoryMarshal.Cast<T, float>(map), shape, powers, default, pooled, rows, unit, norms);
        else Shorts().Forward(MemoryMarshal.Cast<T, ushort>(map), shape, powers, Value<T>(), pooled, rows, unit, norms);
    }

    /// <param name="terms">[N,C] or empty.</param>
    public void Backward<T>(
        ReadOnlySpan<T> map, MapShape shape, ReadOnlySpan<float> powers, ReadOnlySpan<float> pooled, ReadOnlySpan<float> gradPooled, Span<T> gradMap, Span<float> terms)
        where T : unmanaged
    {
        if (typeof(T) == typeof(float))
            floats.Backward(MemoryMarshal.Cast<T, float>(map), shape, powers, default, pooled, gradPooled, MemoryMarshal.Cast<T, float>(gradMap), terms);
        else
            Shorts().Backward(MemoryMarshal.Cast<T, ushort>(map), shape, powers, Value<T>(), pooled, gradPooled, MemoryMarshal.Cast<T, ushort>(gradMap), terms);
    }

    public void RowsBackward(ReadOnlySpan<float> unit, ReadOnlySpan<float> norms, ReadOnlySpan<float> gradUnit, MapShape shape, Span<float> gradPooled) =>
        rows.Backward(unit, norms, gradUnit, shape.Batch, shape.Channels, gradPooled);

    CudaMapPooling<ushort, ShortValue> Shorts() => shorts ??= new(accelerator, kind);

    static ShortValue Value<T>() => new(typeof(T) == typeof(Half) ? 1 : 0);

    public void Dispose()
    {
        rows.Dispose();
        floats.Dispose();
        shorts?.Dispose();
    }
}
