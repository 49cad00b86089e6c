using ILGPU;
using ILGPU.Runtime;

namespace Osprey.Kernels;

/// <summary>Device memory of one purpose that grows to the largest size asked for and is then kept. What it held is lost when it grows.</summary>
internal sealed class DeviceBuffer<T>(Accelerator accelerator) : IDisposable
    where T : unmanaged
{
    MemoryBuffer1D<T, Stride1D.Dense>? memory;

    /// <summary>A view of <paramref name="length"/> values, whatever they hold.</summary>
    public ArrayView<T> OfLength(long length)
    {
        // One value at least: an empty launch still binds its views.
        if (memory is null || memory.Length < length)
        {
            memory?.Dispose();
            memory = accelerator.Allocate1D<T>(Math.Max(1, length));
        }
        return memory.View.AsContiguous().SubView(0, length);
    }

    /// <summary>A view of a copy of <paramref name="values"/>.</summary>
    public ArrayView<T> Holding(ReadOnlySpan<T> values)
    {
        ArrayView<T> view = OfLength(values.Length);
        if (values.Length > 0) view.CopyFromCPU(accelerator.DefaultStream, values);
        return view;
    }

    public void Dispose() => memory?.Dispose();
}
