using Osprey.Engine.Robust;
using Osprey.Kernels.Perturbation;

namespace Osprey.Engine.Evaluation.Report;

/// <summary>The tables and charts over all data sets.</summary>
static class ReportTables
{
    public static void Summary(Markup page, EvaluationResult result)
    {
        string[] models = Models(result);
        page.Element("p", "Per cent, with the bootstrap 95 % interval beneath. Bold: the best model of a data set. ANMRR is better the smaller, everything else the larger.", "class", "soft");
        bool classified = result.Results.Any(r => r.Classification is not null);
        string[] classifiers = [.. Classifiers(result).Where(c => c is "knn_1" or "nearest_mean_5" or "linear")];
        if (classifiers.Length == 0) classifiers = Classifiers(result);
        int cutOff = result.Config.CutOffs.MinBy(k => Math.Abs(k - 10));
        (string Header, Func<ModelResult, Figure?> Of, bool SmallerIsBetter)[] columns =
        [
            ("mAP", r => r.Retrieval.Map, false), ($"P@{cutOff}", r => r.Retrieval.Figures[$"p_at_{cutOff}"], false), ("ANMRR", r => r.Retrieval.Figures["anmrr"], true),
            .. classifiers.Select(c => (ClassifierName(c), (Func<ModelResult, Figure?>)(r => r.Classification?.Figures.GetValueOrDefault(c)), false)),
        ];
        using (Table(page, "Retrieval and classification, clean images"))
        {
            using (page.Open("thead"))
            using (page.Open("tr"))
            {
                page.Element("th", "Data", "scope", "col", "class", "name").Element("th", "Model", "scope", "col", "class", "name");
                foreach ((string header, _, _) in columns) page.Element("th", header, "scope", "col");
                if (result.Differences.Count > 0) page.Element("th", $"mAP − {models[0]}", "scope", "col");
            }
            using (page.Open("tbody"))
                foreach (IGrouping<string, ModelResult> data in result.Results.GroupBy(r => r.Data))
                {
                    ModelResult[] rows = [.. data];
                    for (int i = 0; i < rows.Length; i++) SummaryRow(page, rows, i, columns, result, Array.IndexOf(models, rows[i].Model));
                }
        }
        if (classified)
        {
            ClassificationReport c = result.Results.First(r => r.Classification is not null).Classification!;
            page.Element("p", $"Classifiers train on {100 * c.TrainFraction:0.#} % of each class and are tested on the rest; mean over {c.Runs} random splits.", "class", "soft");
        }
        Chart.Legend(page, models);
        using (page.Open("div", "class", "charts"))
        {
            Chart.Bars(page, "mAP, per cent", Groups(result, r => r.Retrieval.Map));
            if (classified) Chart.Bars(page, $"{ClassifierName(classifiers[0])} accuracy, per cent", Groups(result, r => r.Classification?.Figures.GetValueOrDefault(classifiers[0])));
        }
        AllFigures(page, result, models);
    }

    /// <summary>Retrieval with expanded queries and re-ranked answers beside the plain ranking.</summary>
    public static void Refined(Markup page, EvaluationResult result)
    {
        string[] models = Models(result);
        page.Element("p", "The same queries and images, with each query expanded by its neighbours, or its answer re-ranked. The gain over the plain ranking is paired by query.", "class", "soft");
        using (Table(page, "Expanded and re-ranked, clean images, per cent"))
        {
            using (page.Open("thead"))
            using (page.Open("tr"))
            {
                foreach (string name in (string[])["Data", "Model", "Ranking"]) page.Element("th", name, "scope", "col", "class", "name");
                foreach (string figure in (string[])["mAP", "gain", "ANMRR"]) page.Element("th", figure, "scope", "col");
            }
            using (page.Open("tbody"))
                foreach (ModelResult r in result.Results)
                    foreach (RefinedReport refined in r.Refined ?? [])
                        using (page.Open("tr"))
                        {
                            page.Element("td", r.Data, "class", "name");
                            ModelName(page, r.Model, Array.IndexOf(models, r.Model));
                            page.Element("td", refined.Kind == RefinementKind.QueryExpansion ? "expanded" : "re-ranked", "class", "name");
                            Cell(page, refined.Retrieval.Map, false);
                            using (page.Open("td", "class", refined.Gain.Low > 0 ? "up" : refined.Gain.High < 0 ? "down" : null))
                                page.Text(Markup.Points(refined.Gain.Value)).Element("small", $"{Markup.Points(refined.Gain.Low)} to {Markup.Points(refined.Gain.High)}");
                            Cell(page, refined.Retrieval.Figures["anmrr"], false);
                        }
        }
    }

