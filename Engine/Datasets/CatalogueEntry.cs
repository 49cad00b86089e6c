namespace Osprey.Engine.Datasets;

/// <summary>What a set is for in the method: fine-tune on it, or measure on it and never train.</summary>
public enum SetRole
{
    Source,
    Target,
}

/// <summary>One published data set, as its authors describe it.</summary>
public sealed record CatalogueEntry
{
    /// <summary>Short name, as used for folders: <c>ucm</c>.</summary>
    public required string Name { get; init; }

    public required string FullName { get; init; }

    public required int Images { get; init; }

    public required int Classes { get; init; }

    /// <summary>False where the counts could not be verified: they are then not compared.</summary>
    public bool CountsVerified { get; init; } = true;

    /// <summary>Pixels and file format, ground resolution.</summary>
    public required string Content { get; init; }

    public required string Home { get; init; }

    public required string Rights { get; init; }

    /// <summary>A suggestion; any set can be either.</summary>
    public required SetRole Role { get; init; }

    /// <summary>What to know about the published archive's folders.</summary>
    public string Layout { get; init; } = "one folder per class";

    /// <summary>Other names of its folder; case, spaces and punctuation do not matter.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];
}
