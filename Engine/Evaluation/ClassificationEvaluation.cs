using Osprey.Engine.Datasets;
using Osprey.Kernels;

namespace Osprey.Engine.Evaluation;

/// <summary>The classification protocol: seeded stratified splits, every classifier on each, accuracy with intervals.</summary>
public static class ClassificationEvaluation
{
    /// <summary>Split <paramref name="run"/> of the protocol: what trains and what is tested.</summary>
    public static Split SplitOf(DescriptorSet set, double trainFraction, EvalConfig config, int run) =>
        Split.Stratified(set.Labels, trainFraction, config.Seed + run);

    /// <summary>Whether there are two classes with two images each, without which classification means nothing.</summary>
    public static bool IsPossible(DescriptorSet set) => set.ClassCounts().Count(n => n > 1) > 1;

    /// <param name="set">Descriptors and labels.</param>
    /// <param name="classes">[classes] names.</param>
    /// <param name="trainFraction">Share of each class that trains.</param>
    /// <param name="config">Classifiers, runs and seed are read.</param>
    /// <param name="device">Where neighbours are searched.</param>
    /// <param name="cancellation">Checked between classifiers.</param>
    public static ClassificationReport Run(DescriptorSet set, IReadOnlyList<string> classes, double trainFraction, EvalConfig config, Device device, CancellationToken cancellation = default)
    {
        var tallies = new Dictionary<string, Tally>();
        Split split = SplitOf(set, trainFraction, config, 0);
        for (int run = 0; run < config.SplitRuns; run++)
        {
            if (run > 0) split = SplitOf(set, trainFraction, config, run);
            foreach ((string name, int[] predicted) in Predict(set, split, config, run, device, cancellation))
            {
                if (!tallies.TryGetValue(name, out Tally? tally)) tallies[name] = tally = new Tally(set);
                tally.Add(split.Test, predicted);
            }
        }
        ConfusionMatrix first = tallies.Values.First().Confusion;
        return new ClassificationReport(
            tallies.ToDictionary(t => t.Key, t => t.Value.ToFigure(config)),
            tallies.ToDictionary(t => t.Key, t => t.Value.Confusion))
        {
            TrainFraction = trainFraction,
            Runs = config.SplitRuns,
            TrainImages = split.Train.Length,
            TestImages = split.Test.Length,
            PerClass = Enumerable.Range(0, set.Classes).Where(c => first.Tested(c) > 0).ToDictionary(c => classes[c], first.Recall),
        };
    }

    static IEnumerable<(string Name, int[] Predicted)> Predict(DescriptorSet set, Split split, EvalConfig config, int run, Device device, CancellationToken cancellation)
    {
        int[] ks = [.. config.Neighbours.Distinct()];
        float[] test = set.Rows(split.Test);
        int[][] byNeighbours = KNearest.Predict(set, split.Train, test, ks, device);
        for (int i = 0; i < ks.Length; i++) yield return ($"knn_{ks[i]}", byNeighbours[i]);
        foreach (int support in config.SupportImages.Distinct())
        {
            var random = new SeededRandom(config.Seed, 3, run, support);
            for (int draw = 0; draw < config.SupportRuns; draw++)
            {
                cancellation.ThrowIfCancellationRequested();
                yield return ($"nearest_mean_{support}", NearestMean.Predict(set, NearestMean.DrawSupport(set, split.Train, support, random), split.Test));
            }
        }
        if (config.LinearProbe)
        {
            int[] labels = [.. split.Train.Select(i => set.Labels[i])];
            LinearProbe probe = LinearProbe.Fit(set.Rows(split.Train), labels, set.Dimension, set.Classes, config.LinearProbeC, device.Threads, cancellation);
            yield return ("linear", probe.Predict(test));
        }
    }

    /// <summary>What one classifier got right, by image and by run.</summary>
    sealed class Tally(DescriptorSet set)
    {
        readonly int[] hits = new int[set.Count], trials = new int[set.Count];
        readonly List<double> accuracies = [];

        public ConfusionMatrix Confusion { get; } = new(set.Classes);

        public void Add(int[] test, int[] predicted)
        {
            int right = 0;
            for (int t = 0; t < test.Length; t++)
            {
                int truth = set.Labels[test[t]];
                Confusion.Add(truth, predicted[t]);
                trials[test[t]]++;
                if (predicted[t] != truth) continue;
                hits[test[t]]++;
                right++;
            }
            accuracies.Add((double)right / test.Length);
        }

        public Figure ToFigure(EvalConfig config)
        {
            double mean = accuracies.Average();
            double deviation = accuracies.Count > 1 ? Math.Sqrt(accuracies.Sum(a => (a - mean) * (a - mean)) / (accuracies.Count - 1)) : double.NaN;
            return Bootstrap.Ratio(hits, trials, config.BootstrapSamples, config.Seed) with { Deviation = deviation };
        }
    }
}
