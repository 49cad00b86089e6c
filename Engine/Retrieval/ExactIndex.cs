using Osprey.Interop.Formats;
using Osprey.Kernels;
using Osprey.Kernels.Search;

namespace Osprey.Engine.Retrieval;

/// <summary>Exact nearest neighbours among N descriptors, in memory or in an index file. Ids are row numbers, 0 … N−1.</summary>
/// <remarks>
/// Searched by <see cref="CertifiedSearch"/>: 8-bit codes are scanned, and few descriptors scored in float32. Of an opened index file only those few are read
/// from the disk. A search uses all of the device's threads; searches from several threads wait for one another.
/// </remarks>
public sealed class ExactIndex : IDisposable
{
    /// <summary>Ranks (queries × k) worked on at once: bounds the memory of full rankings to about 100 MB.</summary>
    const int RanksAtOnce = 1 << 22;

    /// <summary>Ranks whose working memory is kept for the next search.</summary>
    const int RanksKept = 1 << 18;

    readonly IReadOnlyList<IndexBlock> blocks;
    readonly int threads;
    readonly CertifiedSearch search;
    readonly MappedFile? map;
    readonly Lock searching = new();
    TopK? kept;

    /// <summary>Over a store's descriptors, read into memory as float32: 4·N·D bytes.</summary>
    /// <exception cref="ArgumentException">A descriptor holds a value that is not finite; the message names its row.</exception>
    public ExactIndex(DescriptorStore store, Device device, Metric metric = Metric.Cosine)
        : this(ReadBlocks(store, 0, store.Rows), store.Dimension, device, metric, store.Sha256)
    {
    }

    /// <summary>Over rows <paramref name="first"/> … first + count − 1 of a store alone; ids are counted from the first of them.</summary>
    /// <inheritdoc cref="ExactIndex(DescriptorStore, Device, Metric)"/>
    internal ExactIndex(DescriptorStore store, long first, long count, Device device, Metric metric)
        : this(ReadBlocks(store, first, count), store.Dimension, device, metric, "")
    {
    }

    /// <param name="descriptors">[N, D], taken, not copied; for <see cref="Metric.Cosine"/> rows that are not unit vectors are normalised in a copy.</param>
    /// <param name="dimension">D.</param>
    /// <param name="device">Stays the caller's; must outlive the index.</param>
    /// <param name="metric">What nearness is.</param>
    /// <exception cref="ArgumentException">The sizes do not fit, or a descriptor holds a value that is not finite; the message names its row.</exception>
    public ExactIndex(float[] descriptors, int dimension, Device device, Metric metric = Metric.Cosine)
        : this([new IndexBlock(descriptors, CountRows(descriptors, dimension), 0)], dimension, device, metric, "")
    {
    }

    ExactIndex(IReadOnlyList<IndexBlock> blocks, int dimension, Device device, Metric metric, string storeSha256, IndexContent? content = null)
    {
        if (metric is not (Metric.Cosine or Metric.InnerProduct or Metric.L2)) throw new ArgumentException($"metric is {(int)metric}; give Cosine, InnerProduct or L2");
        this.blocks = metric == Metric.Cosine ? [.. blocks.Select(b => b with { Values = UnitRows.Normalize(b.Values, dimension) })] : blocks;
        Dimension = dimension;
        Metric = metric;
        Rows = blocks.Sum(b => (long)b.Rows);
        StoreSha256 = storeSha256;
        threads = device.Threads;
        ReadOnlyMemory<float>[] values = [.. this.blocks.Select(b => b.Values)];
        using (Stream? codes = content?.OpenCodes())
            search = codes is null ? new CertifiedSearch(device, Similarity, values, dimension) : new CertifiedSearch(device, Similarity, values, dimension, codes);
        map = content?.Map;
    }

    /// <summary>N.</summary>
    public long Rows { get; }

    /// <summary>D.</summary>
    public int Dimension { get; }

