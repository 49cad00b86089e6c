using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace Osprey.Kernels.Search;

/// <summary>
/// Exact search over rows that stay on a device (CUDA or its simulator): the answer of <see cref="SearchKernel"/> on that device, bit for bit, from a
/// first pass over 8-bit codes and fp32 scores of the few rows that it cannot rule out.
/// </summary>
/// <remarks>
/// A row survives the first pass if its score could reach the query's threshold: q·x ≤ q̂·x̂ + ‖q̂‖·‖x − x̂‖ + ‖q − q̂‖·‖x‖, where hats are what the codes
/// stand for; for L2, ‖q−x‖² = ‖q‖² + ‖x‖² − 2q·x as a bound only. The threshold is guessed from a sample of the rows. The answer stands if the k-th
/// best fp32 score found reaches the guess, for then every row as good has survived; otherwise the query is searched again with the k-th best
/// score found, which is certain. Queries for which even that leaves more survivors than there is room for are scored against every row, and so are
/// all where k is more than an eighth of the rows, or a device has no tensor cores (before sm_80).
/// A row with a value that is not finite always survives; where its score is NaN it is never returned.
/// One search at a time. Work memory is kept from one search to the next.
/// </remarks>
public sealed class DeviceGallery : IDisposable
{
    /// <summary>Sums of products of codes stay within int32 up to here.</summary>
    const int LargestDimension = 1 << 16;

    /// <summary>The first pass is of use where there are so many rows per rank.</summary>
    const int RowsPerRank = 8;

    readonly Accelerator accelerator;
    readonly Similarity similarity;
    readonly GalleryRows rows;
    readonly TwoPassScan? twoPass;
    readonly PlainDeviceScan plain;
    readonly DeviceBuffer<float> queryBuffer;
    readonly DeviceBuffer<long> excludedBuffer;
    readonly DeviceBuffer<ulong> allowedBuffer;
    readonly long workBytes;
    float[] costs = [], batchCosts = [], gathered = [];
    long[] excludedIds = [];
    int[] pending = [], found = [];
    ulong[] best = [];
    bool disposed;

    /// <param name="device">A device with an accelerator; stays the caller's and must outlive the gallery.</param>
    /// <param name="similarity">What a score is.</param>
    /// <param name="dimension">D, 1 or more.</param>
    /// <param name="deviceBytes">
    /// Device memory for rows and codes; 0 for three quarters of what the device has. Rows beyond it are copied to page-locked host memory and come up
    /// again for every batch of queries. Work memory (about 256 MiB) comes on top.
    /// </param>
    /// <exception cref="ArgumentException">The device is the host, or a number is out of range.</exception>
    public DeviceGallery(Device device, Similarity similarity, int dimension, long deviceBytes = 0)
        : this(device, similarity, dimension, GalleryLimits.For(deviceBytes), null)
    {
    }

    internal DeviceGallery(Device device, Similarity similarity, int dimension, GalleryLimits limits, FirstPass? firstPass)
    {
        if (similarity is not (Similarity.InnerProduct or Similarity.L2)) throw new ArgumentException($"similarity is {(int)similarity}; give InnerProduct or L2");
        if (dimension < 1) throw new ArgumentException($"dimension is {dimension}; give 1 or more");
        if (limits.Bytes < 0) throw new ArgumentException($"deviceBytes is {limits.Bytes}; give 0 (three quarters of the device's memory) or more");
        accelerator = device.Accelerator ?? throw new ArgumentException($"the device is {device.Name}; a gallery needs cuda or simulator");
        this.similarity = similarity;
        Dimension = dimension;
        workBytes = limits.WorkBytes;
        // The simulator's memory has no end that it knows of.
        if (limits.Bytes == 0) limits = limits with { Bytes = Math.Min(accelerator.MemorySize, 1L << 50) / 4 * 3 };
        FirstPass pass = dimension > LargestDimension ? FirstPass.None : firstPass ?? FirstPassOf(accelerator);
        int depth = pass == FirstPass.None ? 0 : (dimension + CudaTileScan.StageDepth - 1) / CudaTileScan.StageDepth * CudaTileScan.StageDepth;
        rows = new GalleryRows(accelerator, similarity, dimension, depth, limits.Bytes);
        if (pass != FirstPass.None) twoPass = new TwoPassScan(accelerator, similarity, dimension, depth, pass, limits);
        plain = new PlainDeviceScan(accelerator, similarity, limits.ChunkValues);
        queryBuffer = new(accelerator);
        excludedBuffer = new(accelerator);
        allowedBuffer = new(accelerator);
    }

