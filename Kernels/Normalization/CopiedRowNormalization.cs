using ILGPU;
using ILGPU.Runtime;
using Osprey.Kernels.Sharing;

namespace Osprey.Kernels.Normalization;

/// <summary>Row normalisation of host memory on ILGPU's own accelerator: copied there and back, in buffers that stay.</summary>
internal sealed class CopiedRowNormalization(Accelerator accelerator) : IDisposable
{
    readonly CudaRowNormalization kernels = new(new AcceleratorLoader(accelerator));
    readonly DeviceBuffer<float> input = new(accelerator), output = new(accelerator), norms = new(accelerator), unit = new(accelerator);

    public void Forward(ReadOnlySpan<float> rows, int count, int dimension, Span<float> unit, Span<float> norms)
    {
        ArrayView<float> y = output.OfLength(unit.Length), n = this.norms.OfLength(count);
        kernels.Forward(input.Holding(rows), count, dimension, y, n);
        y.CopyToCPU(accelerator.DefaultStream, unit);
        n.CopyToCPU(accelerator.DefaultStream, norms);
    }

    public void Backward(ReadOnlySpan<float> unit, ReadOnlySpan<float> norms, ReadOnlySpan<float> gradUnit, int count, int dimension, Span<float> gradRows)
    {
        ArrayView<float> d = output.OfLength(gradRows.Length);
        kernels.Backward(this.unit.Holding(unit), this.norms.Holding(norms), input.Holding(gradUnit), count, dimension, d);
        d.CopyToCPU(accelerator.DefaultStream, gradRows);
    }

    public void Dispose()
    {
        input.Dispose();
        output.Dispose();
        norms.Dispose();
        unit.Dispose();
    }
}
