namespace Osprey.Engine.Evaluation.Report;

/// <summary>How the measured models were trained: losses by step, retrieval on the held-out part by epoch.</summary>
static class ReportTraining
{
    public static void Write(Markup page, IReadOnlyList<TrainingCurve> curves, ChartKey[] keys)
    {
        page.Element("p", "Losses of different recipes or losses are not on one scale; each curve shows its own run's way. Averaged over neighbouring steps.", "class", "soft");
        Chart.Legend(page, curves.Select(c => ChartKey.Find(keys, c.Name)));
        using (page.Open("div", "class", "charts"))
        {
            Losses(page, "Training loss, what was minimised", curves, keys, c => c.Points);
            Losses(page, "Training loss on attacked images", curves, keys, c => c.Attacked);
            HeldOut(page, curves, keys);
        }
        Epochs(page, curves, keys);
    }

    static void Losses(Markup page, string title, IReadOnlyList<TrainingCurve> curves, ChartKey[] keys, Func<TrainingCurve, IReadOnlyList<(double Step, double Loss)>> of)
    {
        TrainingCurve[] shown = [.. curves.Where(c => of(c).Count > 0)];
        if (shown.Length == 0) return;
        Chart.Lines(page, title, "step", [.. shown.Select(c => new Chart.Series(ChartKey.Find(keys, c.Name), [.. of(c).Select(p => (p.Step, new Figure(p.Loss, p.Loss, p.Loss)))], Marked: false))],
            [.. Chart.Ticks(shown.Max(c => of(c)[^1].Step))], [.. Chart.Ticks(shown.Max(c => of(c).Max(p => p.Loss)))]);
    }

    static void HeldOut(Markup page, IReadOnlyList<TrainingCurve> curves, ChartKey[] keys)
    {
        Chart.Series[] series = [.. curves.Select(c => new Chart.Series(ChartKey.Find(keys, c.Name),
            [.. c.Epochs.Where(e => e.HeldOutMap is not null).Select(e => ((double)e.Epoch, new Figure(e.HeldOutMap!.Value, e.HeldOutMap.Value, e.HeldOutMap.Value)))])).Where(s => s.Points.Count > 0)];
        if (series.Length == 0) return;
        Chart.Lines(page, "mAP on the held-out part of the source, per cent", "epoch", series, [.. Chart.Ticks(series.Max(s => s.Points[^1].X)).Where(t => t.At == Math.Round(t.At))],
            Chart.Percents(series.Max(s => s.Points.Max(p => p.Y.Value))));
    }

    /// <summary>The same in numbers.</summary>
    static void Epochs(Markup page, IReadOnlyList<TrainingCurve> curves, ChartKey[] keys)
    {
        TrainingCurve[] shown = [.. curves.Where(c => c.Epochs.Count > 0)];
        if (shown.Length == 0) return;
        bool heldOut = shown.Any(c => c.Epochs.Any(e => e.HeldOutMap is not null));
        using (page.Open("details"))
        {
            page.Element("summary", "By epoch");
            using (ReportTables.Table(page, heldOut ? "Mean loss of an epoch, and mAP on the held-out part after it, per cent" : "Mean loss of an epoch"))
            {
                using (page.Open("thead"))
                using (page.Open("tr"))
                {
                    page.Element("th", "Model", "scope", "col", "class", "name").Element("th", "Epoch", "scope", "col").Element("th", "Steps", "scope", "col").Element("th", "Loss", "scope", "col");
                    if (heldOut) page.Element("th", "mAP", "scope", "col");
                }
                foreach (TrainingCurve curve in shown)
                    using (page.Open("tbody"))
                        for (int i = 0; i < curve.Epochs.Count; i++)
                            using (page.Open("tr"))
                            {
                                if (i == 0) ReportTables.ModelName(page, ChartKey.Find(keys, curve.Name), curve.Epochs.Count);
                                TrainingEpoch e = curve.Epochs[i];
                                page.Element("td", $"{e.Epoch}").Element("td", $"{e.Step:N0}").Element("td", $"{e.Loss:0.000}");
                                if (heldOut) page.Element("td", Markup.Percent(e.HeldOutMap ?? double.NaN));
                            }
            }
        }
    }
}
