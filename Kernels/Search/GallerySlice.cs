using ILGPU;
using ILGPU.Runtime;

namespace Osprey.Kernels.Search;

/// <summary>Rows with consecutive ids as kernels see them, on the device.</summary>
/// <param name="Rows">[Count, dimension].</param>
/// <param name="Codes">[Count, depth / 4].</param>
/// <param name="CodeAddress">Of the first code, for asm.</param>
/// <param name="Bounds">[Count].</param>
/// <param name="Count">1 or more.</param>
/// <param name="FirstId">Id of the first.</param>
readonly record struct GallerySlice(ArrayView<float> Rows, ArrayView<int> Codes, long CodeAddress, ArrayView<RowBound> Bounds, int Count, long FirstId);

/// <summary>Device memory of one slice.</summary>
sealed class SliceMemory(Accelerator accelerator, long rows, int dimension, int depth) : IDisposable
{
    readonly MemoryBuffer1D<float, Stride1D.Dense> values = accelerator.Allocate1D<float>(rows * dimension);
    readonly MemoryBuffer1D<int, Stride1D.Dense> codes = accelerator.Allocate1D<int>(Math.Max(1, rows * (depth / 4)));
    readonly MemoryBuffer1D<RowBound, Stride1D.Dense> bounds = accelerator.Allocate1D<RowBound>(rows);

    public GallerySlice View(int count, long firstId) => new(
        values.View.AsContiguous().SubView(0, (long)count * dimension), codes.View.AsContiguous().SubView(0, (long)count * (depth / 4)), codes.NativePtr,
        bounds.View.AsContiguous().SubView(0, count), count, firstId);

    public void Dispose()
    {
        values.Dispose();
        codes.Dispose();
        bounds.Dispose();
    }
}
