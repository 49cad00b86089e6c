using System.Text.Json.Serialization;

namespace Osprey.Engine.Evaluation;

/// <summary>Top-1 accuracy of classifiers on frozen descriptors, over seeded splits of one share.</summary>
/// <remarks>
/// As JSON: the counts, then for each classifier <c>knn_1</c>, <c>knn_1_ci</c> (over test images) and <c>knn_1_std</c> (over runs), and so on.
/// </remarks>
public sealed class ClassificationReport
{
    internal ClassificationReport(
        IReadOnlyDictionary<string, Figure> figures, IReadOnlyDictionary<string, ConfusionMatrix> confusions, IReadOnlyDictionary<string, TestCounts> counts)
    {
        Counts = counts;
        Figures = figures;
        Confusions = confusions;
    }

    /// <summary>Share that trains: of each class, or of all images where <see cref="Splits"/> are random.</summary>
    public required double TrainFraction { get; init; }

    /// <summary>How the images were divided.</summary>
    public required SplitKind Splits { get; init; }

    /// <summary>Random splits the figures are means over.</summary>
    public required int Runs { get; init; }

    public required int TrainImages { get; init; }

    public required int TestImages { get; init; }

    /// <summary>Runs in which the linear probe stopped short of its tolerance, so that its figure is not that of the optimum; null where there is none.</summary>
    public int? LinearUnconverged { get; init; }

    /// <summary>By classifier: <c>knn_K</c>, <c>nearest_mean_N</c>, <c>simple_cnaps_N</c> and, where it was fitted, <c>linear</c>.</summary>
    [JsonIgnore]
    public IReadOnlyDictionary<string, Figure> Figures { get; }

    /// <summary>By classifier, all runs together.</summary>
    [JsonIgnore]
    public IReadOnlyDictionary<string, ConfusionMatrix> Confusions { get; }

    /// <summary>By classifier, image by image.</summary>
    [JsonIgnore]
    internal IReadOnlyDictionary<string, TestCounts> Counts { get; }

    /// <summary>The classifier that <see cref="PerClass"/> and <see cref="Confusion"/> are of.</summary>
    public string DetailsOf => Figures.Keys.First();

    /// <summary>Accuracy by class name; a class without test images is absent.</summary>
    public required IReadOnlyDictionary<string, double> PerClass { get; init; }

    /// <summary>[truth][predicted], counts.</summary>
    public int[][] Confusion => Confusions[DetailsOf].ToRows();

    [JsonExtensionData]
    public IDictionary<string, object> Json => Figure.Flatten(Figures);
}

/// <summary>How often each image of a set was tested, and how often recognised; over all splits and draws of support images.</summary>
/// <param name="Hits">[N].</param>
/// <param name="Trials">[N].</param>
readonly record struct TestCounts(int[] Hits, int[] Trials);
