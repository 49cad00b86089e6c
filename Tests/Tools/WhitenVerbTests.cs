using System.Text.Json;
using NUnit.Framework;
using SkiaSharp;

namespace Osprey.Tests.Tools;

/// <summary>whiten, and what the other verbs make of its runs, of scales, of expanded queries and of re-ranking.</summary>
[TestFixture]
public class WhitenVerbTests
{
    string dir = "";

    string At(string name) => Path.Combine(dir, name);

    [OneTimeSetUp]
    public void MakeModelAndData()
    {
        dir = Directory.CreateTempSubdirectory("osprey-whiten-").FullName;
        UntrainedModel.Save(At("model"));
        Drawn.Files(At("data"), classes: 3, perClass: 4);
        Cli.Done("whiten", "--data", At("data"), "--model", At("model"), "--dim", "6", "--out", At("whitened"));
    }

    [OneTimeTearDown]
    public void DeleteFolder() => Directory.Delete(dir, recursive: true);

    [TestCase("pca")]
    [TestCase("learned")]
    public void A_whitening_says_what_it_came_from(string method)
    {
        JsonElement answer = Cli.Done("whiten", "--data", At("data"), "--model", At("model"), "--method", method, "--dim", "5", "--shrinkage", "0.5", "--out", At(method), "--json").Json;
        Assert.That((answer.GetProperty("channels").GetInt32(), answer.GetProperty("size").GetInt32(), answer.GetProperty("images").GetInt32(), answer.GetProperty("shrinkage").GetDouble()), Is.EqualTo((128, 5, 12, 0.5)));
        Assert.That(answer.TryGetProperty("pairs", out JsonElement pairs) ? pairs.GetInt64() : -1, Is.EqualTo(method == "learned" ? 36 : -1));
        using JsonDocument record = JsonDocument.Parse(File.ReadAllText(Path.Combine(At(method), "whitening.json")));
        Assert.That(record.RootElement.GetProperty("model").GetString(), Is.EqualTo(At("model")));
        Assert.That(record.RootElement.GetProperty("whitening").GetProperty("method").GetString(), Is.EqualTo(method));
        using JsonDocument model = JsonDocument.Parse(File.ReadAllText(Path.Combine(At(method), "model.json")));
        Assert.That(model.RootElement.GetProperty("whitened_size").GetInt32(), Is.EqualTo(5));
    }

    [Test]
    public void Every_verb_takes_the_run_with_no_further_flag()
    {
        Assert.That(Cli.Done("embed", "--data", At("data"), "--model", At("whitened"), "--out", At("store"), "--json").Json.GetProperty("dimension").GetInt32(), Is.EqualTo(6));
        Cli.Done("index", At("store"));
        string query = Path.Combine(At("data"), "class-2", "1.png");
        JsonElement found = Cli.Done("search", At("store"), "--query", query, "-k", "2", "--json").Json.GetProperty("results")[0];
        Assert.That((found.GetProperty("paths")[0].GetString(), found.GetProperty("scores")[0].GetDouble()), Is.EqualTo((query, 1.0)).Using<(string?, double)>((a, b) => a.Item1 == b.Item1 && Math.Abs(a.Item2 - b.Item2) < 1e-4));
        Assert.That(Cli.Run("search", At("store"), "--query", query, "--model", At("model")).Error, Does.Contain("whitened_size is 6 in the store and not given here"));
        JsonElement results = Cli.Done("eval", "--data", At("data"), "--model", At("model"), At("whitened"), "--no-linear", "--runs", "1", "--bootstrap", "5", "--json").Json.GetProperty("results");
        Assert.That(results.EnumerateArray().Select(r => r.GetProperty("dimension").GetInt32()), Is.EqualTo(new[] { 128, 6 }));
        Assert.That(Cli.Done("attack", "--data", At("data"), "--model", At("whitened"), "--out", At("attacked"), "--steps", "1", "--limit", "2", "--json").Json.GetProperty("shift").GetProperty("mean").GetDouble(), Is.Positive);
    }

