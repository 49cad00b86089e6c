using ILGPU;

namespace Osprey.Kernels.Search;

/// <summary>The first pass in plain integer arithmetic: the sums of the tensor cores, for devices that the asm does not run on. A thread per pair of query and row.</summary>
static class CudaPlainScan
{
    /// <param name="queryCodes">[queryCount, depth / 4].</param>
    /// <param name="rowCodes">[rows, depth / 4].</param>
    /// <param name="stride">Rows from one to the next.</param>
    /// <param name="queryCount">1 or more.</param>
    /// <param name="rowCount">1 or more.</param>
    /// <param name="depth">A multiple of 4.</param>
    /// <param name="sink">Takes the sums.</param>
    [CudaKernel(typeof(SurvivorSink))]
    [CudaKernel(typeof(SampleSink))]
    public static void Scan<TSink>(ArrayView<int> queryCodes, ArrayView<int> rowCodes, int stride, int queryCount, int rowCount, int depth, TSink sink)
        where TSink : struct, ITileSink
    {
        long pairs = (long)queryCount * rowCount, step = (long)Grid.DimX * Group.DimX;
        int words = depth / 4;
        for (long pair = (long)Grid.IdxX * Group.DimX + Group.IdxX; pair < pairs; pair += step)
        {
            int query = (int)(pair / rowCount), row = (int)(pair % rowCount), dot = 0;
            long q = (long)query * words, r = (long)row * stride * words;
            for (int i = 0; i < words; i++)
            {
                int a = queryCodes[q + i], b = rowCodes[r + i];
                dot += (a << 24 >> 24) * (b << 24 >> 24) + (a << 16 >> 24) * (b << 16 >> 24) + (a << 8 >> 24) * (b << 8 >> 24) + (a >> 24) * (b >> 24);
            }
            if (sink.Takes(query, sink.Query(query), row, sink.Row(row), dot)) sink.Append(query, row);
        }
    }
}
