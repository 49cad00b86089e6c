using ILGPU;
using ILGPU.Runtime;
using Osprey.Kernels.Arithmetic;

namespace Osprey.Kernels.Normalization;

/// <summary>Row normalisation as CUDA kernels: a warp per row, which reads it twice, the second time from the cache.</summary>
internal sealed class CudaRowNormalization : IDisposable
{
    readonly Accelerator accelerator;
    readonly int groupSize, rowsPerGroup;
    readonly DeviceBuffer<float> input, output, norms, unit;
    readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<float>, int> forward;
    readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, int> backward;

    public CudaRowNormalization(Accelerator accelerator)
    {
        this.accelerator = accelerator;
        groupSize = Math.Min(256, accelerator.MaxNumThreadsPerGroup);
        rowsPerGroup = groupSize / accelerator.WarpSize;
        input = new(accelerator);
        output = new(accelerator);
        norms = new(accelerator);
        unit = new(accelerator);
        forward = accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>, ArrayView<float>, int>(NormalizeRows);
        backward = accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, int>(NormalizeRowsBack);
    }

    public void Forward(ReadOnlySpan<float> rows, int count, int dimension, Span<float> unit, Span<float> norms)
    {
        ArrayView<float> y = output.OfLength(unit.Length), n = this.norms.OfLength(count);
        Forward(input.Holding(rows), count, dimension, y, n);
        y.CopyToCPU(accelerator.DefaultStream, unit);
        n.CopyToCPU(accelerator.DefaultStream, norms);
    }

    /// <summary>On device memory; returns before it is done.</summary>
    public void Forward(ArrayView<float> rows, int count, int dimension, ArrayView<float> unit, ArrayView<float> norms) =>
        forward(Launch(count), rows, unit, norms, dimension);

    public void Backward(ReadOnlySpan<float> unit, ReadOnlySpan<float> norms, ReadOnlySpan<float> gradUnit, int count, int dimension, Span<float> gradRows)
    {
        ArrayView<float> d = output.OfLength(gradRows.Length);
        backward(Launch(count), this.unit.Holding(unit), this.norms.Holding(norms), input.Holding(gradUnit), d, dimension);
        d.CopyToCPU(accelerator.DefaultStream, gradRows);
    }

    KernelConfig Launch(int count) => new((count + rowsPerGroup - 1) / rowsPerGroup, groupSize);

    /// <summary>The row of this warp; whole warps leave together where there is none.</summary>
    static long Row() => ((long)Grid.IdxX * (Group.DimX / Warp.WarpSize)) + (Group.IdxX / Warp.WarpSize);

    [CudaKernel]
    static void NormalizeRows(ArrayView<float> rows, ArrayView<float> unit, ArrayView<float> norms, int dimension)
    {
        long row = Row();
        if (row >= norms.Length) return;
        ArrayView<float> x = rows.SubView(row * dimension, dimension), y = unit.SubView(row * dimension, dimension);
        float square = 0;
        for (int i = Warp.LaneIdx; i < dimension; i += Warp.WarpSize) square = CudaMath.Fma(x[i], x[i], square);
        float norm = CudaMath.Sqrt(CudaMath.WarpSum(square));
        float scale = 1 / (norm + RowNormalization.Epsilon);
        for (int i = Warp.LaneIdx; i < dimension; i += Warp.WarpSize) y[i] = x[i] * scale;
        if (Warp.LaneIdx == 0) norms[row] = norm;
    }

    [CudaKernel]
    static void NormalizeRowsBack(ArrayView<float> unit, ArrayView<float> norms, ArrayView<float> gradUnit, ArrayView<float> gradRows, int dimension)
    {
        long row = Row();
        if (row >= norms.Length) return;
        ArrayView<float> y = unit.SubView(row * dimension, dimension), g = gradUnit.SubView(row * dimension, dimension), d = gradRows.SubView(row * dimension, dimension);
        float dot = 0;
        for (int i = Warp.LaneIdx; i < dimension; i += Warp.WarpSize) dot = CudaMath.Fma(g[i], y[i], dot);
        dot = CudaMath.WarpSum(dot);
        float norm = norms[row];
        float along = norm == 0 ? 0 : -dot / norm, scale = 1 / (norm + RowNormalization.Epsilon);
        for (int i = Warp.LaneIdx; i < dimension; i += Warp.WarpSize) d[i] = CudaMath.Fma(along, y[i], scale * g[i]);
    }

    public void Dispose()
    {
        input.Dispose();
        output.Dispose();
        norms.Dispose();
        unit.Dispose();
    }
}
