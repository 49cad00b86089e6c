using ILGPU;
using ILGPU.Runtime;
using Osprey.Kernels.Sharing;

namespace Osprey.Kernels.Normalization;

/// <summary>Whitening of host memory on ILGPU's own accelerator: copied there and back, in buffers that stay.</summary>
internal sealed class CopiedWhitening(Accelerator accelerator) : IDisposable
{
    readonly CudaWhitening kernels = new(new AcceleratorLoader(accelerator));
    readonly DeviceBuffer<float> rows = new(accelerator), weights = new(accelerator), bias = new(accelerator), whitened = new(accelerator);

    public void Apply(
        ReadOnlySpan<float> rows, int count, int dimension, ReadOnlySpan<float> weights, ReadOnlySpan<float> bias, int outputs, Span<float> whitened, bool unitRows)
    {
        ArrayView<float> y = this.whitened.OfLength(whitened.Length);
        kernels.Apply(this.rows.Holding(rows), count, dimension, this.weights.Holding(weights), this.bias.Holding(bias), outputs, y, unitRows);
        y.CopyToCPU(accelerator.DefaultStream, whitened);
    }

    public void Dispose()
    {
        kernels.Dispose();
        rows.Dispose();
        weights.Dispose();
        bias.Dispose();
        whitened.Dispose();
    }
}
