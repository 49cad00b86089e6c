using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime;

namespace Osprey.Kernels.Search;

/// <summary>The scan on an accelerator: rows go up in chunks, scores of a chunk stay there, the k best keys per query come back at the end.</summary>
sealed class DeviceScan : IDisposable
{
    /// <summary>Scores, and values of rows, that are on the device at a time: 128 MiB each.</summary>
    public const int ChunkValues = 1 << 25;

    readonly Accelerator accelerator;
    readonly Similarity similarity;
    readonly int chunkValues, selectThreads;
    readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<float>, int, int, int> scoresKernel;
    readonly Action<KernelConfig, ArrayView<float>, ArrayView<long>, ArrayView<ulong>, ArrayView<ulong>, int, int, long, Similarity> selectKernel;
    readonly DeviceBuffer<float> queryBuffer, rowBuffer, scoreBuffer;
    readonly DeviceBuffer<long> excludedBuffer;
    readonly DeviceBuffer<ulong> keptBuffer, nextBuffer;

    public DeviceScan(Accelerator accelerator, Similarity similarity, int chunkValues)
    {
        this.chunkValues = chunkValues;
        this.accelerator = accelerator;
        this.similarity = similarity;
        selectThreads = Math.Min(256, accelerator.MaxNumThreadsPerGroup);
        scoresKernel = similarity == Similarity.InnerProduct
            ? accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>, ArrayView<float>, int, int, int>(SearchCuda.Scores<ProductScore>)
            : accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>, ArrayView<float>, int, int, int>(SearchCuda.Scores<DistanceScore>);
        selectKernel = accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<long>, ArrayView<ulong>, ArrayView<ulong>, int, int, long, Similarity>(SearchCuda.Select);
        queryBuffer = new(accelerator);
        rowBuffer = new(accelerator);
        scoreBuffer = new(accelerator);
        excludedBuffer = new(accelerator);
        keptBuffer = new(accelerator);
        nextBuffer = new(accelerator);
    }

    public void Run(
        ReadOnlySpan<float> rows, int count, int dimension, long firstId, ReadOnlySpan<float> queries, ReadOnlySpan<long> excluded, TopK results)
    {
        int queryCount = results.Queries, k = Math.Min(results.K, count);
        ArrayView<float> queryView = queryBuffer.Holding(queries);
        ArrayView<long> excludedView = excludedBuffer.OfLength(queryCount);
        if (excluded.IsEmpty) excludedView.MemSet(0xff); // −1
        else excludedView.CopyFromCPU(ref MemoryMarshal.GetReference(excluded), excluded.Length);
        ArrayView<ulong> kept = keptBuffer.OfLength((long)queryCount * k), next = nextBuffer.OfLength((long)queryCount * k);
        kept.MemSet(0xff); // CandidateKey.None

        int chunk = (int)Math.Clamp(chunkValues / Math.Max((long)queryCount, dimension), 1, count);
        for (int first = 0; first < count; first += chunk)
        {
            int inChunk = Math.Min(chunk, count - first);
            ArrayView<float> rowView = rowBuffer.Holding(rows.Slice(first * dimension, inChunk * dimension));
            ArrayView<float> scores = scoreBuffer.OfLength((long)queryCount * inChunk);
            var grid = new Index3D((inChunk + SearchCuda.Tile - 1) / SearchCuda.Tile, (queryCount + SearchCuda.Tile - 1) / SearchCuda.Tile, 1);
            scoresKernel(new KernelConfig(grid, new Index3D(SearchCuda.ScoreThreads, 1, 1)), queryView, rowView, scores, queryCount, inChunk, dimension);
            selectKernel(new KernelConfig(queryCount, selectThreads), scores, excludedView, kept, next, inChunk, k, firstId + first, similarity);
            (kept, next) = (next, kept);
        }

        ulong[] keys = new ulong[kept.Length];
        kept.CopyToCPU(ref MemoryMarshal.GetArrayDataReference(keys), keys.Length);
        for (int q = 0; q < queryCount; q++) results.Offer(q, keys.AsSpan(q * k, k));
    }

    public void Dispose()
    {
        accelerator.Synchronize();
        queryBuffer.Dispose();
        rowBuffer.Dispose();
        scoreBuffer.Dispose();
        excludedBuffer.Dispose();
        keptBuffer.Dispose();
        nextBuffer.Dispose();
    }
}