    static void SummaryRow(Markup page, ModelResult[] rows, int i, (string, Func<ModelResult, Figure?> Of, bool SmallerIsBetter)[] columns, EvaluationResult result, int series)
    {
        using (page.Open("tr", "class", i == 0 ? "first" : null))
        {
            if (i == 0)
                using (page.Open("th", "scope", "rowgroup", "rowspan", $"{rows.Length}", "class", "name"))
                    page.Text(rows[0].Data).Element("small", $"{rows[0].Images:N0} images", "class", "soft");
            ModelName(page, rows[i].Model, series);
            foreach ((_, Func<ModelResult, Figure?> of, bool smallerIsBetter) in columns)
            {
                double[] all = [.. rows.Select(of).OfType<Figure>().Select(f => f.Value)];
                bool best = of(rows[i]) is { } mine && rows.Length > 1 && mine.Value == (smallerIsBetter ? all.Min() : all.Max());
                Cell(page, of(rows[i]), best);
            }
            if (result.Differences.Count == 0) return;
            ModelDifference? difference = result.Differences.FirstOrDefault(d => d.Data == rows[i].Data && d.Model == rows[i].Model);
            if (difference is null) page.Element("td", "");
            else
                using (page.Open("td", "class", difference.MapCi[0] > 0 ? "up" : difference.MapCi[1] < 0 ? "down" : null))
                    page.Text(Markup.Points(difference.Map)).Element("small", $"{Markup.Points(difference.MapCi[0])} to {Markup.Points(difference.MapCi[1])}");
        }
    }

    public static void UnderAttack(Markup page, EvaluationResult result)
    {
        string[] models = Models(result);
        page.Element("p",
            "The queries are attacked, the images searched are clean. The attack sees the network and moves each query's descriptor as far as it can (largest 1 − cosine) within the ball; " +
            "“clean” is measured on the same sample of queries.", "class", "soft");
        AttackTable(page, result, "map", "mAP", models);
        // The other classifiers are in the JSON: one tells the story.
        string? classifier = result.Results.SelectMany(r => r.Robust).SelectMany(r => r.Attacked.Keys).FirstOrDefault(k => k.StartsWith("knn_", StringComparison.Ordinal));
        if (classifier is not null) AttackTable(page, result, classifier, ClassifierName(classifier) + " accuracy", models);
        Chart.Legend(page, models);
        using (page.Open("div", "class", "charts"))
            foreach (IGrouping<string, ModelResult> data in result.Results.GroupBy(r => r.Data))
                foreach (IGrouping<PerturbationNorm, Threat> norm in result.Config.Threats.GroupBy(t => t.Norm))
                    Robustness(page, [.. data], norm.Key);
    }

    /// <summary>One figure: a row per model, a column per threat after the clean one. All threats attack the same queries.</summary>
    static void AttackTable(Markup page, EvaluationResult result, string figure, string name, string[] models)
    {
        int queries = result.Results.SelectMany(r => r.Robust).Max(r => r.Queries);
        using (Table(page, $"{name} of {(figure == "map" ? "attacked queries" : "attacked images")}, per cent; up to {queries} a data set"))
        {
            using (page.Open("thead"))
            using (page.Open("tr"))
            {
                page.Element("th", "Data", "scope", "col", "class", "name").Element("th", "Model", "scope", "col", "class", "name").Element("th", "clean", "scope", "col");
                foreach (Threat threat in result.Config.Threats)
                    using (page.Open("th", "scope", "col"))
                        page.Text(ThreatName(threat)).Element("small", threat.Steps == 1 ? "1 step" : $"{threat.Steps} steps");
            }
            using (page.Open("tbody"))
                foreach (IGrouping<string, ModelResult> data in result.Results.Where(r => r.Robust.Count > 0).GroupBy(r => r.Data))
                {
                    ModelResult[] rows = [.. data];
                    for (int i = 0; i < rows.Length; i++)
                        using (page.Open("tr", "class", i == 0 ? "first" : null))
                        {
                            if (i == 0) page.Element("th", data.Key, "scope", "rowgroup", "rowspan", $"{rows.Length}", "class", "name");
                            ModelName(page, rows[i].Model, Array.IndexOf(models, rows[i].Model));
                            Cell(page, Optional(rows[i].Robust[0].Clean, figure), false);
                            foreach (RobustReport robust in rows[i].Robust)
                                Cell(page, Optional(robust.Attacked, figure), rows.Length > 1 && IsBest(rows, r => r.Robust.First(o => o.Threat == robust.Threat), robust, figure));
                        }
                }
        }
    }

    static bool IsBest(ModelResult[] rows, Func<ModelResult, RobustReport> of, RobustReport mine, string figure) =>
        Optional(mine.Attacked, figure) is { } value && rows.All(r => Optional(of(r).Attacked, figure) is not { } other || other.Value <= value.Value);

    static Figure? Optional(IReadOnlyDictionary<string, Figure> figures, string name) => figures.TryGetValue(name, out Figure figure) ? figure : null;

