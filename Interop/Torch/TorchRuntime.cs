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

    /// <summary>libtorch's version and threads, after one small product: a library that cannot load is found here and not an hour into a job.</summary>
    /// <exception cref="InvalidOperationException">The product is wrong.</exception>
    public static (string Version, int Threads) Probe()
    {
        using Tensor matrix = ones(3, 3);
        using Tensor product = matrix.mm(matrix);
        using Tensor sum = product.sum();
        if (sum.item<float>() != 27) throw new InvalidOperationException($"libtorch {__version__} multiplies ones(3,3) by itself and gets a sum of {sum.item<float>()}, not 27");
        return (__version__, get_num_threads());
    }
}
