using NUnit.Framework;
using Osprey.Engine;
using Osprey.Engine.Benchmarks;
using Osprey.Interop.Torch;
using Osprey.Kernels;
using Osprey.Tests.House;

namespace Osprey.Tests.Engine.Benchmarks;

/// <summary>Everything that is benchmarked, on its small shape: right, beside peers that run, and within its budget of memory.</summary>
[TestFixture]
public class ContestTests
{
    static IEnumerable<ContestEntry> Entries() => Contests.Chosen(new BenchmarkConfig { Size = BenchmarkSize.Quick });

    Device device = null!;
    Stage stage = null!;

    [OneTimeSetUp]
    public void Open()
    {
        device = Device.Open("host", 2);
        TorchRuntime.Configure(2, 0);
        stage = new Stage(new BenchmarkConfig { Size = BenchmarkSize.Quick }, device);
    }

    [OneTimeTearDown]
    public void Close()
    {
        stage.Dispose();
        device.Dispose();
    }

    [TestCaseSource(nameof(Entries))]
    public void Ours_is_right_and_the_peers_agree(ContestEntry entry)
    {
        using Contest contest = entry.Create(stage);
        if (contest.MaxError() is double error) Assert.That(error, Is.LessThan(2e-6));
        foreach (Peer peer in contest.Peers.Where(p => p.Missing is null))
        {
            Assert.That(peer.Milliseconds(), Is.GreaterThan(0), peer.Name);
            if (peer.Agreement is null) continue;
            RankingAgreement agreement = peer.Agreement();
            Assert.That(agreement.IdDifferences, Is.Zero, peer.Name);
            Assert.That(agreement.ScoreDifference, Is.LessThan(2e-6), peer.Name);
        }
    }

    /// <summary>Bytes allocated by one call, on all threads, on the small shape.</summary>
    [TestCaseSource(nameof(Entries))]
    public void A_call_allocates_no_more_than_its_budget(ContestEntry entry)
    {
        using Contest contest = entry.Create(stage);
        for (int i = 0; i < 3; i++) contest.Ours();
        Assert.That(Benchmarker.Allocated(contest.Ours), Is.LessThanOrEqualTo(Budget()[entry.Operation]));
    }

    [Test]
    public void The_budget_names_every_operation_of_the_quick_benchmark_and_no_other() =>
        Assert.That(Budget().Keys, Is.EquivalentTo(Entries().Select(e => e.Operation).Distinct()));

    static Dictionary<string, long> Budget() => Json.Read<Dictionary<string, long>>(Path.Combine(Shared.Repository, "Bench", "allocations.json"));

    [Test]
    public void Every_operation_has_a_small_shape_but_the_large_searches() =>
        Assert.That(
            Contests.All.Select(e => e.Operation).Distinct().Except(Contests.All.Where(e => e.Size == BenchmarkSize.Quick).Select(e => e.Operation)),
            Is.EquivalentTo(Contests.All.Where(e => e.Size == BenchmarkSize.Large || e.Operation == "search-few").Select(e => e.Operation).Distinct()));

    [Test]
    public void A_large_search_runs_where_it_is_named()
    {
        Assert.That(Contests.Chosen(new BenchmarkConfig { Only = ["search-million"] }), Is.Not.Empty);
        Assert.That(Contests.Chosen(new BenchmarkConfig { Only = ["search"] }).Select(e => e.Operation), Has.None.EqualTo("search-million").And.None.EqualTo(Contests.OwnRows));
        Assert.That(Contests.Chosen(new BenchmarkConfig { Size = BenchmarkSize.Large }).Select(e => e.Operation), Has.Some.EqualTo("search-million"));
    }

    [Test]
    public void An_unknown_operation_is_refused_with_the_legal_ones() =>
        Assert.That(() => new BenchmarkConfig { Only = ["gme"] }.Validate(), Throws.ArgumentException.With.Message.Contains("'gme'").And.Message.Contains("gem"));
}
