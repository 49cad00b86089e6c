using System.Diagnostics;

namespace Osprey.Engine.Benchmarks;

/// <summary>What a user would take instead of our operation.</summary>
/// <param name="Name">As in the tables: <c>torch</c>, <c>faiss</c>.</param>
/// <param name="Version">Empty where it is not here.</param>
/// <param name="Milliseconds">One call on the contest's data, timed.</param>
public sealed record Peer(string Name, string Version, Func<double> Milliseconds)
{
    /// <summary>How long after its call its threads may still hold the cores, milliseconds.</summary>
    public int Settle { get; init; } = 1;

    /// <summary>Compares its last answer with ours; null where the comparison with 64-bit arithmetic says it all.</summary>
    public Func<RankingAgreement>? Agreement { get; init; }

    /// <summary>Why it cannot be measured here; null where it can.</summary>
    public string? Missing { get; init; }

    /// <summary>A peer in this process.</summary>
    public static Peer Here(string name, string version, Action call) => new(name, version, () =>
    {
        long start = Stopwatch.GetTimestamp();
        call();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    });
}
