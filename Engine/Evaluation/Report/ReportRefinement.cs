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
                            page.Element("th", r.Data, "scope", "row", "class", "name");
                            ReportTables.ModelName(page, ChartKey.Find(keys, r.Model));
                            page.Element("td", refined.Kind == RefinementKind.QueryExpansion ? "expanded" : "re-ranked", "class", "name");
                            ReportTables.Cell(page, refined.Retrieval.Map, false);
                            using (page.Open("td", "class", refined.Gain.Low > 0 ? "up" : refined.Gain.High < 0 ? "down" : null))
                                page.Text(Markup.Points(refined.Gain.Value)).Element("small", $"{Markup.Points(refined.Gain.Low)} to {Markup.Points(refined.Gain.High)}");
                            ReportTables.Cell(page, refined.Retrieval.Figures["anmrr"], false);
                        }
        }
    }
}
