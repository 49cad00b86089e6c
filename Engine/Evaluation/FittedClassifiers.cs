using Osprey.Engine.Datasets;
using Osprey.Kernels;

namespace Osprey.Engine.Evaluation;

/// <summary>Every classifier of the protocol, fitted once on the training part of one split; what it then classifies may be clean, attacked or corrupted.</summary>
sealed class FittedClassifiers
{
    readonly DescriptorSet set;
    readonly int[] train, neighbours;
    readonly List<Supported> supported = [];
    readonly LinearProbe? probe;
    readonly Device device;

    /// <summary>One draw of support images, with what was fitted on it.</summary>
    sealed record Supported(int PerClass, int[] Support, SimpleCnaps Cnaps);

    /// <param name="set">Descriptors and labels.</param>
    /// <param name="train">Ids of the images whose labels are known.</param>
    /// <param name="config">Classifiers and seed are read.</param>
    /// <param name="run">Number of the split among the protocol's: each draws its own support images.</param>
    /// <param name="device">Where neighbours are searched; its threads do the rest.</param>
    /// <param name="cancellation">Checked between classifiers.</param>
    public FittedClassifiers(DescriptorSet set, int[] train, EvalConfig config, int run, Device device, CancellationToken cancellation)
    {
        this.set = set;
        this.train = train;
        this.device = device;
        neighbours = [.. config.Neighbours.Distinct()];
        foreach (int perClass in config.SupportImages.Distinct())
        {
            var random = new SeededRandom(config.Seed, 3, run, perClass);
            for (int draw = 0; draw < config.SupportRuns; draw++)
            {
                cancellation.ThrowIfCancellationRequested();
                int[] support = NearestMean.DrawSupport(set, train, perClass, random);
                supported.Add(new Supported(perClass, support, SimpleCnaps.Fit(set, support)));
            }
        }
        if (!config.LinearProbe) return;
        int[] labels = [.. train.Select(i => set.Labels[i])];
        probe = LinearProbe.Fit(set.Rows(train), labels, set.Dimension, set.Classes, config.LinearProbeC, device.Threads, cancellation);
    }

    /// <summary>Whether the linear probe, where there is one, came to its tolerance.</summary>
    public bool Converged => probe is null || probe.Outcome.Converged;

    /// <param name="queries">[Q, D].</param>
    /// <param name="cancellation">Checked between classifiers.</param>
    /// <returns>[Q] classes of each classifier: <c>knn_K</c>, then for each draw of N support images <c>nearest_mean_N</c> and <c>simple_cnaps_N</c>, then <c>linear</c>.</returns>
    public IEnumerable<(string Name, int[] Predicted)> Predict(float[] queries, CancellationToken cancellation)
    {
        int[][] byNeighbours = KNearest.Predict(set, train, queries, neighbours, device);
        for (int i = 0; i < neighbours.Length; i++) yield return ($"knn_{neighbours[i]}", byNeighbours[i]);
        foreach (Supported draw in supported)
        {
            cancellation.ThrowIfCancellationRequested();
            yield return ($"nearest_mean_{draw.PerClass}", NearestMean.Predict(set, draw.Support, queries));
            yield return ($"simple_cnaps_{draw.PerClass}", draw.Cnaps.Predict(queries, device.Threads));
        }
        if (probe is not null) yield return ("linear", probe.Predict(queries));
    }
}
