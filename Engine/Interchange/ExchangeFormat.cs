namespace Osprey.Engine.Interchange;

/// <summary>A file that carries descriptors between programs. What it is follows from its extension.</summary>
public enum ExchangeFormat
{
    /// <summary><c>.npy</c>: NumPy's float32 or float16 [N, D].</summary>
    Npy,

    /// <summary><c>.parquet</c>: id, the store's metadata, and the descriptor as a list of float32.</summary>
    Parquet,

    /// <summary><c>.faiss</c>: a flat index of FAISS.</summary>
    Faiss,

    /// <summary><c>.pgcopy</c>: rows for PostgreSQL's binary COPY, with pgvector's types. Written only.</summary>
    PostgresCopy,
}

/// <summary>Extensions ↔ formats.</summary>
public static class ExchangeFormats
{
    static readonly (string Extension, ExchangeFormat Format)[] All =
        [(".npy", ExchangeFormat.Npy), (".parquet", ExchangeFormat.Parquet), (".faiss", ExchangeFormat.Faiss), (".pgcopy", ExchangeFormat.PostgresCopy)];

    /// <exception cref="ArgumentException">The extension is none of these; the message lists them.</exception>
    public static ExchangeFormat Of(string path)
    {
        string extension = Path.GetExtension(path);
        foreach ((string known, ExchangeFormat format) in All)
            if (string.Equals(extension, known, StringComparison.OrdinalIgnoreCase)) return format;
        throw new ArgumentException($"{path} has an extension that names no format; give one of {string.Join(", ", All.Select(f => f.Extension))}");
    }

    /// <summary>Whether paths and classes stand in a list of their own beside the file: the format has no place for them.</summary>
    public static bool NeedsRowList(this ExchangeFormat format) => format is ExchangeFormat.Npy or ExchangeFormat.Faiss;
}
