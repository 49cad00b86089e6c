namespace Osprey.Kernels.Search;

/// <summary>Exact search in fp32: scores of every row for every query, the k best kept. The reference that faster scans are held to.</summary>
/// <remarks>
/// On the host the result has the same bits for any thread count, SIMD width, batch of queries and division of the rows into scans.
/// One scan at a time: the kernel owns its scratch memory. Rows whose score is NaN are never returned; a score of ±∞ ranks as a number.
/// </remarks>
public sealed class SearchKernel : IDisposable
{
    readonly Similarity similarity;
    readonly HostScan? host;
    readonly DeviceScan? accelerated;
    bool disposed;

    /// <param name="device">Stays the caller's; must outlive the kernel.</param>
    /// <param name="similarity">What a score is.</param>
    public SearchKernel(Device device, Similarity similarity)
        : this(device, similarity, SimdLevels.Best)
    {
    }

    internal SearchKernel(Device device, Similarity similarity, SimdLevel level, int deviceChunk = PlainDeviceScan.ChunkValues)
    {
        if (similarity is not (Similarity.InnerProduct or Similarity.L2)) throw new ArgumentException($"similarity is {(int)similarity}; give InnerProduct or L2");
        this.similarity = similarity;
        if (device.Accelerator is { } accelerator) accelerated = new DeviceScan(accelerator, similarity, deviceChunk);
        else host = new HostScan(similarity, level, device.Threads);
    }

    /// <summary>
    /// Merges rows into the running result: effectively, for every query q and row i with firstId+i ≠ excluded[q],
    /// offers (score(queries[q], rows[i]), firstId+i) to <paramref name="results"/>.
    /// </summary>
    /// <param name="rows">[count, dimension].</param>
    /// <param name="count">Rows, 0 or more.</param>
    /// <param name="dimension">1 or more.</param>
    /// <param name="firstId">Id of the first row; ids stay below 2³².</param>
    /// <param name="queries">[results.Queries, dimension].</param>
    /// <param name="excluded">For each query the id that is never returned for it, −1 for none; or empty.</param>
    /// <param name="results">Where the best are kept; of this kernel's similarity.</param>
    /// <exception cref="ArgumentException">A size does not fit; the message shows both numbers.</exception>
    public void Scan(
        ReadOnlySpan<float> rows, int count, int dimension, long firstId, ReadOnlySpan<float> queries, ReadOnlySpan<long> excluded, TopK results)
    {
        if (count < 0) throw new ArgumentException($"count is {count}; give 0 or more");
        if (dimension < 1) throw new ArgumentException($"dimension is {dimension}; give 1 or more");
        if (rows.Length != (long)count * dimension)
            throw new ArgumentException($"rows holds {rows.Length} values, and {count} rows of {dimension} are {(long)count * dimension}");
        if (queries.Length != (long)results.Queries * dimension)
            throw new ArgumentException($"queries holds {queries.Length} values, and {results.Queries} queries of {dimension} are {(long)results.Queries * dimension}");
        if (!excluded.IsEmpty && excluded.Length != results.Queries)
            throw new ArgumentException($"excluded names {excluded.Length} ids for {results.Queries} queries; give one for each, or none");
        if (firstId < 0 || firstId + count > CandidateKey.IdLimit)
            throw new ArgumentException($"the ids run from {firstId} to {firstId + count - 1}; they must lie in 0 … {CandidateKey.IdLimit - 1}");
        if (results.Similarity != similarity)
            throw new ArgumentException($"the results are kept for {results.Similarity}, and this kernel computes {similarity}");
        ObjectDisposedException.ThrowIf(disposed, this);
        if (count == 0 || results.Queries == 0) return;
        if (host is not null) host.Run(rows, count, dimension, firstId, queries, excluded, results);
        else accelerated!.Run(rows, count, dimension, firstId, queries, excluded, results);
    }

    public void Dispose()
    {
        disposed = true;
        host?.Dispose();
        accelerated?.Dispose();
    }
}
