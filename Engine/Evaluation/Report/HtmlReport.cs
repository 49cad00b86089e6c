using System.Text;
using System.Text.Json;
using Osprey.Engine.Images;
using Osprey.Interop.Formats;

namespace Osprey.Engine.Evaluation.Report;

/// <summary>
/// An evaluation as one HTML file to look at: it loads nothing from anywhere, runs no script, and is readable on a phone, on paper, in the
/// dark and with a keyboard.
/// </summary>
public static class HtmlReport
{
    const int ThumbnailSize = 96;

    /// <summary>Writes the page aside and renames it, so that a reader never sees half of it.</summary>
    /// <param name="path">The file; its folder must exist.</param>
    /// <param name="result">What was measured.</param>
    /// <param name="title">Heading, in a few words.</param>
    /// <param name="decoding">How the evaluation turned files into pictures.</param>
    /// <param name="training">Loss curves to show; may be empty.</param>
    /// <param name="configuration">Further configurations to print in full, by heading, as JSON: how models were trained, say.</param>
    public static void Write(
        string path, EvaluationResult result, string title, DecodeOptions decoding, IReadOnlyList<TrainingCurve>? training = null,
        IReadOnlyDictionary<string, object>? configuration = null) =>
        AtomicFile.Write(path, Render(result, title, decoding, training ?? [], configuration ?? new Dictionary<string, object>()));

    static string Render(EvaluationResult result, string title, DecodeOptions decoding, IReadOnlyList<TrainingCurve> training, IReadOnlyDictionary<string, object> configuration)
    {
        var thumbnails = new Thumbnail(new ImageDecoder(decoding), ThumbnailSize);
        var sections = new List<(string Id, string Name, Action<Markup> Write)> { ("summary", "Summary", page => ReportTables.Summary(page, result)) };
        if (result.Results.Any(r => r.Refined is not null)) sections.Add(("refined", "Expanded and re-ranked", page => ReportTables.Refined(page, result)));
        if (result.Results.Any(r => r.Robust.Count > 0)) sections.Add(("attack", "Under attack", page => ReportTables.UnderAttack(page, result)));
        foreach (Gallery gallery in result.Galleries)
        {
            ModelResult[] models = [.. result.Results.Where(r => r.Data == gallery.Data)];
            sections.Add(($"data-{sections.Count}", gallery.Data, page => ReportDataSet.Write(page, gallery, models, thumbnails)));
        }
        if (training.Any(t => t.Points.Count > 0)) sections.Add(("training", "Training", page => Training(page, training)));
        sections.Add(("configuration", "Configuration", page => Configuration(page, result, configuration)));
        sections.Add(("reading", "How to read this", ReportNotes.Write));

        var page = new Markup();
        page.Raw("<!DOCTYPE html>\n");
        using (page.Open("html", "lang", "en"))
        {
            using (page.Open("head"))
            {
                page.Empty("meta", "charset", "utf-8").Empty("meta", "name", "viewport", "content", "width=device-width, initial-scale=1");
                page.Element("title", title).Raw("<style>\n" + ReportStyle.Css + "</style>");
            }
            using (page.Open("body"))
            {
                page.Element("a", "Skip to the figures", "class", "skip", "href", "#summary");
                Header(page, result, title);
                using (page.Open("nav", "aria-label", "Sections"))
                using (page.Open("ul"))
                    foreach ((string id, string name, _) in sections)
                        using (page.Open("li"))
                            page.Element("a", name, "href", "#" + id);
                using (page.Open("main"))
                    foreach ((string id, string name, Action<Markup> write) in sections)
                        using (page.Open("section", "id", id, "aria-labelledby", id + "-h"))
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

    static void Training(Markup page, IReadOnlyList<TrainingCurve> training)
    {
        TrainingCurve[] curves = [.. training.Where(t => t.Points.Count > 0)];
        double steps = curves.Max(c => c.Points[^1].Step), highest = curves.Max(c => c.Points.Max(p => p.Loss));
        (double, string)[] xTicks = [.. Ticks(steps)], yTicks = [.. Ticks(highest)];
        Chart.Legend(page, [.. curves.Select(c => c.Name)]);
        using (page.Open("div", "class", "charts"))
            Chart.Lines(page, "Training loss", "step", [.. curves.Select(c => new Chart.Series(c.Name, [.. c.Points.Select(p => (p.Step, new Figure(p.Loss, p.Loss, p.Loss)))], Marked: false))], xTicks, yTicks);
    }

    /// <summary>Round values from 0 to the first at or above <paramref name="most"/>.</summary>
    static IEnumerable<(double At, string Label)> Ticks(double most)
    {
        double rough = Math.Max(most, 1e-9) / 5, power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        double step = power * ((rough / power) switch { <= 1 => 1, <= 2 => 2, <= 5 => 5, _ => 10 });
        for (int i = 0; ; i++)
        {
            yield return (i * step, (i * step).ToString("0.######"));
            if (i * step >= most) yield break;
        }
    }

    static void Configuration(Markup page, EvaluationResult result, IReadOnlyDictionary<string, object> configuration)
    {
        BadFile[] bad = [.. result.Results.SelectMany(r => r.BadFiles).DistinctBy(f => f.Path)];
        if (bad.Length > 0)
            using (page.Open("details", "open", "open"))
            {
                page.Element("summary", bad.Length == 1 ? "1 file could not be read and was left out" : $"{bad.Length} files could not be read and were left out");
                var list = new StringBuilder();
                foreach (BadFile file in bad) list.Append(file.Path).Append(": ").Append(file.Reason).Append('\n');
                page.Element("pre", list.ToString(), "tabindex", "0");
            }
        foreach ((string name, object value) in configuration.Prepend(KeyValuePair.Create<string, object>("Evaluation", result.Config)))
            using (page.Open("details"))
            {
                page.Element("summary", name);
                page.Element("pre", JsonSerializer.Serialize(value, Json.Options), "tabindex", "0");
            }
    }
}
