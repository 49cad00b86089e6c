using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime;

namespace Osprey.Kernels.Search;

/// <summary>The scan of host rows on an accelerator: rows go up in chunks, scores of a chunk stay there, the k best keys per query come back at the end.</summary>
sealed class DeviceScan : IDisposable
{
    readonly Accelerator accelerator;
    readonly PlainDeviceScan scan;
    readonly DeviceBuffer<float> queryBuffer, rowBuffer;
    readonly DeviceBuffer<long> excludedBuffer;
    readonly DeviceBuffer<ulong> allowedBuffer;
    ulong[] keys = [];

    public DeviceScan(Accelerator accelerator, Similarity similarity, int chunkValues)
    {
        this.accelerator = accelerator;
        scan = new PlainDeviceScan(accelerator, similarity, chunkValues);
        queryBuffer = new(accelerator);
        rowBuffer = new(accelerator);
        excludedBuffer = new(accelerator);
        allowedBuffer = new(accelerator);
    }

    public void Run(
        ReadOnlySpan<float> rows, int count, int dimension, long firstId, ReadOnlySpan<float> queries, ReadOnlySpan<long> excluded, TopK results)
    {
        int queryCount = results.Queries, k = Math.Min(results.K, count);
        ArrayView<float> queryView = queryBuffer.Holding(queries);
        ArrayView<long> excludedView = excludedBuffer.OfLength(queryCount);
        if (excluded.IsEmpty) excludedView.MemSet(0xff); // −1
        else excludedView.CopyFromCPU(ref MemoryMarshal.GetReference(excluded), excluded.Length);
        scan.Begin(queryCount, k);
        int chunk = Math.Min(scan.ChunkRows(queryCount, dimension), count);
        for (int first = 0, inChunk; first < count; first += inChunk)
        {
            inChunk = Math.Min(chunk, count - first);
            ArrayView<float> rowView = rowBuffer.Holding(rows.Slice(first * dimension, inChunk * dimension));
            scan.Add(queryView, rowView, inChunk, dimension, firstId + first, excludedView, allowedBuffer.OfLength(0));
        }
        int length = checked(queryCount * k);
        if (keys.Length < length) keys = new ulong[length];
        scan.Best.CopyToCPU(ref MemoryMarshal.GetArrayDataReference(keys), length);
        for (int q = 0; q < queryCount; q++) results.Offer(q, keys.AsSpan(q * k, k));
    }

    public void Dispose()
    {
        accelerator.Synchronize();
        scan.Dispose();
        queryBuffer.Dispose();
        rowBuffer.Dispose();
        excludedBuffer.Dispose();
        allowedBuffer.Dispose();
    }
}
