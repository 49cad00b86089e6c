using System.Runtime.InteropServices;

namespace Osprey.Tests.Ptx.Driver;

/// <summary>Memory: device addresses are those of the interpreter; no host address looks like one.</summary>
static unsafe partial class PtxDriver
{
    [UnmanagedCallersOnly]
    static int cuMemAlloc_v2(ulong* address, nuint bytes)
    {
        ulong allocated = 0;
        int result = Guard(() =>
        {
            allocated = memory.Allocate(checked((int)bytes));
            return Success;
        });
        *address = allocated;
        return result;
    }

    [UnmanagedCallersOnly]
    static int cuMemFree_v2(ulong address) => Guard(() =>
    {
        memory.Free(address);
        return Success;
    });

    [UnmanagedCallersOnly]
    static int cuMemGetInfo_v2(nuint* free, nuint* total)
    {
        (*free, *total) = (1u << 30, 1u << 30);
        return Success;
    }

    [UnmanagedCallersOnly]
    static int cuMemAllocHost_v2(nint* address, nuint bytes)
    {
        *address = (nint)NativeMemory.AlignedAlloc(bytes, 4096);
        return Success;
    }

    [UnmanagedCallersOnly]
    static int cuMemFreeHost(nint address)
    {
        NativeMemory.AlignedFree((void*)address);
        return Success;
    }

    [UnmanagedCallersOnly]
    static int cuMemHostRegister_v2(nint address, nuint bytes, uint flags) => Success;

    [UnmanagedCallersOnly]
    static int cuMemHostUnregister(nint address) => Success;

    /// <summary>Under one address space, the address itself. A kernel that used it would be told that it is none of device memory.</summary>
    [UnmanagedCallersOnly]
    static int cuMemHostGetDevicePointer_v2(ulong* device, nint address, uint flags)
    {
        *device = (ulong)address;
        return Success;
    }

    [UnmanagedCallersOnly]
    static int cuMemcpyAsync(ulong target, ulong source, nuint bytes, nint stream) => Guard(() =>
    {
        int count = checked((int)bytes);
        if (count == 0) return Success;
        bool toDevice = PtxGlobalMemory.IsAddress(target), fromDevice = PtxGlobalMemory.IsAddress(source);
        if (toDevice && fromDevice) memory.Copy(target, source, count);
        else if (toDevice) new ReadOnlySpan<byte>((void*)source, count).CopyTo(memory.At(target, out long at).Fill(at, count));
        else if (fromDevice) memory.At(source, out long at).Peek(at, count).CopyTo(new Span<byte>((void*)target, count));
        else Buffer.MemoryCopy((void*)source, (void*)target, count, count);
        return Success;
    });

    [UnmanagedCallersOnly]
    static int cuMemsetD8Async(ulong address, byte value, nuint bytes, nint stream) => Guard(() =>
    {
        memory.At(address, out long at).Fill(at, checked((int)bytes)).Fill(value);
        return Success;
    });
}
