namespace Osprey.Engine.Evaluation.Report;

/// <summary>Models beside each other: groups of runs, paired differences from the first, models by data sets.</summary>
static class ReportComparison
{
    /// <summary>Whether there is anything to compare.</summary>
    public static bool HasAny(EvaluationResult result) => result.Groups.Count > 0 || result.Differences.Count > 0 || result.Matrix is not null;

    public static void Write(Markup page, EvaluationResult result, IReadOnlyList<ModelOrigin> origins)
    {
        ChartKey[] keys = ChartKey.Of(result);
        if (result.Groups.Count > 0) Groups(page, result, origins, keys);
        if (result.Differences.Count > 0) Differences(page, result);
        if (result.Matrix is { } matrix) Matrix(page, matrix, origins, keys);
    }

    /// <summary>Of each data set a row per group, mean ± deviation, with its runs beneath.</summary>
    static void Groups(Markup page, EvaluationResult result, IReadOnlyList<ModelOrigin> origins, ChartKey[] keys)
    {
        string[] figures = [.. result.Groups.SelectMany(g => g.Figures.Keys).Distinct()];
        page.Element("h3", "Groups of runs");
        page.Element("p", "Runs of one recipe, by different seeds, that stand for it together: their mean ± the sample standard deviation over them, and each run beneath with its interval over queries.", "class", "soft");
        using (ReportTables.Table(page, "Groups and their runs, per cent"))
        {
            ReportTables.Head(page, ["Data", "Group or run", "Seed"], [.. figures.Select(ReportTables.FigureName)]);
            foreach (IGrouping<string, GroupResult> data in result.Groups.GroupBy(g => g.Data))
                using (page.Open("tbody"))
                {
                    string? first = data.Key;
                    foreach (GroupResult group in data)
                    {
                        using (page.Open("tr", "class", "group"))
                        {
                            if (first is not null) page.Element("th", first, "scope", "rowgroup", "rowspan", $"{data.Sum(g => 1 + g.Models.Count)}", "class", "name");
                            first = null;
                            page.Element("th", group.Group, "scope", "row", "class", "name").Element("td", group.Models.Count == 1 ? "1 run" : $"{group.Models.Count} runs", "class", "name");
                            foreach (string figure in figures) page.Element("td", group.Figures.TryGetValue(figure, out var f) ? Markup.Percent(f.Mean) + (double.IsNaN(f.Deviation) ? "" : $" ± {Markup.Percent(f.Deviation)}") : "–");
                        }
                        foreach (string model in group.Models)
                            using (page.Open("tr"))
                            {
                                ModelResult run = result.Results.First(r => r.Data == data.Key && r.Model == model);
                                ReportTables.ModelName(page, ChartKey.Find(keys, model));
                                page.Element("td", origins.FirstOrDefault(o => o.Name == model)?.Seed ?? "–", "class", "name");
                                foreach (string figure in figures) ReportTables.Cell(page, Measured(run, figure), false);
                            }
                    }
                }
        }
    }

    static Figure? Measured(ModelResult run, string figure) =>
        figure == "map" ? run.Retrieval.Map : run.Classification is { } c ? ReportTables.Optional(c.Figures, figure) : null;

    static void Differences(Markup page, EvaluationResult result)
    {
        string against = result.Differences[0].Against;
        bool grouped = result.Groups.Count > 0;
        string[] classifiers = [.. result.Differences.SelectMany(d => d.Accuracy.Keys).Distinct()];
        (string Data, string Model, Figure Map, IReadOnlyDictionary<string, Figure> Accuracy)[] rows =
        [
            .. result.Differences.Select(d => (d.Data, d.Model, new Figure(d.Map, d.MapCi[0], d.MapCi[1]), d.Accuracy)),
            .. result.MeanDifferences.Select(d => ($"mean of {d.DataSets} sets", d.Model, new Figure(d.Map, d.MapCi[0], d.MapCi[1]), d.Accuracy)),
        ];
        page.Element("h3", $"Differences from {against}");
        page.Element("p",
            $"Points of per cent by which each {(grouped ? "group" : "model")} is better than {against} on the same queries and test images, with the 95 % interval of the paired difference. " +
            $"Coloured where the interval leaves out 0: + better, − worse.{(grouped ? " The interval speaks of other queries to these runs, not of other runs." : "")}", "class", "soft");
        using (ReportTables.Table(page, $"Differences from {against}, points of per cent"))
        {
            ReportTables.Head(page, ["Data", grouped ? "Group" : "Model"], ["mAP", .. classifiers.Select(ReportTables.FigureName)]);
            foreach (var data in rows.GroupBy(r => r.Data))
                using (page.Open("tbody"))
                {
                    int left = data.Count();
                    string? first = data.Key;
                    foreach (var row in data)
                        using (page.Open("tr"))
                        {
                            if (first is not null) page.Element("th", first, "scope", "rowgroup", "rowspan", $"{left}", "class", "name");
                            first = null;
                            page.Element("th", row.Model, "scope", "row", "class", "name");
                            ReportTables.Gain(page, row.Map);
                            foreach (string classifier in classifiers) ReportTables.Gain(page, ReportTables.Optional(row.Accuracy, classifier));
                        }
                }
        }
    }

    /// <summary>Where each model was trained, then its figure on every data set, and their mean.</summary>
    static void Matrix(Markup page, EvaluationMatrix matrix, IReadOnlyList<ModelOrigin> origins, ChartKey[] keys)
    {
        page.Element("h3", "Models by data sets");
        page.Element("p", "A row per model with the set that it was trained on, a column per set that it is measured on. A set that a model has learned from is marked: its figures there are not those of a new collection.", "class", "soft");
        (string Name, double[][] Values)[] figures = [("mAP", matrix.Map), (ReportTables.FigureName(matrix.Classifier), matrix.Accuracy)];
        foreach ((string name, double[][] values) in figures.Where(f => f.Values.SelectMany(v => v).Any(v => !double.IsNaN(v))))
            using (ReportTables.Table(page, $"{name} of models by data sets, per cent"))
            {
                ReportTables.Head(page, ["Model", "Trained on"], [.. matrix.Data, "mean"]);
                using (page.Open("tbody"))
                    for (int m = 0; m < matrix.Models.Count; m++)
                    {
                        string? source = origins.FirstOrDefault(o => o.Name == matrix.Models[m])?.Source;
                        using (page.Open("tr"))
                        {
                            ReportTables.ModelName(page, ChartKey.Find(keys, matrix.Models[m]));
                            page.Element("td", source ?? "–", "class", "name");
                            for (int d = 0; d < matrix.Data.Count; d++) ReportTables.Meter(page, values[m][d], matrix.Data[d] == source ? "trained on it" : null);
                            ReportTables.Meter(page, values[m].Average());
                        }
                    }
            }
    }
}
