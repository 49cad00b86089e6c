using System.Text.Json.Serialization;

namespace Osprey.Engine.Datasets;

/// <param name="Name">The class.</param>
/// <param name="Images">Files, bad ones included.</param>
/// <param name="Bad">Of these, files that cannot be decoded.</param>
public sealed record ClassCount(string Name, int Images, int Bad);

/// <param name="Paths">Below the set's folder; two or more.</param>
/// <param name="Classes">The classes they lie in; more than one is a contradiction in the labels.</param>
public sealed record DuplicateGroup(IReadOnlyList<string> Paths, IReadOnlyList<string> Classes);

/// <param name="Width">Pixels.</param>
/// <param name="Height">Pixels.</param>
/// <param name="Images">How many have this size.</param>
public sealed record SizeCount(int Width, int Height, int Images);

/// <summary>How a folder compares with the published set it is named after.</summary>
public enum CatalogueVerdict
{
    /// <summary>As many images and classes as were published.</summary>
    Complete,

    /// <summary>As many classes, fewer images.</summary>
    Subset,

    /// <summary>Other classes, or more images than there should be.</summary>
    Different,

    /// <summary>The published counts could not be verified.</summary>
    Unknown,
}

public sealed record CatalogueComparison(string Name, string FullName, int ExpectedImages, int ExpectedClasses, CatalogueVerdict Verdict);

/// <summary>What <see cref="DatasetCheck"/> found.</summary>
public sealed record DatasetReport
{
    public required string Name { get; init; }

    /// <summary>The folder that holds the classes, absolute.</summary>
    public required string Root { get; init; }

    /// <summary>Image files, bad ones included.</summary>
    public required int Images { get; init; }

    public required long Bytes { get; init; }

    public required IReadOnlyList<ClassCount> Classes { get; init; }

    public required IReadOnlyList<BadFile> BadFiles { get; init; }

    /// <summary>Files that are the same byte for byte, in the set's order.</summary>
    public required IReadOnlyList<DuplicateGroup> Duplicates { get; init; }

    /// <summary>Image files that no class folder holds, below the set's folder.</summary>
    public required IReadOnlyList<string> Strays { get; init; }

    /// <summary>Files per format, by content; the decoded ones.</summary>
    public required IReadOnlyDictionary<string, int> Formats { get; init; }

    /// <summary>Every size that occurs, the commonest first.</summary>
    public required IReadOnlyList<SizeCount> Sizes { get; init; }

    /// <summary>Null where the folder is not named after a catalogued set.</summary>
    public CatalogueComparison? Catalogue { get; init; }

    /// <summary>Duplicates whose classes contradict each other.</summary>
    [JsonIgnore]
    public IEnumerable<DuplicateGroup> LabelConflicts => Duplicates.Where(d => d.Classes.Count > 1);

    /// <summary>No bad files, no contradictions in the labels, and nothing but the published classes.</summary>
    public bool Clean => BadFiles.Count == 0 && !LabelConflicts.Any() && Catalogue?.Verdict != CatalogueVerdict.Different;
}
