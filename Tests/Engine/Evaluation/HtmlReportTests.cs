using System.Diagnostics;
using System.Xml.Linq;
using NUnit.Framework;
using Osprey.Engine.Evaluation;
using Osprey.Engine.Evaluation.Report;
using Osprey.Engine.Images;
using SkiaSharp;

namespace Osprey.Tests.Engine.Evaluation;

[TestFixture]
public class HtmlReportTests
{
    SampleEvaluation sample = null!;
    string file = null!, text = null!;
    XElement page = null!;

    [OneTimeSetUp]
    public void Write()
    {
        sample = new SampleEvaluation();
        file = Path.Combine(sample.Folder, "report.html");
        HtmlReport.Write(file, sample.Result, "Title with <angles> & ampersands", new DecodeOptions(),
            [new TrainingCurve("robust", [(1, 12.5), (2, 9), (3, 7.25)])], new Dictionary<string, object> { ["Training: robust"] = new { Recipe = "advprop" } });
        text = File.ReadAllText(file);
        page = XDocument.Parse(text[(text.IndexOf('\n') + 1)..]).Root!;
    }

    [OneTimeTearDown]
    public void Delete() => sample.Dispose();

    IEnumerable<string> Values(string attribute) => page.DescendantsAndSelf().Attributes(attribute).Select(a => a.Value);

    [Test]
    public void It_is_one_file_that_loads_nothing()
    {
        Assert.That(text, Does.StartWith("<!DOCTYPE html>"));
        Assert.That(Values("src"), Is.Not.Empty.And.All.StartsWith("data:image/jpeg;base64,"));
        Assert.That(Values("href"), Is.Not.Empty.And.All.StartsWith("#"));
        Assert.That(page.Descendants("script").Concat(page.Descendants("link")).Concat(page.Descendants("iframe")), Is.Empty);
        Assert.That(text, Does.Not.Contain("http").And.Not.Contain("url(").And.Not.Contain("@import"));
        Assert.That(Directory.GetFiles(sample.Folder, "*.tmp"), Is.Empty);
    }

    [Test]
    public void Every_link_has_its_target_and_every_id_is_one()
    {
        string[] ids = [.. Values("id")];
        Assert.That(ids, Is.Unique);
        Assert.That(Values("href").Select(h => h[1..]).Distinct(), Is.SubsetOf(ids));
        Assert.That(Values("aria-labelledby").Distinct(), Is.SubsetOf(ids));
    }

    [Test]
    public void Every_picture_decodes_and_says_what_it_is()
    {
        XElement[] pictures = [.. page.Descendants("img")];
        Assert.That(pictures.Select(p => (string?)p.Attribute("alt")), Is.All.Not.Empty);
        foreach (string uri in pictures.Select(p => (string)p.Attribute("src")!).Distinct())
        {
            using SKBitmap picture = SKBitmap.Decode(Convert.FromBase64String(uri["data:image/jpeg;base64,".Length..]));
            Assert.That((picture.Width, picture.Height), Is.EqualTo((96, 96)));
        }
        int right = sample.Result.Galleries.SelectMany(g => g.Rows).SelectMany(r => r.Answers).SelectMany(a => a.Neighbours).Count(n => n.Right);
        Assert.That(page.Descendants("b").Count(b => b.Value == "✓"), Is.EqualTo(right).And.Positive, "a mark besides the colour");
        Assert.That(page.Descendants("b").Count(b => b.Value == "✗"), Is.Positive);
    }

    [Test]
    public void The_tables_hold_the_figures()
    {
        string summary = page.Descendants("section").First(s => (string?)s.Attribute("id") == "summary").Value;
        foreach (ModelResult r in sample.Result.Results)
        {
            Assert.That(summary, Does.Contain((100 * r.Retrieval.Map.Value).ToString("0.0")));
            Assert.That(summary, Does.Contain((100 * r.Classification!.Figures["linear"].Value).ToString("0.0")));
        }
        string attack = page.Descendants("section").First(s => (string?)s.Attribute("id") == "attack").Value;
        Assert.That(attack, Does.Contain("ε = 4/255").And.Contain((100 * sample.Result.Results[0].Robust[1].Attacked["map"].Value).ToString("0.0")));
    }

