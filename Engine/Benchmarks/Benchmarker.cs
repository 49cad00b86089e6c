using System.Diagnostics;
using Osprey.Interop.Torch;
using Osprey.Kernels.Floors;
using Device = Osprey.Kernels.Device;

namespace Osprey.Engine.Benchmarks;

/// <summary>Measures operations beside their peers, in turns, so that whatever else the machine does falls on both.</summary>
public static class Benchmarker
{
    /// <summary>Calls of each side at least, however slow.</summary>
    const int FewestRounds = 3;

    /// <summary>And of those that are not so slow.</summary>
    const int FewRounds = 7;

    /// <summary>A call whose first run took longer, milliseconds, is warm with that, and measured once for what it allocates.</summary>
    const double SlowCall = 500;

    const int MostRounds = 201;

    /// <summary>Calls of each side before the first that counts: the JIT compiles again what runs often, and memory is taken.</summary>
    const int WarmUpRounds = 2;

    /// <summary>Warm-up goes on until ours has run this long, milliseconds, or has run <see cref="MostWarmUps"/> times.</summary>
    const double WarmUpMilliseconds = 100;

    const int MostWarmUps = 40;

    /// <summary>Calls of which the one that allocates least is reported: the thread pool's own queue grows now and then.</summary>
    const int AllocationCalls = 5;

    /// <param name="config">What to measure.</param>
    /// <param name="device">Where ours runs; its threads are also the peers'. Stays the caller's.</param>
    /// <param name="progress">Told after each operation; may be null.</param>
    /// <param name="cancellation">Looked at between calls.</param>
    /// <exception cref="ArgumentException">The configuration is not valid, or asks for nothing.</exception>
    public static BenchmarkReport Run(BenchmarkConfig config, Device device, IProgress<Progress>? progress = null, CancellationToken cancellation = default)
    {
        config.Validate();
        IReadOnlyList<ContestEntry> entries = Contests.Chosen(config);
        if (entries.Count == 0) throw new ArgumentException($"nothing is left to measure of {string.Join(", ", config.Only)} at size {config.Size.ToString().ToLowerInvariant()}");
        TorchRuntime.Configure(device.Threads, config.Seed);
        progress?.Report(new Progress("machine floors", 0, entries.Count, "operations"));
        HostFloors? floors = HostFloors.Measure(device);
        var measured = new List<Measurement>();
        using var stage = new Stage(config, device, cancellation);
        for (int i = 0; i < entries.Count; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            progress?.Report(new Progress($"{entries[i]}", i, entries.Count, "operations"));
            try
            {
                using Contest contest = entries[i].Create(stage);
                measured.Add(Measure(entries[i], contest, config.Seconds, cancellation));
            }
            catch (InvalidOperationException) when (cancellation.IsCancellationRequested)
            {
                // The peer's process was ended in the middle of a call.
                throw new OperationCanceledException(cancellation);
            }
        }
        progress?.Report(new Progress("measured", entries.Count, entries.Count, "operations"));
        // Before and after: other work on the machine may have held one of them down.
        floors = floors?.Or(HostFloors.Measure(device)!);
        return new BenchmarkReport(Machine.Describe(device, floors, stage.FaissVersion), [.. measured.SelectMany(m => m.Results(floors))]);
    }

    static Measurement Measure(ContestEntry entry, Contest contest, double seconds, CancellationToken cancellation)
    {
        Peer[] present = [.. contest.Peers.Where(p => p.Missing is null)];
        var ours = new List<double>();
        List<double>[] theirs = [.. present.Select(_ => new List<double>())];
        foreach (Peer peer in present)
        {
            for (int i = 0; i < WarmUpRounds && !(Turn(peer.Milliseconds, peer.Settle) > SlowCall); i++) cancellation.ThrowIfCancellationRequested();
        }
        double warm = 0;
        for (int i = 0; i < MostWarmUps && (i < WarmUpRounds || warm < WarmUpMilliseconds) && !(warm > SlowCall); i++) warm += Time(contest.Ours);
        long allocated = Allocated(contest.Ours, warm > SlowCall ? 1 : AllocationCalls);

        long start = Stopwatch.GetTimestamp();
        while (ours.Count < FewestRounds || (ours.Count < MostRounds && Stopwatch.GetElapsedTime(start).TotalSeconds < (ours.Count < FewRounds ? 2 : 1) * seconds))
        {
            cancellation.ThrowIfCancellationRequested();
            ours.Add(Turn(() => Time(contest.Ours), settle: 1));
            for (int p = 0; p < present.Length; p++) theirs[p].Add(Turn(present[p].Milliseconds, present[p].Settle));
        }

        return new Measurement
        {
            Entry = entry,
            BytesRead = contest.BytesRead,
            BytesWritten = contest.BytesWritten,
            Operations = contest.Operations,
            Ours = ours,
            Peers = [.. present.Select((p, i) => new PeerMeasurement(p.Name, p.Version, theirs[i], p.Agreement?.Invoke(), null)), .. contest.Peers.Except(present).Select(p => new PeerMeasurement(p.Name, p.Version, [], null, p.Missing))],
            MaxError = contest.MaxError(),
            AllocatedBytes = allocated,
            IndexMemory = contest.IndexMemory,
        };
    }

    static double Time(Action call)
    {
        long start = Stopwatch.GetTimestamp();
        call();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    /// <summary>One timed call, and a pause in which its threads fall asleep, so that the next one's has the cores.</summary>
    static double Turn(Func<double> call, int settle)
    {
        double milliseconds = call();
        Thread.Sleep(settle);
        return milliseconds;
    }

    /// <summary>Bytes that one call allocates on all threads.</summary>
    public static long Allocated(Action call, int calls = AllocationCalls)
    {
        long least = long.MaxValue;
        for (int i = 0; i < calls; i++)
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            call();
            least = Math.Min(least, GC.GetTotalAllocatedBytes(precise: true) - before);
        }
        return least;
    }
}
