using System.Text.Json.Nodes;
using NUnit.Framework;
using Osprey.Engine.Evaluation.Report;
using SkiaSharp;

namespace Osprey.Tests.Engine.Evaluation;

/// <summary>The report in a real browser. Skipped, saying so, where there is none.</summary>
[TestFixture, NonParallelizable]
public class HtmlReportBrowserTests
{
    const int Phone = 390, Desk = 1280;

    SampleEvaluation sample = null!;
    Browser? browser;
    string file = "";

    Browser Page => browser!;

    [OneTimeSetUp]
    public async Task Open()
    {
        if (Browser.Find() is not string program)
        {
            Assert.Ignore("skipped: there is no Chromium on PATH (Debian: apt-get install chromium)");
            return;
        }
        sample = new SampleEvaluation();
        file = Path.Combine(sample.Folder, "report.html");
        HtmlReport.Write(file, sample.Result, sample.Origin);
        try
        {
            browser = await Browser.Open(program, Path.Combine(sample.Folder, "browser"));
        }
        catch (TimeoutException e)
        {
            Assert.Ignore($"skipped: {program} does not start here. {e.Message}");
        }
    }

    [OneTimeTearDown]
    public async Task Close()
    {
        if (browser is not null) await browser.DisposeAsync();
        sample?.Dispose();
    }

    [SetUp]
    public async Task Show()
    {
        await Page.Emulate("screen", "light");
        await Page.Resize(Desk, 900);
        await Page.Show(file);
    }

    [Test]
    public async Task Nothing_goes_wrong_and_nothing_is_fetched()
    {
        await Page.Evaluate("new Promise(requestAnimationFrame)");
        Assert.That(Page.Events("Runtime.exceptionThrown"), Is.Empty);
        Assert.That(Page.Events("Log.entryAdded", "Runtime.consoleAPICalled").Select(e => e.ToJsonString()), Is.Empty);
        string[] requests = [.. Page.Events("Network.requestWillBeSent").Select(e => (string)e["request"]!["url"]!)];
        Assert.That(requests, Is.Not.Empty.And.All.Matches<string>(url => url == new Uri(file).AbsoluteUri || url.StartsWith("data:image/webp;", StringComparison.Ordinal)));
    }

    [Test]
    public async Task Every_picture_is_there()
    {
        await Page.Evaluate("Promise.all([...document.images].map(i => i.decode()))");
        JsonArray widths = (await Page.Evaluate("[...document.images].map(i => i.complete ? i.naturalWidth : 0)"))!.AsArray();
        Assert.That(widths, Has.Count.GreaterThan(100));
        Assert.That(widths.Select(w => (int)w!), Is.All.Positive);
    }

    [Test]
    public async Task The_page_never_scrolls_sideways([Values(320, Phone, 768, Desk)] int width)
    {
        await Page.Resize(width, 844, phone: width < 600);
        await Page.Show(file);
        await Page.Evaluate("document.querySelectorAll('details').forEach(d => d.open = true)");
        // What is wider than the window must be inside something that scrolls by itself.
        JsonArray wide = (await Page.Evaluate("""
            [...document.body.querySelectorAll('*')].filter(e => {
              if (e.getBoundingClientRect().right <= document.documentElement.clientWidth + 1) return false;
              for (let p = e.parentElement; p; p = p.parentElement) if (/auto|scroll|hidden/.test(getComputedStyle(p).overflowX)) return false;
              return true;
            }).map(e => e.tagName + '.' + e.getAttribute('class') + ' ' + e.textContent.slice(0, 40))
            """))!.AsArray();
        Assert.That(wide.Select(w => (string)w!), Is.Empty);
        Assert.That((int)(await Page.Evaluate("document.documentElement.scrollWidth"))!, Is.LessThanOrEqualTo(width));
    }

