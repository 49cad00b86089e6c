using Osprey.Kernels.Sharing;

namespace Osprey.Kernels.Normalization;

/// <summary>
/// <see cref="Whitening"/> on device memory that somebody else owns, in that owner's CUDA context and on its stream: nothing is copied, and a call returns
/// when its launches are on the stream. One call at a time per instance, and one stream: the next launch uses the same scratch memory.
/// </summary>
public sealed class SharedWhitening : IDisposable
{
    readonly ContextLoader loader;
    readonly CudaWhitening kernels;

    /// <param name="context">Must outlive this.</param>
    public SharedWhitening(ICudaContext context)
    {
        loader = new ContextLoader(context);
        kernels = new CudaWhitening(loader);
    }

    /// <summary>As <see cref="Whitening.Apply"/>.</summary>
    /// <exception cref="ArgumentException">A size is out of range, or a span's length does not follow from the sizes.</exception>
    public void Apply(
        DeviceSpan<float> rows, int count, int dimension, DeviceSpan<float> weights, DeviceSpan<float> bias, int outputs, DeviceSpan<float> whitened, bool unitRows)
    {
        Whitening.Check(rows.Length, count, dimension, weights.Length, bias.Length, outputs, whitened.Length);
        if (count > 0) kernels.Apply(loader.View(rows), count, dimension, loader.View(weights), loader.View(bias), outputs, loader.View(whitened), unitRows);
    }

    public void Dispose()
    {
        kernels.Dispose();
        loader.Dispose();
    }
}
