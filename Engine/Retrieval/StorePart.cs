using System.Globalization;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using Osprey.Interop.Formats;

namespace Osprey.Engine.Retrieval;

/// <summary>A finished part of a store: its files and what they must be.</summary>
public sealed partial record StorePart
{
    /// <summary>File of the matrix [Rows, D].</summary>
    public required string Descriptors { get; init; }

    public required string DescriptorsSha256 { get; init; }

    /// <summary>File of the rows' scales [Rows], of a store of <see cref="StoreType.Int8"/>; null elsewhere.</summary>
    public string? Scales { get; init; }

    public string? ScalesSha256 { get; init; }

    /// <summary>File of the table with one line per row.</summary>
    public required string Metadata { get; init; }

    public required string MetadataSha256 { get; init; }

    public required long Rows { get; init; }

    /// <summary>Source images behind it: rows, bad files, empty windows and deleted rows together.</summary>
    public required long Images { get; init; }

    /// <summary>Its windows that hold no data and have no row; null for none.</summary>
    public long? EmptyWindows { get; init; }

    /// <summary>Rows that it had and that were taken out; null for none.</summary>
    public long? Deleted { get; init; }

    /// <summary>How often the part was written anew under another name, as rows were deleted; null for a part as it was first written.</summary>
    public int? Edition { get; init; }

    /// <summary>All its files, each with its SHA-256: the descriptors, their scales where there are some, the table.</summary>
    [JsonIgnore]
    public IEnumerable<(string Name, string Sha256)> Files =>
        Scales is null ? [(Descriptors, DescriptorsSha256), (Metadata, MetadataSha256)] : [(Descriptors, DescriptorsSha256), (Scales, ScalesSha256 ?? ""), (Metadata, MetadataSha256)];

    /// <summary>With the names that a part of this stem has: <see cref="StemOf"/>.</summary>
    internal StorePart Named(string stem) => this with { Descriptors = stem + ".npy", Scales = Scales is null ? null : stem + ".scales.npy", Metadata = stem + ".parquet" };

    /// <summary>The matrix [Rows, D] as float32, whatever its type on disk.</summary>
    /// <param name="folder">The store's.</param>
    /// <param name="type">The manifest's.</param>
    /// <exception cref="InvalidDataException">A file is broken or of another type, or the scales are missing.</exception>
    internal IRowFile Open(string folder, StoreType type)
    {
        string file = Path.Combine(folder, Descriptors);
        if (type == StoreType.Int8) return ScaledRows.Open(file, Path.Combine(folder, Scales ?? throw new InvalidDataException($"the manifest names no scales of {Descriptors}, which is int8")));
        NpyRows rows = NpyRows.Open(file);
        if ((rows.Type == NpyType.Float16) == (type == StoreType.Float16)) return rows;
        using (rows) throw new InvalidDataException($"{file} holds {rows.Type}, and the manifest says {type}");
    }

    /// <summary>What is wrong with its files; null if nothing is.</summary>
    /// <param name="folder">The store's.</param>
    /// <exception cref="IOException">A file is there and cannot be read, which says nothing about its content.</exception>
    /// <exception cref="UnauthorizedAccessException">Likewise.</exception>
    internal string? Fault(string folder)
    {
        foreach ((string file, string sha256) in Files)
        {
            try
            {
                if (DescriptorStore.HashFile(Path.Combine(folder, file)) != sha256) return $"the content of {file} is not what the manifest's SHA-256 says";
            }
            catch (FileNotFoundException)
            {
                return $"{file} is missing";
            }
        }
        return null;
    }

    /// <summary>What its files are called without their endings: <c>part-00003</c>, and once rows were deleted <c>part-00003.1</c>.</summary>
    internal static string StemOf(int number, int? edition) => string.Create(CultureInfo.InvariantCulture, $"part-{number:00000}{(edition is int e ? $".{e}" : "")}");

    /// <summary>The place in the store that its name says, 0 for the first; −1 of a name that is no part's.</summary>
    internal int Number => NumberIn().Match(Descriptors) is { Success: true } name && int.TryParse(name.Groups[1].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : -1;

    [GeneratedRegex(@"^part-(\d{5,})\.")]
    private static partial Regex NumberIn();

    /// <summary>Its images that could not be read.</summary>
    public required IReadOnlyList<BadFile> BadFiles { get; init; }
}
