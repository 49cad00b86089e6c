namespace Osprey.Engine.Evaluation;

/// <summary>What each of some images scored when it was the query and when it was classified: a value from 0 to 1 per figure and image.</summary>
/// <remarks>Kept by image, so that the worst of several tries can be taken of each, and two attacks be compared in pairs.</remarks>
sealed class ImageScores
{
    readonly IReadOnlyDictionary<string, double[]> values;

    ImageScores(IReadOnlyDictionary<string, double[]> values) => this.values = values;

    /// <summary>Names: <c>map</c>, <c>p_at_k</c> of each cut-off, and the classifiers', where there are classes to tell apart.</summary>
    public IEnumerable<string> Names => values.Keys;

    /// <summary>[Q]: AP, P@k, or the share of a classifier's runs that were right.</summary>
    public double[] this[string name] => values[name];

    /// <param name="set">What is ranked.</param>
    /// <param name="queries">[Q, D].</param>
    /// <param name="ids">[Q]: the image of the set that each query is made from; its class has another image.</param>
    /// <param name="classifiers">Fitted on images that are not among <paramref name="ids"/>; null where classification is not possible.</param>
    /// <param name="config">Cut-offs are read.</param>
    /// <param name="threads">Host threads.</param>
    /// <param name="cancellation">Checked throughout.</param>
    public static ImageScores Of(DescriptorSet set, float[] queries, int[] ids, FittedClassifiers? classifiers, EvalConfig config, int threads, CancellationToken cancellation)
    {
        int[] cutOffs = [.. config.CutOffs.Distinct()];
        var values = new Dictionary<string, double[]> { ["map"] = new double[ids.Length] };
        foreach (int k in cutOffs) values[$"p_at_{k}"] = new double[ids.Length];
        PositiveRanks.ForEach(set, queries, ids, threads, (q, ranks) =>
        {
            values["map"][q] = RetrievalMetrics.AveragePrecision(ranks);
            foreach (int k in cutOffs) values[$"p_at_{k}"][q] = RetrievalMetrics.PrecisionAt(ranks, k);
        }, cancellation: cancellation);
        if (classifiers is null) return new ImageScores(values);
        var runs = new Dictionary<string, int>();
        foreach ((string name, int[] predicted) in classifiers.Predict(queries, cancellation))
        {
            if (!values.TryGetValue(name, out double[]? right)) values[name] = right = new double[ids.Length];
            runs[name] = runs.GetValueOrDefault(name) + 1;
            for (int q = 0; q < right.Length; q++) right[q] += predicted[q] == set.Labels[ids[q]] ? 1 : 0;
        }
        foreach ((string name, int count) in runs)
            for (int q = 0; q < ids.Length; q++) values[name][q] /= count;
        return new ImageScores(values);
    }

    /// <summary>The lower of two scores of each figure and image.</summary>
    public ImageScores Worst(ImageScores other) =>
        new(values.ToDictionary(v => v.Key, v => v.Value.Zip(other.values[v.Key], Math.Min).ToArray()));

    /// <summary>Means over the images with their intervals.</summary>
    public Dictionary<string, Figure> ToFigures(EvalConfig config) =>
        values.ToDictionary(v => v.Key, v => Bootstrap.Mean(v.Value, config.BootstrapSamples, config.Seed));
}
