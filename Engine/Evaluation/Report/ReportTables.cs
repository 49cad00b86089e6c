namespace Osprey.Engine.Evaluation.Report;

/// <summary>The tables and charts over all data sets.</summary>
static class ReportTables
{
    public static void Summary(Markup page, EvaluationResult result)
    {
        ChartKey[] keys = ChartKey.Of(result);
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
            }
            foreach (IGrouping<string, ModelResult> data in result.Results.GroupBy(r => r.Data))
                using (page.Open("tbody"))
                {
                    ModelResult[] rows = [.. data];
                    for (int i = 0; i < rows.Length; i++) SummaryRow(page, rows, i, columns, ChartKey.Find(keys, rows[i].Model));
                }
        }
        if (classified)
        {
            ClassificationReport c = result.Results.First(r => r.Classification is not null).Classification!;
            page.Element("p", $"Classifiers train on {100 * c.TrainFraction:0.#} % of {(c.Splits == SplitKind.Random ? "the images, by lot," : "each class")} and are tested on the rest; mean over {c.Runs} random splits.", "class", "soft");
        }
        Chart.Legend(page, keys);
        using (page.Open("div", "class", "charts"))
        {
            Chart.Bars(page, "mAP, per cent", Groups(result, keys, r => r.Retrieval.Map));
            if (classified) Chart.Bars(page, $"{ClassifierName(classifiers[0])} accuracy, per cent", Groups(result, keys, r => r.Classification?.Figures.GetValueOrDefault(classifiers[0])));
        }
        AllFigures(page, result, keys);
    }

    static void SummaryRow(Markup page, ModelResult[] rows, int i, (string, Func<ModelResult, Figure?> Of, bool SmallerIsBetter)[] columns, ChartKey key)
    {
        using (page.Open("tr"))
        {
            if (i == 0)
                using (page.Open("th", "scope", "rowgroup", "rowspan", $"{rows.Length}", "class", "name"))
                    page.Text(rows[0].Data).Element("small", $"{rows[0].Images:N0} images", "class", "soft");
            ModelName(page, key);
            foreach ((_, Func<ModelResult, Figure?> of, bool smallerIsBetter) in columns)
            {
                double[] all = [.. rows.Select(of).OfType<Figure>().Select(f => f.Value)];
                bool best = of(rows[i]) is { } mine && rows.Length > 1 && mine.Value == (smallerIsBetter ? all.Min() : all.Max());
                Cell(page, of(rows[i]), best);
            }
        }
    }

    public static Figure? Optional(IReadOnlyDictionary<string, Figure> figures, string name) => figures.TryGetValue(name, out Figure figure) ? figure : null;

    /// <summary>Every figure that was measured on clean images, for those who look for theirs.</summary>
    static void AllFigures(Markup page, EvaluationResult result, ChartKey[] keys)
    {
        using (page.Open("details", "class", PrintWidth(keys.Length)))
        {
            page.Element("summary", "All figures");
            foreach (IGrouping<string, ModelResult> data in result.Results.GroupBy(r => r.Data))
            {
                using (Table(page, $"All figures of {data.Key}, clean images, per cent, by their names in the JSON"))
                {
                    using (page.Open("thead"))
                    using (page.Open("tr"))
                    {
                        page.Element("th", "Figure", "scope", "col", "class", "name");
                        foreach (ModelResult r in data)
                            using (page.Open("th", "scope", "col"))
                                Swatch(page, ChartKey.Find(keys, r.Model)).Text(r.Model);
                    }
                    using (page.Open("tbody"))
                        foreach (string name in data.SelectMany(FigureNames).Distinct())
                            using (page.Open("tr"))
                            {
                                page.Element("th", name, "scope", "row");
                                foreach (ModelResult r in data) Cell(page, Optional(r.Retrieval.Figures, name) ?? (r.Classification is { } c ? Optional(c.Figures, name) : null), false);
                            }
                }
            }
        }
    }

    static IEnumerable<string> FigureNames(ModelResult result) => [.. result.Retrieval.Figures.Keys, .. result.Classification?.Figures.Keys ?? []];

    /// <summary>The class of what has a table of that many columns with figures: more than a sheet of paper holds upright are printed across it.</summary>
    public static string? PrintWidth(int columns) => columns > 8 ? "wide" : null;

    static List<(string, IReadOnlyList<Chart.Bar>)> Groups(EvaluationResult result, ChartKey[] keys, Func<ModelResult, Figure?> of) =>
        [.. result.Results.GroupBy(r => r.Data)
            .Select(g => (g.Key, (IReadOnlyList<Chart.Bar>)[.. g.Where(r => of(r) is not null).Select(r => new Chart.Bar(ChartKey.Find(keys, r.Model), of(r)!.Value))]))
            .Where(g => g.Item2.Count > 0)];

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

    /// <summary>The head of a table: words to the left, then figures to the right.</summary>
    public static void Head(Markup page, IEnumerable<string> names, IEnumerable<string> figures) => Head(page, names, figures.Select(f => (f, (string?)null)));

    /// <summary>The same, with something small beneath a figure's name.</summary>
    public static void Head(Markup page, IEnumerable<string> names, IEnumerable<(string Name, string? Beneath)> figures)
    {
        using (page.Open("thead"))
        using (page.Open("tr"))
        {
            foreach (string name in names) page.Element("th", name, "scope", "col", "class", "name");
            foreach ((string name, string? beneath) in figures)
                using (page.Open("th", "scope", "col"))
                {
                    page.Text(name);
                    if (beneath is not null) page.Element("small", beneath);
                }
        }
    }

    /// <param name="rows">Rows of the table that it heads.</param>
    public static void ModelName(Markup page, ChartKey key, int rows = 1)
    {
        using (page.Open("th", "scope", rows == 1 ? "row" : "rowgroup", "rowspan", rows == 1 ? null : $"{rows}", "class", "name"))
            Swatch(page, key).Text(key.Name);
    }

    static Markup Swatch(Markup page, ChartKey key) => page.Element("span", "", "class", "swatch", "style", "background:" + Chart.Colour(key.Style));

    /// <summary>A figure with its interval, where it has one, beneath.</summary>
    /// <param name="page">Written to.</param>
    /// <param name="figure">Null where it was not measured; limits that are NaN are no interval.</param>
    /// <param name="best">Whether it is shown as the best.</param>
    /// <param name="columns">Of the table, that it fills.</param>
    public static void Cell(Markup page, Figure? figure, bool best, int columns = 1)
    {
        using (page.Open("td", "class", best ? "best" : null, "colspan", columns == 1 ? null : $"{columns}"))
        {
            page.Text(figure is { } f ? Markup.Percent(f.Value) : "–");
            if (figure is { } g && !double.IsNaN(g.Low)) page.Element("small", $"{Markup.Percent(g.Low)}–{Markup.Percent(g.High)}");
        }
    }

    /// <summary>A difference in points with its interval beneath, coloured where that leaves out 0.</summary>
    public static void Gain(Markup page, Figure? difference)
    {
        if (difference is not { } d) page.Element("td", "–");
        else
            using (page.Open("td", "class", d.Low > 0 ? "up" : d.High < 0 ? "down" : null))
                page.Text(Markup.Points(d.Value)).Element("small", $"{Markup.Points(d.Low)} to {Markup.Points(d.High)}");
    }

    /// <summary>A fraction, the cell filled in proportion.</summary>
    /// <param name="page">Written to.</param>
    /// <param name="fraction">0…1; NaN where it was not measured.</param>
    /// <param name="beneath">A word beneath it, or null.</param>
    public static void Meter(Markup page, double fraction, string? beneath = null)
    {
        using (page.Open("td", "class", "meter", "style", double.IsNaN(fraction) ? null : $"--v:{Markup.Percent(fraction)}%"))
        {
            page.Text(Markup.Percent(fraction));
            if (beneath is not null) page.Element("small", beneath);
        }
    }

    static string[] Classifiers(EvaluationResult result) => [.. result.Results.SelectMany(r => r.Classification?.Figures.Keys ?? []).Distinct()];

    /// <summary>The classifier that the curves and tables show beside mAP, if any was measured: one tells the story, and the others are in the JSON.</summary>
    public static string? ShownClassifier(IEnumerable<string> figures) => figures.FirstOrDefault(k => k.StartsWith("knn_", StringComparison.Ordinal));

    /// <summary><c>map</c>, or a classifier's accuracy, as a reader says it.</summary>
    public static string FigureName(string key) => key == "map" ? "mAP" : ClassifierName(key);

    /// <summary><c>knn_1</c> as a reader says it.</summary>
    public static string ClassifierName(string key) =>
        key.StartsWith("knn_", StringComparison.Ordinal) ? key[4..] + "-NN"
        : key.StartsWith("nearest_mean_", StringComparison.Ordinal) ? $"class mean, {key["nearest_mean_".Length..]}-shot"
        : key.StartsWith("simple_cnaps_", StringComparison.Ordinal) ? $"Simple CNAPS, {key["simple_cnaps_".Length..]}-shot"
        : key == "linear" ? "linear probe" : key;
}
