using Osprey.Engine.Images;
using Osprey.Engine.Robust;

namespace Osprey.Engine.Evaluation.Report;

/// <summary>Attacked images of one data set: clean, attacked, their difference made visible, and what was found before and after.</summary>
static class ReportExamples
{
    public static void Write(Markup page, Gallery gallery, ModelResult[] models, Thumbnail thumbnails)
    {
        foreach (var norm in models.SelectMany(m => m.Robust).Where(r => r.Examples.Count > 0).Select(r => r.Threat).Distinct().GroupBy(t => t.Norm))
        {
            // One radius of each norm tells the story: the middle one, the smaller of two.
            Threat[] threats = [.. norm.OrderBy(t => t.Epsilon)];
            Threat threat = threats[(threats.Length - 1) / 2];
            (string Model, AdversarialExample Example)[] all = [.. models.SelectMany(m => m.Robust.Where(r => r.Threat == threat).SelectMany(r => r.Examples), (m, e) => (m.Model, e))];
            page.Element("h3", $"Attacked queries: {ReportRobustness.ThreatName(threat)}");
            page.Element("p",
                $"Taken evenly over the {models.SelectMany(m => m.Robust).First(r => r.Threat == threat).Queries} attacked queries, whatever came of them; each model meets its own attack. " +
                "The difference is magnified around grey, which is no change; its factor is the largest that clips nothing.", "class", "soft");
            foreach (IGrouping<string, (string Model, AdversarialExample Example)> query in all.GroupBy(e => e.Example.Query.Path)) Query(page, gallery, [.. query], thumbnails);
        }
    }

    static void Query(Markup page, Gallery gallery, (string Model, AdversarialExample Example)[] models, Thumbnail thumbnails)
    {
        AdversarialExample first = models[0].Example;
        using (page.Open("div", "class", "query"))
        {
            ReportGallery.Asked(page, Thumbnail.Encode(Picture(first.Clean, first.Size)), gallery.Classes[first.Query.Label], first.Query);
            using (page.Open("div", "class", "answers"))
                foreach ((string model, AdversarialExample example) in models) Answer(page, gallery, model, example, thumbnails);
        }
    }

    static void Answer(Markup page, Gallery gallery, string model, AdversarialExample example, Thumbnail thumbnails)
    {
        (RgbImage difference, int factor) = Difference(example);
        using (page.Open("div", "class", "answer"))
        {
            page.Element("span", $"{model}: AP {Markup.Percent(example.Before.AveragePrecision)} → {Markup.Percent(example.After.AveragePrecision)}, descriptor moved by 1 − cosine = {example.Shift:0.000}");
            using (page.Open("div", "class", "attacked"))
            {
                Captioned(page, Thumbnail.Encode(Picture(example.Attacked, example.Size)), "attacked", $"attacked query of {model}");
                Captioned(page, Thumbnail.Encode(difference), $"difference ×{factor}", $"difference of attacked and clean query of {model}, magnified {factor} times");
                using (page.Open("div", "class", "lists"))
                    foreach ((string when, GalleryAnswer answer) in new[] { ("clean", example.Before), ("attacked", example.After) })
                    {
                        page.Element("span", $"{when}: {ReportGallery.Right(answer)} of the first {answer.Neighbours.Count} right", "class", "soft");
                        ReportGallery.Strip(page, gallery, answer, thumbnails);
                    }
            }
        }
    }

    static void Captioned(Markup page, string uri, string caption, string alt)
    {
        using (page.Open("div", "class", "captioned"))
        {
            ReportGallery.Picture(page, uri, alt);
            page.Element("small", caption, "aria-hidden", "true");
        }
    }

    static RgbImage Picture(float[] planes, int size) => Planar.Read(planes, size, size);

    /// <summary>½ + factor·(attacked − clean), and the largest whole factor that stays in 0…1; 1 where nothing changed.</summary>
    internal static (RgbImage Picture, int Factor) Difference(AdversarialExample example)
    {
        float largest = 0;
        for (int i = 0; i < example.Clean.Length; i++) largest = Math.Max(largest, Math.Abs(example.Attacked[i] - example.Clean[i]));
        int factor = largest > 0 ? (int)Math.Clamp(0.5 / largest, 1, 100_000) : 1;
        float[] shown = [.. example.Clean.Zip(example.Attacked, (clean, attacked) => 0.5f + factor * (attacked - clean))];
        return (Picture(shown, example.Size), factor);
    }
}
