using ILGPU;
using ILGPU.Runtime;
using Osprey.Kernels.Arithmetic;

namespace Osprey.Kernels.Normalization;

/// <summary>Whitening as CUDA kernels: a warp per row and output, whose lanes share the dimensions; then the rows' own kernel where unit rows are asked for.</summary>
internal sealed class CudaWhitening : IDisposable
{
    readonly Accelerator accelerator;
    readonly int groupSize;
    readonly DeviceBuffer<float> rows, weights, bias, whitened, unit, norms;
    readonly CudaRowNormalization normalization;
    readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, int, int> products;

    public CudaWhitening(Accelerator accelerator)
    {
        this.accelerator = accelerator;
        groupSize = Math.Min(256, accelerator.MaxNumThreadsPerGroup);
        rows = new(accelerator);
        weights = new(accelerator);
        bias = new(accelerator);
        whitened = new(accelerator);
        unit = new(accelerator);
        norms = new(accelerator);
        normalization = new(accelerator);
        products = accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, int, int>(Products);
    }

    public void Apply(
        ReadOnlySpan<float> rows, int count, int dimension, ReadOnlySpan<float> weights, ReadOnlySpan<float> bias, int outputs, Span<float> whitened, bool unitRows)
    {
        ArrayView<float> y = this.whitened.OfLength(whitened.Length);
        int warps = groupSize / accelerator.WarpSize;
        var launch = new KernelConfig(checked((int)((y.Length + warps - 1) / warps)), groupSize);
        products(launch, this.rows.Holding(rows), this.weights.Holding(weights), this.bias.Holding(bias), y, dimension, outputs);
        if (unitRows)
        {
            ArrayView<float> u = unit.OfLength(y.Length);
            normalization.Forward(y, count, outputs, u, norms.OfLength(count));
            y = u;
        }
        y.CopyToCPU(accelerator.DefaultStream, whitened);
    }

    /// <summary>Whole warps leave together where there is no result.</summary>
    [CudaKernel]
    static void Products(ArrayView<float> rows, ArrayView<float> weights, ArrayView<float> bias, ArrayView<float> whitened, int dimension, int outputs)
    {
        long at = ((long)Grid.IdxX * (Group.DimX / Warp.WarpSize)) + (Group.IdxX / Warp.WarpSize);
        if (at >= whitened.Length) return;
        long output = at % outputs, x = at / outputs * dimension, w = output * dimension;
        float sum = 0;
        for (int i = Warp.LaneIdx; i < dimension; i += Warp.WarpSize) sum = CudaMath.Fma(rows[x + i], weights[w + i], sum);
        sum = CudaMath.WarpSum(sum);
        if (Warp.LaneIdx == 0) whitened[at] = bias.Length > 0 ? sum + bias[output] : sum;
    }

    public void Dispose()
    {
        rows.Dispose();
        weights.Dispose();
        bias.Dispose();
        whitened.Dispose();
        unit.Dispose();
        norms.Dispose();
        normalization.Dispose();
    }
}
