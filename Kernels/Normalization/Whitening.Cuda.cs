using ILGPU;
using Osprey.Kernels.Arithmetic;
using Osprey.Kernels.Sharing;

namespace Osprey.Kernels.Normalization;

/// <summary>Whitening as CUDA kernels: a warp per row and output, whose lanes share the dimensions; then the rows' own kernel where unit rows are asked for.</summary>
internal sealed class CudaWhitening : IDisposable
{
    readonly int groupSize;
    readonly ScratchBuffer<float> plain, norms;
    readonly CudaRowNormalization normalization;
    readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, int, int> products;

    public CudaWhitening(KernelLoader loader)
    {
        groupSize = Math.Min(256, loader.MaxGroupSize);
        plain = new(loader);
        norms = new(loader);
        normalization = new(loader);
        products = loader.Load<ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, int, int>(Products);
    }

    public void Apply(
        ArrayView<float> rows, int count, int dimension, ArrayView<float> weights, ArrayView<float> bias, int outputs, ArrayView<float> whitened, bool unitRows)
    {
        ArrayView<float> y = unitRows ? plain.OfLength(whitened.Length) : whitened;
        int warps = groupSize / KernelLoader.WarpSize;
        products(new KernelConfig(checked((int)((y.Length + warps - 1) / warps)), groupSize), rows, weights, bias, y, dimension, outputs);
        if (unitRows) normalization.Forward(y, count, outputs, whitened, norms.OfLength(count));
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
        plain.Dispose();
        norms.Dispose();
    }
}
