namespace Osprey.Engine.Evaluation.Report;

/// <summary>What is shown of one data set: curves, maps, classes, confusions, neighbours, attacked images.</summary>
static class ReportDataSet
{
    public static void Write(Markup page, Gallery gallery, ModelResult[] models, ChartKey[] keys, Thumbnail thumbnails)
    {
        ModelResult first = models[0];
        string skipped = first.BadFiles.Count > 0 ? $", {first.BadFiles.Count} unreadable files left out" : "";
        string alone = first.Retrieval.LeftOut > 0 ? $", {first.Retrieval.LeftOut} images alone in their class are no queries" : "";
        page.Element("p", $"{first.Images:N0} images in {first.Classes} classes at {string.Join(" and ", models.Select(m => m.ImageSize).Distinct())} px{skipped}{alone}.", "class", "soft");
        Chart.Legend(page, models.Select(m => ChartKey.Find(keys, m.Model)));
        using (page.Open("div", "class", "charts"))
        {
            (double, string)[] ticks = [.. Enumerable.Range(0, 6).Select(i => (i / 5.0, $"{i * 20}"))];
            Chart.Lines(page, $"{gallery.Data}: precision by recall, per cent", "recall, per cent", [.. models.Select(m => Curve(m, keys))], ticks, ticks);
        }
        ReportMap.Write(page, gallery);
        Classes(page, gallery, models);
        ReportConfusion.Write(page, models, keys);
        ReportGallery.Write(page, gallery, thumbnails);
        ReportExamples.Write(page, gallery, models, thumbnails);
    }

    static Chart.Series Curve(ModelResult model, ChartKey[] keys)
    {
        double[] curve = model.Retrieval.PrecisionRecall;
        return new Chart.Series(ChartKey.Find(keys, model.Model), [.. curve.Select((p, i) => ((double)i / (curve.Length - 1), new Figure(p, p, p)))], Marked: false);
    }

    static void Classes(Markup page, Gallery gallery, ModelResult[] models)
    {
        int[] counts = models[0].Set.Counts();
        bool classified = models.All(m => m.Classification is not null);
        string classifier = classified ? ReportTables.ClassifierName(models[0].Classification!.DetailsOf) : "";
        page.Element("h3", "By class");
        using (page.Open("div", "class", ReportTables.PrintWidth(1 + (classified ? 2 : 1) * models.Length)))
        using (ReportTables.Table(page, classified ? $"{gallery.Data}: mean AP of a class's queries and {classifier} accuracy of its images, per cent" : $"{gallery.Data}: mean AP of a class's queries, per cent"))
        {
            using (page.Open("thead"))
            using (page.Open("tr"))
            {
                page.Element("th", "Class", "scope", "col", "class", "name").Element("th", "Images", "scope", "col");
                foreach (ModelResult m in models) page.Element("th", $"mAP {m.Model}", "scope", "col");
                if (classified)
                    foreach (ModelResult m in models) page.Element("th", $"{classifier} {m.Model}", "scope", "col");
            }
            using (page.Open("tbody"))
                for (int label = 0; label < counts.Length; label++)
                    if (counts[label] > 0)
                        using (page.Open("tr"))
                        {
                            page.Element("th", gallery.Classes[label], "scope", "row").Element("td", $"{counts[label]:N0}");
                            foreach (ModelResult m in models) ReportTables.Meter(page, ClassMap(m, label));
                            if (classified)
                                foreach (ModelResult m in models) ReportTables.Meter(page, m.Classification!.PerClass.GetValueOrDefault(gallery.Classes[label], double.NaN));
                        }
        }
    }

    static double ClassMap(ModelResult model, int label)
    {
        double[] own = [.. model.Retrieval.QueryIds.Zip(model.Retrieval.AveragePrecisions).Where(p => model.Set.Images[p.First].Label == label).Select(p => p.Second)];
        return own.Length == 0 ? double.NaN : own.Average();
    }
}