    [Test]
    public void Wrong_use_is_2_and_nothing_is_written()
    {
        (string[] Words, string Message)[] cases =
        [
            (["--model", At("model"), "--out", At("model")], "is not empty"),
            (["--model", At("whitened"), "--out", At("twice")], "has a whitening to 6 dimensions already"),
            (["--model", At("model"), "--out", At("wide"), "--dim", "129"], "give 1 to 128"),
            (["--model", At("model"), "--out", At("sure"), "--shrinkage", "0"], "give more images, a shrinkage above 0"),
            (["--model", At("model"), "--out", At("small"), "--scales", "1", "0.25"], "an image of 32 px has 8"),
        ];
        foreach ((string[] words, string message) in cases)
        {
            Cli.Answer answer = Cli.Run(["whiten", "--data", At("data"), .. words]);
            Assert.That((answer.Code, answer.Error), Is.EqualTo((2, answer.Error)), message);
            Assert.That(answer.Error, Does.Contain(message));
        }
        foreach (string name in new[] { "twice", "wide", "sure", "small" }) Assert.That(Directory.Exists(At(name)), Is.False, name);
        Cli.Answer training = Cli.Run("train", "--data", At("data"), "--weights", At("whitened"), "--out", At("trained"));
        Assert.That(training.Code, Is.EqualTo(2));
        Assert.That(training.Error, Does.Contain("whitening.json names"));
    }

    [Test]
    public void A_store_keeps_its_scales_and_a_search_describes_queries_by_them()
    {
        string[] embed = ["embed", "--data", At("data"), "--model", At("model"), "--out", At("scaled")];
        Cli.Done([.. embed, "--scales", "1", "0.75"]);
        using (JsonDocument manifest = JsonDocument.Parse(File.ReadAllText(Path.Combine(At("scaled"), "manifest.json"))))
            Assert.That(manifest.RootElement.GetProperty("embedder").GetProperty("scales").EnumerateArray().Select(s => s.GetDouble()), Is.EqualTo(new[] { 1, 0.75 }));
        Assert.That(Cli.Run(embed).Error, Does.Contain("holds another store"), "one scale does not go on where two were");
        Assert.That(Cli.Run([.. embed, "--scales", "0.75", "1"]).Code, Is.EqualTo(2));
        Cli.Done([.. embed, "--scales", "1,0.75"]);
        JsonElement found = Cli.Done("search", At("scaled"), "--query", Path.Combine(At("data"), "class-2", "1.png"), "-k", "1", "--json").Json.GetProperty("results")[0];
        Assert.That(found.GetProperty("scores")[0].GetDouble(), Is.EqualTo(1).Within(1e-4));

        // A run fitted at several scales describes by them, unless it is told otherwise.
        Cli.Done("whiten", "--data", At("data"), "--model", At("model"), "--dim", "6", "--scales", "1", "0.75", "--out", At("whitened-scales"));
        JsonElement Measured(params string[] more) => Cli.Done(["eval", "--data", At("data"), "--model", At("whitened-scales"), "--no-linear", "--runs", "1", "--bootstrap", "5", "--json", .. more]).Json.GetProperty("results")[0];
        Assert.That(Measured().GetProperty("scales").GetArrayLength(), Is.EqualTo(2));
        Assert.That(Measured("--scales", "1").TryGetProperty("scales", out _), Is.False);
    }

    [Test]
    public void A_store_of_turned_images_finds_an_image_however_it_lies()
    {
        string[] embed = ["embed", "--data", At("data"), "--model", At("model"), "--out", At("turned")];
        Cli.Done([.. embed, "--turns", "4"]);
        Assert.That(Cli.Run(embed).Error, Does.Contain("holds another store").And.Contain("turns"), "one turn does not go on where four were");
        string image = Path.Combine(At("data"), "class-2", "1.png"), turned = At("turned.png");
        using (var picture = SKBitmap.Decode(image))
        using (var quarter = new SKBitmap(picture.Height, picture.Width))
        {
            for (int y = 0; y < quarter.Height; y++)
                for (int x = 0; x < quarter.Width; x++) quarter.SetPixel(x, y, picture.GetPixel(picture.Width - 1 - y, x));
            using SKData png = quarter.Encode(SKEncodedImageFormat.Png, 100);
            File.WriteAllBytes(turned, png.ToArray());
        }
        JsonElement Best(string store, string query) => Cli.Done("search", store, "--query", query, "-k", "1", "--json").Json.GetProperty("results")[0];
        JsonElement expected = Best(At("turned"), image), found = Best(At("turned"), turned);
        Assert.That(found.GetProperty("scores")[0].GetDouble(), Is.EqualTo(1).Within(1e-4));
        Assert.That(found.GetProperty("ids")[0].GetInt64(), Is.EqualTo(expected.GetProperty("ids")[0].GetInt64()));
        JsonElement measured = Cli.Done("eval", "--data", At("data"), "--model", At("model"), "--turns", "2", "--precision", "bfloat16", "--no-linear", "--runs", "1", "--bootstrap", "5", "--json").Json.GetProperty("results")[0];
        Assert.That((measured.GetProperty("turns").GetInt32(), measured.GetProperty("precision").GetString()), Is.EqualTo((2, "bfloat16")));
        Assert.That(Cli.Run([.. embed, "--turns", "3"]).Error, Does.Contain("turns are 3; give 1, 2 or 4"));
    }