    public Metric Metric { get; }

    /// <summary><see cref="DescriptorStore.Sha256"/> of the store the index was made from; empty if from memory.</summary>
    public string StoreSha256 { get; }

    /// <summary>Memory of the codes, in bytes; 0 where the rows are so few that all are scored.</summary>
    public long CodeBytes => search.CodeBytes;

    Similarity Similarity => SimilarityOf(Metric);

    static Similarity SimilarityOf(Metric metric) => metric == Metric.L2 ? Similarity.L2 : Similarity.InnerProduct;

    static int CountRows(float[] descriptors, int dimension)
    {
        if (dimension < 1) throw new ArgumentException($"the dimension is {dimension}; give 1 or more");
        if (descriptors.Length % dimension != 0) throw new ArgumentException($"{descriptors.Length} values are no whole number of descriptors of {dimension}");
        return descriptors.Length / dimension;
    }

    static List<IndexBlock> ReadBlocks(DescriptorStore store, long first, long count)
    {
        var blocks = new List<IndexBlock>();
        long id = 0;
        foreach (float[] values in store.ReadBlocks(first, count))
        {
            blocks.Add(new IndexBlock(values, values.Length / store.Dimension, id));
            id += values.Length / store.Dimension;
        }
        return blocks;
    }

    /// <summary>The k nearest rows of each query.</summary>
    /// <param name="queries">[Q, D]; for <see cref="Metric.Cosine"/> of any length.</param>
    /// <param name="k">1 or more; ranks beyond the rows there are have id −1.</param>
    /// <param name="excluded">For each query an id that it never gets, −1 for none; or empty.</param>
    /// <param name="filter">Which rows may be found; null for all.</param>
    /// <exception cref="ArgumentException">The sizes do not fit, or a query holds a NaN.</exception>
    public Ranking Search(ReadOnlySpan<float> queries, int k, ReadOnlySpan<long> excluded = default, RowFilter? filter = null)
    {
        int count = CountQueries(queries, filter);
        if (k < 1) throw new ArgumentException($"k is {k}; give 1 or more");
        if ((long)count * k > Array.MaxLength) throw new ArgumentException($"{count} queries × k={k} is more than one answer holds; search fewer queries at once");
        if (!excluded.IsEmpty && excluded.Length != count) throw new ArgumentException($"excluded names {excluded.Length} ids for {count} queries; give one for each, or none");
        long[] ids = new long[(long)count * k];
        float[] scores = new float[(long)count * k];
        int batch = BatchOf(k);
        for (int first = 0; first < count; first += batch)
        {
            int inBatch = Math.Min(batch, count - first);
            Scan(queries.Slice(first * Dimension, inBatch * Dimension), k, excluded.IsEmpty ? [] : excluded.Slice(first, inBatch), filter, ids, scores, first * k);
        }
        return new Ranking(count, k, ids, scores);
    }

