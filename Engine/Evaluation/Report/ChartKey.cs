namespace Osprey.Engine.Evaluation.Report;

/// <summary>How a model is told from the others, in the same way all over the page.</summary>
/// <param name="Name">The model's.</param>
/// <param name="Style">Its place among the models: colour, mark and dashes follow from it.</param>
readonly record struct ChartKey(string Name, int Style)
{
    /// <summary>All models of an evaluation, in their order.</summary>
    public static ChartKey[] Of(EvaluationResult result) => [.. result.Results.Select(r => r.Model).Distinct().Select((name, i) => new ChartKey(name, i))];

    /// <summary>The key of a name; a run that was not measured comes after all that were.</summary>
    public static ChartKey Find(IReadOnlyList<ChartKey> keys, string name) =>
        keys.FirstOrDefault(k => k.Name == name, new ChartKey(name, keys.Count));
}
