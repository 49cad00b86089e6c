using Osprey.Engine.Robust;

namespace Osprey.Engine.Evaluation.Report;

/// <summary>Tables and curves of corrupted queries, over all data sets.</summary>
static class ReportCorruption
{
    public static void Write(Markup page, EvaluationResult result)
    {
        ChartKey[] keys = ChartKey.Of(result);
        page.Element("p",
            "The queries are corrupted without any adversary, the images searched are clean. Severity 1 is mild, 3 strong (turns are not degrees of severity); beside each kind are its amounts. " +
            "“As they are” is measured on the same sample of queries. Bold: the best model.", "class", "soft");
        IGrouping<string, ModelResult>[] sets = [.. result.Results.Where(r => r.Corruptions.Count > 0).GroupBy(r => r.Data)];
        string? classifier = ReportTables.ShownClassifier(sets.SelectMany(s => s).SelectMany(r => r.Corruptions).SelectMany(c => c.Corrupted.Keys));
        string[] figures = classifier is null ? ["map"] : ["map", classifier];
        Chart.Legend(page, keys);
        using (page.Open("div", "class", "charts"))
            foreach (IGrouping<string, ModelResult> data in sets)
                foreach (string figure in figures) Curves(page, [.. data], keys, figure);
        foreach (IGrouping<string, ModelResult> data in sets) Table(page, [.. data], keys, figures);
    }

    /// <summary>A block of rows per kind, model beneath model; a column per figure and severity.</summary>
    static void Table(Markup page, ModelResult[] models, ChartKey[] keys, string[] figures)
    {
        int[] severities = Severities(models);
        using (ReportTables.Table(page, $"{models[0].Data}: {models.Max(m => m.Corruptions[0].Queries)} corrupted queries by kind and severity, per cent"))
        {
            ReportTables.Head(page, ["Kind", "Model"], [.. figures.SelectMany(f => severities.Select(s => (ReportTables.FigureName(f), (string?)$"severity {s}")))]);
            Block(page, models, keys, "as they are", null, [.. figures.Select<string, Func<ModelResult, Figure?>>(f => m => ReportTables.Optional(m.Corruptions[0].Clean, f))], severities.Length);
            foreach (CorruptionKind kind in models.SelectMany(m => m.Corruptions).Select(c => c.Kind).Distinct())
                Block(page, models, keys, Name(kind), Amounts(kind, [.. severities.Select(s => new Corruption(kind, s).Amount)]),
                    [.. figures.SelectMany(f => severities.Select<int, Func<ModelResult, Figure?>>(s => m => m.Corruptions.FirstOrDefault(c => c.Kind == kind && c.Severity == s) is { } c ? ReportTables.Optional(c.Corrupted, f) : null))]);
            Block(page, models, keys, "mean over the kinds", null,
                [.. figures.SelectMany(f => severities.Select<int, Func<ModelResult, Figure?>>(s => m => m.MeanCorrupted(f, s) is double mean && !double.IsNaN(mean) ? new Figure(mean, double.NaN, double.NaN) : null))]);
        }
    }

    /// <param name="page">Written to.</param>
    /// <param name="models">The rows.</param>
    /// <param name="keys">Of all models.</param>
    /// <param name="name">Of the block.</param>
    /// <param name="amounts">Beneath it.</param>
    /// <param name="columns">A model's figures.</param>
    /// <param name="span">Columns of the table that each of these fills.</param>
    static void Block(Markup page, ModelResult[] models, ChartKey[] keys, string name, string? amounts, Func<ModelResult, Figure?>[] columns, int span = 1)
    {
        using (page.Open("tbody"))
            for (int i = 0; i < models.Length; i++)
                using (page.Open("tr"))
                {
                    if (i == 0)
                        using (page.Open("th", "scope", "rowgroup", "rowspan", $"{models.Length}", "class", "name"))
                        {
                            page.Text(name);
                            if (amounts is not null) page.Element("small", amounts);
                        }
                    ReportTables.ModelName(page, ChartKey.Find(keys, models[i].Model));
                    foreach (Func<ModelResult, Figure?> column in columns)
                    {
                        bool best = models.Length > 1 && column(models[i]) is { } mine && models.All(m => column(m) is not { } other || other.Value <= mine.Value);
                        ReportTables.Cell(page, column(models[i]), best, span);
                    }
                }
    }

    /// <summary>One figure by severity, mean over the kinds; as they are at 0.</summary>
    static void Curves(Markup page, ModelResult[] models, ChartKey[] keys, string figure)
    {
        int[] severities = Severities(models);
        Chart.Series[] series = [.. models.Where(m => m.Corruptions[0].Clean.ContainsKey(figure)).Select(m => new Chart.Series(ChartKey.Find(keys, m.Model),
            [(0, Plain(m.Corruptions[0].Clean[figure].Value)), .. severities.Select(s => ((double)s, Plain(m.MeanCorrupted(figure, s))))]))];
        if (series.Length == 0) return;
        (double, string)[] ticks = [(0, "as they are"), .. severities.Select(s => ((double)s, $"{s}"))];
        Chart.Lines(page, $"{models[0].Data}: {ReportTables.FigureName(figure)} of corrupted queries, mean over the kinds, per cent", "severity", series, ticks,
            Chart.Percents(series.Max(s => s.Points.Max(p => p.Y.Value))));
    }

    static Figure Plain(double value) => new(value, value, value);

    static int[] Severities(ModelResult[] models) => [.. models.SelectMany(m => m.Corruptions).Select(c => c.Severity).Distinct().Order()];

    static string Name(CorruptionKind kind) => kind switch
    {
        CorruptionKind.GaussianBlur => "blur",
        CorruptionKind.GaussianNoise => "noise",
        CorruptionKind.Jpeg => "JPEG",
        _ => kind.ToString().ToLowerInvariant(),
    };

    static string Amounts(CorruptionKind kind, double[] amounts)
    {
        string all = string.Join(", ", amounts.Select(a => kind == CorruptionKind.Rotation ? $"{a:0}°" : $"{a:0.##}"));
        return kind switch
        {
            CorruptionKind.GaussianBlur => $"σ {all} px of 256",
            CorruptionKind.GaussianNoise => $"σ {all} of the range",
            CorruptionKind.Haze => $"light through {all}",
            CorruptionKind.Jpeg => $"quality {all}",
            CorruptionKind.Brightness => $"× or ÷ {all}",
            CorruptionKind.Contrast => $"× {all}",
            _ => all,
        };
    }
}
