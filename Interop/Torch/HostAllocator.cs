using System.Globalization;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Osprey.Interop.Torch;

/// <summary>The C library's allocator, from which libtorch takes the memory of CPU tensors.</summary>
/// <remarks>
/// glibc maps a large block from the system and gives it back when it is freed, so that each activation and gradient lies on pages that the system clears one
/// by one. That was half the time of a training step: ResNet-18 at 112 px on two cores made 53 images/s, and 103 on memory that the process kept, in turns.
/// </remarks>
public static partial class HostAllocator
{
    // Of <malloc.h>.
    const int TrimThreshold = -1, MostMaps = -4, MostArenas = -8;

    /// <summary>
    /// From now on memory that tensors leave stays with the process, at most what it held at once, and is used again. To be called before other threads
    /// allocate: theirs would be arenas that give back. Only glibc has the switch; settings that the user made in the environment stay.
    /// </summary>
    public static void KeepFreed()
    {
        if (!OperatingSystem.IsLinux()) return;
        foreach (string own in (ReadOnlySpan<string>)["MALLOC_MMAP_MAX_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_ARENA_MAX", "GLIBC_TUNABLES"])
            if (Environment.GetEnvironmentVariable(own) is not null) return;
        try
        {
            _ = SetOption(MostMaps, 0);
            _ = SetOption(TrimThreshold, int.MaxValue);
            _ = SetOption(MostArenas, 1);
        }
        catch (EntryPointNotFoundException)
        {
            // Another C library, with ways of its own.
        }
    }

    /// <summary>Whether a large tensor's memory serves the next one, by this thread's page faults; null where the system does not count them.</summary>
    public static bool? KeepsFreed()
    {
        // Above 32 MiB, up to which glibc learns to keep what comes again. It finds a block for aligned memory only where a few have grown together.
        const int values = 16 << 20, rounds = 4, warm = 16, turns = 3;
        if (!File.Exists(Counts)) return null;
        // One turn without faults is proof. A turn with some is not: other threads' allocations can lie between the free blocks, until more of them have been used.
        for (int turn = 0; turn < turns; turn++)
        {
            for (int i = 0; i < warm; i++) Fill(values);
            long before = Faults();
            for (int i = 0; i < rounds; i++) Fill(values);
            if (Faults() - before < (long)values * sizeof(float) / Environment.SystemPageSize) return true;
        }
        return false;
    }

    const string Counts = "/proc/thread-self/stat";

    static void Fill(int values)
    {
        using Tensor tensor = empty(values, dtype: ScalarType.Float32);
        tensor.fill_(1);
    }

    /// <summary>Those that read nothing: the tenth field, counted from behind the bracket that ends the name.</summary>
    static long Faults()
    {
        string stat = File.ReadAllText(Counts);
        return long.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[7], CultureInfo.InvariantCulture);
    }

    /// <summary>1 if the option was taken.</summary>
    [LibraryImport("libc", EntryPoint = "mallopt")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SetOption(int option, int value);
}
