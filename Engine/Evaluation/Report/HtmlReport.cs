using Osprey.Engine.Images;
using Osprey.Interop.Formats;

namespace Osprey.Engine.Evaluation.Report;

/// <summary>
/// An evaluation as one HTML file to look at: it loads nothing from anywhere, runs no script, and is readable on a phone, on paper, in the
/// dark and with a keyboard.
/// </summary>
public static class HtmlReport
{
    /// <summary>Writes the page aside and renames it, so that a reader never sees half of it.</summary>
    /// <param name="path">The file; its folder must exist.</param>
    /// <param name="result">What was measured.</param>
    /// <param name="origin">Title, and where the figures come from.</param>
    public static void Write(string path, EvaluationResult result, ReportOrigin origin) => AtomicFile.Write(path, Render(result, origin));

    static string Render(EvaluationResult result, ReportOrigin origin)
    {
        var thumbnails = new Thumbnail(new ImageDecoder(origin.Decoding));
        ChartKey[] keys = ChartKey.Of(result);
        var sections = new List<(string Id, string Name, Action<Markup> Write)> { ("summary", "Summary", page => ReportTables.Summary(page, result)) };
        if (ReportComparison.HasAny(result)) sections.Add(("compared", "Compared", page => ReportComparison.Write(page, result, origin.Models)));
        if (result.Results.Any(r => r.Refined is not null)) sections.Add(("refined", "Expanded and re-ranked", page => ReportRefinement.Write(page, result)));
        if (result.Results.Any(r => r.Robust.Count > 0)) sections.Add(("attack", "Under attack", page => ReportRobustness.Write(page, result)));
        if (result.Results.Any(r => r.Corruptions.Count > 0)) sections.Add(("corrupted", "Corrupted", page => ReportCorruption.Write(page, result)));
        foreach (Gallery gallery in result.Galleries)
        {
            ModelResult[] models = [.. result.Results.Where(r => r.Data == gallery.Data)];
            sections.Add(($"data-{sections.Count}", gallery.Data, page => ReportDataSet.Write(page, gallery, models, keys, thumbnails)));
        }
        TrainingCurve[] curves = [.. origin.Models.Select(m => m.Curve).OfType<TrainingCurve>().Where(c => c.Points.Count > 0)];
        if (curves.Length > 0) sections.Add(("training", "Training", page => ReportTraining.Write(page, curves, keys)));
        sections.Add(("configuration", "Configuration", page => ReportConfiguration.Write(page, result, origin)));
        sections.Add(("reading", "How to read this", ReportNotes.Write));

        var page = new Markup();
        page.Raw("<!DOCTYPE html>\n");
        using (page.Open("html", "lang", "en"))
        {
            using (page.Open("head"))
            {
                page.Empty("meta", "charset", "utf-8").Empty("meta", "name", "viewport", "content", "width=device-width, initial-scale=1");
                page.Element("title", origin.Title).Raw("<style>\n" + ReportStyle.Css + "</style>");
            }
            using (page.Open("body"))
            {
                page.Element("a", "Skip to the figures", "class", "skip", "href", "#summary");
                Header(page, result, origin.Title);
                using (page.Open("nav", "aria-label", "Sections"))
                using (page.Open("ul"))
                    foreach ((string id, string name, _) in sections)
                        using (page.Open("li"))
                            page.Element("a", name, "href", "#" + id);
                using (page.Open("main"))
                    foreach ((string id, string name, Action<Markup> write) in sections)
                        using (page.Open("section", "id", id, "aria-labelledby", id + "-h", "tabindex", "-1"))
                        {
                            page.Element("h2", name, "id", id + "-h");
                            write(page);
                        }
                page.Raw("<footer class=\"soft\">Written by Osprey. This page is complete in itself: it loads nothing and runs no script.</footer>\n");
            }
        }
        return page.ToString();
    }

    static void Header(Markup page, EvaluationResult result, string title)
    {
        using (page.Open("header"))
        {
            page.Element("h1", title);
            page.Element("p", "Retrieval and classification with one global descriptor per aerial or satellite image.", "class", "soft");
            (string Name, int Count)[] tiles =
            [
                ("models", result.Results.Select(r => r.Model).Distinct().Count()), ("data sets", result.Galleries.Count),
                ("images", result.Results.DistinctBy(r => r.Data).Sum(r => r.Images)), ("classes", result.Results.DistinctBy(r => r.Data).Sum(r => r.Classes)),
            ];
            using (page.Open("ul", "class", "tiles"))
                foreach ((string name, int count) in tiles)
                    using (page.Open("li"))
                        page.Element("b", $"{count:N0}").Text(count == 1 ? name.TrimEnd('s').Replace("classe", "class") : name);
        }
    }
}
