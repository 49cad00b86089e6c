using Osprey.Kernels.Sharing;

namespace Osprey.Kernels.Normalization;

/// <summary>
/// <see cref="RowNormalization"/> on device memory that somebody else owns, in that owner's CUDA context and on its stream: nothing is copied, and a call returns
/// when its launch is on the stream. One call at a time per instance.
/// </summary>
public sealed class SharedRowNormalization : IDisposable
{
    readonly ContextLoader loader;
    readonly CudaRowNormalization kernels;

    /// <param name="context">Must outlive this.</param>
    public SharedRowNormalization(ICudaContext context)
    {
        loader = new ContextLoader(context);
        kernels = new CudaRowNormalization(loader);
    }

    /// <summary>As <see cref="RowNormalization.Forward"/>.</summary>
    /// <exception cref="ArgumentException">A size is out of range, or a span's length does not follow from the sizes.</exception>
    public void Forward(DeviceSpan<float> rows, int count, int dimension, DeviceSpan<float> unit, DeviceSpan<float> norms)
    {
        RowNormalization.Check(nameof(rows), rows.Length, count, dimension);
        RowNormalization.Check(nameof(unit), unit.Length, count, dimension);
        RowNormalization.Check(nameof(norms), norms.Length, count, 1);
        if (count > 0) kernels.Forward(loader.View(rows), count, dimension, loader.View(unit), loader.View(norms));
    }

    /// <summary>As <see cref="RowNormalization.Backward"/>.</summary>
    /// <exception cref="ArgumentException">A size is out of range, or a span's length does not follow from the sizes.</exception>
    public void Backward(DeviceSpan<float> unit, DeviceSpan<float> norms, DeviceSpan<float> gradUnit, int count, int dimension, DeviceSpan<float> gradRows)
    {
        RowNormalization.Check(nameof(unit), unit.Length, count, dimension);
        RowNormalization.Check(nameof(norms), norms.Length, count, 1);
        RowNormalization.Check(nameof(gradUnit), gradUnit.Length, count, dimension);
        RowNormalization.Check(nameof(gradRows), gradRows.Length, count, dimension);
        if (count > 0) kernels.Backward(loader.View(unit), loader.View(norms), loader.View(gradUnit), count, dimension, loader.View(gradRows));
    }

    public void Dispose() => loader.Dispose();
}
