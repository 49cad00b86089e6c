using Osprey.Engine.Datasets;
using Osprey.Engine.Distributed;
using Osprey.Engine.Retrieval;
using Osprey.Interop.Mpi;
using Osprey.Kernels;

namespace Osprey.Engine.Evaluation;

/// <summary>The classification protocol: seeded splits, every classifier on each, accuracy with intervals.</summary>
public static class ClassificationEvaluation
{
    /// <summary>Split <paramref name="run"/> of the protocol: what trains and what is tested.</summary>
    public static Split SplitOf(DescriptorSet set, double trainFraction, EvalConfig config, int run) =>
        config.Splits == SplitKind.Random ? Split.Random(set.Count, trainFraction, config.Seed + run) : Split.Stratified(set.Labels, trainFraction, config.Seed + run);

    /// <summary>Whether there are two classes with two images each, without which classification means nothing.</summary>
    public static bool IsPossible(DescriptorSet set) => set.ClassCounts().Count(n => n > 1) > 1;

    /// <param name="set">Descriptors and labels.</param>
    /// <param name="classes">[classes] names.</param>
    /// <param name="trainFraction">Share that trains, of each class or of all images as the configuration has it.</param>
    /// <param name="config">Classifiers, splits, runs and seed are read.</param>
    /// <param name="device">Where neighbours are searched.</param>
    /// <param name="ranks">Each fits the classifiers of a share of the splits, and has the report of all; null: this process fits all of them.</param>
    /// <param name="cancellation">Checked between classifiers.</param>
    public static ClassificationReport Run(DescriptorSet set, IReadOnlyList<string> classes, double trainFraction, EvalConfig config, Device device, ICommunicator? ranks = null, CancellationToken cancellation = default)
    {
        ranks ??= SingleProcess.Alone;
        Split[] splits = [.. Enumerable.Range(0, config.SplitRuns).Select(run => SplitOf(set, trainFraction, config, run))];
        (long from, long count) = new StoreShard(ranks.Rank, ranks.Size).Of(splits.Length);
        List<Prediction> own = [];
        int ownUnconverged = 0;
        for (int run = (int)from; run < from + count; run++)
        {
            var classifiers = new FittedClassifiers(set, splits[run].Train, config, run, device, cancellation);
            if (!classifiers.Converged) ownUnconverged++;
            own.AddRange(classifiers.Predict(set.Rows(splits[run].Test), cancellation).Select(p => new Prediction(run, p.Name, p.Predicted)));
        }
        int unconverged = ranks.Join([ownUnconverged]).Sum();
        var tallies = new Dictionary<string, Tally>();
        foreach (Prediction p in ranks.JoinRecords(own))
        {
            if (!tallies.TryGetValue(p.Classifier, out Tally? tally)) tallies[p.Classifier] = tally = new Tally(set);
            tally.Add(splits[p.Run].Test, p.Classes);
        }
        ConfusionMatrix first = tallies.Values.First().Confusion;
        return new ClassificationReport(
            tallies.ToDictionary(t => t.Key, t => t.Value.ToFigure(config)),
            tallies.ToDictionary(t => t.Key, t => t.Value.Confusion),
            tallies.ToDictionary(t => t.Key, t => t.Value.Counts))
        {
            TrainFraction = trainFraction,
            Splits = config.Splits,
            LinearUnconverged = unconverged > 0 ? unconverged : null,
            Runs = config.SplitRuns,
            TrainImages = splits[^1].Train.Length,
            TestImages = splits[^1].Test.Length,
            PerClass = Enumerable.Range(0, set.Classes).Where(c => first.Tested(c) > 0).ToDictionary(c => classes[c], first.Recall),
        };
    }

    /// <summary>What one classifier, fitted on the training part of one split, takes the images of its test part for.</summary>
    sealed record Prediction(int Run, string Classifier, int[] Classes);

    /// <summary>What one classifier got right, by image and by run.</summary>
    sealed class Tally(DescriptorSet set)
    {
        readonly List<double> accuracies = [];

        public TestCounts Counts { get; } = new(new int[set.Count], new int[set.Count]);

        public ConfusionMatrix Confusion { get; } = new(set.Classes);

        public void Add(int[] test, int[] predicted)
        {
            int right = 0;
            for (int t = 0; t < test.Length; t++)
            {
                int truth = set.Labels[test[t]];
                Confusion.Add(truth, predicted[t]);
                Counts.Trials[test[t]]++;
                if (predicted[t] != truth) continue;
                Counts.Hits[test[t]]++;
                right++;
            }
            accuracies.Add((double)right / test.Length);
        }

        public Figure ToFigure(EvalConfig config)
        {
            double mean = accuracies.Average();
            double deviation = accuracies.Count > 1 ? Math.Sqrt(accuracies.Sum(a => (a - mean) * (a - mean)) / (accuracies.Count - 1)) : double.NaN;
            return Bootstrap.Ratio(Counts.Hits, Counts.Trials, config.BootstrapSamples, config.Seed) with { Deviation = deviation };
        }
    }
}
