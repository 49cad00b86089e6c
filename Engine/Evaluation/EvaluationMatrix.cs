namespace Osprey.Engine.Evaluation;

/// <summary>Models by data sets: with a model trained on each source, the matrix of sources and targets.</summary>
/// <param name="Models">[M] names of the rows.</param>
/// <param name="Data">[D] names of the columns.</param>
/// <param name="Classifier">What <paramref name="Accuracy"/> is of: the first of the k-NN classifiers.</param>
/// <param name="Map">[M][D] standard mAP.</param>
/// <param name="Accuracy">[M][D] of the first train fraction; NaN where classification is not possible.</param>
public sealed record EvaluationMatrix(IReadOnlyList<string> Models, IReadOnlyList<string> Data, string Classifier, double[][] Map, double[][] Accuracy)
{
    /// <returns>Null of a single data set, which is a column and no matrix.</returns>
    internal static EvaluationMatrix? Of(IReadOnlyList<ModelResult> results)
    {
        string[] models = [.. results.Select(r => r.Model).Distinct()], data = [.. results.Select(r => r.Data).Distinct()];
        if (data.Length < 2) return null;
        string classifier = results.Select(r => r.Classification?.DetailsOf).OfType<string>().FirstOrDefault() ?? "knn_1";
        double[][] Fill(Func<ModelResult, double> of) => [.. models.Select(m => data.Select(d => of(results.First(r => r.Model == m && r.Data == d))).ToArray())];
        return new EvaluationMatrix(models, data, classifier, Fill(r => r.Retrieval.Map.Value), Fill(r => r.Classification?.Figures[classifier].Value ?? double.NaN));
    }
}
