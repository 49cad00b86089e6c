using static TorchSharp.torch;

namespace Osprey.Interop.Torch;

/// <summary>Settings of the process's libtorch.</summary>
public static class TorchRuntime
{
    /// <summary>
    /// Sets the threads of one operation and seeds torch's generator. On the CPU that makes forward and backward passes of our networks repeat bit by bit;
    /// TorchSharp 0.107 does not implement torch's switch for deterministic algorithms, so on another device nothing more can be asked for.
    /// </summary>
    /// <param name="threads">1 or more; 0 means one per core.</param>
    /// <param name="seed">Of torch's default generator.</param>
    /// <exception cref="ArgumentException"><paramref name="threads"/> is negative.</exception>
    public static void Configure(int threads, long seed)
    {
        if (threads < 0) throw new ArgumentException($"threads is {threads}; give 0 (one per core) or more");
        set_num_threads(threads == 0 ? Environment.ProcessorCount : threads);
        manual_seed(seed);
    }
}
