namespace Osprey.Engine.Benchmarks.Scale;

/// <summary>What is to be described and searched.</summary>
public sealed record ScaleWorkload
{
    /// <summary>N.</summary>
    public required long Images { get; init; }

    /// <summary>Of an image's file.</summary>
    public required double FileBytes { get; init; }

    /// <summary>D.</summary>
    public required int Dimension { get; init; }

    /// <summary>Of a value in the store: 4, 2 or 1; of 1 a row has 4 bytes of scale besides.</summary>
    public required int ValueBytes { get; init; }

    /// <summary>R, processes with a device each that share images and rows.</summary>
    public required int Ranks { get; init; }

    /// <summary>Searched at once.</summary>
    public required int Queries { get; init; }

    public required int K { get; init; }

    /// <summary>Images of a part.</summary>
    public int PartImages { get; init; } = 1024;
}