    /// <summary>Every figure that was measured on clean images, for those who look for theirs.</summary>
    static void AllFigures(Markup page, EvaluationResult result, string[] models)
    {
        using (page.Open("details"))
        {
            page.Element("summary", "All figures");
            string[] names = [.. result.Results.SelectMany(r => r.Retrieval.Figures.Keys.Concat(r.Classification?.Figures.Keys ?? [])).Distinct()];
            using (Table(page, "All figures of clean images, per cent, by their names in the JSON"))
            {
                using (page.Open("thead"))
                using (page.Open("tr"))
                {
                    page.Element("th", "Figure", "scope", "col", "class", "name");
                    foreach (ModelResult r in result.Results)
                        using (page.Open("th", "scope", "col"))
                            page.Element("span", "", "class", "swatch", "style", "background:" + Chart.Colour(Array.IndexOf(models, r.Model))).Text(r.Model).Element("small", r.Data);
                }
                using (page.Open("tbody"))
                    foreach (string name in names)
                        using (page.Open("tr"))
                        {
                            page.Element("th", name, "scope", "row");
                            foreach (ModelResult r in result.Results) Cell(page, Optional(r.Retrieval.Figures, name) ?? (r.Classification is { } c ? Optional(c.Figures, name) : null), false);
                        }
            }
        }
    }

    /// <summary>mAP by radius, the clean figure at 0.</summary>
    static void Robustness(Markup page, ModelResult[] models, PerturbationNorm norm)
    {
        bool linf = norm == PerturbationNorm.LInf;
        double Scaled(double epsilon) => linf ? epsilon * 255 : epsilon;
        Chart.Series[] series = [.. models.Select(m =>
        {
            RobustReport[] reports = [.. m.Robust.Where(r => r.Norm == norm).OrderBy(r => r.Epsilon)];
            return new Chart.Series(m.Model, [.. reports.Where(r => r.Epsilon > 0).Take(1).Select(r => (0.0, r.Clean["map"])), .. reports.Select(r => (Scaled(r.Epsilon), r.Attacked["map"]))]);
        }).Where(s => s.Points.Count > 0)];
        if (series.Length == 0) return;
        (double, string)[] xTicks = [.. series.SelectMany(s => s.Points).Select(p => p.X).Distinct().Order().Select(x => (x, x == 0 ? "clean" : x.ToString("0.##")))];
        Chart.Lines(page, $"{models[0].Data}: mAP under {NormName(norm)} attack, per cent", linf ? "ε, in 1/255" : "ε", series, xTicks, Percents(series.Max(s => s.Points.Max(p => p.Y.High))));
    }

    /// <summary>Ticks of a fraction's axis that ends a little above <paramref name="most"/>.</summary>
    static (double, string)[] Percents(double most)
    {
        int step = most > 0.5 ? 20 : 10, top = Math.Min(100, (int)Math.Ceiling(Math.Max(most, 0.05) * 100 / step) * step);
        return [.. Enumerable.Range(0, top / step + 1).Select(i => (i * step / 100.0, $"{i * step}"))];
    }

    static List<(string, IReadOnlyList<Chart.Bar>)> Groups(EvaluationResult result, Func<ModelResult, Figure?> of) =>
        [.. result.Results.GroupBy(r => r.Data).Select(g => (g.Key, (IReadOnlyList<Chart.Bar>)[.. g.Where(r => of(r) is not null).Select(r => new Chart.Bar(r.Model, of(r)!.Value))])).Where(g => g.Item2.Count > 0)];

    /// <summary>A captioned table that scrolls by itself where the screen is narrow.</summary>
    public static TableScope Table(Markup page, string caption, string? kind = null) => new(page, caption, kind);

    public readonly struct TableScope : IDisposable
    {
        readonly Markup.Closer scroll, table;

        public TableScope(Markup page, string caption, string? kind)
        {
            scroll = page.Open("div", "class", "scroll", "tabindex", "0", "role", "region", "aria-label", caption);
            table = page.Open("table", "class", kind);
            page.Element("caption", caption);
        }

        public void Dispose()
        {
            table.Dispose();
            scroll.Dispose();
        }
    }

    public static void ModelName(Markup page, string name, int series)
    {
        using (page.Open("th", "scope", "row"))
            page.Element("span", "", "class", "swatch", "style", "background:" + Chart.Colour(series)).Text(name);
    }

    static void Cell(Markup page, Figure? figure, bool best)
    {
        using (page.Open("td", "class", best ? "best" : null))
        {
            if (figure is { } f) page.Text(Markup.Percent(f.Value)).Element("small", $"{Markup.Percent(f.Low)}–{Markup.Percent(f.High)}");
            else page.Text("–");
        }
    }

    public static string[] Models(EvaluationResult result) => [.. result.Results.Select(r => r.Model).Distinct()];

    static string[] Classifiers(EvaluationResult result) => [.. result.Results.SelectMany(r => r.Classification?.Figures.Keys ?? []).Distinct()];

    /// <summary><c>knn_1</c> as a reader says it.</summary>
    public static string ClassifierName(string key) =>
        key.StartsWith("knn_", StringComparison.Ordinal) ? key[4..] + "-NN"
        : key.StartsWith("nearest_mean_", StringComparison.Ordinal) ? $"class mean, {key["nearest_mean_".Length..]}-shot"
        : key == "linear" ? "linear probe" : key;

    static string NormName(PerturbationNorm norm) => norm == PerturbationNorm.LInf ? "ℓ∞" : "ℓ2";

    static string ThreatName(Threat threat) =>
        threat.Norm == PerturbationNorm.LInf ? $"ℓ∞, ε = {threat.Epsilon * 255:0.##}/255" : $"ℓ2, ε = {threat.Epsilon:0.###}";
}
