namespace Osprey.Engine.Evaluation.Report;

/// <summary>Whether the attacks can be believed: pairs of which one ought to be the stronger.</summary>
static class ReportAttackChecks
{
    /// <param name="page">Written to.</param>
    /// <param name="result">With at least one check.</param>
    /// <param name="sanity">Of that result.</param>
    public static void Write(Markup page, EvaluationResult result, AttackSanity sanity)
    {
        ChartKey[] keys = ChartKey.Of(result);
        (ModelResult Model, AttackCheck Check)[] all = [.. result.Results.SelectMany(r => r.AttackChecks, (r, c) => (r, c))];
        page.Element("h3", "Can the attack be believed?");
        page.Element("p",
            "Of two attacks on the same images one ought to be no weaker than the other. Where it is, the network may mask its gradients: the attack fails although worse images exist, and the figures above look better than they are. " +
            "A check fails where the attack that ought to be stronger falls short by more than 1 point (of the shift by 2 %) and by more than chance explains.", "class", "soft");
        using (page.Open("p"))
            page.Element("strong", sanity.Passed ? $"Passed: {sanity.Checks} comparisons." : $"Failed in {sanity.Failed.Count} of {sanity.Checks} comparisons.", "class", sanity.Passed ? "up" : "down");
        if (!sanity.Passed) Table(page, "Comparisons that failed", [.. all.Where(c => !c.Check.Passed)], keys);
        using (page.Open("details"))
        {
            page.Element("summary", "All comparisons");
            Table(page, "All comparisons", all, keys);
        }
    }

    static void Table(Markup page, string caption, (ModelResult Model, AttackCheck Check)[] checks, ChartKey[] keys)
    {
        string[] figures = [.. checks.SelectMany(c => c.Check.Figures).Select(f => f.Name).Distinct()];
        using (ReportTables.Table(page, $"{caption}: under the attack that ought to be weaker → stronger; per cent, and 1 − cosine of the shift"))
        {
            ReportTables.Head(page, ["Data", "Model", "Norm", "Ought to be weaker", "Ought to be stronger", "Outcome"], [.. figures.Select(f => (f == "shift" ? f : ReportTables.FigureName(f), (string?)null))]);
            foreach (var data in checks.GroupBy(c => c.Model.Data))
                using (page.Open("tbody"))
                {
                    (ModelResult Model, AttackCheck Check)[] rows = [.. data];
                    for (int i = 0; i < rows.Length; i++)
                        using (page.Open("tr"))
                        {
                            AttackCheck check = rows[i].Check;
                            if (i == 0) page.Element("th", data.Key, "scope", "rowgroup", "rowspan", $"{rows.Length}", "class", "name");
                            ReportTables.ModelName(page, ChartKey.Find(keys, rows[i].Model.Model));
                            page.Element("td", ReportRobustness.NormName(check.Norm), "class", "name").Element("td", check.Weaker, "class", "name").Element("td", check.Stronger, "class", "name");
                            page.Element("td", check.Passed ? "passed" : "failed", "class", check.Passed ? "name" : "name down");
                            foreach (string figure in figures) Cell(page, check.Figures.FirstOrDefault(f => f.Name == figure));
                        }
                }
        }
    }

    static void Cell(Markup page, AttackCheckFigure? figure)
    {
        if (figure is null) page.Element("td", "–");
        else
            page.Element("td", figure.Name == "shift" ? $"{figure.Weaker:0.000} → {figure.Stronger:0.000}" : $"{Markup.Percent(figure.Weaker)} → {Markup.Percent(figure.Stronger)}",
                "class", figure.Passed ? null : "down");
    }
}
