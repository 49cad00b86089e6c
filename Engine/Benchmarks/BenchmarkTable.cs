using System.Globalization;
using System.Text;

namespace Osprey.Engine.Benchmarks;

/// <summary>A report as the rows of a table: the same cells in the terminal, in Markdown and in the documents.</summary>
public static class BenchmarkTable
{
    /// <summary>Headings; a leading <c>&gt;</c> aligns to the right.</summary>
    public static IReadOnlyList<string> Columns { get; } = ["operation", "shape", "peer", ">ours ms", ">peer ms", ">ratio", ">GB/s", ">GFLOP/s", ">% of floor", ">max error", ">bytes/call", "ids and index"];

    public static IReadOnlyList<string> Cells(BenchmarkResult r) =>
    [
        r.Operation,
        r.Shape,
        r.Peer,
        Figures(r.OursMs),
        r.PeerMs is double ms ? Figures(ms) : "–",
        r.Ratio is double ratio ? Text($"{ratio:0.00}") : "–",
        r.Gbps is double gbps ? Figures(gbps) : "–",
        r.Gflops is double gflops ? Text($"{gflops:0}") : "–",
        r.PercentOfFloor is double percent ? Text($"{percent:0} {r.Floor}") : "–",
        r.MaxError is double error ? Text($"{error:0.0e-0}") : "–",
        Text($"{r.AllocatedBytes}"),
        r.Note ?? string.Join("; ", Remarks(r)),
    ];

    static IEnumerable<string> Remarks(BenchmarkResult r)
    {
        if (r.IdDifferences is long differences) yield return Text($"{differences} differ, {r.IdTies} tie");
        if (r.ScoreDifference is double score) yield return Text($"scores {score:0.0e-0}");
        if (r.IndexMemory is double memory) yield return Text($"index {memory:0.000} × fp32");
    }

    /// <summary>The machine in a sentence.</summary>
    public static string Caption(BenchmarkMachine m) => Text(
        $"{m.Cpu}, {m.Threads} of {m.Cores} cores, {m.VectorBits}-bit vectors, {m.Device}; {m.Runtime}, libtorch {m.Torch}{(m.Faiss is null ? "" : $", FAISS {m.Faiss}")}; ")
        + (m.CopyGbps is null ? "" : Text($"copy {m.CopyGbps:0.0} GB/s, read {m.ReadGbps:0.0} GB/s, multiply {m.MultiplyGflops:0} GFLOP/s, codes {m.CodeGops:0} Gop/s ({m.CodeLevel}); "))
        + Text($"{m.Date} UTC{(m.Commit is null ? "" : $", {m.Commit}")}.");

    /// <summary>The columns of a short table.</summary>
    static readonly string[] Few = ["operation", "shape", "peer", ">ours ms", ">peer ms", ">ratio", ">% of floor", ">max error"];

    /// <summary>Caption and table, for a page of its own or, with fewer columns, as a part of another.</summary>
    public static string Markdown(BenchmarkReport report, bool brief = false)
    {
        int[] chosen = [.. Enumerable.Range(0, Columns.Count).Where(i => !brief || Few.Contains(Columns[i]))];
        var text = new StringBuilder();
        text.Append(Caption(report.Machine)).Append("\n\n");
        Line(text, chosen.Select(i => Columns[i].TrimStart('>')));
        Line(text, chosen.Select(i => Columns[i].StartsWith('>') ? "--:" : "---"));
        foreach (BenchmarkResult result in report.Results)
        {
            IReadOnlyList<string> cells = Cells(result);
            Line(text, chosen.Select(i => cells[i]));
        }
        return text.ToString();
    }

    static void Line(StringBuilder text, IEnumerable<string> cells) => text.Append("| ").AppendJoin(" | ", cells.Select(c => c.Replace("|", "\\|", StringComparison.Ordinal))).Append(" |\n");

    /// <summary>Three figures that say something.</summary>
    static string Figures(double value) => value switch
    {
        >= 100 => Text($"{value:0}"),
        >= 10 => Text($"{value:0.0}"),
        >= 1 => Text($"{value:0.00}"),
        _ => Text($"{value:0.000}"),
    };

    static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
