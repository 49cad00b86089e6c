using TorchSharp;

namespace Osprey.Tests.Interop.Torch;

static class LiveTensors
{
    /// <summary>How many tensors live, after those that earlier tests left to the collector have gone: it would take them at any time.</summary>
    public static long Count()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return torch.Tensor.TotalCount;
    }
}
