using Osprey.Engine.Datasets;
using Osprey.Engine.Images;
using Osprey.Engine.Model;
using Osprey.Engine.Robust;
using Osprey.Interop.Torch;
using TorchSharp;
using static TorchSharp.torch;
using Device = Osprey.Kernels.Device;

namespace Osprey.Engine.Evaluation;

/// <summary>Measures a model while its queries are under a white-box attack.</summary>
/// <remarks>
/// The attack maximises d(f(x_adv), f(x)) = 1 − cosine, the distance by which an image's descriptor moves (Zhou et al., "embedding shift"):
/// it needs no labels and no knowledge of what is searched, so one attacked image serves retrieval and classification alike. It always
/// starts at a random point of the ball, since the distance has no gradient at the clean image. With restarts, each image keeps the try
/// that moved it farthest. The database, and the training part of the classifier, stay clean.
/// </remarks>
public static class RobustEvaluation
{
    /// <param name="embedder">Attacked through its own gradient, in evaluation mode with its main statistics; left in the mode it came in.</param>
    /// <param name="images">[N] the files behind <paramref name="set"/>.</param>
    /// <param name="set">[N] clean descriptors by the same embedder.</param>
    /// <param name="threat">The ball and the search.</param>
    /// <param name="config">Number of queries, cut-offs, neighbours and seed are read.</param>
    /// <param name="loader">Gives the images at the size that <paramref name="set"/> was extracted at.</param>
    /// <param name="device">Where the perturbation steps and the search run.</param>
    /// <param name="progress">In images.</param>
    /// <param name="cancellation">Checked between batches.</param>
    public static RobustReport Run(
        Embedder embedder, IReadOnlyList<LabelledImage> images, DescriptorSet set, Threat threat, EvalConfig config, ImageLoader loader, Device device,
        IProgress<Progress>? progress = null, CancellationToken cancellation = default)
    {
        Split split = ClassificationEvaluation.SplitOf(set, config.TrainFractions[0], config, 0);
        (int[] ids, float[] attacked, Dictionary<int, (float[], float[])> examples) = Attack(embedder, images, set, Choose(set, split, config), threat, config, loader, device, progress, cancellation);
        float[] clean = set.Rows(ids);
        double shift = 0;
        for (int i = 0; i < clean.Length; i++) shift -= (double)clean[i] * attacked[i];
        return new RobustReport(threat, Measure(set, attacked, ids, split, config, device, cancellation), Measure(set, clean, ids, split, config, device, cancellation))
        {
            Queries = ids.Length,
            Shift = 1 + shift / ids.Length,
            Examples = AdversarialExample.Create(examples, set, ids, attacked, images, loader.ImageSize, device),
        };
    }

    /// <summary>The images to attack: a seeded sample of the split's test part, in rising order, of classes that have other images.</summary>
    internal static int[] Choose(DescriptorSet set, Split split, EvalConfig config)
    {
        int[] counts = set.ClassCounts();
        int[] test = [.. split.Test.Where(i => counts[set.Labels[i]] > 1)];
        if (test.Length == 0) throw new ArgumentException("no class has two images, so there is no query to attack");
        new SeededRandom(config.Seed, 4).Shuffle(test.AsSpan());
        if (config.RobustQueries > 0 && config.RobustQueries < test.Length) test = test[..config.RobustQueries];
        Array.Sort(test);
        return test;
    }

