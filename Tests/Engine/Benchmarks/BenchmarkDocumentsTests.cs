using System.Text.RegularExpressions;
using NUnit.Framework;
using Osprey.Engine;
using Osprey.Engine.Benchmarks;
using Osprey.Tests.House;

namespace Osprey.Tests.Engine.Benchmarks;

/// <summary>
/// Figures in the documents are those of the committed runs. A table stands between <c>bench:FILE.json</c> (<c>bench-brief:</c> for fewer columns) and
/// <c>/bench</c> in HTML comments.
/// </summary>
[TestFixture]
public partial class BenchmarkDocumentsTests
{
    static string Results => Path.Combine(Shared.Repository, "Bench", "results");

    static IEnumerable<string> Files() => Directory.EnumerateFiles(Results, "*.json", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(Results, f)).Order(StringComparer.Ordinal);

    static IEnumerable<string> Documents() => ["README.md", Path.Combine("docs", "kernels.md")];

    [TestCaseSource(nameof(Files))]
    public void A_page_of_results_is_its_json(string file)
    {
        string json = Path.Combine(Results, file);
        BenchmarkReport report = Json.Read<BenchmarkReport>(json);
        Assert.That(File.ReadAllText(Path.ChangeExtension(json, ".md")), Is.EqualTo(BenchmarkTable.Markdown(report)));
        Assert.That(Path.GetDirectoryName(file), Is.EqualTo(report.Machine.Folder()));
    }

    [TestCaseSource(nameof(Documents))]
    public void A_table_in_a_document_is_that_of_the_committed_run(string document)
    {
        string text = File.ReadAllText(Path.Combine(Shared.Repository, document));
        MatchCollection blocks = Blocks().Matches(text);
        Assert.That(Openings().Count(text), Is.EqualTo(blocks.Count), "a table that begins must end");
        foreach (Match block in blocks)
        {
            BenchmarkReport report = Json.Read<BenchmarkReport>(Path.Combine(Results, block.Groups["file"].Value));
            Assert.That(block.Groups["table"].Value.Trim('\n'), Is.EqualTo(BenchmarkTable.Markdown(report, brief: block.Groups["brief"].Success).Trim('\n')), block.Groups["file"].Value);
        }
    }

    [Test]
    public void The_page_on_kernels_has_tables() =>
        Assert.That(Blocks().Count(File.ReadAllText(Path.Combine(Shared.Repository, "docs", "kernels.md"))), Is.Positive);

    [GeneratedRegex("<!-- bench(?<brief>-brief)?:(?<file>[^ ]+) -->\n(?<table>.*?)<!-- /bench -->", RegexOptions.Singleline | RegexOptions.ExplicitCapture)]
    private static partial Regex Blocks();

    [GeneratedRegex("<!-- bench(-brief)?:")]
    private static partial Regex Openings();
}
