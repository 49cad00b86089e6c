using Osprey.Interop.Cuda;
using Osprey.Kernels.Sharing;

namespace Osprey.Interop.Torch;

/// <summary>The CUDA contexts that libtorch's tensors live in, one for each device. Retained when first asked for and kept while the process lives, as libtorch keeps them.</summary>
internal static class TorchContexts
{
    static readonly Dictionary<int, PrimaryContext> contexts = [];

    /// <param name="index">Of the tensor's device.</param>
    public static ICudaContext Of(int index)
    {
        lock (contexts)
        {
            if (!contexts.TryGetValue(index, out PrimaryContext? context)) contexts[index] = context = new PrimaryContext(new CudaDriver(), index);
            return context;
        }
    }
}
