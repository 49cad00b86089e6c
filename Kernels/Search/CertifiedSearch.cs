using System.Numerics;
using System.Runtime.CompilerServices;
using Osprey.Kernels.Arithmetic;

namespace Osprey.Kernels.Search;

/// <summary>
/// Exact search over rows that stay: the answer of <see cref="SearchKernel"/> bit for bit, from a scan of 8-bit codes and few fp32 scores.
/// </summary>
/// <remarks>
/// Each row is kept as 8-bit codes beside its fp32 values (about a quarter of their memory). A scan of the codes bounds every score from above;
/// a row whose bound is worse than k rows found cannot be among the k best, and every other is scored in fp32. The answer does not depend on
/// threads, SIMD level or the batch. Where codes would not help (few rows, k near the number of rows, values beyond 1e15) all rows are scored.
/// On a device other than the host a <see cref="DeviceGallery"/> searches, and ranges are scored on the host.
/// One search at a time. Nothing is allocated per search once warm.
/// </remarks>
public sealed unsafe class CertifiedSearch : IDisposable
{
    /// <summary>Rows below which scoring all of them takes no longer.</summary>
    internal const int LeastRows = 2048;

    /// <summary>Codes are used where there are at least so many rows per rank.</summary>
    const int RowsPerRank = 8;

    /// <summary>With a filter that allows less than one row in so many, the allowed rows are scored without a scan.</summary>
    const int SparseFilter = 24;

    /// <summary>Standard deviations that a guess stays on the safe side.</summary>
    const double Boldness = 4;

    readonly PinnedRows source;
    readonly Similarity similarity;
    readonly CodedRows? coded;
    readonly CertifiedScan scan;
    readonly SearchKernel? plain;
    readonly DeviceGallery? gallery;
    int[] fitting = [], others = [];
    bool disposed;

    /// <summary>Codes the rows: reads each of them once.</summary>
    /// <param name="device">Its threads are used.</param>
    /// <param name="similarity">What a score is.</param>
    /// <param name="blocks">The rows, each block a whole number of them; must stay as they are while this lives. They are pinned, not copied.</param>
    /// <param name="dimension">D, 1 or more.</param>
    /// <param name="seed">Of the order in which rows are scanned. It changes no answer.</param>
    /// <exception cref="ArgumentException">A size does not fit, or a row holds a value that is not finite; the message names the row.</exception>
    public CertifiedSearch(Device device, Similarity similarity, IReadOnlyList<ReadOnlyMemory<float>> blocks, int dimension, ulong seed = 0)
        : this(device, similarity, blocks, dimension, CodeScan.Best, seed, LeastRows, Boldness)
    {
    }

    /// <summary>With codes that <see cref="SaveCodes"/> wrote, unless they are of another layout: then the rows are coded again.</summary>
    /// <param name="device">Its threads are used.</param>
    /// <param name="similarity">What a score is.</param>
    /// <param name="blocks">The very rows that the codes are of.</param>
    /// <param name="dimension">D, 1 or more.</param>
    /// <param name="codes">Read to the end of the codes.</param>
    /// <exception cref="InvalidDataException">The codes are broken.</exception>
    public CertifiedSearch(Device device, Similarity similarity, IReadOnlyList<ReadOnlyMemory<float>> blocks, int dimension, Stream codes)
        : this(device, similarity, blocks, dimension, CodeScan.Best, 0, LeastRows, Boldness, codes)
    {
    }

    internal CertifiedSearch(
        Device device, Similarity similarity, IReadOnlyList<ReadOnlyMemory<float>> blocks, int dimension, CodeScan level, ulong seed, int leastRows, double boldness,
        Stream? codes = null)
    {
        if (similarity is not (Similarity.InnerProduct or Similarity.L2)) throw new ArgumentException($"similarity is {(int)similarity}; give InnerProduct or L2");
        this.similarity = similarity;
        source = new PinnedRows(blocks, dimension);
        var team = new HostTeam(device.Threads);
        try
        {
            bool useful = device.Accelerator is null && source.Count >= leastRows && dimension <= CodeScan.LargestDimension;
            if (useful && codes is not null) coded = CodedRowsStream.Read(codes, source.Count, dimension, similarity);
            if (!useful) CodedBuild.RequireFinite(source);
            else coded ??= CodedBuild.Create(source, similarity, team, device.Threads, seed);
        }
        catch
        {
            source.Dispose();
            throw;
        }
        scan = new CertifiedScan(source, coded, similarity, level, team, device.Threads, boldness);
        if (device.Accelerator is null) plain = new SearchKernel(device, similarity);
        else gallery = Upload(device);
    }