    [Test]
    public void Eval_measures_expansion_and_re_ranking_where_asked()
    {
        string[] words = ["eval", "--data", At("data"), "--model", At("model"), "--no-linear", "--runs", "1", "--bootstrap", "5", "--quiet"];
        Cli.Answer table = Cli.Done([.. words, "--expand", "--expand-neighbours", "2", "--rerank", "--rerank-k1", "4", "--rerank-k2", "2", "--report", At("report.html")]);
        Assert.That(table.Out, Does.Contain("expanded").And.Contain("re-ranked").And.Contain("gain"));
        Assert.That(table.Out.Split('\n').Select(l => l.Length).Max(), Is.LessThanOrEqualTo(80));
        Assert.That(File.ReadAllText(At("report.html")), Does.Contain("Expanded and re-ranked"));
        JsonElement json = Cli.Done([.. words, "--expand", "--expand-alpha", "2", "--json"]).Json;
        Assert.That(json.GetProperty("results")[0].GetProperty("refined").EnumerateArray().Select(r => r.GetProperty("kind").GetString()), Is.EqualTo(new[] { "query_expansion" }));
        Assert.That(json.GetProperty("config").GetProperty("expansion").GetProperty("alpha").GetDouble(), Is.EqualTo(2));
        Assert.That(Cli.Done([.. words, "--json"]).Json.GetProperty("results")[0].TryGetProperty("refined", out _), Is.False);
    }

    [Test]
    public void Search_expands_and_re_ranks()
    {
        Cli.Done("embed", "--data", At("data"), "--model", At("model"), "--out", At("plain"));
        string[] words = ["search", At("plain"), "--query", Path.Combine(At("data"), "class-0", "3.png"), "--json"];
        JsonElement Search(params string[] more) => Cli.Done([.. words, .. more]).Json.GetProperty("results")[0];
        static long[] Ids(JsonElement found) => [.. found.GetProperty("ids").EnumerateArray().Select(i => i.GetInt64())];
        JsonElement plain = Search("-k", "12"), expanded = Search("-k", "12", "--expand"), again = Search("-k", "12", "--rerank", "--rerank-k1", "4", "--rerank-k2", "2");
        Assert.That(Ids(expanded), Is.EquivalentTo(Ids(plain)));
        Assert.That(expanded.GetProperty("scores").GetRawText(), Is.Not.EqualTo(plain.GetProperty("scores").GetRawText()));
        Assert.That(Ids(again), Is.EquivalentTo(Ids(plain)));
        Assert.That(again.GetProperty("scores").EnumerateArray().Select(s => s.GetDouble()), Is.Ordered.Descending.And.All.InRange(0, 1.0001));
        Assert.That(Ids(Search("-k", "3", "--rerank", "--rerank-first", "5", "--rerank-k1", "4")), Is.SubsetOf(Ids(Search("-k", "5"))));
    }

    [TestCase("search s --query a.jpg --rerank-first 5", "--rerank-first says how many; give --rerank as well")]
    [TestCase("search s --query a.jpg --rerank --rerank-first 5 -k 6", "--rerank-first is 5 and -k 6")]
    [TestCase("search s --query a.jpg --rerank --radius 1", "--rerank goes with neither --radius nor --expand")]
    [TestCase("search s --query a.jpg --expand --rerank", "--rerank goes with neither --radius nor --expand")]
    [TestCase("search s --query a.jpg --expand-alpha 2", "--expand-alpha says how; give --expand as well")]
    [TestCase("eval --data d --model m --rerank-k1 5", "--rerank-k1 says how; give --rerank as well")]
    [TestCase("embed --data d --model m --out o --scales 1 five", "--scales is 'five'; give numbers, 0 to 4")]
    public void A_wrong_flag_is_named_with_what_is_allowed(string line, string message)
    {
        Cli.Answer answer = Cli.Run(line.Split(' '));
        Assert.That(answer.Code, Is.EqualTo(2), answer.Error);
        Assert.That(answer.Error, Does.Contain(message));
    }
}
