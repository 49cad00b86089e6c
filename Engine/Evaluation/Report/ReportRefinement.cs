namespace Osprey.Engine.Evaluation.Report;

/// <summary>What looking at the neighbours' neighbours gains.</summary>
static class ReportRefinement
{
    /// <summary>Retrieval with expanded queries and re-ranked answers beside the plain ranking.</summary>
    public static void Write(Markup page, EvaluationResult result)
    {
        ChartKey[] keys = ChartKey.Of(result);
        page.Element("p", "The same queries and images, with each query expanded by its neighbours, or its answer re-ranked. The gain over the plain ranking is paired by query.", "class", "soft");
        using (ReportTables.Table(page, "Expanded and re-ranked, clean images, per cent"))
        {
            ReportTables.Head(page, ["Data", "Model", "Ranking"], ["mAP", "gain", "ANMRR"]);
            using (page.Open("tbody"))
                foreach (ModelResult r in result.Results)
                    foreach (RefinedReport refined in r.Refined ?? [])
                        using (page.Open("tr"))
                        {
                            page.Element("th", r.Data, "scope", "row", "class", "name");
                            ReportTables.ModelName(page, ChartKey.Find(keys, r.Model));
                            page.Element("td", refined.Kind == RefinementKind.QueryExpansion ? "expanded" : "re-ranked", "class", "name");
                            ReportTables.Cell(page, refined.Retrieval.Map, false);
                            ReportTables.Gain(page, refined.Gain);
                            ReportTables.Cell(page, refined.Retrieval.Figures["anmrr"], false);
                        }
        }
    }
}
