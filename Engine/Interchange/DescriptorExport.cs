using System.Runtime.InteropServices;
using Osprey.Engine.Retrieval;
using Osprey.Interop.Formats;

namespace Osprey.Engine.Interchange;

/// <summary>What <see cref="DescriptorExport.Write"/> wrote.</summary>
/// <param name="File">The descriptors.</param>
/// <param name="Format">What it is.</param>
/// <param name="RowList">The list of the rows' paths and classes; null where the file holds them itself, or nobody knows them.</param>
/// <param name="Metric">Of a flat index.</param>
/// <param name="Type">Of the values: float32, or float16. Rows of int8 are written as what they read as.</param>
public sealed record ExportResult(string File, ExchangeFormat Format, string? RowList, Metric? Metric, StoreType Type);

/// <summary>Descriptors of a store or index → a file that other programs read. Row i stays row i: it is the id there.</summary>
public static class DescriptorExport
{
    /// <summary>Values per Parquet row group, 64 MiB.</summary>
    const int GroupValues = 1 << 24;

    /// <summary>pgvector indexes <c>vector</c> up to here, and <c>halfvec</c> up to <see cref="LargestIndexedHalfVector"/>.</summary>
    public const int LargestIndexedVector = 2000;

    /// <summary>Of more dimensions pgvector makes no index, and every search reads all rows.</summary>
    public const int LargestIndexedHalfVector = 4000;

    /// <param name="source">What is written: an index's rows as they lie in it (unit vectors for the cosine), a store's as they are.</param>
    /// <param name="path">Its extension says the format: <see cref="ExchangeFormats"/>. Replaced as a whole or not at all; an older list of rows beside it goes.</param>
    /// <param name="metric">Of a flat index of a store, default the cosine, for which rows are scaled to length 1; null elsewhere.</param>
    /// <param name="progress">In rows.</param>
    /// <param name="cancellation">Looked at between blocks.</param>
    /// <exception cref="ArgumentException">The extension is unknown, or the metric has no place there or is not the index's.</exception>
    /// <exception cref="NotSupportedException">A value or path cannot be held by the format; the message says which.</exception>
    public static ExportResult Write(DescriptorSource source, string path, Metric? metric = null, IProgress<Progress>? progress = null, CancellationToken cancellation = default)
    {
        ExchangeFormat format = ExchangeFormats.Of(path);
        if (metric is not null && format != ExchangeFormat.Faiss) throw new ArgumentException($"a metric belongs to a .faiss file, and {path} holds descriptors alone; leave --metric out");
        if (metric is { } asked && source.Metric is { } has && asked != has) throw new ArgumentException($"the index was built with the metric {has}, not {asked}; export its store instead");
        StoreRow[]? rows = source.ReadRows();
        IEnumerable<ReadOnlyMemory<float>> blocks = Counted(source, progress, cancellation);
        Metric chosen = metric ?? source.Metric ?? Metric.Cosine;
        StoreType type = format == ExchangeFormat.Npy && source.Type == StoreType.Float16 ? StoreType.Float16 : StoreType.Float32;
        if (format == ExchangeFormat.PostgresCopy && source.Dimension > LargestIndexedVector) type = StoreType.Float16;
        string beside = RowList.PathOf(path);
        AtomicFile.Write(path, stream =>
        {
            switch (format)
            {
                case ExchangeFormat.Npy:
                    WriteNpy(stream, source, blocks, type == StoreType.Float16 ? NpyType.Float16 : NpyType.Float32);
                    break;
                case ExchangeFormat.Parquet:
                    DescriptorTable.Write(stream, Groups(blocks, rows, source.Dimension), source.Dimension);
                    break;
                case ExchangeFormat.Faiss:
                    FaissFlat.WriteHeader(stream, source.Rows, source.Dimension, chosen == Metric.L2);
                    foreach (ReadOnlyMemory<float> block in blocks)
                        stream.Write(MemoryMarshal.AsBytes(chosen == Metric.Cosine ? UnitRows.Normalize(block.Span, source.Dimension) : block.Span));
                    break;
                default:
                    WritePostgres(stream, blocks, rows, source.Dimension, type);
                    break;
            }
            // Before the new rows have the name: whatever ends this here, they never lie beside an older export's paths.
            if (format.NeedsRowList()) File.Delete(beside);
        });
        string? list = format.NeedsRowList() && rows is not null ? beside : null;
        if (list is not null) RowList.Write(list, rows!);
        return new ExportResult(path, format, list, format == ExchangeFormat.Faiss ? chosen : null, type);
    }

    static IEnumerable<ReadOnlyMemory<float>> Counted(DescriptorSource source, IProgress<Progress>? progress, CancellationToken cancellation)
    {
        long done = 0;
        foreach (ReadOnlyMemory<float> block in source.ReadBlocks())
        {
            cancellation.ThrowIfCancellationRequested();
            yield return block;
            done += block.Length / source.Dimension;
            progress?.Report(new Progress("exporting", done, source.Rows, "rows"));
        }
    }

    static void WriteNpy(Stream stream, DescriptorSource source, IEnumerable<ReadOnlyMemory<float>> blocks, NpyType type)
    {
        stream.Write(NpyHeader.Encode(type, [source.Rows, source.Dimension]));
        foreach (ReadOnlyMemory<float> block in blocks) Npy.WriteValues(stream, block.Span, type);
    }

    static IEnumerable<(StoreRow[] Rows, ReadOnlyMemory<float> Values)> Groups(IEnumerable<ReadOnlyMemory<float>> blocks, StoreRow[]? rows, int dimension)
    {
        int most = Math.Max(1, GroupValues / dimension);
        long first = 0;
        foreach (ReadOnlyMemory<float> block in blocks)
        {
            int count = block.Length / dimension;
            for (int at = 0; at < count; at += most)
            {
                int here = Math.Min(most, count - at);
                long from = first;
                yield return ([.. Enumerable.Range(0, here).Select(i => RowOf(rows, from + i))], block.Slice(at * dimension, here * dimension));
                first += here;
            }
        }
    }

    static StoreRow RowOf(StoreRow[]? rows, long id) => rows is null ? DescriptorImport.Unknown(id) : rows[id];

    static void WritePostgres(Stream stream, IEnumerable<ReadOnlyMemory<float>> blocks, StoreRow[]? rows, int dimension, StoreType type)
    {
        var copy = new PostgresCopyWriter(stream);
        long id = 0;
        foreach (ReadOnlyMemory<float> block in blocks)
        {
            for (int at = 0; at < block.Length; at += dimension, id++)
            {
                StoreRow row = RowOf(rows, id);
                ReadOnlySpan<float> values = block.Span.Slice(at, dimension);
                copy.BeginRow(4);
                copy.Write(id);
                copy.Write(row.Path);
                copy.Write(row.Class);
                try
                {
                    if (type == StoreType.Float16) copy.WriteHalfVector(values);
                    else copy.WriteVector(values);
                }
                catch (NotSupportedException e)
                {
                    throw new NotSupportedException($"row {id}, {row.Path}: {e.Message}", e);
                }
            }
        }
        copy.End();
    }
}
