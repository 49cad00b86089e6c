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
        HtmlReport.Write(file, sample.Result, sample.Origin);
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
        Assert.That(Values("src"), Is.Not.Empty.And.All.StartsWith("data:image/webp;base64,"));
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
            using SKBitmap picture = SKBitmap.Decode(Convert.FromBase64String(uri["data:image/webp;base64,".Length..]));
            Assert.That((picture.Width, picture.Height), Is.EqualTo((96, 96)).Or.EqualTo((24, 24)), "a thumbnail, or pixels as they are");
        }
    }

    [Test]
    public void Right_and_wrong_are_told_by_more_than_colour()
    {
        // Of several radii of a norm the smaller of the middle two is shown.
        AdversarialExample[] examples = [.. sample.Result.Results.SelectMany(r => r.Robust[0].Examples.Concat(r.Robust[2].Examples))];
        GalleryNeighbour[] shown =
        [
            .. sample.Result.Galleries.SelectMany(g => g.Rows).SelectMany(r => r.Answers).Concat(examples.SelectMany(e => new[] { e.Before, e.After })).SelectMany(a => a.Neighbours),
        ];
        Assert.That(page.Descendants("b").Count(b => b.Value == "✓"), Is.EqualTo(shown.Count(n => n.Right)).And.Positive);
        Assert.That(page.Descendants("b").Count(b => b.Value == "✗"), Is.EqualTo(shown.Count(n => !n.Right)).And.Positive);
        Assert.That(page.Descendants("li").Where(l => (string?)l.Attribute("class") == "miss").Select(l => l.Elements("small").Single().Value), Is.All.AnyOf(SampleEvaluation.AwkwardClass, "forest", "harbour", "runway"));
    }

    [Test]
    public void Attacked_images_stand_beside_clean_ones_with_their_difference_magnified()
    {
        AdversarialExample example = sample.Result.Results[0].Robust[0].Examples[0];
        (RgbImage picture, int factor) = ReportExamples.Difference(example);
        // ε = 1/255: 127·ε = 0.498 is the last whole multiple below a half; grey is no change.
        Assert.That(factor, Is.EqualTo(127));
        Assert.That(picture.Pixels.Distinct().Order(), Is.EqualTo(new byte[] { 128, 255 }));
        string[] captions = [.. page.Descendants("small").Select(s => s.Value)];
        Assert.That(captions.Count(c => c == "attacked"), Is.EqualTo(16), "two images, two models, two sets, two norms");
        Assert.That(captions.Count(c => c == "difference ×127"), Is.EqualTo(8));
        Assert.That(page.Descendants("h3").Select(h => h.Value), Does.Contain("Attacked queries: ℓ∞, ε = 1/255").And.Contain("Attacked queries: ℓ2, ε = 0.5"));
        string told = $"baseline: AP {100 * example.Before.AveragePrecision:0.0} → {100 * example.After.AveragePrecision:0.0}, descriptor moved by 1 − cosine = {example.Shift:0.000}";
        Assert.That(page.Descendants("span").Select(s => s.Value), Does.Contain(told));
    }

    [Test]
    public void Each_model_is_mapped_with_every_image_a_dot_and_every_class_a_number()
    {
        XElement[] maps = [.. page.Descendants("svg").Where(s => (string?)s.Attribute("class") == "map")];
        Assert.That(maps, Has.Length.EqualTo(4));
        foreach (XElement map in maps)
        {
            Assert.That(map.Elements("path").Sum(p => ((string)p.Attribute("d")!).Count(c => c == 'M')), Is.EqualTo(32));
            Assert.That(map.Elements("text").Select(t => t.Value), Is.EqualTo(new[] { "1", "2", "3", "4" }));
        }
    }

    [Test]
    public void A_model_has_one_colour_all_over_the_page()
    {
        // The only run trained is the second model: its curve is not drawn as the first's.
        XElement curve = page.Descendants("figure").Single(f => f.Element("figcaption")!.Value == "Training loss, what was minimised");
        Assert.That(curve.Descendants("g").Select(g => (string?)g.Attribute("stroke")), Is.EqualTo(new[] { "var(--s1)" }));
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

    static void AssertEven(XElement table)
    {
        static int Span(XElement cell, string direction) => (int?)cell.Attribute(direction) ?? 1;
        int columns = table.Element("thead")!.Elements("tr").Last().Elements().Sum(c => Span(c, "colspan"));
        foreach (XElement body in table.Elements("tbody"))
        {
            XElement[] rows = [.. body.Elements("tr")];
            var filled = new int[rows.Length];
            for (int r = 0; r < rows.Length; r++)
            {
                foreach (XElement cell in rows[r].Elements())
                    for (int below = 0; below < Span(cell, "rowspan"); below++) filled[r + below] += Span(cell, "colspan");
            }
            Assert.That(filled, Is.All.EqualTo(columns), table.Element("caption")!.Value);
        }
    }

    XElement Table(string caption) => page.Descendants("table").Single(t => t.Element("caption")!.Value.StartsWith(caption, StringComparison.Ordinal));

    static string[] Cells(XElement row) => [.. row.Elements().Select(c => c.Value)];

    static string Percent(double fraction) => (100 * fraction).ToString("0.0");

    [Test]
    public void A_group_stands_above_its_runs_and_their_seeds()
    {
        XElement[] rows = [.. Table("Groups and their runs").Elements("tbody").First().Elements("tr")];
        GroupResult both = sample.Result.Groups[0];
        (double mean, double deviation) = both.Figures["map"];
        Assert.That(Cells(rows[0])[..4], Is.EqualTo(new[] { "fields", "both", "2 runs", $"{Percent(mean)} ± {Percent(deviation)}" }));
        Assert.That(Cells(rows[1])[..2], Is.EqualTo(new[] { "baseline", "–" }), "weights alone have no seed");
        Assert.That(Cells(rows[2])[..2], Is.EqualTo(new[] { "robust", "17" }));
        Assert.That(Cells(rows[2])[2], Does.StartWith(Percent(sample.Result.Results[1].Retrieval.Map.Value)));
    }

    [Test]
    public void Differences_are_told_for_each_set_and_over_all()
    {
        XElement[] rows = [.. Table("Differences from baseline").Elements("tbody").Elements("tr")];
        Assert.That(rows.Select(r => Cells(r)[0]), Is.EqualTo(new[] { "fields", "coast", "mean of 2 sets" }));
        ModelDifference first = sample.Result.Differences[0];
        string Points(double value) => (100 * value).ToString("+0.0;−0.0;0.0");
        Assert.That(Cells(rows[0])[2], Is.EqualTo($"{Points(first.Map)}{Points(first.MapCi[0])} to {Points(first.MapCi[1])}"));
        Assert.That(Cells(rows[2])[2], Does.StartWith(Points(sample.Result.MeanDifferences[0].Map)));
        Assert.That((string?)rows[0].Elements().ElementAt(2).Attribute("class"), Is.EqualTo(first.MapCi[0] > 0 ? "up" : first.MapCi[1] < 0 ? "down" : null));
    }

    [Test]
    public void The_matrix_has_the_sets_learned_from_marked()
    {
        XElement[] rows = [.. Table("mAP of models by data sets").Element("tbody")!.Elements("tr")];
        double[] robust = sample.Result.Matrix!.Map[1];
        Assert.That(Cells(rows[1]), Is.EqualTo(new[] { "robust", "fields", Percent(robust[0]) + "trained on it", Percent(robust[1]), Percent(robust.Average()) }));
        Assert.That(Cells(rows[0])[1], Is.EqualTo("–"));
    }

    [Test]
    public void Corruptions_are_told_kind_by_kind_and_in_the_mean()
    {
        XElement[] blocks = [.. Table("coast: 16 corrupted queries").Elements("tbody")];
        Assert.That(blocks.Select(b => Cells(b.Element("tr")!)[0]), Is.EqualTo(new[] { "as they are", "hazelight through 0.8, 0.6, 0.4", "rotation90°, 180°, 270°", "mean over the kinds" }));
        double map = sample.Result.Results[2].Retrieval.Map.Value;
        string[] Row(int block) => Cells(blocks[block].Element("tr")!)[2..];
        Assert.That(Row(0), Has.Length.EqualTo(2).And.ItemAt(0).StartsWith(Percent(map)), "one cell across the severities of each figure");
        Assert.That(Row(1)[2], Does.StartWith(Percent(0.7 * map)), "haze at severity 3 leaves 1 − 0.3 of it");
        Assert.That(Row(3)[2], Is.EqualTo(Percent(0.55 * map)), "rotation leaves 0.4");
        Assert.That(page.Descendants("figcaption").Select(c => c.Value), Does.Contain("coast: mAP of corrupted queries, mean over the kinds, per cent"));
    }

    [Test]
    public void Failed_checks_of_the_attack_stand_out_and_all_are_there()
    {
        Assert.That(page.Descendants("strong").Select(s => s.Value), Does.Contain("Failed in 2 of 8 comparisons."));
        XElement[] failed = [.. Table("Comparisons that failed").Elements("tbody").Elements("tr")];
        Assert.That(Cells(failed[0]), Is.EqualTo(new[] { "fields", "robust", "ℓ2", "noise at 0.5", "10 steps at 0.5", "failed", "0.125 → 0.250", "40.0 → 50.0" }));
        Assert.That(failed, Has.Length.EqualTo(2));
        Assert.That(Table("All comparisons").Elements("tbody").Elements("tr").Count(), Is.EqualTo(8));
    }

    [Test]
    public void What_came_from_outside_is_escaped()
    {
        Assert.That(page.Descendants("h1").Single().Value, Is.EqualTo("Title with <angles> & ampersands"));
        Assert.That(page.Descendants("th").Select(t => t.Value), Does.Contain(SampleEvaluation.AwkwardClass));
    }

    [Test]
    public void Where_the_figures_come_from_is_in_it()
    {
        Assert.That(page.Descendants("pre").Select(p => p.Value), Has.Some.Contains("\"bootstrap_samples\": 50").And.Some.Contains("the file is empty").And.Some.Contains("\"recipe\": \"advprop\"")
            .And.Some.EqualTo("osprey eval --data 'a b'").And.Some.Contains("\"descriptor_size\": 12"));
        string configuration = page.Descendants("section").Single(s => (string?)s.Attribute("id") == "configuration").Value;
        Assert.That(configuration, Does.Contain("a <fast> one").And.Contain("advprop, arcface, 2 epochs on fields, 1800 images").And.Contain("resnet18, to stage 3"));
    }

    [Test]
    public void Curves_of_attack_and_training_are_in_it()
    {
        Assert.That(page.Descendants("figcaption").Select(c => c.Value), Does.Contain("fields: mAP under ℓ∞ attack, per cent").And.Contain("coast: 1-NN accuracy under ℓ∞ attack, per cent").And.Contain("coast: mAP under ℓ2 attack, per cent")
            .And.Contain("fields: precision by recall, per cent").And.Contain("Training loss, what was minimised").And.Contain("Training loss on attacked images")
            .And.Contain("mAP on the held-out part of the source, per cent"));
        string training = page.Descendants("section").Single(s => (string?)s.Attribute("id") == "training").Value;
        Assert.That(training, Does.Contain("10.750").And.Contain("42.0"));
    }

    [Test]
    public void Every_chart_is_told_in_words_and_every_column_has_its_scope()
    {
        Assert.That(page.Descendants("svg").Where(s => s.Attribute("aria-hidden") is null).Select(s => (string?)s.Attribute("aria-label")), Is.All.Not.Empty);
        Assert.That(page.Descendants("th").Select(t => (string?)t.Attribute("scope")), Is.All.AnyOf("col", "row", "rowgroup"));
        // A row has as many cells as the head of its table, those counted that reach down or across.
        foreach (XElement table in page.Descendants("table").Where(t => t.Element("thead") is not null)) AssertEven(table);
        Assert.That(page.Descendants("table").Select(t => t.Parent!.Attribute("tabindex")), Is.All.Not.Null, "scrollable by keyboard");
        foreach (XElement svg in page.Descendants("svg"))
            Assert.That(svg.Descendants().Attributes().Select(a => a.Value), Has.None.Contains("NaN").And.None.Contains("Infinity"));
    }

    [Test]
    public void The_same_result_gives_the_same_bytes()
    {
        string again = Path.Combine(sample.Folder, "again.html");
        string once = Path.Combine(sample.Folder, "once.html");
        var bare = new ReportOrigin("t", new DecodeOptions());
        HtmlReport.Write(once, sample.Result, bare);
        HtmlReport.Write(again, sample.Result, bare);
        Assert.That(File.ReadAllBytes(again), Is.EqualTo(File.ReadAllBytes(once)));
        Assert.That(File.ReadAllText(again), Does.Not.Contain("Training loss"));
    }

    [Test]
    public void A_picture_that_is_gone_leaves_a_note()
    {
        using var gone = new SampleEvaluation();
        foreach (string png in Directory.GetFiles(gone.Folder, "*.png")) File.Delete(png);
        string path = Path.Combine(gone.Folder, "r.html");
        HtmlReport.Write(path, gone.Result, new ReportOrigin("t", new DecodeOptions()));
        string written = File.ReadAllText(path);
        Assert.That(written, Does.Contain("not readable"));
        Assert.That(written.Split("<img").Length - 1, Is.EqualTo(40), "only what is no file: of two queries a set and norm the clean picture, and of each model the attacked one and the difference");
    }
}