    [Test]
    public void What_came_from_outside_is_escaped()
    {
        Assert.That(page.Descendants("h1").Single().Value, Is.EqualTo("Title with <angles> & ampersands"));
        Assert.That(page.Descendants("th").Select(t => t.Value), Does.Contain(SampleEvaluation.AwkwardClass));
    }

    [Test]
    public void Configuration_bad_files_and_training_are_in_it()
    {
        Assert.That(page.Descendants("pre").Select(p => p.Value), Has.Some.Contains("\"bootstrap_samples\": 50").And.Some.Contains("the file is empty").And.Some.Contains("advprop"));
        Assert.That(page.Descendants("figcaption").Select(c => c.Value), Does.Contain("Training loss").And.Contain("fields: mAP under ℓ∞ attack, per cent"));
    }

    [Test]
    public void Every_chart_is_told_in_words_and_every_column_has_its_scope()
    {
        Assert.That(page.Descendants("svg").Where(s => s.Attribute("aria-hidden") is null).Select(s => (string?)s.Attribute("aria-label")), Is.All.Not.Empty);
        Assert.That(page.Descendants("th").Select(t => (string?)t.Attribute("scope")), Is.All.AnyOf("col", "row", "rowgroup"));
        Assert.That(page.Descendants("table").Select(t => t.Parent!.Attribute("tabindex")), Is.All.Not.Null, "scrollable by keyboard");
        foreach (XElement svg in page.Descendants("svg"))
            Assert.That(svg.Descendants().Attributes().Select(a => a.Value), Has.None.Contains("NaN").And.None.Contains("Infinity"));
    }

    [Test]
    public void The_same_result_gives_the_same_bytes()
    {
        string again = Path.Combine(sample.Folder, "again.html");
        string once = Path.Combine(sample.Folder, "once.html");
        HtmlReport.Write(once, sample.Result, "t", new DecodeOptions());
        HtmlReport.Write(again, sample.Result, "t", new DecodeOptions());
        Assert.That(File.ReadAllBytes(again), Is.EqualTo(File.ReadAllBytes(once)));
        Assert.That(File.ReadAllText(again), Does.Not.Contain("Training loss"));
    }

    [Test]
    public void A_picture_that_is_gone_leaves_a_note()
    {
        using var gone = new SampleEvaluation();
        foreach (string png in Directory.GetFiles(gone.Folder, "*.png")) File.Delete(png);
        string path = Path.Combine(gone.Folder, "r.html");
        HtmlReport.Write(path, gone.Result, "t", new DecodeOptions());
        Assert.That(File.ReadAllText(path), Does.Contain("not readable").And.Not.Contain("<img"));
    }

    [Test]
    public void A_browser_shows_it()
    {
        string? browser = ((string[])["/usr/bin/chromium", "/usr/bin/google-chrome"]).FirstOrDefault(File.Exists);
        if (browser is null) Assert.Ignore("skipped: no chromium on this machine");
        string shot = Path.Combine(sample.Folder, "shot.png");
        var start = new ProcessStartInfo(browser!) { RedirectStandardError = true, RedirectStandardOutput = true };
        foreach (string argument in (string[])["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
            "--disable-sync", "--user-data-dir=" + Path.Combine(sample.Folder, "browser"), "--screenshot=" + shot, "--window-size=800,3000", new Uri(file).AbsoluteUri])
            start.ArgumentList.Add(argument);
        using Process process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        if (!process.WaitForExit(60_000))
        {
            process.Kill(entireProcessTree: true);
            Assert.Ignore("skipped: the browser took more than a minute");
        }
        if (!File.Exists(shot)) Assert.Ignore("skipped: the browser could not run here");
        using SKBitmap picture = SKBitmap.Decode(shot);
        SKColor[] colours = [.. picture.Pixels.Distinct()];
        // The frames of right and wrong neighbours, and the second model's bars, in the light colours of the style sheet.
        Assert.That(colours, Does.Contain(new SKColor(0x15, 0x80, 0x3d)).And.Contain(new SKColor(0xc2, 0x26, 0x1c)).And.Contain(new SKColor(0xd9, 0x73, 0x1a)));
    }
}
