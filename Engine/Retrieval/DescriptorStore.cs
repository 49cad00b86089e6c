using System.Security.Cryptography;
using System.Text;
using Osprey.Interop.Formats;

namespace Osprey.Engine.Retrieval;

/// <summary>
/// N descriptors with their images' metadata, in a folder: <c>manifest.json</c>, <c>part-00000.npy</c>, <c>part-00000.parquet</c>, and so on; of int8 also <c>part-00000.scales.npy</c>.
/// Row i is the i-th over the parts in order. Written by <see cref="DescriptorStoreWriter"/>.
/// </summary>
public sealed class DescriptorStore
{
    internal const string ManifestName = "manifest.json";

    DescriptorStore(string path, StoreManifest manifest)
    {
        Path = path;
        Manifest = manifest;
        var hash = new StringBuilder();
        foreach ((_, string sha256) in manifest.Parts.SelectMany(p => p.Files.SkipLast(1))) hash.Append(sha256).Append('\n');
        Sha256 = Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(hash.ToString())));
    }

    /// <summary>The folder.</summary>
    public string Path { get; }

    public StoreManifest Manifest { get; }

    /// <summary>N.</summary>
    public long Rows => Manifest.Rows;

    /// <summary>D.</summary>
    public int Dimension => Manifest.Dimension;

    /// <summary>Tells this state of the store's descriptors from any other: SHA-256 over those of the parts' matrices and scales.</summary>
    public string Sha256 { get; }

    public static bool Exists(string path) => File.Exists(System.IO.Path.Combine(path, ManifestName));

    /// <summary>Opens a finished store and checks that its files are there and of the right sizes; <see cref="Verify"/> checks their content.</summary>
    /// <exception cref="DirectoryNotFoundException">There is no store at <paramref name="path"/>.</exception>
    /// <exception cref="InvalidDataException">The store is unfinished or broken; the message names the file.</exception>
    public static DescriptorStore Open(string path)
    {
        if (!Exists(path)) throw new DirectoryNotFoundException($"{path} is no descriptor store: it has no {ManifestName}; make one with osprey embed");
        var store = new DescriptorStore(path, StoreManifest.Read(path));
        StoreManifest manifest = store.Manifest;
        if (!manifest.Complete)
            throw new InvalidDataException($"{path} is unfinished: {manifest.Parts.Sum(p => p.Images)} of {manifest.Images} images are done; run the same osprey embed again to continue it");
        foreach (StorePart part in manifest.Parts)
        {
            using IRowFile rows = store.OpenPart(part);
        }
        return store;
    }

    string At(string file) => System.IO.Path.Combine(Path, file);

    IRowFile OpenPart(StorePart part)
    {
        foreach ((string file, _) in part.Files)
            if (!File.Exists(At(file))) throw new InvalidDataException($"{Path} is broken: {file} is missing");
        IRowFile rows = part.Open(Path, Manifest.Type);
        if (rows.Count == part.Rows && rows.Dimension == Dimension) return rows;
        rows.Dispose();
        throw new InvalidDataException($"{At(part.Descriptors)} is {rows.Count} × {rows.Dimension}, and the manifest says {part.Rows} × {Dimension}");
    }

    /// <summary>Reads every file and compares its SHA-256 with the manifest's.</summary>
    /// <exception cref="InvalidDataException">One differs; the message names it.</exception>
    public void Verify(IProgress<Progress>? progress = null, CancellationToken cancellation = default)
    {
        for (int i = 0; i < Manifest.Parts.Count; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            if (Manifest.Parts[i].Fault(Path) is { } fault) throw new InvalidDataException($"{Path} is broken: {fault}; delete the store and make it again");
            progress?.Report(new Progress("verifying", i + 1, Manifest.Parts.Count, "parts"));
        }
    }

    internal static string HashFile(string path)
    {
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 20, FileOptions.SequentialScan);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }

    /// <summary>Descriptors of part <paramref name="part"/>, [rows, D].</summary>
    public float[] ReadPart(int part) => ReadPart(part, 0, Manifest.Parts[part].Rows);

    float[] ReadPart(int part, long first, long count)
    {
        using IRowFile rows = OpenPart(Manifest.Parts[part]);
        long length = count * rows.Dimension;
        if (length > Array.MaxLength) throw new NotSupportedException($"{Manifest.Parts[part].Descriptors} holds {length} values, more than one array can; make the store with smaller parts");
        float[] values = new float[length];
        rows.Read(first, values);
        return values;
    }

    /// <summary>Descriptors of rows <paramref name="first"/> … first + count − 1, [rows, D] of each part that has some.</summary>
    /// <exception cref="ArgumentException">There are no such rows.</exception>
    public IEnumerable<float[]> ReadBlocks(long first, long count)
    {
        if (first < 0 || count < 0 || first > Rows - count) throw new ArgumentException($"rows {first} to {first + count - 1} were asked of {Path}, which has {Rows}");
        return Blocks();

        IEnumerable<float[]> Blocks()
        {
            long start = 0;
            for (int p = 0; p < Manifest.Parts.Count; start += Manifest.Parts[p++].Rows)
            {
                long from = Math.Max(first, start), end = Math.Min(first + count, start + Manifest.Parts[p].Rows);
                if (from < end) yield return ReadPart(p, from - start, end - from);
            }
        }
    }

    /// <summary>All descriptors, [N, D].</summary>
    /// <exception cref="NotSupportedException">More values than one array holds; read the parts.</exception>
    public float[] ReadDescriptors()
    {
        if (Rows * Dimension > Array.MaxLength) throw new NotSupportedException($"{Path} holds {Rows} × {Dimension} values, more than one array can; read it part by part");
        float[] values = new float[Rows * Dimension];
        int done = 0;
        foreach (StorePart part in Manifest.Parts)
        {
            using IRowFile rows = OpenPart(part);
            int length = (int)(part.Rows * Dimension);
            rows.Read(0, values.AsSpan(done, length));
            done += length;
        }
        return values;
    }

    /// <summary>Metadata of all rows, N of them.</summary>
    public StoreRow[] ReadRows()
    {
        var all = new List<StoreRow>();
        for (int p = 0; p < Manifest.Parts.Count; p++) all.AddRange(ReadRows(p));
        return [.. all];
    }

    /// <summary>Metadata of some rows, by their number. Only the tables of the parts that hold them are read, each once.</summary>
    /// <exception cref="ArgumentException">There is no such row.</exception>
    public IReadOnlyDictionary<long, StoreRow> ReadRows(IEnumerable<long> ids)
    {
        var found = new Dictionary<long, StoreRow>();
        int part = 0;
        long start = 0;
        StoreRow[]? rows = null;
        foreach (long id in ids.Distinct().Order())
        {
            if (id < 0 || id >= Rows) throw new ArgumentException($"row {id} was asked of {Path}, which has {Rows}");
            for (; id >= start + Manifest.Parts[part].Rows; start += Manifest.Parts[part++].Rows) rows = null;
            found[id] = (rows ??= ReadRows(part))[id - start];
        }
        return found;
    }

    /// <summary>Metadata of the rows of part <paramref name="part"/>.</summary>
    public StoreRow[] ReadRows(int part)
    {
        string table = At(Manifest.Parts[part].Metadata);
        StoreRow[] rows = StoreTable.Read(table);
        return rows.Length == Manifest.Parts[part].Rows ? rows : throw new InvalidDataException($"{table} has {rows.Length} rows, and the manifest says {Manifest.Parts[part].Rows}");
    }

    /// <summary>Every file that could not be read when the store was made; paths are relative to the manifest's root, as those of rows are.</summary>
    public IEnumerable<BadFile> ReadBadFiles() => Manifest.Parts.SelectMany(p => p.BadFiles);
}
