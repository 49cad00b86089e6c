using Osprey.Kernels.Floors;

namespace Osprey.Engine.Benchmarks;

/// <summary>What one contest gave, before it is held against the machine's floors.</summary>
sealed record Measurement
{
    public required ContestEntry Entry { get; init; }

    public required double BytesRead { get; init; }

    public required double BytesWritten { get; init; }

    public required double Operations { get; init; }

    /// <summary>Milliseconds of each call.</summary>
    public required IReadOnlyList<double> Ours { get; init; }

    public required IReadOnlyList<PeerMeasurement> Peers { get; init; }

    public required double? MaxError { get; init; }

    public required long AllocatedBytes { get; init; }

    public required double? IndexMemory { get; init; }

    /// <summary>One for each peer.</summary>
    public IEnumerable<BenchmarkResult> Results(HostFloors? floors)
    {
        double median = Quartile(Ours, 2);
        (string Name, double Milliseconds)? floor = Floor(floors);
        return Peers.Select(peer =>
        {
            double? peerMs = peer.Missing is null ? Quartile(peer.Milliseconds, 2) : null;
            return new BenchmarkResult
            {
                Operation = Entry.Operation,
                Shape = Entry.Shape,
                Peer = peer.Name,
                OursMs = median,
                PeerMs = peerMs,
                Ratio = peerMs / median,
                Gbps = (BytesRead + BytesWritten) / median / 1e6,
                Gflops = Operations > 0 ? Operations / median / 1e6 : null,
                Floor = floor?.Name,
                PercentOfFloor = 100 * floor?.Milliseconds / median,
                MaxError = MaxError,
                AllocatedBytes = AllocatedBytes,
                PeerVersion = peer.Version.Length > 0 ? peer.Version : null,
                Samples = Ours.Count,
                OursQuartilesMs = [Quartile(Ours, 1), Quartile(Ours, 3)],
                PeerQuartilesMs = peerMs is null ? null : [Quartile(peer.Milliseconds, 1), Quartile(peer.Milliseconds, 3)],
                IdDifferences = peer.Agreement?.IdDifferences,
                IdTies = peer.Agreement?.IdTies,
                ScoreDifference = peer.Agreement?.ScoreDifference,
                IndexMemory = IndexMemory,
                Note = peer.Missing,
            };
        });
    }

    /// <summary>What binds the operation, and the least time that it leaves: nothing reads faster than a read, or reads and writes faster than a copy.</summary>
    (string Name, double Milliseconds)? Floor(HostFloors? floors) => floors is null
        ? null
        : new[]
        {
            (Name: "read", Milliseconds: BytesRead / floors.ReadGbps / 1e6),
            (Name: "copy", Milliseconds: (BytesRead + BytesWritten) / floors.CopyGbps / 1e6),
            (Name: "codes", Milliseconds: Operations / floors.CodeGops / 1e6),
        }.MaxBy(f => f.Milliseconds);

    /// <summary>The first, second (median) or third quartile, between the two nearest values.</summary>
    internal static double Quartile(IReadOnlyCollection<double> values, int quarter)
    {
        double[] sorted = [.. values.Order()];
        double at = (sorted.Length - 1) * quarter / 4.0;
        int below = (int)at;
        return below + 1 < sorted.Length ? sorted[below] + (at - below) * (sorted[below + 1] - sorted[below]) : sorted[below];
    }
}

/// <summary>The same of one peer.</summary>
/// <param name="Name">As in the tables.</param>
/// <param name="Version">Empty where it is not here.</param>
/// <param name="Milliseconds">Of each call.</param>
/// <param name="Agreement">Of its last answer with ours.</param>
/// <param name="Missing">Why it was not measured.</param>
sealed record PeerMeasurement(string Name, string Version, IReadOnlyList<double> Milliseconds, RankingAgreement? Agreement, string? Missing);
