using System.Text.Json.Serialization;

namespace Osprey.Engine.Evaluation;

/// <summary>How much better a model, or a group of runs, is than the first on one data set.</summary>
/// <remarks>As JSON besides <c>map</c> and <c>map_ci</c>: the first classifier's <c>knn_1</c> and <c>knn_1_ci</c>, where there is one.</remarks>
/// <param name="Model">The later model or group.</param>
/// <param name="Against">The first.</param>
/// <param name="Data">The data set.</param>
/// <param name="Map">Mean difference of AP, positive where <paramref name="Model"/> is better.</param>
/// <param name="MapCi">Its 95 % interval, paired by query.</param>
public sealed record ModelDifference(string Model, string Against, string Data, double Map, double[] MapCi)
{
    /// <summary>The first classifier's difference of accuracy, paired by test image, by its name; empty where classification is not possible.</summary>
    [JsonIgnore]
    public IReadOnlyDictionary<string, Figure> Accuracy { get; init; } = new Dictionary<string, Figure>();

    [JsonExtensionData]
    public IDictionary<string, object> Json => Figure.Flatten(Accuracy);
}

/// <summary>How much better a model, or a group of runs, is than the first over several data sets: the mean of the sets' differences.</summary>
/// <param name="Model">The later model or group.</param>
/// <param name="Against">The first.</param>
/// <param name="DataSets">How many sets both were measured on.</param>
/// <param name="Map">Mean over the sets of the mean difference of AP.</param>
/// <param name="MapCi">Its 95 % interval; queries are resampled within each set.</param>
public sealed record MeanDifference(string Model, string Against, int DataSets, double Map, double[] MapCi)
{
    /// <summary>As of <see cref="ModelDifference.Accuracy"/>.</summary>
    [JsonIgnore]
    public IReadOnlyDictionary<string, Figure> Accuracy { get; init; } = new Dictionary<string, Figure>();

    [JsonExtensionData]
    public IDictionary<string, object> Json => Figure.Flatten(Accuracy);
}