    static FirstPass FirstPassOf(Accelerator accelerator) => accelerator is not CudaAccelerator cuda ? FirstPass.Plain
        : cuda.Architecture >= CudaArchitecture.SM_80 ? FirstPass.TensorCores : FirstPass.None;

    /// <summary>D.</summary>
    public int Dimension { get; }

    /// <summary>N.</summary>
    public long Rows => rows.Count;

    /// <summary>Rows that are on the device; the others come up for every batch of queries.</summary>
    public long ResidentRows => rows.ResidentCount;

    /// <summary>Queries so far whose guess was too bold, or had too many survivors, so that they were searched again.</summary>
    public long Repeated { get; private set; }

    /// <summary>Queries so far that were scored against every row.</summary>
    public long Exhausted { get; private set; }

    /// <summary>Copies rows to the device and codes them. Few large calls make for faster searches than many small ones.</summary>
    /// <param name="values">[count, D].</param>
    /// <param name="firstId">Id of the first row; ids stay below 2³². An id that is added twice is found twice.</param>
    /// <exception cref="ArgumentException">A size does not fit.</exception>
    public void Add(ReadOnlySpan<float> values, long firstId)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        if (values.Length % Dimension != 0) throw new ArgumentException($"{values.Length} values were given; rows of {Dimension} need a multiple of it");
        int count = values.Length / Dimension;
        if (firstId < 0 || firstId + count > CandidateKey.IdLimit)
            throw new ArgumentException($"the ids run from {firstId} to {firstId + count - 1}; they must lie in 0 … {CandidateKey.IdLimit - 1}");
        if (count > 0) rows.Add(values, count, firstId);
    }

    /// <summary>Puts the k best rows of each query into <paramref name="results"/>: what <see cref="SearchKernel.Scan"/> of all rows on this device would find, to the bit.</summary>
    /// <param name="queries">[results.Queries, D].</param>
    /// <param name="results">Cleared first.</param>
    /// <param name="excluded">For each query an id that it never gets, −1 for none; or empty.</param>
    /// <param name="allowed">A bit for each id up to the highest, bit i % 64 of word i / 64, set where the row may be found; or empty for all.</param>
    /// <exception cref="ArgumentException">A size does not fit; the message shows both numbers.</exception>
    public void Search(ReadOnlySpan<float> queries, TopK results, ReadOnlySpan<long> excluded = default, ReadOnlySpan<ulong> allowed = default)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        int count = results.Queries;
        if (results.Similarity != similarity) throw new ArgumentException($"the results are kept for {results.Similarity}, and this gallery computes {similarity}");
        if (queries.Length != (long)count * Dimension)
            throw new ArgumentException($"queries holds {queries.Length} values, and {count} queries of {Dimension} are {(long)count * Dimension}");
        if (!excluded.IsEmpty && excluded.Length != count) throw new ArgumentException($"excluded names {excluded.Length} ids for {count} queries; give one for each, or none");
        long words = (rows.IdEnd + 63) / 64;
        if (!allowed.IsEmpty && allowed.Length != words) throw new ArgumentException($"allowed holds {allowed.Length} words, and ids up to {rows.IdEnd - 1} need {words}");
        results.Clear();
        if (count == 0 || rows.Count == 0) return;
        ArrayView<ulong> allowedView = allowedBuffer.Holding(allowed);
        int k = (int)Math.Min(results.K, rows.Count);
        Span<int> all = Room(ref pending, count);
        for (int q = 0; q < count; q++) all[q] = q;
        Room(ref costs, count);
        int left = count;
        if (twoPass is not null && (long)k * RowsPerRank <= rows.Count)
        {
            TwoPassScan.Plan plan = twoPass.For(rows, k, count);
            left = SearchTwice(plan, count, known: false, queries, excluded, allowedView, results, k);
            Repeated += left;
            // Where fewer than k rows were found nothing is known, and every row would survive.
            int known = 0;
            for (int i = 0; i < left; i++)
            {
                if (float.IsPositiveInfinity(costs[pending[i]])) continue;
                (pending[i], pending[known]) = (pending[known], pending[i]);
                known++;
            }
            int failed = SearchTwice(plan, known, known: true, queries, excluded, allowedView, results, k);
            pending.AsSpan(known, left - known).CopyTo(pending.AsSpan(failed));
            left -= known - failed;
        }
        Exhaust(left, queries, excluded, allowedView, results, k);
        Exhausted += left;
    }

    /// <summary>Searches the first <paramref name="count"/> pending queries in two passes; those whose answer does not stand are pending afterwards. Returns how many.</summary>
    int SearchTwice(
        TwoPassScan.Plan plan, int count, bool known, ReadOnlySpan<float> queries, ReadOnlySpan<long> excluded, ArrayView<ulong> allowed, TopK results, int k)
    {
        int left = 0;
        for (int first = 0, inBatch; first < count; first += inBatch)
        {
            inBatch = Math.Min(plan.Batch, count - first);
            Span<int> which = pending.AsSpan(first, inBatch), survivors = Room(ref found, inBatch);
            Span<float> limits = Room(ref batchCosts, inBatch);
            Span<ulong> keys = Room(ref best, checked(inBatch * k));
            for (int i = 0; i < inBatch; i++) limits[i] = costs[which[i]];
            (ArrayView<float> queryView, ArrayView<long> excludedView) = Lift(which, queries, excluded);
            twoPass!.Run(plan, rows, queryView, excludedView, allowed, limits, known, survivors, keys, k);
            for (int i = 0; i < inBatch; i++)
            {
                ReadOnlySpan<ulong> found = keys.Slice(i * k, k);
                ulong last = 0;
                foreach (ulong key in found) last = Math.Max(last, key);
                float reached = last == CandidateKey.None ? float.PositiveInfinity : CandidateKey.Cost(similarity, CandidateKey.Score(similarity, last));
                if (survivors[i] <= plan.Capacity && reached <= limits[i])
                {
                    results.Offer(which[i], found);
                }
                else
                {
                    // Nothing that was read is overwritten: fewer are left than were taken.
                    costs[which[i]] = reached;
                    pending[left++] = which[i];
                }
            }
        }
        return left;
    }

    /// <summary>Scores every row for the first <paramref name="count"/> pending queries.</summary>
    void Exhaust(int count, ReadOnlySpan<float> queries, ReadOnlySpan<long> excluded, ArrayView<ulong> allowed, TopK results, int k)
    {
        int batch = (int)Math.Clamp(workBytes / (2L * sizeof(ulong) * k + sizeof(float) * Dimension), 1, 1 << 16);
        for (int first = 0, inBatch; first < count; first += inBatch)
        {
            inBatch = Math.Min(batch, count - first);
            Span<int> which = pending.AsSpan(first, inBatch);
            (ArrayView<float> queryView, ArrayView<long> excludedView) = Lift(which, queries, excluded);
            plain.Begin(inBatch, k);
            rows.ForEach((plain, queryView, excludedView, allowed, Dimension), static (s, slice) =>
                s.plain.Add(s.queryView, slice.Rows, slice.Count, s.Dimension, slice.FirstId, s.excludedView, s.allowed));
            Span<ulong> keys = Room(ref best, checked(inBatch * k));
            plain.Best.CopyToCPU(accelerator.DefaultStream, keys);
            for (int i = 0; i < inBatch; i++) results.Offer(which[i], keys.Slice(i * k, k));
        }
    }

    /// <summary>Copies some of the queries, and their excluded ids, to the device.</summary>
    (ArrayView<float> Queries, ArrayView<long> Excluded) Lift(ReadOnlySpan<int> which, ReadOnlySpan<float> queries, ReadOnlySpan<long> excluded)
    {
        Span<float> values = Room(ref gathered, checked(which.Length * Dimension));
        Span<long> ids = Room(ref excludedIds, which.Length);
        for (int i = 0; i < which.Length; i++)
        {
            queries.Slice(which[i] * Dimension, Dimension).CopyTo(values[(i * Dimension)..]);
            ids[i] = excluded.IsEmpty ? -1 : excluded[which[i]];
        }
        return (queryBuffer.Holding(values), excludedBuffer.Holding(ids));
    }

    static Span<T> Room<T>(ref T[] array, int length)
    {
        if (array.Length < length) array = new T[length];
        return array.AsSpan(0, length);
    }

    public void Dispose()
    {
        if (disposed) return;
        disposed = true;
        rows.Dispose();
        twoPass?.Dispose();
        plain.Dispose();
        queryBuffer.Dispose();
        excludedBuffer.Dispose();
        allowedBuffer.Dispose();
    }
}
