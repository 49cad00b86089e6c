using Osprey.Engine.Datasets;
using Osprey.Engine.Distributed;
using Osprey.Engine.Images;
using Osprey.Engine.Model;
using Osprey.Engine.Training;
using Osprey.Interop.Mpi;
using Osprey.Kernels;

namespace Osprey.Engine.Evaluation;

/// <summary>Measures models on data sets: descriptors once, then retrieval, classification, and both again under attack.</summary>
public static class Evaluator
{
    /// <summary>Resized pictures of a data set are kept in memory for the next model or attack up to this many bytes.</summary>
    const long CacheBytes = 512L << 20;

    /// <param name="models">Names, each once, and embedders; the first is what the others are compared with.</param>
    /// <param name="sets">Data sets.</param>
    /// <param name="config">What to measure.</param>
    /// <param name="decoding">How files become pictures.</param>
    /// <param name="device">Where kernels run; its threads also decode.</param>
    /// <param name="progress">Stages named after data set and model.</param>
    /// <param name="groups">Of the models, each in one: what is compared, and summed up over its runs. Null: each model by itself.</param>
    /// <param name="ranks">Processes that were given the same: they share out images, queries, splits and attacks, and each has the result. Null: this process by itself.</param>
    /// <param name="cancellation">Checked throughout.</param>
    /// <exception cref="ArgumentException">The configuration is out of range, a name is given twice, the groups are not of the models, or a set has nothing to retrieve.</exception>
    /// <exception cref="InvalidDataException">No image of a set can be read.</exception>
    /// <exception cref="RankFailedException">On every rank of several: one of them has failed, or was given something else.</exception>
    public static EvaluationResult Run(
        IReadOnlyList<(string Name, Embedder Embedder)> models, IReadOnlyList<ImageSet> sets, EvalConfig config, DecodeOptions decoding, Device device,
        IProgress<Progress>? progress = null, IReadOnlyList<ModelGroup>? groups = null, ICommunicator? ranks = null, CancellationToken cancellation = default)
    {
        ranks ??= SingleProcess.Alone;
        return ranks.Together(() => Run(ranks, models, sets, config, decoding, device, progress, groups, cancellation));
    }

    static EvaluationResult Run(
        ICommunicator ranks, IReadOnlyList<(string Name, Embedder Embedder)> models, IReadOnlyList<ImageSet> sets, EvalConfig config, DecodeOptions decoding, Device device,
        IProgress<Progress>? progress, IReadOnlyList<ModelGroup>? groups, CancellationToken cancellation)
    {
        config.Validate();
        if (models.Count == 0) throw new ArgumentException("no model is given; name at least one");
        if (sets.Count == 0) throw new ArgumentException("no data set is given; name at least one");
        if (models.GroupBy(m => m.Name).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new ArgumentException($"two models are called '{twice.Key}'; give each its own name");
        if (groups is not null && !groups.SelectMany(g => g.Models).Order().SequenceEqual(models.Select(m => m.Name).Order()))
            throw new ArgumentException($"the groups are of {string.Join(", ", groups.SelectMany(g => g.Models))}, the models are {string.Join(", ", models.Select(m => m.Name))}; each model belongs to one group");
        // Ranks that measure different things would give figures of neither, or wait for one another for ever.
        ranks.EnsureAlike(
            () => new
            {
                Eval = config,
                Decoding = decoding,
                Data = sets.Select((s, i) => (i, s)).ToDictionary(p => $"{p.i}", p => TrainingData.Of(p.s)),
                Model = models.ToDictionary(m => m.Name, m => new { m.Embedder.Config, m.Embedder.WeightsSha256 }),
            }, "the ranks would measure different things");
        var results = new List<ModelResult>();
        var galleries = new List<Gallery>();
        foreach (ImageSet set in sets)
        {
            var measured = new List<(ModelResult Result, DescriptorSet Set)>();
            var loaders = new Dictionary<int, ImageLoader>();
            RobustSample? surrogate = null;
            foreach ((string name, Embedder embedder) in models)
            {
                int size = config.ImageSize ?? embedder.Config.ImageSize;
                if (!loaders.TryGetValue(size, out ImageLoader? loader)) loaders[size] = loader = CreateLoader(models, set, size, config, decoding, device);
                var relay = progress is null ? null : new Relay(progress, $"{set.Name}, {name}");
                (ModelResult result, DescriptorSet descriptors) = Measure(ranks, name, embedder, set, config, loader, device, relay, cancellation);
                measured.Add((result, descriptors));
                if (!IsRobust(config)) continue;
                var sample = new RobustSample(embedder, result.Set.Images, descriptors, config, loader, device, ranks, relay, cancellation);
                RobustEvaluation.Run(result, sample, surrogate, config);
                surrogate ??= sample;
            }
            results.AddRange(measured.Select(m => m.Result));
            galleries.Add(Gallery.Create(measured, config, device));
        }
        (IReadOnlyList<ModelDifference> differences, IReadOnlyList<MeanDifference> means) = Comparison.Run(results, groups ?? [.. models.Select(m => new ModelGroup(m.Name, [m.Name]))], config);
        return new EvaluationResult(galleries)
        {
            Results = results,
            Differences = differences,
            MeanDifferences = means,
            Groups = groups is null ? [] : Comparison.Groups(results, groups),
            Config = config,
        };
    }

    static bool IsRobust(EvalConfig config) => config.Threats.Count + config.Corruptions.Count > 0;

    static ImageLoader CreateLoader(IReadOnlyList<(string Name, Embedder Embedder)> models, ImageSet set, int size, EvalConfig config, DecodeOptions decoding, Device device)
    {
        bool again = IsRobust(config) || models.Count(m => (config.ImageSize ?? m.Embedder.Config.ImageSize) == size) > 1;
        bool cache = again && 3L * size * size * set.Images.Count <= CacheBytes;
        return new ImageLoader(new ImageDecoder(decoding), size, config.BatchSize, device.Threads, cache) { AllBadIsNoFailure = true };
    }

    static (ModelResult, DescriptorSet) Measure(
        ICommunicator ranks, string name, Embedder embedder, ImageSet set, EvalConfig config, ImageLoader loader, Device device, Relay? progress, CancellationToken cancellation)
    {
        Descriptors extracted = DescriptorExtraction.Extract(embedder, set.Images, loader, progress, ranks, cancellation);
        ImageSet readable = set.Select(extracted.Indices);
        var descriptors = new DescriptorSet(extracted.Values, extracted.Dimension, extracted.Labels, set.Classes.Count);
        ModelResult result = DescriptorEvaluation.Run(name, readable, descriptors, loader.ImageSize, extracted.BadFiles, config, device, ranks, progress, cancellation);
        (result.Scales, result.Turns, result.Precision) = (embedder.Config.Scales, embedder.Config.Turns, embedder.Config.Precision);
        return (result, descriptors);
    }

    /// <summary>Puts data set and model in front of a stage's name.</summary>
    sealed class Relay(IProgress<Progress> to, string prefix) : IProgress<Progress>
    {
        public void Report(Progress value) => to.Report(value with { Stage = $"{prefix}: {value.Stage}" });
    }
}