    /// <summary>Every row within a radius of each query.</summary>
    /// <param name="queries">[Q, D]; for <see cref="Metric.Cosine"/> of any length.</param>
    /// <param name="radius">The least cosine or inner product, or the largest squared distance, of a row that is found.</param>
    /// <param name="filter">Which rows may be found; null for all.</param>
    /// <exception cref="ArgumentException">The sizes do not fit, or a query or the radius is NaN.</exception>
    public RangeRanking SearchRange(ReadOnlySpan<float> queries, float radius, RowFilter? filter = null)
    {
        int count = CountQueries(queries, filter);
        var hits = new RangeHits(count, radius, Similarity);
        if (Metric == Metric.Cosine) queries = UnitRows.Normalize(queries, Dimension);
        lock (searching) search.SearchRange(queries, hits, [], filter is null ? [] : filter.Words);
        long[][] ids = new long[count][];
        float[][] scores = new float[count][];
        Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = threads }, q => hits.Read(q, ids[q] = new long[hits.Found(q)], scores[q] = new float[hits.Found(q)]));
        return new RangeRanking(ids, scores);
    }

    int CountQueries(ReadOnlySpan<float> queries, RowFilter? filter)
    {
        if (queries.Length % Dimension != 0) throw new ArgumentException($"{queries.Length} values are no whole number of queries of {Dimension}, the index's dimension");
        if (filter is not null && filter.Rows != Rows) throw new ArgumentException($"the filter is for {filter.Rows} rows, and the index has {Rows}");
        return queries.Length / Dimension;
    }

    /// <summary>Every row as a query against all the others, some at a time in order: with k = N−1 the full rankings that retrieval is evaluated on.</summary>
    /// <param name="k">1 or more; of use up to N−1.</param>
    /// <param name="batch">Queries per step; 0 for as many as fit in about 100 MB, from 16 to 1024.</param>
    /// <param name="cancellation">Looked at between steps.</param>
    public IEnumerable<RankingBatch> SearchSelf(int k, int batch = 0, CancellationToken cancellation = default)
    {
        if (k < 1) throw new ArgumentException($"k is {k}; give 1 or more");
        if (batch < 0) throw new ArgumentException($"batch is {batch}; give 0 or more");
        return Steps();

        IEnumerable<RankingBatch> Steps()
        {
            int most = Math.Max(1, Math.Min(batch > 0 ? batch : BatchOf(k), Array.MaxLength / k));
            foreach (IndexBlock block in blocks)
            {
                for (int first = 0; first < block.Rows; first += most)
                {
                    cancellation.ThrowIfCancellationRequested();
                    int count = Math.Min(most, block.Rows - first);
                    long[] excluded = new long[count], ids = new long[count * k];
                    float[] scores = new float[count * k];
                    for (int i = 0; i < count; i++) excluded[i] = block.FirstId + first + i;
                    Scan(block.Values.Span.Slice(first * Dimension, count * Dimension), k, excluded, null, ids, scores, 0);
                    yield return new RankingBatch(block.FirstId + first, new Ranking(count, k, ids, scores));
                }
            }
        }
    }

    /// <summary>Copies a row as it is searched: of unit length for <see cref="Metric.Cosine"/>, unless it is zero.</summary>
    /// <param name="id">0 … N−1.</param>
    /// <param name="row">[D], written.</param>
    /// <exception cref="ArgumentException">There is no such row, or the length is another.</exception>
    public void ReadRow(long id, Span<float> row)
    {
        if (id < 0 || id >= Rows) throw new ArgumentException($"row {id} was asked for, and there are {Rows}");
        if (row.Length != Dimension) throw new ArgumentException($"{row.Length} values are there for a descriptor of {Dimension}");
        IndexBlock block = blocks.Last(b => b.FirstId <= id && b.Rows > 0);
        block.Values.Span.Slice((int)(id - block.FirstId) * Dimension, Dimension).CopyTo(row);
    }

    static int BatchOf(int k) => Math.Clamp(RanksAtOnce / k, 16, 1024);

    void Scan(ReadOnlySpan<float> queries, int k, ReadOnlySpan<long> excluded, RowFilter? filter, long[] ids, float[] scores, int offset)
    {
        int count = queries.Length / Dimension;
        if (Metric == Metric.Cosine) queries = UnitRows.Normalize(queries, Dimension);
        lock (searching)
        {
            TopK best = kept is { } last && (last.Queries, last.K) == (count, k) ? last : new TopK(count, k, Similarity);
            kept = (long)count * k <= RanksKept ? best : null;
            search.Search(queries, best, excluded, filter is null ? [] : filter.Words);
            Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = threads }, q => best.Read(q, ids.AsSpan(offset + q * k, k), scores.AsSpan(offset + q * k, k)));
        }
    }

    /// <summary>Writes the index to a file: <see cref="IndexFile"/>.</summary>
    public void Save(string path) =>
        IndexFile.Write(path, new IndexMeta { Metric = Metric, Dimension = Dimension, Rows = Rows, StoreSha256 = StoreSha256 }, blocks.Select(b => b.Values), _ => search.CodeBytes > 0 ? search.SaveCodes : null);

    /// <summary>
    /// Writes the index of a store, as <see cref="Save"/> does, of rows that need not fit into memory: they are copied part by part, and coded where they lie in the file. Held are
    /// one part and the codes, somewhat more than D bytes a row; what the system keeps of the file, it can let go.
    /// </summary>
    /// <param name="store">Whose rows they are.</param>
    /// <param name="path">The file; its folder must exist.</param>
    /// <param name="device">Its threads code.</param>
    /// <param name="metric">What nearness is.</param>
    /// <param name="progress">In rows copied, and then of the coding.</param>
    /// <param name="cancellation">Looked at between parts.</param>
    /// <exception cref="ArgumentException">A descriptor holds a value that is not finite; the message names its row.</exception>
    public static void Build(DescriptorStore store, string path, Device device, Metric metric = Metric.Cosine, IProgress<Progress>? progress = null, CancellationToken cancellation = default)
    {
        CertifiedSearch? search = null;
        try
        {
            IndexFile.Write(path, new IndexMeta { Metric = metric, Dimension = store.Dimension, Rows = store.Rows, StoreSha256 = store.Sha256 }, Parts(), blocks =>
            {
                progress?.Report(new Progress("coding", 0, 1, "passes"));
                search = new CertifiedSearch(device, SimilarityOf(metric), [.. blocks.Select(b => b.Values)], store.Dimension);
                progress?.Report(new Progress("coding", 1, 1, "passes"));
                return search.CodeBytes > 0 ? search.SaveCodes : null;
            });
        }
        finally
        {
            search?.Dispose();
        }

        IEnumerable<ReadOnlyMemory<float>> Parts()
        {
            long done = 0;
            foreach (float[] part in store.ReadBlocks(0, store.Rows))
            {
                cancellation.ThrowIfCancellationRequested();
                yield return metric == Metric.Cosine ? UnitRows.Normalize(part.AsMemory(), store.Dimension) : part;
                done += part.Length / store.Dimension;
                progress?.Report(new Progress("copying", done, store.Rows, "rows"));
            }
        }
    }

    /// <summary>Opens what <see cref="Save"/> or <see cref="Build"/> wrote and checks it against its checksums. The rows stay in the file, which must stay as it is while the index lives.</summary>
    /// <exception cref="InvalidDataException">The file is broken; the message says how.</exception>
    public static ExactIndex Open(string path, Device device)
    {
        IndexContent content = IndexFile.Open(path);
        try
        {
            return new ExactIndex(content.Blocks, content.Meta.Dimension, device, content.Meta.Metric, content.Meta.StoreSha256, content);
        }
        catch
        {
            content.Map.Dispose();
            throw;
        }
    }

    /// <summary>The metric of an index file, and <see cref="DescriptorStore.Sha256"/> of the store that it was made from; its rows are not read.</summary>
    /// <exception cref="InvalidDataException">The file is broken; the message says how.</exception>
    public static (Metric Metric, string StoreSha256) Describe(string path)
    {
        IndexMeta meta = IndexFile.ReadMeta(path);
        return (meta.Metric, meta.StoreSha256);
    }

    /// <summary>Checks that the index was made from this state of the store, so that its ids are the store's rows.</summary>
    /// <exception cref="InvalidDataException">It was made from another.</exception>
    public void EnsureMadeFrom(DescriptorStore store)
    {
        if (StoreSha256 != store.Sha256) throw new InvalidDataException($"the index was made from another state of {store.Path}; run osprey index {store.Path} again");
    }

    public void Dispose()
    {
        search.Dispose();
        map?.Dispose();
    }
}
