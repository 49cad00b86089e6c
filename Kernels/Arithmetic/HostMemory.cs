using System.Runtime.InteropServices;

namespace Osprey.Kernels.Arithmetic;

/// <summary>Memory outside the garbage collector's, at cache lines; what is large is asked for in large pages, where the system has them.</summary>
/// <remarks>
/// The codes of 100,000 rows of 512 values are 12,500 pages of 4 KiB, each of which the kernel hands out on its own when it is first written, and
/// whose addresses are too many for a processor to remember when rows are visited in a random order. Of 2 MiB they are 25.
/// </remarks>
internal static unsafe partial class HostMemory
{
    const nuint Line = 64, LargePage = 2 << 20;

    /// <summary>Less than this is not worth the rounding up.</summary>
    const nuint Large = 2 * LargePage;

    // MADV_HUGEPAGE
    const int InLargePages = 14;

    static readonly bool advises = OperatingSystem.IsLinux();

    /// <summary>Whatever the memory held before. Give it back with <see cref="Free"/>.</summary>
    /// <exception cref="OutOfMemoryException"/>
    public static void* Allocate(nuint bytes)
    {
        if (bytes < Large || !advises) return NativeMemory.AlignedAlloc(bytes, Line);
        bytes = (bytes + LargePage - 1) / LargePage * LargePage;
        void* memory = NativeMemory.AlignedAlloc(bytes, LargePage);
        // A refusal (a kernel without large pages) changes nothing but speed.
        _ = Advise(memory, bytes, InLargePages);
        return memory;
    }

    public static void Free(void* memory) => NativeMemory.AlignedFree(memory);

    [LibraryImport("libc", EntryPoint = "madvise", SetLastError = false)]
    private static partial int Advise(void* address, nuint bytes, int advice);
}
