using Osprey.Kernels.Sharing;
using TorchSharp;
using static TorchSharp.torch;

namespace Osprey.Interop.Torch;

/// <summary>An operation's kernels in the contexts of libtorch's CUDA devices, made when a tensor of the device first comes.</summary>
internal sealed class SharedKernels<T>(Func<ICudaContext, T> make) : IDisposable
    where T : class, IDisposable
{
    readonly Dictionary<int, T> devices = [];

    /// <summary>Those of the tensor's CUDA device, or null where it is on none.</summary>
    /// <param name="t">A tensor of the call; <see cref="TensorMemory.OnDevice{T}"/> holds the others to its device.</param>
    /// <param name="index">Of its device.</param>
    public T? Of(Tensor t, out int index)
    {
        index = t.device_index;
        if (t.device_type != DeviceType.CUDA) return null;
        if (!devices.TryGetValue(index, out T? kernels)) devices[index] = kernels = make(TorchContexts.Of(index));
        return kernels;
    }

    public void Dispose()
    {
        foreach (T kernels in devices.Values) kernels.Dispose();
    }
}
