using System.Globalization;
using System.Text;

namespace Osprey.Engine.Benchmarks.Scale;

/// <summary>The tables of docs/scale.md, "Past this machine", in Markdown.</summary>
public static class ScaleTables
{
    /// <summary>Each shape as measured, medians over its turns, beside the model, and how far the model is off.</summary>
    public static string Runs(IReadOnlyList<ScaleRun> runs, ScaleFit fit)
    {
        var text = new StringBuilder(
            "| rows | ranks | queries | start to end s | model s | off | search s | model s | off | largest process GB | load |\n| --: | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: |\n");
        foreach (IGrouping<(long Rows, int Dimension, int Ranks, int Threads, int Queries), ScaleRun> shape in runs.GroupBy(r => (r.Rows, r.Dimension, r.Ranks, r.Threads, r.Queries)).OrderBy(g => g.Key))
        {
            double whole = ScaleRun.Median(shape, r => r.Seconds), search = ScaleRun.Median(shape, r => r.SearchSeconds), wholeModel = fit.Seconds(shape.First()), searchModel = fit.SearchSeconds(shape.First());
            Line(text, $"{shape.Key.Rows}", $"{shape.Key.Ranks}", $"{shape.Key.Queries}", Number(whole), Number(wholeModel), Off(wholeModel, whole), Number(search), Number(searchModel), Off(searchModel, search),
                Number(shape.Max(r => r.PeakBytes) / 1e9), Number(ScaleRun.Median(shape, r => r.Load)));
        }
        return text.ToString();
    }

    /// <summary>One query more, measured and fitted.</summary>
    public static string Costs(IReadOnlyList<QueryCost> costs, ScaleFit fit)
    {
        var text = new StringBuilder("| rows | ranks | ms a query | model ms | off |\n| --: | --: | --: | --: | --: |\n");
        foreach (QueryCost cost in costs)
        {
            double model = fit.QuerySeconds(cost.Rows, cost.Dimension, cost.Ranks, cost.Workers, cost.K);
            Line(text, $"{cost.Rows}", $"{cost.Ranks}", Number(1e3 * cost.Seconds), Number(1e3 * model), Off(model, cost.Seconds));
        }
        return text.ToString();
    }

    /// <summary>The fitted parameters, each in its unit.</summary>
    public static string Parameters(ScaleFit fit)
    {
        var text = new StringBuilder("| parameter | is |\n| --- | --: |\n");
        foreach ((string name, double value, double scale, string unit) in new[]
        {
            ("call: a search of however few queries", fit.Call, 1e3, "ms"), ("query: of however few rows", fit.Query, 1e6, "µs"), ("scan: a value of a row, one core", fit.Scan, 1e12, "ps"),
            ("merge: a neighbour of a rank", fit.Merge, 1e9, "ns"), ("read: queries, and a store of however few rows", fit.Prepare, 1e3, "ms"), ("part: a row's share of opening the store's parts", fit.Part, 1e9, "ns"),
            ("open: an index of however few rows", fit.Open, 1e3, "ms"), ("check: a value of the index", fit.Check, 1e12, "ps"), ("open': ranks of however few rows", fit.OpenRanks, 1e3, "ms"),
            ("code: a value that a rank reads and codes, one core", fit.Code, 1e12, "ps"),
        }) Line(text, name, double.IsNaN(value) ? "–" : $"{Number(value * scale)} {unit}");
        foreach ((int ranks, double seconds) in fit.Start) Line(text, ranks == 1 ? "start and end, one process" : $"start and end, {ranks} ranks", $"{Number(seconds)} s");
        return text.ToString();
    }

    /// <summary>What stores and indices take.</summary>
    public static string Disk(IReadOnlyList<ScaleRun> runs)
    {
        var text = new StringBuilder("| rows | store GB | index GB | store bytes a row | index bytes a row |\n| --: | --: | --: | --: | --: |\n");
        foreach (ScaleRun r in runs.DistinctBy(r => (r.Rows, r.Dimension)).OrderBy(r => r.Rows)) Line(text, $"{r.Rows}", Number(r.StoreBytes / 1e9), Number(r.IndexBytes / 1e9), Number((double)r.StoreBytes / r.Rows), Number((double)r.IndexBytes / r.Rows));
        return text.ToString();
    }

    /// <summary>What the model says of each workload.</summary>
    public static string Predictions(IEnumerable<(ScaleMachine Machine, ScaleWorkload Work)> asked)
    {
        var text = new StringBuilder(
            "| machine | images | store | describing | bound by | manifest | store on disk | index on disk | names, a rank | rows and codes, a device | fit | a batch of queries | bound by | over the network |\n"
            + "| --- | --: | --- | --: | --- | --: | --: | --: | --: | --: | --- | --: | --- | --: |\n");
        foreach ((ScaleMachine machine, ScaleWorkload work) in asked)
        {
            ScalePrediction p = ScaleModel.Predict(machine, work);
            Line(text, machine.Name, Count(work.Images), work.ValueBytes switch { 4 => "float32", 2 => "float16", _ => "int8" }, Time(p.EmbedSeconds), p.EmbedBottleneck, Time(p.ManifestSeconds),
                Bytes(p.StoreBytes), Bytes(p.IndexBytes), Bytes(p.EmbedBytesPerRank), Bytes(p.SearchBytesPerRank), p.Fits ? "both" : p.CodesFit ? "codes alone" : "neither", Time(p.SearchSeconds), p.SearchBottleneck, Bytes(p.NetworkBytes));
        }
        return text.ToString();
    }

    static void Line(StringBuilder text, params ReadOnlySpan<string> cells) => text.Append("| ").AppendJoin(" | ", cells).Append(" |\n");

    static string Off(double model, double measured) => double.IsNaN(model) ? "–" : (100 * (model / measured - 1)).ToString("+0;−0;0", CultureInfo.InvariantCulture) + " %";

    /// <summary>Three figures.</summary>
    static string Number(double value) => double.IsNaN(value) ? "–" : value == 0 ? "0" : Math.Abs(value) >= 100 ? value.ToString("0", CultureInfo.InvariantCulture) : value.ToString(Math.Abs(value) switch { >= 10 => "0.0", >= 1 => "0.00", >= 0.1 => "0.000", _ => "0.00e0" }, CultureInfo.InvariantCulture);

    static string Count(double n) => n >= 1e9 ? $"{Number(n / 1e9)} G" : n >= 1e6 ? $"{Number(n / 1e6)} M" : Number(n);

    static string Bytes(double b) => b >= 1e12 ? $"{Number(b / 1e12)} TB" : b >= 1e9 ? $"{Number(b / 1e9)} GB" : b >= 1e6 ? $"{Number(b / 1e6)} MB" : $"{Number(b / 1e3)} kB";

    static string Time(double s) => s >= 2 * 86400 ? $"{Number(s / 86400)} d" : s >= 2 * 3600 ? $"{Number(s / 3600)} h" : s >= 120 ? $"{Number(s / 60)} min" : s >= 1 ? $"{Number(s)} s" : $"{Number(s * 1e3)} ms";
}