    static (int[] Ids, float[] Descriptors, Dictionary<int, (float[] Clean, float[] Attacked)> Examples) Attack(
        Embedder embedder, IReadOnlyList<LabelledImage> images, DescriptorSet set, int[] chosen, Threat threat, EvalConfig config, ImageLoader loader, Device device,
        IProgress<Progress>? progress, CancellationToken cancellation)
    {
        int[] shown = AdversarialExample.Choose(chosen);
        var examples = new Dictionary<int, (float[], float[])>();
        var ids = new List<int>(chosen.Length);
        var descriptors = new float[chosen.Length * set.Dimension];
        bool wasTraining = embedder.training;
        NormBranch branch = embedder.Branch;
        embedder.eval();
        embedder.Branch = NormBranch.Main;
        try
        {
            using var attack = new Attack(device, threat);
            foreach (ImageBatch batch in loader.Load([.. chosen.Select(i => images[i])], cancellation))
            {
                cancellation.ThrowIfCancellationRequested();
                int[] batchIds = [.. batch.Indices.Select(i => chosen[i])];
                using (DisposeScope scope = NewDisposeScope())
                {
                    Tensor pixels = TensorMemory.FromSpan(batch.Pixels, batch.Count, 3, batch.Size, batch.Size);
                    Tensor clean = TensorMemory.FromSpan(set.Rows(batchIds), batch.Count, set.Dimension);
                    // Each batch its own stream of random starts.
                    ulong seed = new SeededRandom(config.Seed, 5, batchIds[0]).NextBits();
                    Tensor perturbed = attack.Perturb(pixels, x => DescriptorShift.Between(embedder.Describe(x), clean), seed);
                    embedder.Embed(TensorMemory.Read(perturbed), batch.Count, batch.Size, descriptors.AsSpan(ids.Count * set.Dimension, batch.Count * set.Dimension));
                    int values = 3 * batch.Size * batch.Size;
                    for (int i = 0; i < batch.Count; i++)
                        if (shown.Contains(batchIds[i]))
                            examples[batchIds[i]] = (batch.Pixels.AsSpan(i * values, values).ToArray(), TensorMemory.Read(perturbed).Slice(i * values, values).ToArray());
                }
                ids.AddRange(batchIds);
                progress?.Report(new Progress("attacking", ids.Count, chosen.Length, "images"));
            }
        }
        finally
        {
            embedder.train(wasTraining);
            embedder.Branch = branch;
        }
        return ([.. ids], descriptors[..(ids.Count * set.Dimension)], examples);
    }

    static Dictionary<string, Figure> Measure(DescriptorSet set, float[] queries, int[] ids, Split split, EvalConfig config, Device device, CancellationToken cancellation)
    {
        RetrievalReport retrieval = RetrievalEvaluation.Run(set, queries, ids, config, device.Threads, cancellation: cancellation);
        Dictionary<string, Figure> figures = retrieval.Figures.Where(f => f.Key == "map" || f.Key.StartsWith("p_at_", StringComparison.Ordinal)).ToDictionary();
        if (!ClassificationEvaluation.IsPossible(set)) return figures;
        int[] ks = [.. config.Neighbours.Distinct()], trials = [.. ids.Select(_ => 1)];
        int[][] predicted = KNearest.Predict(set, split.Train, queries, ks, device);
        for (int i = 0; i < ks.Length; i++)
        {
            int[] hits = [.. ids.Select((id, q) => predicted[i][q] == set.Labels[id] ? 1 : 0)];
            figures[$"knn_{ks[i]}"] = Bootstrap.Ratio(hits, trials, config.BootstrapSamples, config.Seed);
        }
        foreach (int support in config.SupportImages.Distinct())
        {
            // The support images of the classification protocol's first split.
            var random = new SeededRandom(config.Seed, 3, 0, support);
            int[] hits = new int[ids.Length];
            for (int draw = 0; draw < config.SupportRuns; draw++)
            {
                int[] classes = NearestMean.Predict(set, NearestMean.DrawSupport(set, split.Train, support, random), queries);
                for (int q = 0; q < hits.Length; q++) hits[q] += classes[q] == set.Labels[ids[q]] ? 1 : 0;
            }
            figures[$"nearest_mean_{support}"] = Bootstrap.Ratio(hits, [.. ids.Select(_ => config.SupportRuns)], config.BootstrapSamples, config.Seed);
        }
        return figures;
    }
}
