namespace Osprey.Engine.Evaluation.Report;

/// <summary>Which classes a classifier takes for which: the commonest pairs, then the whole matrix of each model.</summary>
static class ReportConfusion
{
    const int Pairs = 8;

    public static void Write(Markup page, ModelResult[] models, ChartKey[] keys)
    {
        ModelResult[] classified = [.. models.Where(m => m.Classification is not null)];
        if (classified.Length == 0) return;
        string classifier = ReportTables.ClassifierName(classified[0].Classification!.DetailsOf);
        page.Element("h3", $"Confusions of {classifier}");
        Commonest(page, classified, keys, classifier);
        foreach (ModelResult model in classified) Matrix(page, model, classifier);
    }

    /// <summary>The classifier of the table by class, over all runs.</summary>
    static ConfusionMatrix Of(ModelResult model) => model.Classification!.Confusions[model.Classification.DetailsOf];

    static double Share(ConfusionMatrix confusion, int truth, int predicted) => confusion.Tested(truth) == 0 ? double.NaN : (double)confusion[truth, predicted] / confusion.Tested(truth);

    static void Commonest(Markup page, ModelResult[] models, ChartKey[] keys, string classifier)
    {
        ConfusionMatrix last = Of(models[^1]);
        (int Truth, int Predicted)[] pairs =
        [
            .. from truth in Enumerable.Range(0, last.Classes)
               from predicted in Enumerable.Range(0, last.Classes)
               where truth != predicted && last[truth, predicted] > 0
               orderby Share(last, truth, predicted) descending, truth, predicted
               select (truth, predicted),
        ];
        if (pairs.Length == 0) return;
        using (ReportTables.Table(page, $"{models[0].Data}: the commonest of {models[^1].Model}, per cent of the true class's tested images"))
        {
            using (page.Open("thead"))
            using (page.Open("tr"))
            {
                page.Element("th", "True class", "scope", "col", "class", "name").Element("th", "taken for", "scope", "col", "class", "name");
                foreach (ModelResult m in models) page.Element("th", m.Model, "scope", "col");
            }
            using (page.Open("tbody"))
                foreach ((int truth, int predicted) in pairs.Take(Pairs))
                    using (page.Open("tr"))
                    {
                        page.Element("th", models[^1].Set.Classes[truth], "scope", "row").Element("td", models[^1].Set.Classes[predicted], "class", "name");
                        foreach (ModelResult m in models) page.Element("td", Markup.Percent(Share(Of(m), truth, predicted)));
                    }
        }
    }

    static void Matrix(Markup page, ModelResult model, string classifier)
    {
        ConfusionMatrix confusion = Of(model);
        int[] shown = [.. Enumerable.Range(0, confusion.Classes).Where(c => confusion.Tested(c) > 0)];
        using (page.Open("details", "class", "wide"))
        {
            page.Element("summary", $"Confusion matrix of {model.Model}");
            page.Element("p", "Rows: the true class; columns: the class it was taken for, by the number in its row; per cent of the row, 0 left blank. The diagonal, framed, is right.", "class", "soft");
            using (ReportTables.Table(page, $"{model.Data}: {classifier} with {model.Model}", "matrix"))
            {
                using (page.Open("thead"))
                using (page.Open("tr"))
                {
                    page.Element("th", "Class", "scope", "col", "class", "name");
                    for (int i = 0; i < shown.Length; i++) page.Element("th", $"{i + 1}", "scope", "col", "title", model.Set.Classes[shown[i]]);
                }
                using (page.Open("tbody"))
                    for (int i = 0; i < shown.Length; i++)
                        using (page.Open("tr"))
                        {
                            page.Element("th", $"{i + 1} {model.Set.Classes[shown[i]]}", "scope", "row");
                            foreach (int predicted in shown) Cell(page, confusion, shown[i], predicted);
                        }
            }
        }
    }

    static void Cell(Markup page, ConfusionMatrix confusion, int truth, int predicted)
    {
        int count = confusion[truth, predicted];
        double share = Share(confusion, truth, predicted);
        page.Element("td", count == 0 ? "" : share < 0.005 ? "<1" : $"{100 * share:0}", "class", truth == predicted ? "diagonal" : null,
            "style", count == 0 ? null : $"background:rgb(var(--heat) / {0.08 + 0.72 * share:0.00})");
    }
}
