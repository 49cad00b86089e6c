namespace Osprey.Engine.Evaluation.Report;

/// <summary>Inline SVG charts: as wide as their column, colours from the page, each with a sentence for those who do not see it.</summary>
static class Chart
{
    const int Width = 420, LabelWidth = 104, ValueWidth = 42, BarHeight = 15, GroupGap = 12;
    const int PlotHeight = 250, Left = 44, Right = 18, Top = 12, Bottom = 40;

    /// <summary>Lines beyond these repeat colours; the marks and dashes tell them apart too.</summary>
    const int Palette = 6;

    /// <param name="Key">Of the bar, as in the legend.</param>
    /// <param name="Value">With its interval; in 0…1.</param>
    public readonly record struct Bar(ChartKey Key, Figure Value);

    /// <param name="Key">As in the legend.</param>
    /// <param name="Points">In the units of the axes, x rising.</param>
    /// <param name="Marked">Whether each point carries a mark; a dense curve is better without.</param>
    /// <param name="Joined">Whether a line joins the points; measured ones beside a fitted curve are better without.</param>
    public sealed record Series(ChartKey Key, IReadOnlyList<(double X, Figure Y)> Points, bool Marked = true, bool Joined = true);

    public static string Colour(int style) => $"var(--s{style % Palette})";

    /// <summary>Horizontal bars with error bars, in groups: a scale of 0…100 %.</summary>
    public static void Bars(Markup page, string title, IReadOnlyList<(string Group, IReadOnlyList<Bar> Bars)> groups)
    {
        int height = 22 + groups.Sum(g => g.Bars.Count * BarHeight + GroupGap);
        double scale = Width - LabelWidth - ValueWidth;
        string spoken = title + ": " + string.Join("; ", groups.Select(g => g.Group + " " + string.Join(", ", g.Bars.Select(b => $"{b.Key.Name} {Markup.Percent(b.Value.Value)} %"))));
        using (Figure(page, title))
        using (page.Open("svg", "viewBox", $"0 0 {Width} {height}", "role", "img", "aria-label", spoken))
        {
            for (int tick = 0; tick <= 100; tick += 25)
            {
                string x = Markup.Number(LabelWidth + scale * tick / 100);
                page.Empty("line", "class", "grid", "x1", x, "x2", x, "y1", "0", "y2", $"{height - 18}");
                page.Element("text", $"{tick}", "x", x, "y", $"{height - 4}", "text-anchor", "middle");
            }
            double y = GroupGap / 2.0;
            foreach ((string group, IReadOnlyList<Bar> bars) in groups)
            {
                double middle = y + bars.Count * BarHeight / 2.0 + 4;
                page.Element("text", Shorten(group, 16), "x", $"{LabelWidth - 8}", "y", Markup.Number(middle), "text-anchor", "end", "class", "name");
                foreach (Bar bar in bars)
                {
                    DrawBar(page, bar, y, scale);
                    y += BarHeight;
                }
                y += GroupGap;
            }
        }
    }

    static void DrawBar(Markup page, Bar bar, double y, double scale)
    {
        (double value, double low, double high, _) = bar.Value;
        double end = LabelWidth + scale * value, middle = y + (BarHeight - 3) / 2.0;
        using (page.Open("g"))
        {
            page.Element("title", $"{bar.Key.Name}: {Markup.Percent(value)} % [{Markup.Percent(low)}, {Markup.Percent(high)}]");
            page.Empty("rect", "x", $"{LabelWidth}", "y", Markup.Number(y), "width", Markup.Number(Math.Max(0, end - LabelWidth)), "height", $"{BarHeight - 3}", "rx", "2", "fill", Colour(bar.Key.Style));
            ErrorBar(page, LabelWidth + scale * low, middle, LabelWidth + scale * high, middle);
            page.Element("text", Markup.Percent(value), "x", Markup.Number(LabelWidth + scale * Math.Max(high, value) + 6), "y", Markup.Number(middle + 4));
        }
    }

    /// <summary>Lines over a numeric axis.</summary>
    /// <param name="page">Written to.</param>
    /// <param name="title">Above the chart.</param>
    /// <param name="xLabel">Under it.</param>
    /// <param name="series">At least one, each of at least one point.</param>
    /// <param name="xTicks">Values and their labels.</param>
    /// <param name="yTicks">Values and their labels; the first and last bound the axis.</param>
    public static void Lines(
        Markup page, string title, string xLabel, IReadOnlyList<Series> series, IReadOnlyList<(double At, string Label)> xTicks, IReadOnlyList<(double At, string Label)> yTicks)
    {
        double left = Math.Min(xTicks[0].At, series.Min(s => s.Points[0].X)), right = Math.Max(xTicks[^1].At, series.Max(s => s.Points[^1].X));
        double bottom = yTicks[0].At, top = yTicks[^1].At;
        double X(double v) => Left + (right > left ? (v - left) / (right - left) : 0.5) * (Width - Left - Right);
        double Y(double v) => Top + (top > bottom ? 1 - (Math.Clamp(v, bottom, top) - bottom) / (top - bottom) : 0.5) * (PlotHeight - Top - Bottom);
        string spoken = $"{title} over {xLabel}: " + string.Join("; ", series.Select(s => $"{s.Key.Name} from {Spoken(s.Points[0].Y.Value)} to {Spoken(s.Points[^1].Y.Value)}"));
        using (Figure(page, title))
        using (page.Open("svg", "viewBox", $"0 0 {Width} {PlotHeight}", "role", "img", "aria-label", spoken))
        {
            foreach ((double at, string label) in yTicks)
            {
                string y = Markup.Number(Y(at));
                page.Empty("line", "class", "grid", "x1", $"{Left}", "x2", $"{Width - Right}", "y1", y, "y2", y);
                page.Element("text", label, "x", $"{Left - 6}", "y", Markup.Number(Y(at) + 4), "text-anchor", "end");
            }
            foreach ((double at, string label) in xTicks)
                page.Element("text", label, "x", Markup.Number(X(at)), "y", $"{PlotHeight - Bottom + 16}", "text-anchor", "middle");
            page.Element("text", xLabel, "x", Markup.Number((Left + Width - Right) / 2.0), "y", $"{PlotHeight - 6}", "text-anchor", "middle", "class", "axis");
            foreach (Series line in series) DrawLine(page, line, X, Y);
        }
    }

