using System.Text.Json;
using NUnit.Framework;
using Osprey.Tests.Interop;

namespace Osprey.Tests.Tools;

[TestFixture]
public class ScaleVerbTests
{
    const string Run = """{"rows":ROWS,"dimension":8,"ranks":1,"threads":2,"cores":2,"queries":QUERIES,"k":10,"turn":0,"seconds":1.5,"prepare_seconds":0.1,"open_seconds":0.2,"search_seconds":SEARCH,"peak_bytes":1000000,"store_bytes":64000,"index_bytes":80000,"load":1.25}""";

    static string Line(long rows, int queries, string search) => Run.Replace("ROWS", $"{rows}", StringComparison.Ordinal).Replace("QUERIES", $"{queries}", StringComparison.Ordinal).Replace("SEARCH", search, StringComparison.Ordinal);

    [Test]
    public void Rows_are_drawn_imported_and_searched_and_the_time_is_told()
    {
        using var folder = new ScratchFolder();
        Cli.Done("scale", "rows", "--rows", "500", "--dim", "8", "--out", folder["rows.npy"]);
        Cli.Done("scale", "rows", "--rows", "3", "--dim", "8", "--out", folder["queries.npy"], "--seed", "2");
        Cli.Done("import", folder["rows.npy"], "--out", folder["store"]);
        Cli.Done("search", folder["store"], "--vectors", folder["queries.npy"], "-k", "5", "--output", "npz", "--out", folder["found.npz"], "--summary", folder["times.json"], "--threads", "1");
        JsonElement times = JsonDocument.Parse(File.ReadAllText(folder["times.json"])).RootElement;
        Assert.That(new[] { "rows", "dimension", "ranks", "threads", "queries", "k" }.Select(n => times.GetProperty(n).GetInt64()), Is.EqualTo(new long[] { 500, 8, 1, 1, 3, 5 }));
        Assert.That(new[] { "prepare_seconds", "open_seconds", "search_seconds" }.Select(n => times.GetProperty(n).GetDouble()), Is.All.Positive);
    }

    [Test]
    public void Runs_become_tables_a_plot_and_predictions()
    {
        using var folder = new ScratchFolder();
        File.WriteAllLines(folder["runs.jsonl"], [Line(1000, 100, "0.1"), Line(1000, 1100, "0.2"), Line(10000, 100, "0.2"), Line(10000, 1100, "1.2")]);
        string plan = Path.Combine(TestContext.CurrentContext.TestDirectory, "../../../../docs/scale-plan.json");
        Cli.Answer answer = Cli.Done("scale", "model", folder["runs.jsonl"], "--plan", plan, "--plot", folder["plot.svg"]);
        Assert.That(answer.Out, Does.Contain("| rows | ranks | ms a query |").And.Contain("| 1000 | 1 | 0.100 |").And.Contain("8 H200"));
        Assert.That(File.ReadAllText(folder["plot.svg"]), Does.StartWith("<svg xmlns"));
        Assert.That(Cli.Done("scale", "model", folder["runs.jsonl"], "--plan", plan, "--json").Json.GetProperty("predictions").GetArrayLength(), Is.Positive);
    }

    [Test]
    public void A_line_that_is_no_run_is_named()
    {
        using var folder = new ScratchFolder();
        File.WriteAllLines(folder["runs.jsonl"], [Line(1000, 100, "0.1"), "{}"]);
        Cli.Answer answer = Cli.Run("scale", "model", folder["runs.jsonl"]);
        Assert.That(answer.Code, Is.EqualTo(1));
        Assert.That(answer.Error, Does.Contain("line 2"));
    }
}
