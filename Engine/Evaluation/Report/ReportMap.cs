using System.Text;

namespace Osprey.Engine.Evaluation.Report;

/// <summary>Descriptors on the plane of their first two principal axes, one map per model, coloured and numbered by class.</summary>
static class ReportMap
{
    const int Side = 320, Margin = 14;

    public static void Write(Markup page, Gallery gallery)
    {
        if (gallery.Maps.Count == 0) return;
        int[] labels = [.. gallery.Maps.SelectMany(m => m.Points).Select(p => p.Label).Distinct().Order()];
        page.Element("h3", "Descriptors on a plane");
        page.Element("p",
            $"Each point is an image, {gallery.Maps[0].Points.Count:N0} of them over all classes, on the first two principal axes of that model's descriptors; a number stands at the mean of its class. " +
            "Most of the variance lies off the plane (the share on it is given), so classes that overlap here may be apart.", "class", "soft");
        using (page.Open("div", "class", "charts"))
            for (int m = 0; m < gallery.Maps.Count; m++) Map(page, gallery.Maps[m], gallery.Models[m], gallery, labels);
        using (page.Open("ol", "class", "key"))
            for (int i = 0; i < labels.Length; i++)
                using (page.Open("li"))
                    page.Element("span", "", "class", "swatch", "style", "background:" + Colour(i)).Text($"{i + 1} {gallery.Classes[labels[i]]}");
    }

    static void Map(Markup page, DescriptorMap map, string model, Gallery gallery, int[] labels)
    {
        double left = map.Points.Min(p => p.X), right = map.Points.Max(p => p.X), bottom = map.Points.Min(p => p.Y), top = map.Points.Max(p => p.Y);
        // One scale for both axes: distances on the plane are distances.
        double scale = (Side - 2 * Margin) / Math.Max(Math.Max(right - left, top - bottom), 1e-9);
        double X(double x) => Side / 2.0 + (x - (left + right) / 2) * scale;
        double Y(double y) => Side / 2.0 - (y - (bottom + top) / 2) * scale;
        using (Chart.Figure(page, $"{model}: {Markup.Percent(map.First)} + {Markup.Percent(map.Second)} % of the variance"))
        using (page.Open("svg", "viewBox", $"0 0 {Side} {Side}", "class", "map", "role", "img",
            "aria-label", $"Descriptors of {gallery.Data} by {model} on their first two principal axes, {labels.Length} classes"))
        {
            page.Empty("rect", "x", "0.5", "y", "0.5", "width", $"{Side - 1}", "height", $"{Side - 1}", "rx", "4", "fill", "none", "class", "grid");
            ILookup<int, MapPoint> byClass = map.Points.ToLookup(p => p.Label);
            for (int i = 0; i < labels.Length; i++)
            {
                // A stroke of no length with round ends is a dot: one path a class, a few bytes a point.
                var dots = new StringBuilder();
                foreach (MapPoint p in byClass[labels[i]]) dots.Append('M').Append(Markup.Number(X(p.X))).Append(' ').Append(Markup.Number(Y(p.Y))).Append("h0");
                if (dots.Length == 0) continue;
                using (page.Open("path", "d", dots.ToString(), "stroke", Colour(i)))
                    page.Element("title", gallery.Classes[labels[i]]);
            }
            for (int i = 0; i < labels.Length; i++)
                if (byClass[labels[i]].Any())
                    page.Element("text", $"{i + 1}", "x", Markup.Number(X(byClass[labels[i]].Average(p => p.X))), "y", Markup.Number(Y(byClass[labels[i]].Average(p => p.Y)) + 4), "text-anchor", "middle");
        }
    }

    /// <summary>Neighbours in number are far apart in hue (the golden angle), and every third is lighter or darker; the number tells what the eye does not.</summary>
    static string Colour(int place) => $"hsl({Markup.Number(place * 137.508 % 360)} 62% {(place % 3) switch { 0 => 50, 1 => 40, _ => 62 }}%)";
}