    DeviceGallery Upload(Device device)
    {
        var made = new DeviceGallery(device, similarity, Dimension);
        for (int b = 0; b < source.Blocks; b++)
        {
            ReadOnlySpan<float> rows = source.Block(b, out _, out long firstId);
            made.Add(rows, firstId);
        }
        return made;
    }

    /// <summary>N.</summary>
    public long Rows => source.Count;

    /// <summary>D.</summary>
    public int Dimension => source.Dimension;

    /// <summary>Memory of the codes and all that goes with them; 0 where there are none.</summary>
    public long CodeBytes => coded?.Bytes ?? 0;

    /// <summary>Queries that had to be scanned twice so far.</summary>
    public long Repeated => scan.Repeated;

    /// <summary>Cells that the rows are ordered by; 0 where they are not.</summary>
    internal int Cells => coded?.Cells?.Count ?? 0;

    /// <summary>Searches in which cells were left out.</summary>
    internal long CellScans => scan.CellScans;

    /// <summary>Writes the codes, if there are any, for another search over the same rows to read.</summary>
    /// <exception cref="InvalidOperationException">There are none: <see cref="CodeBytes"/> is 0.</exception>
    public void SaveCodes(Stream stream) => CodedRowsStream.Write(coded ?? throw new InvalidOperationException("there are no codes to save: these rows are searched without"), stream);

    /// <summary>Puts the k best rows of each query into <paramref name="results"/>: what <see cref="SearchKernel.Scan"/> over all rows would find, to the bit.</summary>
    /// <param name="queries">[results.Queries, D].</param>
    /// <param name="results">Cleared first.</param>
    /// <param name="excluded">For each query an id that it never gets, −1 for none; or empty.</param>
    /// <param name="allowed">A bit for each id, bit i % 64 of word i / 64, set where the row may be found; or empty for all.</param>
    /// <exception cref="ArgumentException">A size does not fit, or a query holds a NaN; the message says which.</exception>
    public void Search(ReadOnlySpan<float> queries, TopK results, ReadOnlySpan<long> excluded = default, ReadOnlySpan<ulong> allowed = default)
    {
        Check(queries, results.Queries, results.Similarity, excluded, allowed);
        results.Clear();
        if (results.Queries == 0 || Rows == 0) return;
        if (gallery is not null)
        {
            gallery.Search(queries, results, excluded, allowed);
            return;
        }
        long open = CountAllowed(allowed);
        fixed (float* queriesAt = queries)
        fixed (long* excludedAt = excluded)
        fixed (ulong* allowedAt = allowed)
        {
            bool useful = coded is not null && (long)results.K * RowsPerRank <= open && open * SparseFilter >= Rows;
            (int fit, int rest) = Divide(queriesAt, results.Queries, useful);
            if (fit > 0) scan.Search(queriesAt, fitting.AsSpan(0, fit), excludedAt, allowedAt, results);
            if (rest == results.Queries && allowed.IsEmpty) ScorePlainly(queries, excluded, results);
            else if (rest > 0) scan.Exhaust(queriesAt, others.AsSpan(0, rest), excludedAt, allowedAt, results, null);
        }
    }

