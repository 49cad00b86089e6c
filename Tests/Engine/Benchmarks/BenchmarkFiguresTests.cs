using NUnit.Framework;
using Osprey.Engine.Benchmarks;
using Osprey.Kernels;
using Osprey.Kernels.Floors;

namespace Osprey.Tests.Engine.Benchmarks;

[TestFixture]
public class BenchmarkFiguresTests
{
    [TestCase(new[] { 7.0 }, 7, 7, 7)]
    [TestCase(new[] { 4.0, 1, 3, 2 }, 1.75, 2.5, 3.25)]
    [TestCase(new[] { 5.0, 1, 2, 4, 3 }, 2, 3, 4)]
    public void Quartiles_lie_between_the_nearest_values(double[] values, double first, double second, double third) =>
        Assert.That(new[] { 1, 2, 3 }.Select(q => Measurement.Quartile(values, q)), Is.EqualTo(new[] { first, second, third }));

    [Test]
    public void Answers_differ_only_where_scores_do()
    {
        // Two queries of three ranks: equal; then a swap of equal scores, and another row with another score.
        RankingAgreement agreement = RankingAgreement.Of(
            [1, 2, 3, 4, 5, 6], [9, 8, 7, 1, 1, 0.5f],
            [1, 2, 3, 5, 4, 7], [9, 8, 7, 1, 1, 0.25f], 3);
        Assert.That(agreement, Is.EqualTo(new RankingAgreement(IdDifferences: 1, IdTies: 2, ScoreDifference: 0.25)));
    }

    [Test]
    public void A_missing_score_is_no_agreement()
    {
        Assert.That(RankingAgreement.Of([1], [float.NaN], [1], [1], 1).ScoreDifference, Is.NaN);
        Assert.That(RankingAgreement.Of([-1], [float.NegativeInfinity], [-1], [float.NegativeInfinity], 1).ScoreDifference, Is.Zero);
    }

    [Test]
    public void Answers_of_two_sizes_are_refused() =>
        Assert.That(() => RankingAgreement.Of([1, 2], [1, 2], [1], [1], 1), Throws.ArgumentException.With.Message.Contains("2 ids"));

    [Test]
    public void Floors_are_what_a_machine_can_do()
    {
        using Device device = Device.Open("host", 2);
        HostFloors floors = HostFloors.Measure(device)!;
        Assert.That(new[] { floors.CopyGbps, floors.ReadGbps, floors.MultiplyGflops, floors.CodeGops }, Is.All.InRange(0.05, 1e6));
        Assert.That(floors.CodeLevel, Is.Not.Empty);
    }

    [Test]
    public void The_hosts_floors_are_none_of_another_device()
    {
        using Device device = Device.Open("simulator", 2);
        Assert.That(HostFloors.Measure(device), Is.Null);
    }

    static readonly BenchmarkResult Result = new()
    {
        Operation = "search",
        Shape = "10×4, 1 query, k=2",
        Peer = "torch",
        OursMs = 0.5,
        PeerMs = 2,
        Ratio = 4,
        Gbps = 12.25,
        Gflops = 100,
        Floor = "copy",
        PercentOfFloor = 62.5,
        MaxError = 1.25e-7,
        AllocatedBytes = 48,
        Samples = 5,
        OursQuartilesMs = [0.4, 0.6],
        PeerQuartilesMs = [1.9, 2.1],
        IdDifferences = 0,
        IdTies = 3,
        ScoreDifference = 1e-7,
        IndexMemory = 0.256,
    };

    [Test]
    public void A_row_shows_speed_and_error() =>
        Assert.That(BenchmarkTable.Cells(Result), Is.EqualTo(new[] { "search", "10×4, 1 query, k=2", "torch", "0.500", "2.00", "4.00", "12.3", "100", "63 copy", "1.3e-7", "48", "0 differ, 3 tie; scores 1.0e-7; index 0.256 × fp32" }));

    [Test]
    public void A_peer_that_is_not_here_says_why() =>
        Assert.That(
            BenchmarkTable.Cells(Result with { PeerMs = null, Ratio = null, IdDifferences = null, IdTies = null, Note = "no faiss in /usr/bin/python3" }),
            Is.EqualTo(new[] { "search", "10×4, 1 query, k=2", "torch", "0.500", "–", "–", "12.3", "100", "63 copy", "1.3e-7", "48", "no faiss in /usr/bin/python3" }));

    [Test]
    public void The_machine_names_a_folder() =>
        Assert.That(Machine("Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz", 2).Folder(), Is.EqualTo("intel-r-xeon-r-platinum-8481c-cpu-2-70ghz-2cores"));

    [Test]
    public void A_device_names_its_own_folder() => Assert.That((Machine("Intel", 2) with { Device = "NVIDIA H200" }).Folder(), Is.EqualTo("nvidia-h200"));

    [Test]
    public void A_short_table_has_fewer_columns()
    {
        string[] lines = BenchmarkTable.Markdown(new BenchmarkReport(Machine("Intel", 2), [Result]), brief: true).TrimEnd().Split('\n');
        Assert.That(lines[^3..], Is.EqualTo(new[]
        {
            "| operation | shape | peer | ours ms | peer ms | ratio | % of floor | max error |",
            "| --- | --- | --- | --: | --: | --: | --: | --: |",
            "| search | 10×4, 1 query, k=2 | torch | 0.500 | 2.00 | 4.00 | 63 copy | 1.3e-7 |",
        }));
    }

    static BenchmarkMachine Machine(string cpu, int cores) => new()
    {
        Cpu = cpu,
        Cores = cores,
        Threads = cores,
        VectorBits = 512,
        Device = "host",
        Runtime = ".NET",
        System = "Linux",
        Osprey = "0",
        Torch = "2",
        Date = "2026-01-01 00:00",
        CopyGbps = 1,
        ReadGbps = 1,
        MultiplyGflops = 1,
    };
}
