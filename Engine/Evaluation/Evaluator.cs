using Osprey.Engine.Datasets;
using Osprey.Engine.Images;
using Osprey.Engine.Model;
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
    /// <param name="cancellation">Checked throughout.</param>
    /// <exception cref="ArgumentException">The configuration is out of range, a name is given twice, or a set has nothing to retrieve.</exception>
    /// <exception cref="InvalidDataException">No image of a set can be read.</exception>
    public static EvaluationResult Run(
        IReadOnlyList<(string Name, Embedder Embedder)> models, IReadOnlyList<ImageSet> sets, EvalConfig config, DecodeOptions decoding, Device device,
        IProgress<Progress>? progress = null, CancellationToken cancellation = default)
    {
        config.Validate();
        if (models.Count == 0) throw new ArgumentException("no model is given; name at least one");
        if (sets.Count == 0) throw new ArgumentException("no data set is given; name at least one");
        if (models.GroupBy(m => m.Name).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new ArgumentException($"two models are called '{twice.Key}'; give each its own name");
        var results = new List<ModelResult>();
        var differences = new List<ModelDifference>();
        var galleries = new List<Gallery>();
        foreach (ImageSet set in sets)
        {
            var measured = new List<(ModelResult Result, DescriptorSet Set)>();
            var loaders = new Dictionary<int, ImageLoader>();
            foreach ((string name, Embedder embedder) in models)
            {
                int size = config.ImageSize ?? embedder.Config.ImageSize;
                if (!loaders.TryGetValue(size, out ImageLoader? loader)) loaders[size] = loader = CreateLoader(models, set, size, config, decoding, device);
                var relay = progress is null ? null : new Relay(progress, $"{set.Name}, {name}");
                measured.Add(Measure(name, embedder, set, config, loader, device, relay, cancellation));
            }
            results.AddRange(measured.Select(m => m.Result));
            differences.AddRange(DescriptorEvaluation.Differences([.. measured.Select(m => m.Result)], config));
            galleries.Add(Gallery.Create(measured, config, device));
        }
        return new EvaluationResult(galleries) { Results = results, Differences = differences, Config = config };
    }

    static ImageLoader CreateLoader(IReadOnlyList<(string Name, Embedder Embedder)> models, ImageSet set, int size, EvalConfig config, DecodeOptions decoding, Device device)
    {
        bool again = config.Threats.Count > 0 || models.Count(m => (config.ImageSize ?? m.Embedder.Config.ImageSize) == size) > 1;
        bool cache = again && 3L * size * size * set.Images.Count <= CacheBytes;
        return new ImageLoader(new ImageDecoder(decoding), size, config.BatchSize, device.Threads, cache);
    }

    static (ModelResult, DescriptorSet) Measure(
        string name, Embedder embedder, ImageSet set, EvalConfig config, ImageLoader loader, Device device, Relay? progress, CancellationToken cancellation)
    {
        Descriptors extracted = DescriptorExtraction.Extract(embedder, set.Images, loader, progress, cancellation);
        ImageSet readable = set.Select(extracted.Indices);
        var descriptors = new DescriptorSet(extracted.Values, extracted.Dimension, extracted.Labels, set.Classes.Count);
        ModelResult result = DescriptorEvaluation.Run(name, readable, descriptors, loader.ImageSize, extracted.BadFiles, config, device, progress, cancellation);
        result.Scales = embedder.Config.Scales;
        result.Robust = [.. config.Threats.Select(t => RobustEvaluation.Run(embedder, readable.Images, descriptors, t, config, loader, device, progress, cancellation))];
        return (result, descriptors);
    }

    /// <summary>Puts data set and model in front of a stage's name.</summary>
    sealed class Relay(IProgress<Progress> to, string prefix) : IProgress<Progress>
    {
        public void Report(Progress value) => to.Report(value with { Stage = $"{prefix}: {value.Stage}" });
    }
}
