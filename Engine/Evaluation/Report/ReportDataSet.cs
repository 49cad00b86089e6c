namespace Osprey.Engine.Evaluation.Report;

/// <summary>What is shown of one data set: curve, classes, neighbours, confusions.</summary>
static class ReportDataSet
{
    public static void Write(Markup page, Gallery gallery, ModelResult[] models, Thumbnail thumbnails)
    {
        ModelResult first = models[0];
        string skipped = first.BadFiles.Count > 0 ? $", {first.BadFiles.Count} unreadable files left out" : "";
        string alone = first.Retrieval.LeftOut > 0 ? $", {first.Retrieval.LeftOut} images alone in their class are no queries" : "";
        page.Element("p", $"{first.Images:N0} images in {first.Classes} classes at {string.Join(" and ", models.Select(m => m.ImageSize).Distinct())} px{skipped}{alone}.", "class", "soft");
        Chart.Legend(page, [.. models.Select(m => m.Model)]);
        using (page.Open("div", "class", "charts"))
        {
            (double, string)[] ticks = [.. Enumerable.Range(0, 6).Select(i => (i / 5.0, $"{i * 20}"))];
            Chart.Lines(page, "Precision by recall, per cent", "recall", [.. models.Select(Curve)], ticks, ticks);
        }
        Classes(page, gallery, models);
        foreach (IGrouping<GalleryReason, GalleryRow> group in gallery.Rows.GroupBy(r => r.Reason))
        {
            page.Element("h3", Heading(group.Key, gallery));
            foreach (GalleryRow row in group) Query(page, gallery, row, thumbnails);
        }
        foreach (ModelResult model in models)
            if (model.Classification is { } classification) Confusion(page, model, classification);
    }

    static Chart.Series Curve(ModelResult model)
    {
        double[] curve = model.Retrieval.PrecisionRecall;
        return new Chart.Series(model.Model, [.. curve.Select((p, i) => ((double)i / (curve.Length - 1), new Figure(p, p, p)))], Marked: false);
    }

    static void Classes(Markup page, Gallery gallery, ModelResult[] models)
    {
        int[] counts = new int[gallery.Classes.Count];
        foreach (int label in models[0].Set.Labels()) counts[label]++;
        bool classified = models.All(m => m.Classification is not null);
        string classifier = classified ? ReportTables.ClassifierName(models[0].Classification!.DetailsOf) : "";
        using (page.Open("details", "open", "open"))
        {
            page.Element("summary", "By class");
            using (ReportTables.Table(page, classified ? $"mean AP of a class's queries and {classifier} accuracy of its images, per cent" : "mean AP of a class's queries, per cent"))
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
                                foreach (ModelResult m in models) Meter(page, ClassMap(m, label));
                                if (classified)
                                    foreach (ModelResult m in models) Meter(page, m.Classification!.PerClass.GetValueOrDefault(gallery.Classes[label], double.NaN));
                            }
            }
        }
    }

    static double ClassMap(ModelResult model, int label)
    {
        double[] own = [.. model.Retrieval.QueryIds.Zip(model.Retrieval.AveragePrecisions).Where(p => model.Set.Images[p.First].Label == label).Select(p => p.Second)];
        return own.Length == 0 ? double.NaN : own.Average();
    }

    static void Meter(Markup page, double fraction) =>
        page.Element("td", Markup.Percent(fraction), "class", "meter", "style", double.IsNaN(fraction) ? null : $"--v:{Markup.Percent(fraction)}%");

    static string Heading(GalleryReason reason, Gallery gallery) => reason switch
    {
        GalleryReason.Sample => "Queries drawn at random",
        GalleryReason.Best => $"Best queries of {gallery.Models[^1]}",
        GalleryReason.Worst => $"Worst queries of {gallery.Models[^1]}",
        GalleryReason.Gained => $"Gained most from {gallery.Models[0]} to {gallery.Models[^1]}",
        _ => $"Lost most from {gallery.Models[0]} to {gallery.Models[^1]}",
    };

    static void Query(Markup page, Gallery gallery, GalleryRow row, Thumbnail thumbnails)
    {
        string name = gallery.Classes[row.Query.Label];
        using (page.Open("div", "class", "query"))
        {
            using (page.Open("div", "class", "asked"))
            {
                Picture(page, thumbnails, row.Query, $"query: {name}");
                using (page.Open("span")) page.Element("strong", name).Empty("br").Element("span", Path.GetFileName(row.Query.Path), "class", "soft");
            }
            using (page.Open("div", "class", "answers"))
                for (int m = 0; m < row.Answers.Count; m++)
                    using (page.Open("div", "class", "answer"))
                    {
                        GalleryAnswer answer = row.Answers[m];
                        page.Element("span", $"{gallery.Models[m]}: AP {Markup.Percent(answer.AveragePrecision)}, {answer.Neighbours.Count(n => n.Right)} of the first {answer.Neighbours.Count} right");
                        using (page.Open("ol", "class", "strip"))
                            foreach (GalleryNeighbour neighbour in answer.Neighbours)
                                using (page.Open("li", "class", neighbour.Right ? "hit" : "miss", "title", $"{gallery.Classes[neighbour.Image.Label]}, cosine {neighbour.Score:0.000}"))
                                {
                                    Picture(page, thumbnails, neighbour.Image, $"{(neighbour.Right ? "right" : "wrong")}: {gallery.Classes[neighbour.Image.Label]}");
                                    page.Element("b", neighbour.Right ? "✓" : "✗", "aria-hidden", "true");
                                }
                    }
        }
    }

    static void Picture(Markup page, Thumbnail thumbnails, Datasets.LabelledImage image, string alt)
    {
        if (thumbnails.DataUri(image) is { } uri)
            page.Empty("img", "src", uri, "alt", alt, "width", $"{thumbnails.Size}", "height", $"{thumbnails.Size}", "loading", "lazy");
        else page.Element("div", "not readable", "class", "gone");
    }

    static void Confusion(Markup page, ModelResult model, ClassificationReport classification)
    {
        // The classifier of the table above, over all runs.
        ConfusionMatrix confusion = classification.Confusions[classification.DetailsOf];
        int[] shown = [.. Enumerable.Range(0, confusion.Classes).Where(c => confusion.Tested(c) > 0)];
        string title = $"Confusions of {ReportTables.ClassifierName(classification.DetailsOf)} with {model.Model}";
        using (page.Open("details"))
        {
            page.Element("summary", title);
            page.Element("p", "Rows: the true class; columns: the class it was taken for; per cent of the row, 0 left blank.", "class", "soft");
            using (ReportTables.Table(page, title, "matrix"))
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
                            foreach (int predicted in shown) ConfusionCell(page, confusion, shown[i], predicted);
                        }
            }
        }
    }

    static void ConfusionCell(Markup page, ConfusionMatrix confusion, int truth, int predicted)
    {
        int count = confusion[truth, predicted];
        double share = (double)count / confusion.Tested(truth);
        page.Element("td", count == 0 ? "" : share < 0.005 ? "<1" : $"{100 * share:0}", "class", truth == predicted ? "diagonal" : null,
            "style", count == 0 ? null : $"background:rgb(var(--heat) / {0.08 + 0.72 * share:0.00})");
    }
}
