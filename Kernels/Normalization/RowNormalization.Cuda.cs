using ILGPU;
using Osprey.Kernels.Arithmetic;
using Osprey.Kernels.Sharing;

namespace Osprey.Kernels.Normalization;

/// <summary>Row normalisation as CUDA kernels: a warp per row, which reads it twice, the second time from the cache.</summary>
internal sealed class CudaRowNormalization
{
    readonly int groupSize;
    readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<float>, int> forward;
    readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, int> backward;

    public CudaRowNormalization(KernelLoader loader)
    {
        groupSize = Math.Min(256, loader.MaxGroupSize);
        forward = loader.Load<ArrayView<float>, ArrayView<float>, ArrayView<float>, int>(NormalizeRows);
        backward = loader.Load<ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, int>(NormalizeRowsBack);
    }

    public void Forward(ArrayView<float> rows, int count, int dimension, ArrayView<float> unit, ArrayView<float> norms) =>
        forward(Launch(count), rows, unit, norms, dimension);

    public void Backward(ArrayView<float> unit, ArrayView<float> norms, ArrayView<float> gradUnit, int count, int dimension, ArrayView<float> gradRows) =>
        backward(Launch(count), unit, norms, gradUnit, gradRows, dimension);

    KernelConfig Launch(int count) => new(((count - 1) / (groupSize / KernelLoader.WarpSize)) + 1, groupSize);

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
}
