using System.Text.Json.Serialization;

namespace Osprey.Engine.Evaluation;

/// <summary>Runs of one recipe, by different seeds, that stand for it together.</summary>
/// <param name="Name">Of the group.</param>
/// <param name="Models">Names of its runs, at least one.</param>
public sealed record ModelGroup(string Name, IReadOnlyList<string> Models);

/// <summary>A group on one data set: means over its runs.</summary>
/// <remarks>As JSON <c>map</c>, <c>map_std</c> and the first classifier's <c>knn_1</c>, <c>knn_1_std</c>; the sample standard deviation is over runs.</remarks>
/// <param name="Group">Its name.</param>
/// <param name="Data">The data set.</param>
/// <param name="Models">Its runs.</param>
public sealed record GroupResult(string Group, string Data, IReadOnlyList<string> Models)
{
    /// <summary>By name: <c>map</c> and the first classifier; mean and sample standard deviation over runs (NaN of a single one).</summary>
    [JsonIgnore]
    public IReadOnlyDictionary<string, (double Mean, double Deviation)> Figures { get; init; } = new Dictionary<string, (double, double)>();

    [JsonExtensionData]
    public IDictionary<string, object> Json =>
        Figures.SelectMany(f => new (string Name, double Value)[] { (f.Key, f.Value.Mean), (f.Key + "_std", f.Value.Deviation) })
            .Where(f => !double.IsNaN(f.Value)).ToDictionary(f => f.Name, f => (object)f.Value);
}
