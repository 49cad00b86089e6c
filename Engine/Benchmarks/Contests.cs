using Osprey.Engine.Model;
using Osprey.Engine.Robust;
using Osprey.Engine.Training;
using Osprey.Kernels.Perturbation;
using Osprey.Kernels.Pooling;
using Osprey.Kernels.Search;

namespace Osprey.Engine.Benchmarks;

/// <summary>One entry of the benchmark: made when its turn comes.</summary>
/// <param name="Room">Of the kernels: <c>pooling</c>, <c>normalization</c>, <c>perturbation</c>, <c>backbone</c>, <c>training</c>, <c>pipeline</c>, <c>search</c>.</param>
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
    const string Pooling = "pooling", Normalization = "normalization", Perturbation = "perturbation", Networks = "backbone", Training = "training", Pipeline = "pipeline", Search = "search";

    public static IReadOnlyList<ContestEntry> All { get; } = [.. OfPooling(), .. OfNormalization(), .. OfPerturbation(), .. OfNetworks(), .. OfTraining(), .. OfPipeline(), .. OfSearch()];

    /// <summary>What may be asked for: rooms, then operations.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. All.Select(e => e.Room).Distinct(), .. All.Select(e => e.Operation).Distinct()];

    /// <summary>The entries that a configuration asks for, in their order.</summary>
    public static IReadOnlyList<ContestEntry> Chosen(BenchmarkConfig config) =>
    [
        .. All.Where(e => config.Only.Count == 0 || config.Only.Contains(e.Operation) || config.Only.Contains(e.Room))
            .Where(e => (e.Size == BenchmarkSize.Quick) == (config.Size == BenchmarkSize.Quick))
            .Where(e => e.Size <= config.Size || config.Only.Contains(e.Operation))
            .Where(e => e.Operation != OwnRows || config.Rows is not null)
            .Where(e => e.Operation != OwnImages || config.Images is not null),
    ];

    /// <summary>The operation that needs a file.</summary>
    public const string OwnRows = "search-own";

    /// <summary>The operation that needs a folder.</summary>
    public const string OwnImages = "embed-own";

    static IEnumerable<ContestEntry> OfPooling()
    {
        MapShape small = new(3, 37, 7, 7), smallLast = new(3, 37, 5, 7, MapLayout.ChannelsLast);
        MapShape late = new(64, 2048, 7, 7), early = new(32, 512, 28, 28), regions = new(16, 512, 16, 16), last = new(64, 2048, 7, 7, MapLayout.ChannelsLast);
        (string, PoolingKind, PoolingPass, float, MapShape[])[] operations =
        [
            ("gem", PoolingKind.Gem, PoolingPass.Forward, 3, [small, smallLast, late, early, last]),
            ("gem-backward", PoolingKind.Gem, PoolingPass.Backward, 3, [small, smallLast, late, early, last]),
            ("gem-learned", PoolingKind.Gem, PoolingPass.Learned, 2.7f, [small, smallLast, late, early]),
            ("spoc", PoolingKind.Spoc, PoolingPass.Forward, 1, [small, smallLast, late, early]),
            ("spoc-backward", PoolingKind.Spoc, PoolingPass.Backward, 1, [small, late]),
            ("mac", PoolingKind.Mac, PoolingPass.Forward, 1, [small, smallLast, late, early]),
            ("mac-backward", PoolingKind.Mac, PoolingPass.Backward, 1, [small, late]),
            ("rmac", PoolingKind.Rmac, PoolingPass.Forward, 1, [small, smallLast, regions]),
            ("rmac-backward", PoolingKind.Rmac, PoolingPass.Backward, 1, [small, regions]),
            ("crow", PoolingKind.Crow, PoolingPass.Forward, 1, [small, smallLast, regions]),
            ("crow-backward", PoolingKind.Crow, PoolingPass.Backward, 1, [small, regions]),
        ];
        foreach ((string name, PoolingKind kind, PoolingPass pass, float power, MapShape[] shapes) in operations)
        {
            foreach (MapShape shape in shapes)
            {
                string text = $"{shape.Batch}×{shape.Channels}×{shape.Height}×{shape.Width}{(shape.Layout == MapLayout.ChannelsLast ? ", channels-last" : "")}{(kind == PoolingKind.Gem ? $", p={power}" : "")}";
                BenchmarkSize size = shape == small || shape == smallLast ? BenchmarkSize.Quick : BenchmarkSize.Standard;
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
                yield return new ContestEntry(Perturbation, $"{name}-step", shape, size, stage => new StepContest(stage.Device, norm, images, side, momentum: false));
                if (norm == PerturbationNorm.LInf)
                    yield return new ContestEntry(Perturbation, $"{name}-momentum-step", shape, size, stage => new StepContest(stage.Device, norm, images, side, momentum: true));
                yield return new ContestEntry(Perturbation, $"{name}-start", shape, size, stage => new StartContest(stage.Device, norm, images, side));
            }
        }
    }

    static IEnumerable<ContestEntry> OfNetworks()
    {
        (string, BenchmarkSize, Architecture, int, int)[] networks =
        [
            ("resnet18", BenchmarkSize.Quick, Architecture.Resnet18, 2, 33),
            ("resnet50", BenchmarkSize.Quick, Architecture.Resnet50, 1, 33),
            ("squeezenet", BenchmarkSize.Quick, Architecture.Squeezenet, 2, 33),
            ("resnet18", BenchmarkSize.Standard, Architecture.Resnet18, 32, 224),
            ("resnet50", BenchmarkSize.Standard, Architecture.Resnet50, 32, 224),
            ("squeezenet", BenchmarkSize.Standard, Architecture.Squeezenet, 32, 224),
        ];
        foreach ((string name, BenchmarkSize size, Architecture architecture, int images, int side) in networks)
            yield return new ContestEntry(Networks, name, $"{images}×3×{side}×{side}", size, stage => new BackboneContest(stage.Device, architecture, images, side, seed: 0));
    }

    static IEnumerable<ContestEntry> OfTraining()
    {
        foreach (RecipeKind recipe in new[] { RecipeKind.None, RecipeKind.FastAdvProp, RecipeKind.AdvProp })
        {
            string name = recipe switch { RecipeKind.None => "train", RecipeKind.FastAdvProp => "train-fast-advprop", _ => "train-advprop" };
            foreach ((BenchmarkSize size, int classes, int images, int side) in new[] { (BenchmarkSize.Quick, 2, 2, 33), (BenchmarkSize.Standard, 16, 4, 112) })
            {
                var config = new TrainConfig { Recipe = recipe, BatchClasses = classes, BatchImagesPerClass = images };
                var network = new EmbedderConfig { Architecture = Architecture.Resnet18, Stage = 3, ImageSize = side };
                yield return new ContestEntry(Training, name, $"ResNet-18 stage 3, {config.BatchSize}×3×{side}×{side}", size, stage => new TrainingContest(stage.Device, network, config));
            }
        }
    }

    static IEnumerable<ContestEntry> OfPipeline()
    {
        (string, BenchmarkSize, Architecture, int, int, int)[] drawn =
        [
            ("embed", BenchmarkSize.Quick, Architecture.Squeezenet, 40, 32, 33),
            ("embed", BenchmarkSize.Standard, Architecture.Resnet18, 1024, 64, 64),
            ("embed-large", BenchmarkSize.Large, Architecture.Resnet18, 512, 400, 224),
        ];
        foreach ((string name, BenchmarkSize size, Architecture architecture, int images, int file, int side) in drawn)
            yield return new ContestEntry(Pipeline, name, $"{images} JPEG {file} px, {side} px", size, stage => new PipelineContest(stage.Device, architecture, side, seed: 0, images, file));
        foreach ((BenchmarkSize size, Architecture architecture) in new[] { (BenchmarkSize.Quick, Architecture.Squeezenet), (BenchmarkSize.Standard, Architecture.Resnet18), (BenchmarkSize.Standard, Architecture.Resnet50) })
            yield return new ContestEntry(Pipeline, OwnImages, $"own images, {architecture}, up to 224 px", size, stage => new PipelineContest(stage.Device, architecture, 224, seed: 0, stage.Images!));
    }

    static IEnumerable<ContestEntry> OfSearch()
    {
        GalleryData small = new(GalleryKind.Random, 4099, 61), random = new(GalleryKind.Random, 100_000, 512);
        GalleryData smallClusters = new(GalleryKind.Clustered, 4099, 61), clusters = new(GalleryKind.Clustered, 100_000, 512);
        GalleryData own = new(GalleryKind.Own, 0, 0), wide = new(GalleryKind.Random, 20_000, 2048), million = new(GalleryKind.Random, 1_000_000, 128);
        const int all = GalleryData.Queries;
        (string, BenchmarkSize, GalleryData, Similarity, int, int)[] searches =
        [
            ("search", BenchmarkSize.Quick, small, Similarity.InnerProduct, 41, 10),
            ("search-one", BenchmarkSize.Quick, small, Similarity.InnerProduct, 1, 10),
            ("search-l2", BenchmarkSize.Quick, small, Similarity.L2, 41, 10),
            ("search-clustered", BenchmarkSize.Quick, smallClusters, Similarity.InnerProduct, 41, 10),
            (OwnRows, BenchmarkSize.Quick, own, Similarity.InnerProduct, all, 10),
            ("search", BenchmarkSize.Standard, random, Similarity.InnerProduct, all, 100),
            ("search", BenchmarkSize.Standard, random, Similarity.InnerProduct, all, 10),
            ("search-few", BenchmarkSize.Standard, random, Similarity.InnerProduct, 16, 100),
            ("search-one", BenchmarkSize.Standard, random, Similarity.InnerProduct, 1, 10),
            ("search-l2", BenchmarkSize.Standard, random, Similarity.L2, all, 10),
            ("search-clustered", BenchmarkSize.Standard, clusters, Similarity.InnerProduct, all, 100),
            ("search-clustered", BenchmarkSize.Standard, clusters, Similarity.InnerProduct, all, 10),
            (OwnRows, BenchmarkSize.Standard, own, Similarity.InnerProduct, all, 100),
            (OwnRows, BenchmarkSize.Standard, own, Similarity.InnerProduct, all, 10),
            ("search-wide", BenchmarkSize.Large, wide, Similarity.InnerProduct, all, 100),
            ("search-wide", BenchmarkSize.Large, wide, Similarity.InnerProduct, all, 10),
            ("search-million", BenchmarkSize.Large, million, Similarity.InnerProduct, all, 100),
            ("search-million", BenchmarkSize.Large, million, Similarity.InnerProduct, all, 10),
        ];
        foreach (GalleryData data in new[] { small, random })
        {
            yield return new ContestEntry(
                Search, "index", Text(data), data == small ? BenchmarkSize.Quick : BenchmarkSize.Standard, stage => new IndexContest(stage.Gallery(data)));
        }
        foreach ((string name, BenchmarkSize size, GalleryData data, Similarity similarity, int queries, int k) in searches)
        {
            string shape = $"{Text(data)}, {(queries == 1 ? "1 query" : $"{queries} queries")}, k={k}";
            yield return new ContestEntry(Search, name, shape, size, stage => new SearchContest(stage.Gallery(data), similarity, queries, k, stage.NoFaiss));
        }
    }

    static string Text(GalleryData data) => data.Kind == GalleryKind.Own ? "own rows" : $"{data.Count}×{data.Dimension}";
}