    static void DrawLine(Markup page, Series line, Func<double, double> x, Func<double, double> y)
    {
        int style = line.Key.Style;
        string points = string.Join(' ', line.Points.Select(p => $"{Markup.Number(x(p.X))},{Markup.Number(y(p.Y.Value))}"));
        using (page.Open("g", "stroke", Colour(style), "fill", Colour(style)))
        {
            page.Element("title", line.Key.Name);
            if (line.Joined) page.Empty("polyline", "points", points, "fill", "none", "stroke-width", "2", "stroke-linejoin", "round", "stroke-dasharray", Dash(style));
            if (!line.Marked) return;
            foreach ((double px, Figure f) in line.Points)
            {
                if (f.High > f.Low) page.Empty("line", "x1", Markup.Number(x(px)), "x2", Markup.Number(x(px)), "y1", Markup.Number(y(f.Low)), "y2", Markup.Number(y(f.High)), "stroke-width", "1.2", "opacity", "0.7");
                Mark(page, style, x(px), y(f.Value));
            }
        }
    }

    /// <summary>Which line is which; one legend serves a row of charts.</summary>
    public static void Legend(Markup page, IEnumerable<ChartKey> keys)
    {
        using (page.Open("ul", "class", "legend"))
            foreach (ChartKey key in keys)
                using (page.Open("li"))
                {
                    using (page.Open("svg", "viewBox", "0 0 28 12", "width", "28", "height", "12", "aria-hidden", "true"))
                    using (page.Open("g", "stroke", Colour(key.Style), "fill", Colour(key.Style)))
                    {
                        page.Empty("line", "x1", "0", "x2", "28", "y1", "6", "y2", "6", "stroke-width", "2", "stroke-dasharray", Dash(key.Style));
                        Mark(page, key.Style, 14, 6);
                    }
                    page.Text(key.Name);
                }
    }

    static string? Dash(int style) => (style % 3) switch { 1 => "7 3", 2 => "2 3", _ => null };

    static void Mark(Markup page, int style, double x, double y)
    {
        string At(double dx, double dy) => $"{Markup.Number(x + dx)},{Markup.Number(y + dy)}";
        switch (style % 3)
        {
            case 0:
                page.Empty("circle", "cx", Markup.Number(x), "cy", Markup.Number(y), "r", "4");
                break;
            case 1:
                page.Empty("rect", "x", Markup.Number(x - 4), "y", Markup.Number(y - 4), "width", "8", "height", "8");
                break;
            default:
                page.Empty("polygon", "points", $"{At(0, -5)} {At(5, 4)} {At(-5, 4)}");
                break;
        }
    }

    static void ErrorBar(Markup page, double x1, double y1, double x2, double y2)
    {
        page.Empty("line", "class", "error", "x1", Markup.Number(x1), "y1", Markup.Number(y1), "x2", Markup.Number(x2), "y2", Markup.Number(y2));
        foreach (double x in (ReadOnlySpan<double>)[x1, x2])
            page.Empty("line", "class", "error", "x1", Markup.Number(x), "x2", Markup.Number(x), "y1", Markup.Number(y1 - 3), "y2", Markup.Number(y1 + 3));
    }

    public static Markup.Closer Figure(Markup page, string title)
    {
        Markup.Closer figure = page.Open("figure");
        page.Element("figcaption", title);
        return figure;
    }

    /// <summary>Round values from 0 to the first at or above <paramref name="most"/>.</summary>
    public static IEnumerable<(double At, string Label)> Ticks(double most)
    {
        double rough = Math.Max(most, 1e-9) / 5, power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        double step = power * ((rough / power) switch { <= 1 => 1, <= 2 => 2, <= 5 => 5, _ => 10 });
        for (int i = 0; ; i++)
        {
            yield return (i * step, (i * step).ToString("0.######"));
            if (i * step >= most) yield break;
        }
    }

    /// <summary>Ticks of a fraction's axis that ends a little above <paramref name="most"/>, in per cent.</summary>
    public static (double At, string Label)[] Percents(double most)
    {
        int step = most > 0.5 ? 20 : 10, top = Math.Min(100, (int)Math.Ceiling(Math.Max(most, 0.05) * 100 / step) * step);
        return [.. Enumerable.Range(0, top / step + 1).Select(i => (i * step / 100.0, $"{i * step}"))];
    }

    static string Spoken(double value) => value.ToString("0.###");

    public static string Shorten(string name, int most) => name.Length <= most ? name : name[..(most - 1)] + "…";
}
