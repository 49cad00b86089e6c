using System.Text.Json;
using NUnit.Framework;
using Osprey.Tests.Interop;

namespace Osprey.Tests.Tools;

[TestFixture]
public class BenchVerbTests
{
    [Test]
    public void Json_has_the_fields_that_scripts_rely_on()
    {
        JsonElement answer = Cli.Done("bench", "--quick", "--only", "gem", "linf-step", "--seconds", "0.01", "--json").Json;
        Assert.That(answer.GetProperty("machine").GetProperty("copy_gbps").GetDouble(), Is.Positive);
        JsonElement[] results = [.. answer.GetProperty("results").EnumerateArray()];
        Assert.That(results.Select(r => r.GetProperty("operation").GetString()).Distinct(), Is.EqualTo(new[] { "gem", "linf-step" }));
        foreach (JsonElement result in results)
        {
            Assert.That(result.GetProperty("peer").GetString(), Is.EqualTo("torch"));
            Assert.That(result.GetProperty("shape").GetString(), Is.Not.Empty);
            Assert.That(result.GetProperty("ratio").GetDouble(), Is.EqualTo(result.GetProperty("peer_ms").GetDouble() / result.GetProperty("ours_ms").GetDouble()).Within(1e-9).Percent);
            Assert.That(result.GetProperty("max_error").GetDouble(), Is.LessThan(1e-6));
            Assert.That(result.GetProperty("allocated_bytes").GetInt64(), Is.Zero);
            Assert.That(result.GetProperty("samples").GetInt32(), Is.AtLeast(3));
        }
    }

    [Test]
    public void The_table_ends_with_the_machine_and_the_files_hold_the_same()
    {
        using var folder = new ScratchFolder();
        Cli.Answer answer = Cli.Done("bench", "--quick", "--only", "unit-rows", "--out", folder["results"], "--name", "rows");
        string[] lines = answer.Out.TrimEnd().Split('\n');
        Assert.That(lines[0], Does.Contain("operation").And.Contain("bytes/call"));
        Assert.That(lines[^1], Does.Contain("copy").And.Contain("GFLOP/s"));
        string page = Directory.EnumerateFiles(folder["results"], "rows.md", SearchOption.AllDirectories).Single();
        Assert.That(File.ReadAllText(page), Does.StartWith(lines[^1]).And.Contain("| unit-rows | 33×67 | torch |"));
        Assert.That(File.Exists(Path.ChangeExtension(page, ".json")), Is.True);
    }

    [Test]
    public void Rows_of_ones_own_are_searched()
    {
        using var folder = new ScratchFolder();
        string rows = folder["rows.npy"];
        Osprey.Interop.Formats.Npy.Write(rows, [.. Enumerable.Range(0, 600).Select(i => MathF.Sin(i * i))], 60, 10);
        JsonElement answer = Cli.Done("bench", "--quick", "--only", "search-own", "--rows", rows, "--seconds", "0.01", "--json").Json;
        foreach (JsonElement result in answer.GetProperty("results").EnumerateArray().Where(r => r.TryGetProperty("id_differences", out _)))
            Assert.That(result.GetProperty("id_differences").GetInt64(), Is.Zero);
        Assert.That(answer.GetProperty("results")[0].GetProperty("peer_ms").GetDouble(), Is.Positive);
    }

    [Test]
    public void Images_of_ones_own_are_described()
    {
        using var folder = new ScratchFolder();
        Drawn.Files(folder["images"], classes: 2, perClass: 20);
        JsonElement[] results = [.. Cli.Done("bench", "--quick", "--only", "embed-own", "--images", folder["images"], "--seconds", "0.01", "--json").Json.GetProperty("results").EnumerateArray()];
        Assert.That(results.Select(r => r.GetProperty("peer").GetString()), Is.EqualTo(new[] { "backbone", "loading" }));
        Assert.That(results[0].GetProperty("max_error").GetDouble(), Is.Zero);
    }

    [TestCase("bench --only gme", "--only is 'gme'; give pooling, ")]
    [TestCase("bench --quick --large", "--quick and --large exclude each other")]
    [TestCase("bench --name x", "--name is the name of a file and belongs to --out")]
    [TestCase("bench --only search-own", "search-own searches descriptors of your own; name their file with --rows")]
    [TestCase("bench --only embed-own", "embed-own describes images of your own; name their folder with --images")]
    [TestCase("bench --seconds 0", "--seconds is '0'; give a number, 0.01 to 3600")]
    public void Wrong_usage_is_told_in_a_line(string line, string message)
    {
        Cli.Answer answer = Cli.Run(line.Split(' '));
        Assert.That(answer.Code, Is.EqualTo(2));
        Assert.That(answer.Error, Does.Contain(message));
    }
}
