using Osprey.Engine.Evaluation;
using Spectre.Console;

namespace Osprey.Tool.Hosting;

/// <summary>Models beside each other: every classifier, groups of runs, paired differences, models by data sets.</summary>
static class ComparisonTables
{
    /// <summary>Groups, differences and the matrix, as far as there are any, each with a line that says what it is.</summary>
    public static IEnumerable<(string Caption, Table Table)> Create(EvaluationResult result)
    {
        if (result.Groups.Count > 0) yield return ("groups of runs, mean ± sample standard deviation over them:", Groups(result));
        if (result.Differences.Count > 0) yield return ($"differences from {result.Differences[0].Against}, points, paired:", Differences(result));
        if (result.Matrix is { } matrix) yield return ("models by data sets:", Matrix(matrix));
    }

    /// <summary>Accuracy of every classifier, mean over splits and draws.</summary>
    public static Table? Classifiers(EvaluationResult result)
    {
        string[] names = [.. result.Results.SelectMany(r => r.Classification?.Figures.Keys ?? []).Distinct().OrderBy(Order)];
        if (names.Length == 0) return null;
        bool several = EvaluationTables.Several(result);
        Table table = Tables.Create([.. EvaluationTables.Lead(several), .. names.Select(n => ">" + EvaluationTables.Name(n))]);
        foreach (ModelResult r in result.Results.Where(r => r.Classification is not null))
            table.Row([.. EvaluationTables.Lead(several, r), .. names.Select(n => Tables.Percent(r.Classification!.Figures[n].Value))]);
        return table;
    }

    static int Order(string name) => name.StartsWith("knn", StringComparison.Ordinal) ? 0 : name.StartsWith("nearest", StringComparison.Ordinal) ? 1 : name.StartsWith("simple", StringComparison.Ordinal) ? 2 : 3;

    static Table Groups(EvaluationResult result)
    {
        string[] figures = [.. result.Groups.SelectMany(g => g.Figures.Keys).Distinct()];
        Table table = Tables.Create(["data", "group", ">runs", .. figures.Select(f => $">{EvaluationTables.Name(f)} ± std")]);
        foreach (GroupResult g in result.Groups)
            table.Row([g.Data, g.Group, $"{g.Models.Count}", .. figures.Select(f => g.Figures.TryGetValue(f, out var s) ? $"{Tables.Percent(s.Mean)} ± {Tables.Percent(s.Deviation)}" : "–")]);
        return table;
    }

    static Table Differences(EvaluationResult result)
    {
        string against = result.Differences[0].Against;
        string[] classifiers = [.. result.Differences.SelectMany(d => d.Accuracy.Keys).Distinct()];
        Table table = Tables.Create(["data", $"model − {against}", ">mAP", ">95 % interval", .. classifiers.SelectMany(c => new[] { ">" + EvaluationTables.Name(c), ">95 % interval" })]);
        foreach (ModelDifference d in result.Differences) table.Row([d.Data, d.Model, .. Cells(d.Map, d.MapCi), .. classifiers.SelectMany(c => Cells(d.Accuracy, c))]);
        foreach (MeanDifference d in result.MeanDifferences) table.Row([$"mean of {d.DataSets}", d.Model, .. Cells(d.Map, d.MapCi), .. classifiers.SelectMany(c => Cells(d.Accuracy, c))]);
        return table;
    }

    static string[] Cells(IReadOnlyDictionary<string, Figure> figures, string name) => figures.TryGetValue(name, out Figure f) ? Cells(f.Value, [f.Low, f.High]) : ["–", "–"];

    static string[] Cells(double value, double[] interval) => [Tables.Points(value), $"{Tables.Points(interval[0])} to {Tables.Points(interval[1])}"];

    static Table Matrix(EvaluationMatrix matrix)
    {
        bool classified = matrix.Accuracy.SelectMany(a => a).Any(a => !double.IsNaN(a));
        string[] columns = [.. matrix.Data, "mean"];
        string accuracy = EvaluationTables.Name(matrix.Classifier);
        Table table = Tables.Create(["model", .. columns.Select(d => $">mAP {d}"), .. classified ? columns.Select(d => $">{accuracy} {d}") : []]);
        for (int m = 0; m < matrix.Models.Count; m++)
            table.Row([matrix.Models[m], .. Cells(matrix.Map[m]), .. classified ? Cells(matrix.Accuracy[m]) : []]);
        return table;
    }

    static IEnumerable<string> Cells(double[] row) => row.Append(row.Average()).Select(v => Tables.Percent(v));
}
