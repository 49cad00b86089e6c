using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Osprey.Tests.Ptx;

/// <summary>Device memory of one launch or several: buffers whose addresses lie so far apart that an access outside one hits no other.</summary>
sealed class PtxGlobalMemory
{
    const int Shift = 36;

    /// <summary>No address of a host lies here.</summary>
    const ulong Base = 1UL << 60;

    readonly List<PtxMemory?> buffers = [];

    public static bool IsAddress(ulong address) => address is >= Base and < 2 * Base;

    public ulong Allocate(int bytes)
    {
        buffers.Add(new PtxMemory($"global buffer {buffers.Count}", bytes));
        return Base | (ulong)buffers.Count << Shift;
    }

    /// <summary>What reads or writes the buffer from now on is an error.</summary>
    public void Free(ulong address)
    {
        if (At(address, out long offset) is { } buffer && offset == 0) buffers[buffers.IndexOf(buffer)] = null;
        else throw new PtxFaultException($"0x{address:x} is no buffer's address");
    }

    public void Copy(ulong target, ulong source, int count) => At(target, out long to).CopyFrom(At(source, out long from), from, to, count);

    /// <summary>A buffer that holds <paramref name="values"/>.</summary>
    public PtxBuffer<T> Holding<T>(params ReadOnlySpan<T> values)
        where T : unmanaged
    {
        PtxBuffer<T> buffer = Empty<T>(values.Length);
        MemoryMarshal.AsBytes(values).CopyTo(buffer.Memory.Fill(0, buffer.Memory.Size));
        return buffer;
    }

    /// <summary>A buffer that a kernel must write before anything reads it.</summary>
    public PtxBuffer<T> Empty<T>(int length)
        where T : unmanaged
    {
        ulong address = Allocate(length * Unsafe.SizeOf<T>());
        return new PtxBuffer<T>(At(address, out _), address, length);
    }

    public PtxMemory At(ulong address, out long offset)
    {
        // The middle of the range belongs to offset 0, so that what lies a little before a buffer is outside of it, too.
        ulong index = (address - Base + (1UL << (Shift - 1))) >> Shift;
        if (address < Base || index == 0 || index > (ulong)buffers.Count) throw new PtxFaultException($"0x{address:x} is no address of global memory");
        offset = (long)(address - Base - (index << Shift));
        return buffers[(int)index - 1] ?? throw new PtxFaultException($"0x{address:x} lies in a buffer that was freed");
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
