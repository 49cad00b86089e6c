using ILGPU;
using ILGPU.Runtime;

namespace Osprey.Kernels.Search;

/// <summary>Codes of queries, whose address asm needs.</summary>
sealed class QueryCodes(Accelerator accelerator) : IDisposable
{
    MemoryBuffer1D<int, Stride1D.Dense>? memory;

    public ArrayView<int> View => memory!.View.AsContiguous();

    public long Address => memory!.NativePtr;

    public void Reserve(long length)
    {
        if (memory is not null && memory.Length >= length) return;
        memory?.Dispose();
        memory = accelerator.Allocate1D<int>(length);
    }

    /// <summary>Queries whose codes and bounds the first pass reads.</summary>
    public static int Padded(int queries) =>
        queries <= CudaNarrowScan.Queries ? CudaNarrowScan.Queries : (queries + CudaTileScan.Tile - 1) / CudaTileScan.Tile * CudaTileScan.Tile;

    public void Dispose() => memory?.Dispose();
}
