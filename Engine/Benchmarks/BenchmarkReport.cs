using Osprey.Interop.Formats;

namespace Osprey.Engine.Benchmarks;

/// <summary>All that one run of the benchmark has measured.</summary>
public sealed record BenchmarkReport(BenchmarkMachine Machine, IReadOnlyList<BenchmarkResult> Results)
{
    /// <summary>Writes the report as JSON and as Markdown into the machine's folder, which is made.</summary>
    /// <param name="folder">Of all machines.</param>
    /// <param name="name">Of the files, without ending.</param>
    /// <returns>The files.</returns>
    public IReadOnlyList<string> Write(string folder, string name)
    {
        string json = Path.Combine(folder, Machine.Folder(), name + ".json"), page = Path.ChangeExtension(json, ".md");
        Directory.CreateDirectory(Path.GetDirectoryName(json)!);
        Json.Write(json, this);
        AtomicFile.Write(page, BenchmarkTable.Markdown(this));
        return [json, page];
    }
}

/// <summary>Where and with what the figures were measured.</summary>
public sealed record BenchmarkMachine
{
    /// <summary>As the system names the processor.</summary>
    public required string Cpu { get; init; }

    /// <summary>That the process may use.</summary>
    public required int Cores { get; init; }

    /// <summary>That both sides used.</summary>
    public required int Threads { get; init; }

    /// <summary>Widest vectors that the kernels find, in bits.</summary>
    public required int VectorBits { get; init; }

    /// <summary>Where our kernels ran.</summary>
    public required string Device { get; init; }

    public required string Runtime { get; init; }

    public required string System { get; init; }

    public required string Osprey { get; init; }

    /// <summary>Of the source, where the build knew it.</summary>
    public string? Commit { get; init; }

    public required string Torch { get; init; }

    /// <summary>Null where it was not found or not needed.</summary>
    public string? Faiss { get; init; }

    /// <summary>UTC, in minutes.</summary>
    public required string Date { get; init; }

    /// <summary>Bytes read and written per second by a copy, in 10⁹. This and the next three are null where kernels do not run on the host.</summary>
    public double? CopyGbps { get; init; }

    /// <summary>Bytes read per second, in 10⁹.</summary>
    public double? ReadGbps { get; init; }

    /// <summary>float32 multiplications and additions per second, in 10⁹.</summary>
    public double? MultiplyGflops { get; init; }

    /// <summary>8-bit multiplications and additions per second of the search's micro-kernel on rows in the cache, in 10⁹.</summary>
    public double? CodeGops { get; init; }

    /// <summary>That micro-kernel.</summary>
    public string? CodeLevel { get; init; }

    /// <summary>Processor and cores, or the device where it is not the host, as the name of a folder: <c>amd-epyc-2cores</c>.</summary>
    public string Folder() => string.Join('-', (Device == "host" ? $"{Cpu} {Cores}cores" : Device).ToLowerInvariant().Split(' ', '(', ')', '@', '/', ',', '.').Where(w => w.Length > 0));
}

/// <summary>One operation beside one peer. Times are medians of interleaved calls.</summary>
public sealed record BenchmarkResult
{
    /// <summary>One of <see cref="Contests.Names"/>.</summary>
    public required string Operation { get; init; }

    public required string Shape { get; init; }

    public required string Peer { get; init; }

    public required double OursMs { get; init; }

    /// <summary>Null where the peer is not here; <see cref="Note"/> says why.</summary>
    public double? PeerMs { get; init; }

    /// <summary>The peer's time over ours.</summary>
    public double? Ratio { get; init; }

    /// <summary>Bytes that the operation must read and write at least, per second of ours, in 10⁹.</summary>
    public double? Gbps { get; init; }

    /// <summary>Multiplications and additions of the definition per second of ours, in 10⁹; for those that they can bind.</summary>
    public double? Gflops { get; init; }

    /// <summary>What binds the operation on this machine: <c>read</c> or <c>copy</c> bandwidth, or <c>codes</c>, the 8-bit multiply peak.</summary>
    public string? Floor { get; init; }

    /// <summary>That floor's time over ours, per cent.</summary>
    public double? PercentOfFloor { get; init; }

    /// <summary>Largest difference from 64-bit arithmetic, relative to the largest value of the result; null where there is nothing to compare.</summary>
    public double? MaxError { get; init; }

    /// <summary>By one call once warm, on all threads.</summary>
    public required long AllocatedBytes { get; init; }

    public string? PeerVersion { get; init; }

    /// <summary>Calls timed of each side.</summary>
    public required int Samples { get; init; }

    /// <summary>First and third.</summary>
    public required IReadOnlyList<double> OursQuartilesMs { get; init; }

    /// <summary>First and third.</summary>
    public IReadOnlyList<double>? PeerQuartilesMs { get; init; }

    /// <summary>Ranks of a search whose ids differ from the peer's though the scores there do not tie within 1e-6.</summary>
    public long? IdDifferences { get; init; }

    /// <summary>Ranks whose ids differ where the scores tie within 1e-6.</summary>
    public long? IdTies { get; init; }

    /// <summary>Largest difference of the scores at one rank from the peer's, relative to the largest score.</summary>
    public double? ScoreDifference { get; init; }

    /// <summary>Memory of the index's codes and all that goes with them, over that of the rows in float32.</summary>
    public double? IndexMemory { get; init; }

    /// <summary>What else a reader must know of this row.</summary>
    public string? Note { get; init; }
}
