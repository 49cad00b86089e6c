using ILGPU;
using ILGPU.Runtime;

namespace Osprey.Kernels.Search;

/// <summary>Launches the first pass, in the form that fits the device and the number of queries, into one kind of sink.</summary>
sealed class FirstPassKernels<TSink>
    where TSink : struct, ITileSink
{
    readonly Accelerator accelerator;
    readonly Action<KernelConfig, ArrayView<int>, ArrayView<int>, int, int, int, int, TSink>? plain;
    readonly Action<KernelConfig, long, long, long, int, int, TSink>? narrow;
    readonly Action<KernelConfig, long, long, long, int, int, int, int, ArrayView<int>, TSink>? tile;

    public FirstPassKernels(Accelerator accelerator, FirstPass firstPass)
    {
        this.accelerator = accelerator;
        if (firstPass == FirstPass.TensorCores)
        {
            narrow = accelerator.LoadStreamKernel<long, long, long, int, int, TSink>(CudaNarrowScan.Scan);
            tile = accelerator.LoadStreamKernel<long, long, long, int, int, int, int, ArrayView<int>, TSink>(CudaTileScan.Scan);
        }
        else
        {
            plain = accelerator.LoadStreamKernel<ArrayView<int>, ArrayView<int>, int, int, int, int, TSink>(CudaPlainScan.Scan);
        }
    }

    /// <param name="queryCodes">Of all queries and padding.</param>
    /// <param name="slice">The rows.</param>
    /// <param name="stride">Rows from one to the next.</param>
    /// <param name="rows">Of those, how many.</param>
    /// <param name="queries">Without padding.</param>
    /// <param name="depth">Codes of a row.</param>
    /// <param name="sink">Takes the sums.</param>
    public void Launch(QueryCodes queryCodes, GallerySlice slice, int stride, int rows, int queries, int depth, TSink sink)
    {
        int processors = accelerator.NumMultiprocessors;
        if (plain is not null)
        {
            int threads = Math.Min(256, accelerator.MaxNumThreadsPerGroup);
            long groups = Math.Min(((long)rows * queries + threads - 1) / threads, processors * 32L);
            plain(new KernelConfig((int)groups, threads), queryCodes.View, slice.Codes, stride, queries, rows, depth, sink);
        }
        else if (queries <= CudaNarrowScan.Queries)
        {
            const int RowsPerGroup = CudaNarrowScan.Threads / 32 * CudaNarrowScan.WarpRows;
            int groups = Math.Min((rows + RowsPerGroup - 1) / RowsPerGroup, processors * 4);
            narrow!(new KernelConfig(groups, CudaNarrowScan.Threads), queryCodes.Address, slice.CodeAddress, (long)stride * depth, rows, depth, sink);
        }
        else
        {
            int queryTiles = QueryCodes.Padded(queries) / CudaTileScan.Tile, rowTiles = (rows + CudaTileScan.Tile - 1) / CudaTileScan.Tile;
            // Two groups fit on a multiprocessor. Long runs of tiles hide their starts, many groups even out their ends.
            int tilesPerGroup = (int)Math.Clamp((long)rowTiles * queryTiles / (processors * 16L), 1, 16);
            int groups = (rowTiles + tilesPerGroup - 1) / tilesPerGroup * queryTiles;
            tile!(
                new KernelConfig(groups, CudaTileScan.Threads), queryCodes.Address, slice.CodeAddress, (long)stride * depth, queryTiles, rows, depth, tilesPerGroup,
                queryCodes.View, sink);
        }
    }
}
