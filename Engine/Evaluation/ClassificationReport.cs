using System.Text.Json.Serialization;

namespace Osprey.Engine.Evaluation;

/// <summary>Top-1 accuracy of classifiers on frozen descriptors, over seeded stratified splits of one share.</summary>
/// <remarks>
/// As JSON: the counts, then for each classifier <c>knn_1</c>, <c>knn_1_ci</c> (over test images) and <c>knn_1_std</c> (over runs), and so on.
/// </remarks>
public sealed class ClassificationReport
{
    internal ClassificationReport(IReadOnlyDictionary<string, Figure> figures, IReadOnlyDictionary<string, ConfusionMatrix> confusions)
    {
        Figures = figures;
        Confusions = confusions;
    }

    /// <summary>Share of each class that trains.</summary>
    public required double TrainFraction { get; init; }

    /// <summary>Random splits the figures are means over.</summary>
    public required int Runs { get; init; }

    public required int TrainImages { get; init; }

    public required int TestImages { get; init; }

    /// <summary>By classifier: <c>knn_K</c>, <c>nearest_mean_N</c> and, where it was fitted, <c>linear</c>.</summary>
    [JsonIgnore]
    public IReadOnlyDictionary<string, Figure> Figures { get; }

    /// <summary>By classifier, all runs together.</summary>
    [JsonIgnore]
    public IReadOnlyDictionary<string, ConfusionMatrix> Confusions { get; }

    /// <summary>The classifier that <see cref="PerClass"/> and <see cref="Confusion"/> are of.</summary>
    public string DetailsOf => Figures.Keys.First();

    /// <summary>Accuracy by class name; a class without test images is absent.</summary>
    public required IReadOnlyDictionary<string, double> PerClass { get; init; }

    /// <summary>[truth][predicted], counts.</summary>
    public int[][] Confusion => Confusions[DetailsOf].ToRows();

    [JsonExtensionData]
    public IDictionary<string, object> Json => Figure.Flatten(Figures);
}
