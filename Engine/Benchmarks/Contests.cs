using Osprey.Engine.Retrieval;
using Osprey.Kernels.Perturbation;
using Osprey.Kernels.Pooling;

namespace Osprey.Engine.Benchmarks;

/// <summary>One entry of the benchmark: made when its turn comes.</summary>
/// <param name="Room">Of the kernels: <c>pooling</c>, <c>normalization</c>, <c>perturbation</c>, <c>search</c>.</param>
/// <param name="Operation">As on the command line and in the reports.</param>
/// <param name="Shape">As printed.</param>
/// <param name="Size">The smallest benchmark that has it; quick shapes are in the quick one only.</param>
/// <param name="Create">Makes it ready.</param>
public sealed record ContestEntry(string Room, string Operation, string Shape, BenchmarkSize Size, Func<Stage, Contest> Create)
{
    public override string ToString() => $"{Operation} {Shape}";
}

/// <summary>Every operation and shape that is measured. What is entered here is measured by the tool and by the benchmark project, and checked by a test.</summary>
public static class Contests
{
    const string Pooling = "pooling", Normalization = "normalization", Perturbation = "perturbation", Search = "search";

    public static IReadOnlyList<ContestEntry> All { get; } = [.. OfPooling(), .. OfNormalization(), .. OfPerturbation(), .. OfSearch()];

    /// <summary>What may be asked for: rooms, then operations.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. All.Select(e => e.Room).Distinct(), .. All.Select(e => e.Operation).Distinct()];

    /// <summary>The entries that a configuration asks for, in their order.</summary>
    public static IReadOnlyList<ContestEntry> Chosen(BenchmarkConfig config) =>
    [
        .. All.Where(e => config.Only.Count == 0 || config.Only.Contains(e.Operation) || config.Only.Contains(e.Room))
            .Where(e => (e.Size == BenchmarkSize.Quick) == (config.Size == BenchmarkSize.Quick))
            .Where(e => e.Size <= config.Size || config.Only.Contains(e.Operation))
            .Where(e => e.Operation != OwnRows || config.Rows is not null),
    ];

    /// <summary>The operation that needs a file.</summary>
    public const string OwnRows = "search-own";

    static IEnumerable<ContestEntry> OfPooling()
    {
        (BenchmarkSize, MapShape)[] shapes =
        [
            (BenchmarkSize.Quick, new MapShape(3, 37, 7, 7)),
            (BenchmarkSize.Standard, new MapShape(64, 2048, 7, 7)),
            (BenchmarkSize.Standard, new MapShape(32, 512, 28, 28)),
        ];
        (string, PoolingKind, PoolingPass, float)[] operations =
        [
            ("gem", PoolingKind.Gem, PoolingPass.Forward, 3),
            ("gem-backward", PoolingKind.Gem, PoolingPass.Backward, 3),
            ("gem-learned", PoolingKind.Gem, PoolingPass.Learned, 2.7f),
            ("spoc", PoolingKind.Spoc, PoolingPass.Forward, 1),
            ("spoc-backward", PoolingKind.Spoc, PoolingPass.Backward, 1),
            ("mac", PoolingKind.Mac, PoolingPass.Forward, 1),
            ("mac-backward", PoolingKind.Mac, PoolingPass.Backward, 1),
        ];
        foreach ((string name, PoolingKind kind, PoolingPass pass, float power) in operations)
        {
            foreach ((BenchmarkSize size, MapShape shape) in shapes)
            {
                string text = $"{shape.Batch}×{shape.Channels}×{shape.Height}×{shape.Width}{(kind == PoolingKind.Gem ? $", p={power}" : "")}";
                yield return new ContestEntry(Pooling, name, text, size, stage => new PoolingContest(stage.Device, kind, pass, shape, power));
            }
        }
    }

    static IEnumerable<ContestEntry> OfNormalization()
    {
        foreach ((BenchmarkSize size, int count, int dimension) in new[] { (BenchmarkSize.Quick, 33, 67), (BenchmarkSize.Standard, 20_000, 512) })
        {
            foreach (bool bothWays in new[] { false, true })
            {
                yield return new ContestEntry(
                    Normalization, bothWays ? "unit-rows-both-ways" : "unit-rows", $"{count}×{dimension}", size, stage => new NormalizationContest(stage.Device, count, dimension, bothWays));
            }
        }
    }

