using System.Runtime.InteropServices;

namespace Osprey.Tests.Ptx;

/// <summary>Device memory of one launch or several: buffers whose addresses lie so far apart that an access outside one hits no other.</summary>
sealed class PtxGlobalMemory
{
    const int Shift = 36;

    readonly List<PtxMemory> buffers = [];

    /// <summary>A buffer that holds <paramref name="values"/>.</summary>
    public PtxBuffer<T> Holding<T>(params ReadOnlySpan<T> values)
        where T : unmanaged
    {
        PtxBuffer<T> buffer = Empty<T>(values.Length);
        values.CopyTo(MemoryMarshal.Cast<byte, T>(buffer.Memory.Fill()));
        return buffer;
    }

    /// <summary>A buffer that a kernel must write before anything reads it.</summary>
    public PtxBuffer<T> Empty<T>(int length)
        where T : unmanaged
    {
        buffers.Add(new PtxMemory($"global buffer {buffers.Count}", length * Marshal.SizeOf<T>()));
        return new PtxBuffer<T>(buffers[^1], (ulong)buffers.Count << Shift, length);
    }

    public PtxMemory At(ulong address, out long offset)
    {
        // The middle of the range belongs to offset 0, so that what lies a little before a buffer is outside of it, too.
        ulong index = (address + (1UL << (Shift - 1))) >> Shift;
        if (index == 0 || index > (ulong)buffers.Count) throw new PtxFaultException($"0x{address:x} is no address of global memory");
        offset = (long)(address - (index << Shift));
        return buffers[(int)index - 1];
    }
}

/// <summary>A buffer as an argument: a kernel's <c>ArrayView</c>.</summary>
sealed class PtxBuffer<T>(PtxMemory memory, ulong address, int length) : IPtxBuffer
    where T : unmanaged
{
    public PtxMemory Memory => memory;

    public ulong Address => address;

    public long Length => length;

    /// <summary>What the buffer holds. An element that nothing wrote is an error.</summary>
    public T[] ToArray() => MemoryMarshal.Cast<byte, T>(memory.Read()).ToArray();
}

interface IPtxBuffer
{
    ulong Address { get; }

    long Length { get; }
}
