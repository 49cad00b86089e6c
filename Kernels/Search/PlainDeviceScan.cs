using ILGPU;
using ILGPU.Runtime;

namespace Osprey.Kernels.Search;

/// <summary>fp32 scores of every row for every query on an accelerator, and the k best keys of each query. Takes and gives device memory.</summary>
sealed class PlainDeviceScan : IDisposable
{
    /// <summary>Scores, and values of rows, that are on the device at a time: 128 MiB each.</summary>
    public const int ChunkValues = 1 << 25;

    readonly Similarity similarity;
    readonly int chunkValues, selectThreads;
    readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<float>, int, int, int> scoresKernel;
    readonly Action<KernelConfig, ArrayView<float>, EligibleRows, ArrayView<ulong>, ArrayView<ulong>, int, int, Similarity> selectKernel;
    readonly DeviceBuffer<float> scoreBuffer;
    readonly DeviceBuffer<ulong> keptBuffer, nextBuffer;
    ArrayView<ulong> kept, next;
    int queryCount, k;

    public PlainDeviceScan(Accelerator accelerator, Similarity similarity, int chunkValues)
    {
        this.similarity = similarity;
        this.chunkValues = chunkValues;
        selectThreads = Math.Min(256, accelerator.MaxNumThreadsPerGroup);
        scoresKernel = similarity == Similarity.InnerProduct
            ? accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>, ArrayView<float>, int, int, int>(SearchCuda.Scores<ProductScore>)
            : accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>, ArrayView<float>, int, int, int>(SearchCuda.Scores<DistanceScore>);
        selectKernel = accelerator.LoadStreamKernel<ArrayView<float>, EligibleRows, ArrayView<ulong>, ArrayView<ulong>, int, int, Similarity>(SearchCuda.Select);
        scoreBuffer = new(accelerator);
        keptBuffer = new(accelerator);
        nextBuffer = new(accelerator);
    }

    /// <summary>Rows whose scores and values fit into a chunk, at least 1.</summary>
    public int ChunkRows(int queries, int dimension) => (int)Math.Clamp(chunkValues / Math.Max((long)queries, dimension), 1, int.MaxValue);

    /// <summary>Starts a search: no row is kept.</summary>
    public void Begin(int queries, int k)
    {
        (queryCount, this.k) = (queries, k);
        kept = keptBuffer.OfLength((long)queries * k);
        next = nextBuffer.OfLength((long)queries * k);
        kept.MemSet(0xff); // CandidateKey.None
    }

    /// <summary>Keeps the k best of those kept and of <paramref name="count"/> rows.</summary>
    /// <param name="queries">[queries, dimension].</param>
    /// <param name="rows">[count, dimension].</param>
    /// <param name="count">1 or more.</param>
    /// <param name="dimension">1 or more.</param>
    /// <param name="firstId">Id of the first row.</param>
    /// <param name="excluded">[queries]; −1 for none.</param>
    /// <param name="allowed">A bit for each id; empty for all.</param>
    public void Add(ArrayView<float> queries, ArrayView<float> rows, int count, int dimension, long firstId, ArrayView<long> excluded, ArrayView<ulong> allowed)
    {
        int chunk = ChunkRows(queryCount, dimension);
        for (int first = 0, inChunk; first < count; first += inChunk)
        {
            inChunk = Math.Min(chunk, count - first);
            ArrayView<float> scores = scoreBuffer.OfLength((long)queryCount * inChunk);
            int tiles = ((inChunk + SearchCuda.Tile - 1) / SearchCuda.Tile) * ((queryCount + SearchCuda.Tile - 1) / SearchCuda.Tile);
            scoresKernel(
                new KernelConfig(tiles, SearchCuda.ScoreThreads), queries, rows.SubView((long)first * dimension, (long)inChunk * dimension), scores, queryCount, inChunk, dimension);
            selectKernel(
                new KernelConfig(queryCount, selectThreads), scores, new EligibleRows(excluded, allowed, firstId + first), kept, next, inChunk, k, similarity);
            (kept, next) = (next, kept);
        }
    }

    /// <summary>[queries, k] keys, each query's in any order.</summary>
    public ArrayView<ulong> Best => kept;

    public void Dispose()
    {
        scoreBuffer.Dispose();
        keptBuffer.Dispose();
        nextBuffer.Dispose();
    }
}
