namespace Osprey.Engine.Benchmarks.Scale;

/// <summary>What the model says of a workload on a machine. Bytes and seconds.</summary>
public sealed record ScalePrediction
{
    /// <summary>Reading the images' files.</summary>
    public required double ReadSeconds { get; init; }

    public required double DecodeSeconds { get; init; }

    public required double BackboneSeconds { get; init; }

    /// <summary>Writing the rows.</summary>
    public required double WriteSeconds { get; init; }

    /// <summary>Naming the parts, in a journal and then in the manifest.</summary>
    public required double ManifestSeconds { get; init; }

    /// <summary>The stages that run beside one another, and after them the manifest.</summary>
    public required double EmbedSeconds { get; init; }

    /// <summary>The stage that takes longest.</summary>
    public required string EmbedBottleneck { get; init; }

    public required double StoreBytes { get; init; }

    /// <summary>Rows in float32 and their codes.</summary>
    public required double IndexBytes { get; init; }

    /// <summary>The list of names, which each rank holds while it describes.</summary>
    public required double EmbedBytesPerRank { get; init; }

    /// <summary>Rows in float32 and codes of the rank's share; what a search needs to have at hand.</summary>
    public required double SearchBytesPerRank { get; init; }

    /// <summary>Codes alone: what a scan reads, and what must fit where rows stay on the disk.</summary>
    public required double CodeBytesPerRank { get; init; }

    /// <summary>Queries to all other ranks, and their neighbours back.</summary>
    public required double NetworkBytes { get; init; }

    /// <summary>All queries in one batch.</summary>
    public required double SearchSeconds { get; init; }

    /// <summary>What binds the scan: <c>memory</c> or <c>codes</c>; or <c>overhead</c>, <c>merge</c> or <c>network</c>, where that is more.</summary>
    public required string SearchBottleneck { get; init; }

    /// <summary>Whether <see cref="SearchBytesPerRank"/> fits.</summary>
    public required bool Fits { get; init; }

    /// <summary>Whether <see cref="CodeBytesPerRank"/> fits.</summary>
    public required bool CodesFit { get; init; }
}
