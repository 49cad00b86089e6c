namespace Osprey.Engine.Benchmarks.Scale;

/// <summary>What one node can do: rates as measured, or as a data sheet says.</summary>
public sealed record ScaleMachine
{
    /// <summary>In tables.</summary>
    public required string Name { get; init; }

    /// <summary>That decode.</summary>
    public required int Cores { get; init; }

    /// <summary>Devices that describe and search; 1 where cores do both.</summary>
    public required int Devices { get; init; }

    /// <summary>Images a second that one core reads, decodes and resizes.</summary>
    public required double DecodePerCore { get; init; }

    /// <summary>Images a second that the network of one device describes.</summary>
    public required double BackbonePerDevice { get; init; }

    /// <summary>Whether decoding takes the time of the cores that describe, so that the two add up.</summary>
    public required bool SharesCores { get; init; }

    /// <summary>Bytes a second from and to the disk, in 10⁹.</summary>
    public required double DiskGbps { get; init; }

    /// <summary>Bytes a second that one device reads of its memory, in 10⁹.</summary>
    public required double MemoryGbps { get; init; }

    /// <summary>8-bit multiplications and additions a second of one device, in 10⁹. Null, as of the last two: as fitted to the runs.</summary>
    public double? CodeGops { get; init; }

    /// <summary>Bytes that the rows of one device may take, in 10⁹.</summary>
    public required double MemoryGb { get; init; }

    /// <summary>Bytes a second between devices or nodes, in 10⁹.</summary>
    public required double NetworkGbps { get; init; }

    /// <summary>Of one message, seconds.</summary>
    public required double NetworkLatency { get; init; }

    /// <summary>Of one query, whatever there is to search, seconds.</summary>
    public double? QueryOverhead { get; init; }

    /// <summary>Of each neighbour that is merged, seconds.</summary>
    public double? MergePerNeighbour { get; init; }

    /// <summary>With what is null as the runs say; of a fit without ranks merging costs nothing.</summary>
    public ScaleMachine With(ScaleFit fit) => this with
    {
        CodeGops = CodeGops ?? 2e-9 * Cores / fit.Scan,
        QueryOverhead = QueryOverhead ?? fit.Query,
        MergePerNeighbour = MergePerNeighbour ?? fit.Merge,
    };
}
