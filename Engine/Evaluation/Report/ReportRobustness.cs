using Osprey.Engine.Robust;
using Osprey.Kernels.Perturbation;

namespace Osprey.Engine.Evaluation.Report;

/// <summary>Tables and curves of attacked queries, over all data sets.</summary>
static class ReportRobustness
{
    public static void Write(Markup page, EvaluationResult result)
    {
        ChartKey[] keys = ChartKey.Of(result);
        page.Element("p",
            "The queries are attacked, the images searched are clean. The attack sees the network and moves each query's descriptor as far as it can (largest 1 − cosine) within the ball; " +
            "“clean” is measured on the same sample of queries. What it does to single images is shown with each data set.", "class", "soft");
        string? classifier = ReportTables.ShownClassifier(result.Results.SelectMany(r => r.Robust).SelectMany(r => r.Attacked.Keys));
        (string Figure, string Name)[] shown = [("map", "mAP"), .. classifier is null ? [] : ((string, string)[])[(classifier, ReportTables.ClassifierName(classifier) + " accuracy")]];
        foreach ((string figure, string name) in shown) Table(page, result, figure, name, keys);
        Chart.Legend(page, keys);
        using (page.Open("div", "class", "charts"))
            foreach (IGrouping<string, ModelResult> data in result.Results.GroupBy(r => r.Data))
                foreach (PerturbationNorm norm in data.SelectMany(r => r.Robust).Select(r => r.Norm).Distinct())
                    foreach ((string figure, string name) in shown) Curves(page, [.. data], keys, norm, figure, name);
        if (result.AttackSanity is { } sanity) ReportAttackChecks.Write(page, result, sanity);
    }

    /// <summary>One figure: a row per model, a column per threat after the clean one. All threats attack the same queries.</summary>
    static void Table(Markup page, EvaluationResult result, string figure, string name, ChartKey[] keys)
    {
        int queries = result.Results.SelectMany(r => r.Robust).Max(r => r.Queries);
        Threat[] threats = [.. result.Results.SelectMany(r => r.Robust).Select(r => r.Threat).Distinct()];
        using (ReportTables.Table(page, $"{name} of {(figure == "map" ? "attacked queries" : "attacked images")}, per cent; up to {queries} a data set"))
        {
            using (page.Open("thead"))
            using (page.Open("tr"))
            {
                page.Element("th", "Data", "scope", "col", "class", "name").Element("th", "Model", "scope", "col", "class", "name").Element("th", "clean", "scope", "col");
                foreach (Threat threat in threats)
                    using (page.Open("th", "scope", "col"))
                        page.Text(ThreatName(threat)).Element("small", (threat.Steps == 1 ? "1 step" : $"{threat.Steps} steps") + (threat.Restarts == 1 ? "" : $", worst of {threat.Restarts}"));
            }
            foreach (IGrouping<string, ModelResult> data in result.Results.Where(r => r.Robust.Count > 0).GroupBy(r => r.Data))
                using (page.Open("tbody"))
                {
                    ModelResult[] rows = [.. data];
                    for (int i = 0; i < rows.Length; i++)
                        using (page.Open("tr"))
                        {
                            if (i == 0) page.Element("th", data.Key, "scope", "rowgroup", "rowspan", $"{rows.Length}", "class", "name");
                            ReportTables.ModelName(page, ChartKey.Find(keys, rows[i].Model));
                            ReportTables.Cell(page, ReportTables.Optional(rows[i].Robust[0].Clean, figure), false);
                            foreach (Threat threat in threats)
                            {
                                Figure? mine = Attacked(rows[i], threat, figure);
                                ReportTables.Cell(page, mine, rows.Length > 1 && mine is { } value && rows.All(r => Attacked(r, threat, figure) is not { } other || other.Value <= value.Value));
                            }
                        }
                }
        }
    }

    static Figure? Attacked(ModelResult model, Threat threat, string figure) =>
        model.Robust.FirstOrDefault(r => r.Threat == threat) is { } report ? ReportTables.Optional(report.Attacked, figure) : null;

    /// <summary>One figure by radius, the clean one at 0.</summary>
    static void Curves(Markup page, ModelResult[] models, ChartKey[] keys, PerturbationNorm norm, string figure, string name)
    {
        bool linf = norm == PerturbationNorm.LInf;
        double Scaled(double epsilon) => linf ? epsilon * 255 : epsilon;
        Chart.Series[] series = [.. models.Select(m =>
        {
            RobustReport[] reports = [.. m.Robust.Where(r => r.Norm == norm && r.Attacked.ContainsKey(figure)).OrderBy(r => r.Epsilon)];
            return new Chart.Series(ChartKey.Find(keys, m.Model),
                [.. reports.Where(r => r.Epsilon > 0).Take(1).Select(r => (0.0, r.Clean[figure])), .. reports.Select(r => (Scaled(r.Epsilon), r.Attacked[figure]))]);
        }).Where(s => s.Points.Count > 0)];
        if (series.Length == 0) return;
        (double, string)[] xTicks = [.. series.SelectMany(s => s.Points).Select(p => p.X).Distinct().Order().Select(x => (x, x == 0 ? "clean" : x.ToString("0.##")))];
        Chart.Lines(page, $"{models[0].Data}: {name} under {NormName(norm)} attack, per cent", linf ? "ε, in 1/255" : "ε", series, xTicks, Chart.Percents(series.Max(s => s.Points.Max(p => p.Y.High))));
    }

    public static string NormName(PerturbationNorm norm) => norm == PerturbationNorm.LInf ? "ℓ∞" : "ℓ2";

    /// <summary>Norm and radius as a reader says them.</summary>
    public static string ThreatName(Threat threat) =>
        threat.Norm == PerturbationNorm.LInf ? $"ℓ∞, ε = {threat.Epsilon * 255:0.##}/255" : $"ℓ2, ε = {threat.Epsilon:0.###}";
}