    static IEnumerable<ContestEntry> OfPerturbation()
    {
        foreach (PerturbationNorm norm in Enum.GetValues<PerturbationNorm>())
        {
            foreach ((BenchmarkSize size, int images, int side) in new[] { (BenchmarkSize.Quick, 3, 13), (BenchmarkSize.Standard, 32, 224) })
            {
                string name = norm == PerturbationNorm.LInf ? "linf" : "l2", shape = $"{images}×3×{side}×{side}";
                yield return new ContestEntry(Perturbation, $"{name}-step", shape, size, stage => new StepContest(stage.Device, norm, images, side));
                yield return new ContestEntry(Perturbation, $"{name}-start", shape, size, stage => new StartContest(stage.Device, norm, images, side));
            }
        }
    }

    static IEnumerable<ContestEntry> OfSearch()
    {
        GalleryData small = new(GalleryKind.Random, 2003, 61), random = new(GalleryKind.Random, 100_000, 512);
        GalleryData smallClusters = new(GalleryKind.Clustered, 2003, 61), clusters = new(GalleryKind.Clustered, 100_000, 512);
        GalleryData own = new(GalleryKind.Own, 0, 0), wide = new(GalleryKind.Random, 20_000, 2048), million = new(GalleryKind.Random, 1_000_000, 128);
        const int all = GalleryData.Queries;
        (string, BenchmarkSize, GalleryData, Metric, int, int)[] searches =
        [
            ("search", BenchmarkSize.Quick, small, Metric.InnerProduct, 41, 10),
            ("search-one", BenchmarkSize.Quick, small, Metric.InnerProduct, 1, 10),
            ("search-l2", BenchmarkSize.Quick, small, Metric.L2, 41, 10),
            ("search-clustered", BenchmarkSize.Quick, smallClusters, Metric.InnerProduct, 41, 10),
            (OwnRows, BenchmarkSize.Quick, own, Metric.InnerProduct, all, 10),
            ("search", BenchmarkSize.Standard, random, Metric.InnerProduct, all, 100),
            ("search", BenchmarkSize.Standard, random, Metric.InnerProduct, all, 10),
            ("search-few", BenchmarkSize.Standard, random, Metric.InnerProduct, 16, 100),
            ("search-one", BenchmarkSize.Standard, random, Metric.InnerProduct, 1, 10),
            ("search-l2", BenchmarkSize.Standard, random, Metric.L2, all, 10),
            ("search-clustered", BenchmarkSize.Standard, clusters, Metric.InnerProduct, all, 100),
            ("search-clustered", BenchmarkSize.Standard, clusters, Metric.InnerProduct, all, 10),
            (OwnRows, BenchmarkSize.Standard, own, Metric.InnerProduct, all, 100),
            (OwnRows, BenchmarkSize.Standard, own, Metric.InnerProduct, all, 10),
            ("search-wide", BenchmarkSize.Large, wide, Metric.InnerProduct, all, 100),
            ("search-wide", BenchmarkSize.Large, wide, Metric.InnerProduct, all, 10),
            ("search-million", BenchmarkSize.Large, million, Metric.InnerProduct, all, 100),
            ("search-million", BenchmarkSize.Large, million, Metric.InnerProduct, all, 10),
        ];
        foreach (GalleryData data in new[] { small, random })
        {
            yield return new ContestEntry(
                Search, "index", Text(data), data == small ? BenchmarkSize.Quick : BenchmarkSize.Standard, stage => new IndexContest(stage.Gallery(data), stage.Device));
        }
        foreach ((string name, BenchmarkSize size, GalleryData data, Metric metric, int queries, int k) in searches)
        {
            string shape = $"{Text(data)}, {(queries == 1 ? "1 query" : $"{queries} queries")}, k={k}";
            yield return new ContestEntry(Search, name, shape, size, stage => new SearchContest(stage.Gallery(data), metric, queries, k, stage.NoFaiss));
        }
    }

    static string Text(GalleryData data) => data.Kind == GalleryKind.Own ? "own rows" : $"{data.Count}×{data.Dimension}";
}
