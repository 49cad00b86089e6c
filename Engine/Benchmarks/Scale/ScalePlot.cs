using System.Globalization;
using Osprey.Engine.Evaluation;
using Osprey.Engine.Evaluation.Report;

namespace Osprey.Engine.Benchmarks.Scale;

/// <summary>What a query costs over the number of rows, both axes logarithmic: points as measured, lines as fitted. An SVG that stands alone.</summary>
public static class ScalePlot
{
    /// <summary>Of a page that has none of its own; the colours are the report's, on white.</summary>
    const string Style =
        "svg { --s0: #7a8699; --s1: #d9731a; --s2: #1f6fd6; --s3: #178a6b; --s4: #a545b3; --s5: #b59410; background: #fff; font-family: sans-serif; } text { fill: #444; font-size: 11.5px; } .grid { stroke: #ddd; }";

    /// <summary>Points between two powers of ten of a fitted line.</summary>
    const int Steps = 8;

    /// <param name="costs">As measured: <see cref="QueryCost.Of"/>.</param>
    /// <param name="fit">The lines.</param>
    /// <exception cref="ArgumentException">There is no cost.</exception>
    public static string Svg(IReadOnlyList<QueryCost> costs, ScaleFit fit)
    {
        if (costs.Count == 0) throw new ArgumentException("no cost of a query is known: run two numbers of queries at least");
        var series = new List<Chart.Series>();
        var labels = new Markup();
        int low = (int)Math.Floor(Math.Log10(costs.Min(c => c.Rows))), high = (int)Math.Ceiling(Math.Log10(costs.Max(c => c.Rows)));
        foreach (IGrouping<int, QueryCost> ranks in costs.GroupBy(c => c.Ranks).OrderBy(g => g.Key))
        {
            QueryCost one = ranks.First();
            int style = series.Count / 2;
            var key = new ChartKey(ranks.Key == 1 ? "one process" : $"{ranks.Key} ranks", style + 1);
            series.Add(new Chart.Series(key, [.. ranks.OrderBy(c => c.Rows).Select(c => Point(c.Rows, c.Seconds))], Joined: false));
            series.Add(new Chart.Series(key with { Name = key.Name + ", fitted" }, [.. Enumerable.Range(0, ((high - low) * Steps) + 1)
                .Select(i => Math.Pow(10, low + ((double)i / Steps))).Select(n => Point(n, fit.QuerySeconds(n, one.Dimension, one.Ranks, one.Workers, one.K)))], Marked: false));
            labels.Element("text", key.Name, "x", "60", "y", $"{26 + (16 * style)}", "style", $"fill: {Chart.Colour(key.Style)}");
        }
        double[] all = [.. series.SelectMany(s => s.Points).Select(p => p.Y.Value).Where(double.IsFinite)];
        var page = new Markup();
        Chart.Lines(page, "Milliseconds a query", "rows", series, Ticks(low, high), Ticks((int)Math.Floor(all.Min()), (int)Math.Ceiling(all.Max())));
        string text = page.ToString();
        int begin = text.IndexOf("<svg", StringComparison.Ordinal), end = text.IndexOf("</svg>", StringComparison.Ordinal), inside = text.IndexOf('>', begin) + 1;
        labels.Element("text", "milliseconds a query", "x", "44", "y", "10");
        return $"<svg xmlns=\"http://www.w3.org/2000/svg\"{text[(begin + 4)..inside]}<style>{Style}</style>{text[inside..end]}{labels}</svg>\n";
    }

    static (double X, Figure Y) Point(double rows, double seconds)
    {
        double y = Math.Log10(seconds * 1000);
        return (Math.Log10(rows), new Figure(y, y, y));
    }

    static (double At, string Label)[] Ticks(int low, int high) =>
        [.. Enumerable.Range(low, Math.Max(1, high - low) + 1).Select(p => ((double)p, Math.Pow(10, p).ToString(p < -4 ? "0e-0" : p < 5 ? "0.####" : "0e0", CultureInfo.InvariantCulture)))];
}
