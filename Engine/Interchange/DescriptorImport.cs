using System.Globalization;
using System.Text.Json;
using Osprey.Engine.Datasets;
using Osprey.Engine.Retrieval;
using Osprey.Interop.Formats;

namespace Osprey.Engine.Interchange;

/// <summary>How a file of descriptors becomes a store.</summary>
public sealed record ImportConfig
{
    /// <summary>CSV of the rows' paths and classes; null: the one beside the file, if there is one.</summary>
    public string? RowList { get; init; }

    /// <summary>A store of the same model: its record of model, preprocessing, root and classes is taken over, so that images can be searched with. Null: no model is known.</summary>
    public string? Like { get; init; }

    /// <summary>How descriptors are stored.</summary>
    public StoreType Type { get; init; } = StoreType.Float32;
}

/// <summary>A file of descriptors → a store. Row i stays row i.</summary>
public static class DescriptorImport
{
    /// <summary>Values per part, 64 MiB as float32.</summary>
    const int PartValues = 1 << 24;

    /// <summary>What stands for the path of a row that has none.</summary>
    internal static string NameOf(long id) => "row-" + id.ToString(CultureInfo.InvariantCulture);

    internal static StoreRow Unknown(long id) => new(NameOf(id), ImageFolder.Unlabelled, 0, 0, 0);

    /// <param name="file"><c>.npy</c>, <c>.parquet</c> or <c>.faiss</c>.</param>
    /// <param name="path">The store's folder; there must be no store yet.</param>
    /// <param name="config">Paths, model and type.</param>
    /// <param name="progress">In rows.</param>
    /// <param name="cancellation">Looked at before every part.</param>
    /// <exception cref="ArgumentException">The format is not one that is read, there is a store, or the dimensions differ.</exception>
    /// <exception cref="InvalidDataException">The file or the list is broken; the message says how.</exception>
    public static DescriptorStore Run(string file, string path, ImportConfig config, IProgress<Progress>? progress = null, CancellationToken cancellation = default)
    {
        ExchangeFormat format = ExchangeFormats.Of(file);
        if (DescriptorStore.Exists(path)) throw new ArgumentException($"{path} holds a store; give another folder, or delete this one");
        if (config.RowList is not null && !format.NeedsRowList()) throw new ArgumentException($"{file} holds paths itself; leave the list {config.RowList} out");
        using IRowFile rows = Open(file, format);
        DescriptorStore? like = config.Like is null ? null : DescriptorStore.Open(config.Like);
        if (like is not null && like.Dimension != rows.Dimension) throw new ArgumentException($"{file} has descriptors of {rows.Dimension} values, and {like.Path} of {like.Dimension}; they are of different models");

        StoreRow[] known = Known(file, rows, config.RowList);
        string[] classes = [.. known.Select(r => r.Class).Distinct().Order(StringComparer.Ordinal)];
        if (like is not null && classes.All(like.Manifest.Classes.Contains)) classes = [.. like.Manifest.Classes];
        Dictionary<string, int> label = classes.Select((name, i) => (name, i)).ToDictionary(c => c.name, c => c.i, StringComparer.Ordinal);
        for (int i = 0; i < known.Length; i++) known[i] = known[i] with { Label = label[known[i].Class] };

        using var writer = DescriptorStoreWriter.Open(path, new StoreDescription
        {
            Embedder = like?.Manifest.Embedder ?? JsonSerializer.SerializeToElement(new { }, Json.Options),
            WeightsSha256 = like?.Manifest.WeightsSha256 ?? "",
            Preprocessing = like?.Manifest.Preprocessing ?? "",
            Dimension = rows.Dimension,
            Type = config.Type,
            Classes = classes,
            Root = like?.Manifest.Root ?? "",
            Model = like?.Manifest.Model ?? "",
            Images = rows.Count,
            ImagesSha256 = StoreDescription.HashImages(known.Select(r => (r.Path, r.Label))),
            PartImages = (int)Math.Clamp(PartValues / rows.Dimension, 1, Math.Max(1, rows.Count)),
        });
        float[] values = new float[(long)writer.NextPart.Length * rows.Dimension];
        while (writer.NextPart is { Length: > 0 } part)
        {
            cancellation.ThrowIfCancellationRequested();
            Span<float> here = values.AsSpan(0, part.Length * rows.Dimension);
            rows.Read(part.First, here);
            writer.Append(known.AsSpan((int)part.First, part.Length).ToArray(), here, []);
            progress?.Report(new Progress("importing", part.First + part.Length, rows.Count, "rows"));
        }
        return writer.Finish();
    }

    /// <summary>By what the index in a file searched; null for a file of descriptors alone. A store keeps none: its index has one.</summary>
    /// <param name="file">As for <see cref="Run"/>.</param>
    /// <returns>Of unit rows the inner product is the cosine; FAISS does not tell the two apart.</returns>
    public static Metric? MetricOf(string file)
    {
        if (ExchangeFormats.Of(file) != ExchangeFormat.Faiss) return null;
        using FaissFlat flat = FaissFlat.Open(file);
        return flat.IsL2 ? Metric.L2 : Metric.InnerProduct;
    }

    static IRowFile Open(string file, ExchangeFormat format) => format switch
    {
        ExchangeFormat.Npy => NpyRows.Open(file),
        ExchangeFormat.Faiss => FaissFlat.Open(file),
        ExchangeFormat.Parquet => DescriptorTable.Open(file),
        _ => throw new ArgumentException($"{file} is written for PostgreSQL and is not read back; in the database: COPY (SELECT …) TO, or read the table with Python into .npy or .parquet"),
    };

    static StoreRow[] Known(string file, IRowFile rows, string? list)
    {
        if (rows is DescriptorTable table) return table.ReadRows();
        string? there = list ?? (File.Exists(RowList.PathOf(file)) ? RowList.PathOf(file) : null);
        if (there is not null) return RowList.Read(there, rows.Count);
        var unknown = new StoreRow[rows.Count];
        for (int i = 0; i < unknown.Length; i++) unknown[i] = Unknown(i);
        return unknown;
    }
}