    [Test]
    public async Task Headings_and_landmarks_guide_a_screen_reader()
    {
        JsonNode[] nodes = [.. (await Page.Call("Accessibility.getFullAXTree"))["nodes"]!.AsArray().Where(n => (bool?)n!["ignored"] != true)!];
        string Role(JsonNode n) => (string)n["role"]!["value"]!;
        string Name(JsonNode n) => (string?)n["name"]?["value"] ?? "";
        foreach (string landmark in (string[])["banner", "navigation", "main", "contentinfo"]) Assert.That(nodes.Count(n => Role(n) == landmark), Is.EqualTo(1), landmark);
        Assert.That(nodes.Where(n => Role(n) is "region" or "image" or "img" or "table" or "link").Select(Name), Is.All.Not.Empty);
        Assert.That(nodes.Where(n => Role(n) == "region").Select(Name), Does.Contain("Summary").And.Contain("Compared").And.Contain("Under attack").And.Contain("Corrupted").And.Contain("fields").And.Contain("Training").And.Contain("Configuration"));
        int[] levels = [.. (await Page.Evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map(h => +h.tagName[1])"))!.AsArray().Select(l => (int)l!)];
        Assert.That(levels.Count(l => l == 1), Is.EqualTo(1));
        Assert.That(levels[0], Is.EqualTo(1));
        Assert.That(levels.Zip(levels.Skip(1), (a, b) => b - a), Is.All.LessThanOrEqualTo(1), "no level is left out");
    }

    [Test]
    public async Task The_keyboard_reaches_everything_and_shows_where_it_is()
    {
        const string focused = "({ tag: document.activeElement.tagName, text: document.activeElement.textContent, top: document.activeElement.getBoundingClientRect().top, outline: parseFloat(getComputedStyle(document.activeElement).outlineWidth) })";
        await Page.Press("Tab", 9);
        JsonNode first = (await Page.Evaluate(focused))!;
        Assert.That((string?)first["text"], Is.EqualTo("Skip to the figures"));
        Assert.That((double)first["top"]!, Is.GreaterThanOrEqualTo(0), "the skip link comes into view");
        await Page.Press("Enter", 13, "\r");
        Assert.That((string?)await Page.Evaluate("location.hash"), Is.EqualTo("#summary"));
        bool opened = false;
        for (int i = 0; i < 40 && !opened; i++)
        {
            await Page.Press("Tab", 9);
            JsonNode here = (await Page.Evaluate(focused))!;
            Assert.That((double)here["outline"]!, Is.GreaterThanOrEqualTo(2), $"{here["tag"]} {here["text"]}");
            if ((string?)here["tag"] != "SUMMARY") continue;
            await Page.Press("Enter", 13, "\r");
            opened = (bool)(await Page.Evaluate("document.activeElement.parentElement.open"))!;
        }
        Assert.That(opened, "a disclosure opens with Enter");
    }

    /// <summary>WCAG 2.1, 1.4.3: 4.5 to 1 for text.</summary>
    [Test]
    public async Task Words_stand_out_in_light_and_dark([Values("light", "dark")] string scheme)
    {
        await Page.Emulate("screen", scheme);
        foreach (string paper in (string[])["--page", "--card", "--head"])
            foreach (string ink in (string[])["--ink", "--soft", "--link", "--right", "--wrong"])
            {
                if (paper == "--head" && ink is "--right" or "--wrong") continue;
                double a = Luminance(await Colour(paper)), b = Luminance(await Colour(ink));
                Assert.That((Math.Max(a, b) + 0.05) / (Math.Min(a, b) + 0.05), Is.GreaterThanOrEqualTo(4.5), $"{ink} on {paper}");
            }
    }

    async Task<SKColor> Colour(string name) => SKColor.Parse((string)(await Page.Evaluate($"getComputedStyle(document.documentElement).getPropertyValue('{name}').trim()"))!);

    static double Luminance(SKColor colour)
    {
        static double Linear(byte value) => value / 255.0 is double v && v <= 0.04045 ? v / 12.92 : Math.Pow((value / 255.0 + 0.055) / 1.055, 2.4);
        return 0.2126 * Linear(colour.Red) + 0.7152 * Linear(colour.Green) + 0.0722 * Linear(colour.Blue);
    }

    [Test]
    public async Task It_looks_like_something([Values(Phone, Desk)] int width, [Values("light", "dark")] string scheme)
    {
        await Page.Emulate("screen", scheme);
        await Page.Resize(width, 844, phone: width == Phone);
        await Page.Show(file);
        using SKBitmap top = SKBitmap.Decode(await Page.Screenshot());
        Assert.That((top.Width, top.Height), Is.EqualTo((width, 844)));
        Assert.That(Luminance(top.GetPixel(2, 2)), scheme == "dark" ? Is.LessThan(0.05) : Is.GreaterThan(0.85), "the paper");
        await Page.Evaluate("document.querySelector('.query').scrollIntoView({ behavior: 'instant' })");
        using SKBitmap gallery = SKBitmap.Decode(await Page.Screenshot());
        var colours = gallery.Pixels.ToHashSet();
        Assert.That(colours.Count, Is.GreaterThan(50), "not blank");
        // The frames of right and wrong neighbours in the scheme's colours.
        foreach (string name in (string[])["--right", "--wrong"]) Assert.That(colours.Contains(await Colour(name)), $"{name} among {colours.Count} colours");
    }

    [Test]
    public async Task On_paper_closed_parts_are_printed_on_white()
    {
        await Page.Emulate("print", "dark");
        Assert.That((string?)await Page.Evaluate("getComputedStyle(document.body).backgroundColor"), Is.EqualTo("rgb(255, 255, 255)"), "no dark paper");
        Assert.That((string?)await Page.Evaluate("getComputedStyle(document.querySelector('nav')).display"), Is.EqualTo("none"));
        JsonArray heights = (await Page.Evaluate("[...document.querySelectorAll('details:not([open]) pre')].map(p => p.getBoundingClientRect().height)"))!.AsArray();
        Assert.That(heights, Is.Not.Empty);
        Assert.That(heights.Select(h => (double)h!), Is.All.Positive);
        byte[] pdf = Convert.FromBase64String((string)(await Page.Call("Page.printToPDF", new() { ["preferCSSPageSize"] = true, ["printBackground"] = true }))["data"]!);
        Assert.That(pdf.AsSpan(0, 5).ToArray(), Is.EqualTo("%PDF-"u8.ToArray()));
    }
}
