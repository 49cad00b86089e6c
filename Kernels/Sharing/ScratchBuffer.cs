using ILGPU;
using ILGPU.Runtime;

namespace Osprey.Kernels.Sharing;

/// <summary>
/// Device memory that kernels keep to themselves: grows to the largest size asked for and is then kept. It is zero when it is new, and so stays for kernels that
/// leave zeros behind.
/// </summary>
internal sealed class ScratchBuffer<T>(KernelLoader loader) : IDisposable
    where T : unmanaged
{
    MemoryBuffer? memory;

    public unsafe ArrayView<T> OfLength(long length)
    {
        if (memory is null || memory.Length < length)
        {
            memory?.Dispose();
            memory = null;
            memory = loader.AllocateZeros(Math.Max(1, length), sizeof(T));
        }
        return new ArrayView<T>(memory, 0, length);
    }

    public void Dispose() => memory?.Dispose();
}