    /// <summary>Puts every row whose score is at least as good as the radius into <paramref name="hits"/>.</summary>
    /// <param name="queries">[hits.Queries, D].</param>
    /// <param name="hits">Cleared first.</param>
    /// <param name="excluded">For each query an id that it never gets, −1 for none; or empty.</param>
    /// <param name="allowed">A bit for each id, as for <see cref="Search"/>; or empty for all.</param>
    /// <exception cref="ArgumentException">A size does not fit, or a query holds a NaN; the message says which.</exception>
    public void SearchRange(ReadOnlySpan<float> queries, RangeHits hits, ReadOnlySpan<long> excluded = default, ReadOnlySpan<ulong> allowed = default)
    {
        Check(queries, hits.Queries, hits.Similarity, excluded, allowed);
        hits.Clear();
        if (hits.Queries == 0 || Rows == 0) return;
        fixed (float* queriesAt = queries)
        fixed (long* excludedAt = excluded)
        fixed (ulong* allowedAt = allowed)
        {
            (int fit, int rest) = Divide(queriesAt, hits.Queries, coded is not null && CountAllowed(allowed) * SparseFilter >= Rows);
            if (fit > 0) scan.Search(queriesAt, fitting.AsSpan(0, fit), excludedAt, allowedAt, hits);
            if (rest > 0) scan.Exhaust(queriesAt, others.AsSpan(0, rest), excludedAt, allowedAt, null, hits);
        }
    }

    void Check(ReadOnlySpan<float> queries, int count, Similarity of, ReadOnlySpan<long> excluded, ReadOnlySpan<ulong> allowed)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        if (of != similarity) throw new ArgumentException($"the results are kept for {of}, and this search computes {similarity}");
        if (queries.Length != (long)count * Dimension)
            throw new ArgumentException($"queries holds {queries.Length} values, and {count} queries of {Dimension} are {(long)count * Dimension}");
        if (!excluded.IsEmpty && excluded.Length != count) throw new ArgumentException($"excluded names {excluded.Length} ids for {count} queries; give one for each, or none");
        if (!allowed.IsEmpty && allowed.Length != (Rows + 63) / 64) throw new ArgumentException($"allowed holds {allowed.Length} words, and {Rows} rows need {(Rows + 63) / 64}");
        int nan = IndexOfNaN(queries);
        if (nan >= 0) throw new ArgumentException($"query {nan / Dimension} holds a NaN at dimension {nan % Dimension}; no ranking is defined for it");
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static int IndexOfNaN(ReadOnlySpan<float> values)
    {
        int i = 0;
        for (; i + Vector<float>.Count <= values.Length; i += Vector<float>.Count)
        {
            var lanes = new Vector<float>(values[i..]);
            if (!Vector.EqualsAll(lanes, lanes)) break;
        }
        for (; i < values.Length; i++)
            if (float.IsNaN(values[i])) return i;
        return -1;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    long CountAllowed(ReadOnlySpan<ulong> allowed)
    {
        if (allowed.IsEmpty) return Rows;
        long count = 0;
        foreach (ulong word in allowed[..^1]) count += BitOperations.PopCount(word);
        // Bits past the last row mean nothing.
        return count + BitOperations.PopCount(allowed[^1] & (ulong.MaxValue >> (int)(63 - ((Rows - 1) % 64))));
    }

    /// <summary>Queries for the codes, and those that are scored with every row: all where codes do not help, else the ones too long for float32 bounds.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    (int Fit, int Others) Divide(float* queries, int count, bool useful)
    {
        if (fitting.Length < count)
        {
            fitting = new int[count];
            others = new int[count];
        }
        int fit = 0, rest = 0;
        for (int q = 0; q < count; q++)
        {
            if (useful && CodedQueries.Fits(coded!, CodedQueries.Norm(new ReadOnlySpan<float>(queries + ((nint)q * Dimension), Dimension)))) fitting[fit++] = q;
            else others[rest++] = q;
        }
        return (fit, rest);
    }

    void ScorePlainly(ReadOnlySpan<float> queries, ReadOnlySpan<long> excluded, TopK results)
    {
        for (int b = 0; b < source.Blocks; b++)
        {
            ReadOnlySpan<float> rows = source.Block(b, out int count, out long firstId);
            if (count > 0) plain!.Scan(rows, count, Dimension, firstId, queries, excluded, results);
        }
    }

    public void Dispose()
    {
        disposed = true;
        scan.Dispose();
        plain?.Dispose();
        gallery?.Dispose();
        coded?.Dispose();
        source.Dispose();
    }
}
