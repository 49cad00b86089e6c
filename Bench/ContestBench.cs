using BenchmarkDotNet.Attributes;
using Osprey.Engine.Benchmarks;
using Osprey.Interop.Torch;
using Osprey.Kernels;

namespace Osprey.Bench;

/// <summary>The contests of one room, each beside its peers: the operations, shapes, data and peers of <c>osprey bench</c> under BenchmarkDotNet.</summary>
[MemoryDiagnoser]
public abstract class ContestBench(string room)
{
    Device device = null!;
    Stage stage = null!;
    Contest contest = null!;

    [ParamsSource(nameof(Entries))]
    public ContestEntry Entry { get; set; } = null!;

    public IEnumerable<ContestEntry> Entries => Contests.Chosen(new BenchmarkConfig { Only = [room] });

    [GlobalSetup]
    public void SetUp()
    {
        var config = new BenchmarkConfig();
        device = Device.Open("host");
        TorchRuntime.Configure(device.Threads, config.Seed);
        stage = new Stage(config, device);
        contest = Entry.Create(stage);
        if (contest.MaxError() is double error && !(error < 1e-5)) throw new InvalidOperationException($"{Entry} is off by {error}");
    }

    [Benchmark]
    public void Ours() => contest.Ours();

    /// <summary>Torch; for an index the reading of its rows.</summary>
    [Benchmark(Baseline = true)]
    public double Peer() => contest.Peers[0].Milliseconds();

    [GlobalCleanup]
    public void CleanUp()
    {
        contest.Dispose();
        stage.Dispose();
        device.Dispose();
    }

    /// <summary>The peer at that place, where it is here.</summary>
    protected double Call(int peer) => contest.Peers.Count > peer && contest.Peers[peer].Missing is null ? contest.Peers[peer].Milliseconds() : 0;
}
