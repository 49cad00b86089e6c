namespace Osprey.Engine.Evaluation;

/// <summary>Models, or groups of runs, against the first of them: differences paired by query and by test image.</summary>
/// <remarks>A group's score of a query is the mean over its runs, so that the interval speaks of other queries to these runs, not of other runs; the deviation over runs does.</remarks>
static class Comparison
{
    /// <summary>Each later group against the first, on each data set where they measured the same queries, and over all sets.</summary>
    /// <param name="results">Everything measured.</param>
    /// <param name="groups">Of models; a model that stands alone is a group of one.</param>
    /// <param name="config">Bootstrap samples and seed are read.</param>
    public static (IReadOnlyList<ModelDifference> Each, IReadOnlyList<MeanDifference> Mean) Run(IReadOnlyList<ModelResult> results, IReadOnlyList<ModelGroup> groups, EvalConfig config)
    {
        var each = new List<ModelDifference>();
        var mean = new List<MeanDifference>();
        IGrouping<string, ModelResult>[] sets = [.. results.GroupBy(r => r.Data)];
        foreach (IGrouping<string, ModelResult> set in sets)
            foreach (ModelGroup later in groups.Skip(1))
                if (Pairs.Of(set, later, groups[0]) is { } pairs)
                {
                    Figure map = pairs.Map(config);
                    each.Add(new ModelDifference(later.Name, groups[0].Name, set.Key, map.Value, [map.Low, map.High]) { Accuracy = pairs.Accuracy(config) });
                }
        if (sets.Length < 2) return (each, mean);
        foreach (ModelGroup later in groups.Skip(1))
        {
            Pairs[] pairs = [.. sets.Select(s => Pairs.Of(s, later, groups[0])).OfType<Pairs>()];
            if (pairs.Length < 2) continue;
            Figure map = Bootstrap.MeanOfRatios([.. pairs.Select(p => (p.Precision, Ones(p.Precision.Length)))], config.BootstrapSamples, config.Seed);
            Pairs[] classified = [.. pairs.Where(p => p.Classifier == pairs[0].Classifier)];
            var accuracy = new Dictionary<string, Figure>();
            // A mean over other sets than the mAP's would be read as one over the same.
            if (pairs[0].Classifier is { } classifier && classified.Length == pairs.Length)
                accuracy[classifier] = Bootstrap.MeanOfRatios([.. pairs.Select(p => (p.Hits, p.Trials))], config.BootstrapSamples, config.Seed);
            mean.Add(new MeanDifference(later.Name, groups[0].Name, pairs.Length, map.Value, [map.Low, map.High]) { Accuracy = accuracy });
        }
        return (each, mean);
    }

    /// <summary>Mean and deviation over the runs of each group, on each data set.</summary>
    public static IReadOnlyList<GroupResult> Groups(IReadOnlyList<ModelResult> results, IReadOnlyList<ModelGroup> groups) =>
    [
        .. results.GroupBy(r => r.Data).SelectMany(set => groups.Select(group =>
        {
            ModelResult[] runs = Members(set, group);
            var figures = new Dictionary<string, (double, double)> { ["map"] = Spread([.. runs.Select(r => r.Retrieval.Map.Value)]) };
            if (runs.All(r => r.Classification is not null))
                figures[runs[0].Classification!.DetailsOf] = Spread([.. runs.Select(r => r.Classification!.Figures[r.Classification.DetailsOf].Value)]);
            return new GroupResult(group.Name, set.Key, group.Models) { Figures = figures };
        })),
    ];

    static ModelResult[] Members(IEnumerable<ModelResult> set, ModelGroup group) => [.. group.Models.Select(m => set.First(r => r.Model == m))];

    static (double Mean, double Deviation) Spread(double[] values)
    {
        double mean = values.Average();
        return (mean, values.Length > 1 ? Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / (values.Length - 1)) : double.NaN);
    }

    static double[] Ones(int count)
    {
        var ones = new double[count];
        Array.Fill(ones, 1);
        return ones;
    }

    /// <summary>Two groups on the same images of one set.</summary>
    /// <param name="Precision">[queries] differences of AP.</param>
    /// <param name="Classifier">The first; null where classification is not possible.</param>
    /// <param name="Hits">[images] differences of the times that it was right.</param>
    /// <param name="Trials">[images] times tested; the same for all models, whose splits are the same.</param>
    sealed record Pairs(double[] Precision, string? Classifier, double[] Hits, double[] Trials)
    {
        public static Pairs? Of(IEnumerable<ModelResult> set, ModelGroup later, ModelGroup first)
        {
            ModelResult[] ours = Members(set, later), theirs = Members(set, first), all = [.. ours, .. theirs];
            if (all.Any(r => !r.Retrieval.QueryIds.AsSpan().SequenceEqual(all[0].Retrieval.QueryIds) || r.Images != all[0].Images)) return null;
            double[] Mean(ModelResult[] runs, Func<ModelResult, int, double> of, int count) => [.. Enumerable.Range(0, count).Select(i => runs.Average(r => of(r, i)))];
            double[] Difference(Func<ModelResult, int, double> of, int count) => [.. Mean(ours, of, count).Zip(Mean(theirs, of, count), (a, b) => a - b)];
            double[] precision = Difference((r, q) => r.Retrieval.AveragePrecisions[q], all[0].Retrieval.QueryIds.Length);
            if (all.Any(r => r.Classification is null)) return new Pairs(precision, null, [], []);
            string classifier = all[0].Classification!.DetailsOf;
            TestCounts Counts(ModelResult r) => r.Classification!.Counts[classifier];
            return new Pairs(precision, classifier, Difference((r, i) => Counts(r).Hits[i], all[0].Images), [.. Counts(all[0]).Trials.Select(t => (double)t)]);
        }

        public Figure Map(EvalConfig config) => Bootstrap.Mean(Precision, config.BootstrapSamples, config.Seed);

        public Dictionary<string, Figure> Accuracy(EvalConfig config) => Classifier is null
            ? []
            : new() { [Classifier] = Bootstrap.MeanOfRatios([(Hits, Trials)], config.BootstrapSamples, config.Seed) };
    }
}
