using System.IO.Compression;
using System.Text.Json;
using NUnit.Framework;
using Osprey.Interop.Formats;
using Osprey.Tests.Engine.Images;

namespace Osprey.Tests.Tools;

/// <summary>embed, index, search, weights and attack, on an untrained network and pictures drawn here.</summary>
[TestFixture]
public class EmbedVerbTests
{
    string dir = "";

    string At(string name) => Path.Combine(dir, name);

    [OneTimeSetUp]
    public void MakeModelAndData()
    {
        dir = Directory.CreateTempSubdirectory("osprey-embed-").FullName;
        UntrainedModel.Save(At("model"));
        Drawn.Files(At("data"), classes: 3, perClass: 4);
        Cli.Done("embed", "--data", At("data"), "--model", At("model"), "--out", At("store"), "--part", "5", "--json");
    }

    [OneTimeTearDown]
    public void DeleteFolder() => Directory.Delete(dir, recursive: true);

    [Test]
    public void Bad_files_are_named_and_the_rest_is_embedded()
    {
        string data = At("mixed");
        Directory.CreateDirectory(data);
        byte[] png = Drawn.Png(0, 0, 40);
        using (var bitmap = SkiaSharp.SKBitmap.Decode(png))
        using (SkiaSharp.SKData jpeg = bitmap.Encode(SkiaSharp.SKEncodedImageFormat.Jpeg, 90))
            File.WriteAllBytes(Path.Combine(data, "truncated.jpg"), jpeg.ToArray()[..^40]);
        File.WriteAllText(Path.Combine(data, "text.png"), "no picture");
        File.WriteAllBytes(Path.Combine(data, "empty.jpg"), []);
        File.WriteAllBytes(Path.Combine(data, "one.png"), Drawn.Png(1, 0, 1));
        File.WriteAllBytes(Path.Combine(data, "good.png"), png);

        Cli.Answer answer = Cli.Done("embed", "--data", data, "--model", At("model"), "--out", At("mixed-store"), "--json");

        Assert.That(answer.Json.GetProperty("rows").GetInt64(), Is.EqualTo(2));
        Assert.That(answer.Json.GetProperty("bad_files").EnumerateArray().Select(b => Path.GetFileName(b.GetProperty("path").GetString()!)), Is.EqualTo(new[] { "empty.jpg", "text.png", "truncated.jpg" }));
        foreach (string name in new[] { "empty.jpg", "text.png", "truncated.jpg" })
        {
            Assert.That(answer.Error, Does.Contain(name));
            Assert.That(File.ReadAllText(Path.Combine(At("mixed-store"), "bad-files.txt")), Does.Contain(name + "\t"));
        }
        Assert.That(Npy.ReadSingles(Path.Combine(At("mixed-store"), "part-00000.npy")).Shape, Is.EqualTo(new long[] { 2, 128 }));
    }

    /// <summary>Resizing it would take a step of more than 2³¹ bytes.</summary>
    [Test]
    public void An_image_too_high_to_be_resized_is_a_bad_file_and_the_rest_is_embedded()
    {
        Directory.CreateDirectory(At("high"));
        File.WriteAllBytes(At("high/good.png"), Drawn.Png(0, 0, 32));
        File.WriteAllBytes(At("high/high.tif"), new HandTiff(1, 700_000, 1, 8).Segment(new byte[700_000]).ToArray());
        Cli.Answer answer = Cli.Done("embed", "--data", At("high"), "--model", At("model"), "--size", "1024", "--batch", "1", "--threads", "1", "--out", At("high-store"), "--json");
        Assert.That(answer.Json.GetProperty("rows").GetInt64(), Is.EqualTo(1));
        Assert.That(answer.Error, Does.Contain("high.tif: the image has 1×700000 pixels and is too high to be resized to 1024×1024"));
    }

    [Test]
    public void All_bad_is_a_failure()
    {
        Directory.CreateDirectory(At("all-bad"));
        File.WriteAllText(Path.Combine(At("all-bad"), "text.png"), "no picture");
        Cli.Answer answer = Cli.Run("embed", "--data", At("all-bad"), "--model", At("model"), "--out", At("all-bad-store"));
        Assert.That(answer.Code, Is.EqualTo(1));
        Assert.That(answer.Error, Does.Contain("none of the 1 images can be read"));
        Assert.That(File.ReadAllText(Path.Combine(At("all-bad-store"), "bad-files.txt")), Does.StartWith("text.png\t"));

        // Repaired in place, the same command makes the store.
        File.WriteAllBytes(Path.Combine(At("all-bad"), "text.png"), Drawn.Png(0, 0, 32));
        Assert.That(Cli.Done("embed", "--data", At("all-bad"), "--model", At("model"), "--out", At("all-bad-store"), "--json").Json.GetProperty("rows").GetInt64(), Is.EqualTo(1));
        Assert.That(File.Exists(Path.Combine(At("all-bad-store"), "bad-files.txt")), Is.False);
    }

    [Test]
    public void A_part_that_is_made_again_without_bad_files_clears_their_list()
    {
        Drawn.Files(At("repaired"), classes: 1, perClass: 3);
        string broken = Path.Combine(At("repaired"), "class-0", "1.png"), list = Path.Combine(At("repaired-store"), "bad-files.txt");
        File.WriteAllText(broken, "no picture");
        string[] words = ["embed", "--data", At("repaired"), "--model", At("model"), "--out", At("repaired-store"), "--json"];
        Cli.Answer first = Cli.Done(words);
        Assert.That(first.Json.GetProperty("bad_files")[0].GetProperty("path").GetString(), Is.EqualTo(broken));
        Assert.That(first.Error, Does.Contain(broken));
        string path = Osprey.Engine.Retrieval.DescriptorStore.Open(At("repaired-store")).ReadBadFiles().Single().Path;
        Assert.That(Path.IsPathRooted(path), Is.False, "as rows' paths");
        Assert.That(File.ReadAllText(list), Does.StartWith(path + "\t"));

        File.WriteAllBytes(broken, Drawn.Png(0, 1, 32));
        File.Delete(Path.Combine(At("repaired-store"), "part-00000.npy"));
        Assert.That(Cli.Done(words).Json.GetProperty("rows").GetInt64(), Is.EqualTo(3));
        Assert.That(File.Exists(list), Is.False);
    }

    [Test]
    public void A_store_is_gone_on_with_and_shards_make_the_whole()
    {
        Assert.That(Directory.GetFiles(At("store"), "*.npy"), Has.Length.EqualTo(3), "12 images in parts of 5");
        Dictionary<string, byte[]> whole = Directory.GetFiles(At("store"), "part-*").ToDictionary(f => f, File.ReadAllBytes);
        string lost = Path.Combine(At("store"), "part-00002.npy");
        File.Delete(lost);
        Cli.Done("embed", "--data", At("data"), "--model", At("model"), "--out", At("store"), "--part", "5");
        foreach ((string file, byte[] bytes) in whole) Assert.That(File.ReadAllBytes(file), Is.EqualTo(bytes), file);

        var rows = new List<float>();
        for (int i = 0; i < 2; i++)
        {
            Cli.Done("embed", "--data", At("data"), "--model", At("model"), "--out", At($"shard-{i}"), "--shard", $"{i}/2");
            rows.AddRange(Npy.ReadSingles(Path.Combine(At($"shard-{i}"), "part-00000.npy")).Values);
        }
        Cli.Done("join", At("shard-1"), At("shard-0"), "--out", At("joined"));
        Assert.That(Osprey.Engine.Retrieval.DescriptorStore.Open(At("joined")).ReadRows(), Is.EqualTo(Osprey.Engine.Retrieval.DescriptorStore.Open(At("store")).ReadRows()));
        float[] all = [.. Enumerable.Range(0, 3).SelectMany(p => Npy.ReadSingles(Path.Combine(At("store"), $"part-{p:00000}.npy")).Values)];
        Assert.That(rows, Is.EqualTo(all).Within(1e-5f));
    }

    [Test]
    public void A_share_of_nothing_but_bad_files_is_joined_and_embed_goes_on_from_there()
    {
        Drawn.Files(At("half"), classes: 2, perClass: 2);
        foreach (string file in Directory.GetFiles(Path.Combine(At("half"), "class-0"))) File.WriteAllText(file, "no picture");
        string[] words = ["embed", "--data", At("half"), "--model", At("model"), "--json"];
        for (int i = 0; i < 2; i++) Cli.Done([.. words, "--out", At($"half-{i}"), "--shard", $"{i}/2"]);
        Assert.That(Cli.Run("embed", "--data", Path.Combine(At("half"), "class-0"), "--model", At("model"), "--out", At("half-bad"), "--shard", "0/1").Code, Is.EqualTo(1), "a share that is all there is");
        Cli.Done("join", At("half-0"), At("half-1"), "--out", At("half-joined"));
        JsonElement again = Cli.Done([.. words, "--out", At("half-joined")]).Json;
        Assert.That((again.GetProperty("rows").GetInt64(), again.GetProperty("bad_files").GetArrayLength(), again.GetProperty("pipeline").GetProperty("images").GetInt64()), Is.EqualTo((2L, 2, 0L)));

        // The first share's two files come back.
        for (int i = 0; i < 2; i++) File.WriteAllBytes(Path.Combine(At("half"), "class-0", $"{i}.png"), Drawn.Png(0, i, 32));
        Cli.Answer retried = Cli.Done([.. words, "--out", At("half-joined"), "--retry-bad"]);
        Assert.That((retried.Json.GetProperty("rows").GetInt64(), retried.Json.GetProperty("bad_files").GetArrayLength()), Is.EqualTo((4L, 0)));
        Assert.That(retried.Error, Does.Contain("part-00000.npy has 2 bad files; the part is made again"));
    }

    [Test]
    public void The_summary_says_where_the_time_went()
    {
        string[] words = ["embed", "--data", At("data"), "--model", At("model"), "--out", At("timed"), "--part", "5", "--threads", "2", "--summary", At("timed.json"), "--json"];
        JsonElement answer = Cli.Done(words).Json, p = answer.GetProperty("pipeline");
        Assert.That(JsonDocument.Parse(File.ReadAllText(At("timed.json"))).RootElement.GetRawText(), Is.EqualTo(answer.GetRawText()));
        double Of(string path) => path.Split('.').Aggregate(p, (e, name) => e.GetProperty(name)).GetDouble();
        Assert.That((Of("images"), Of("bad_files"), Of("load.threads")), Is.EqualTo((12.0, 0.0, 2.0)));
        Assert.That(Of("images_per_second"), Is.EqualTo(12 / Of("seconds")).Within(1e-9).Percent);
        Assert.That(Of("load.busy_seconds"), Is.EqualTo(Of("decode_seconds") + Of("resize_seconds")).Within(1e-9));
        Assert.That(Of("describe.busy_seconds") + Of("input_wait_seconds"), Is.InRange(0, Of("seconds")));
        foreach (string stage in new[] { "load", "describe", "write" })
        {
            Assert.That(Of(stage + ".busy_seconds"), Is.Positive, stage);
            Assert.That(Of(stage + ".waiting_share"), Is.EqualTo(1 - Of(stage + ".busy_seconds") / (Of(stage + ".threads") * Of("seconds"))).Within(1e-9), stage);
        }
        Assert.That(Cli.Done(words).Json.GetProperty("pipeline").GetProperty("images").GetInt64(), Is.Zero, "nothing was left to do");
    }

    [Test]
    public void A_part_that_cannot_be_written_ends_the_run_and_the_next_one_goes_on()
    {
        string[] words = ["embed", "--data", At("data"), "--model", At("model"), "--out", At("blocked"), "--part", "5"];
        Cli.Done(words);
        File.Delete(Path.Combine(At("blocked"), "part-00001.npy"));
        string obstacle = Directory.CreateDirectory(Path.Combine(At("blocked"), "part-00001.npy.tmp")).FullName;
        Cli.Answer answer = Cli.Run(words);
        Assert.That(answer.Code, Is.EqualTo(1));
        Assert.That(answer.Error, Does.Contain("part-00001.npy.tmp"));
        Directory.Delete(obstacle);
        Cli.Done(words);
        foreach (string file in Directory.GetFiles(At("store"), "part-*")) Assert.That(File.ReadAllBytes(Path.Combine(At("blocked"), Path.GetFileName(file))), Is.EqualTo(File.ReadAllBytes(file)), file);
    }

    [Test]
    public void Another_model_may_not_go_on_with_a_store()
    {
        Cli.Answer answer = Cli.Run("embed", "--data", At("data"), "--model", At("model"), "--size", "48", "--out", At("store"), "--part", "5");
        Assert.That(answer.Code, Is.EqualTo(2));
        Assert.That(answer.Error, Does.Contain("holds another store"));
    }

    [Test]
    public void Int8_is_resumed_joined_and_searched()
    {
        string[] words = ["embed", "--data", At("data"), "--model", At("model"), "--batch", "1", "--part", "5", "--dtype", "int8"];
        Cli.Done([.. words, "--out", At("int8")]);
        Dictionary<string, byte[]> whole = Directory.GetFiles(At("int8")).ToDictionary(f => f, File.ReadAllBytes);
        Assert.That(whole.Keys.Count(f => f.EndsWith(".scales.npy", StringComparison.Ordinal)), Is.EqualTo(3));
        File.Delete(Path.Combine(At("int8"), "part-00001.scales.npy"));
        Cli.Done([.. words, "--out", At("int8")]);
        foreach ((string file, byte[] bytes) in whole) Assert.That(File.ReadAllBytes(file), Is.EqualTo(bytes), file);
        Assert.That(Cli.Run([.. words[..^1], "float32", "--out", At("int8")]).Error, Does.Contain("it holds Int8, not Float32"));

        for (int i = 0; i < 2; i++) Cli.Done([.. words, "--shard", $"{i}/2", "--out", At($"int8-{i}")]);
        Cli.Done("join", At("int8-0"), At("int8-1"), "--out", At("int8-joined"));
        Assert.That(Osprey.Engine.Retrieval.DescriptorStore.Open(At("int8-joined")).ReadDescriptors(), Is.EqualTo(Osprey.Engine.Retrieval.DescriptorStore.Open(At("int8")).ReadDescriptors()));

        string query = Path.Combine(At("data"), "class-1", "2.png");
        JsonElement Search() => Cli.Done("search", At("int8"), "--query", query, "-k", "3", "--json").Json.GetProperty("results")[0];
        JsonElement plain = Search();
        Assert.That(plain.GetProperty("ids")[0].GetInt64(), Is.EqualTo(6));
        Assert.That(plain.GetProperty("scores")[0].GetSingle(), Is.EqualTo(1).Within(1e-4));
        Cli.Done("index", At("int8"));
        Assert.That(Search().GetRawText(), Is.EqualTo(plain.GetRawText()));
        Assert.That(Cli.Run("search", At("int8"), "--vectors", Path.Combine(At("int8"), "part-00000.npy")).Error, Does.Contain("int8 where float32"));
    }

    [Test]
    public void A_store_and_its_queries_have_one_precision()
    {
        string[] words = ["embed", "--data", At("data"), "--model", At("model"), "--part", "5", "--json"];
        Cli.Answer made = Cli.Done([.. words, "--precision", "bfloat16", "--out", At("bfloat16")]);
        Assert.That(made.Json.GetProperty("precision").GetString(), Is.EqualTo("bfloat16"));
        Assert.That(JsonDocument.Parse(File.ReadAllText(Path.Combine(At("bfloat16"), "manifest.json"))).RootElement.GetProperty("embedder").GetProperty("precision").GetString(), Is.EqualTo("bfloat16"));
        Assert.That(File.ReadAllText(Path.Combine(At("store"), "manifest.json")), Does.Not.Contain("precision"), "float32's are as they were");

        Cli.Answer refused = Cli.Run([.. words, "--out", At("bfloat16")]);
        Assert.That((refused.Code, refused.Error.Contains("holds another store", StringComparison.Ordinal), refused.Error.Contains("bfloat16", StringComparison.Ordinal)), Is.EqualTo((2, true, true)), refused.Error);
        refused = Cli.Run([.. words, "--precision", "bfloat16", "--out", At("store")]);
        Assert.That(refused.Error, Does.Contain("holds another store"));
        Assert.That(Cli.Run("store", "append", At("bfloat16"), At("store")).Error, Does.Contain("bfloat16"));

        string query = Path.Combine(At("data"), "class-1", "2.png");
        JsonElement found = Cli.Done("search", At("bfloat16"), "--query", query, "-k", "1", "--json").Json.GetProperty("results")[0];
        Assert.That(found.GetProperty("ids")[0].GetInt64(), Is.EqualTo(6));
        Assert.That(found.GetProperty("scores")[0].GetSingle(), Is.EqualTo(1).Within(1e-4), "described as the store's images were");
        Assert.That(Cli.Done("embed", "--help").Out, Does.Contain("--precision").And.Contain("float32|bfloat16").And.Contain("float32|float16|int8"));
    }

    [Test]
    public void Search_finds_the_image_itself_with_and_without_an_index()
    {
        string query = Path.Combine(At("data"), "class-1", "2.png");
        JsonElement Search() => Cli.Done("search", At("store"), "--query", query, "-k", "3", "--json").Json.GetProperty("results")[0];
        JsonElement plain = Search();
        Assert.That(plain.GetProperty("query").GetString(), Is.EqualTo(query));
        Assert.That(plain.GetProperty("ids").GetArrayLength(), Is.EqualTo(3));
        Assert.That(plain.GetProperty("ids")[0].GetInt64(), Is.EqualTo(6));
        Assert.That(plain.GetProperty("scores")[0].GetSingle(), Is.EqualTo(1).Within(1e-5));
        Assert.That(plain.GetProperty("paths")[0].GetString(), Is.EqualTo(query));

        Assert.That(Cli.Done("index", At("store"), "--json").Json.GetProperty("rows").GetInt64(), Is.EqualTo(12));
        Assert.That(Search().GetRawText(), Is.EqualTo(plain.GetRawText()));
        Assert.That(Cli.Done("search", At("store"), "--query", query, "-k", "3").Out, Does.Contain("class-1").And.Contain("1.0000"));
    }

    [Test]
    public void Search_takes_a_radius_and_classes()
    {
        string query = Path.Combine(At("data"), "class-1", "2.png");
        JsonElement Search(params string[] flags) => Cli.Done(["search", At("store"), "--query", query, "--json", .. flags]).Json.GetProperty("results")[0];
        float[] scores = [.. Search("-k", "12").GetProperty("scores").EnumerateArray().Select(s => s.GetSingle())];
        Assert.That(Search("--radius", "-2").GetProperty("ids").GetArrayLength(), Is.EqualTo(12));
        Assert.That(Search("--radius", "0.9999").GetProperty("ids").GetArrayLength(), Is.EqualTo(scores.Count(s => s >= 0.9999f)));
        JsonElement others = Search("-k", "12", "--only-class", "class-0");
        Assert.That(others.GetProperty("classes").EnumerateArray().Select(c => c.GetString()), Is.Not.Empty.And.All.EqualTo("class-0"));
        Assert.That(Search("--radius", "-2", "--only-class", "class-0").GetProperty("ids").GetRawText(), Is.EqualTo(others.GetProperty("ids").GetRawText()));
        Assert.That(Cli.Run("search", At("store"), "--query", query, "--only-class", "class-9").Error, Does.Contain("class-9").And.Contain("class-0"));
        Assert.That(Cli.Run("search", At("store"), "--query", query, "--radius", "1", "-k", "3").Code, Is.EqualTo(2));
    }

    [Test]
    public void Search_takes_vectors_and_writes_npz()
    {
        float[] rows = Npy.ReadSingles(Path.Combine(At("store"), "part-00000.npy")).Values;
        Npy.Write(At("queries.npy"), rows.AsSpan(0, 2 * 128), 2, 128);
        Cli.Done("search", At("store"), "--vectors", At("queries.npy"), "-k", "20", "--output", "npz", "--out", At("found.npz"));
        using ZipArchive archive = ZipFile.OpenRead(At("found.npz"));
        archive.ExtractToDirectory(At("found"));
        NpyArray<long> ids = Npy.ReadInt64s(Path.Combine(At("found"), "ids.npy"));
        Assert.That(ids.Shape, Is.EqualTo(new long[] { 2, 20 }));
        Assert.That((ids.Values[0], ids.Values[20], ids.Values[12]), Is.EqualTo((0L, 1L, -1L)), "each its own first; 12 rows fill 12 of 20 ranks");
        Assert.That(ReadTexts(Path.Combine(At("found"), "queries.npy")), Is.EqualTo(new[] { At("queries.npy") + "[0]", At("queries.npy") + "[1]" }));

        Npy.Write(At("short.npy"), rows.AsSpan(0, 6), 2, 3);
        Cli.Answer wrong = Cli.Run("search", At("store"), "--vectors", At("short.npy"));
        Assert.That(wrong.Code, Is.EqualTo(1));
        Assert.That(wrong.Error, Does.Contain("[2, 3]").And.Contain("[queries, 128]"));
    }

    /// <summary>A <c>&lt;U…</c> array by the format's definition: UTF-32 in cells of one width, behind a header that says how wide.</summary>
    static string[] ReadTexts(string path)
    {
        byte[] file = File.ReadAllBytes(path);
        int start = 10 + BitConverter.ToUInt16(file, 8);
        var header = System.Text.RegularExpressions.Regex.Match(System.Text.Encoding.Latin1.GetString(file, 10, start - 10), @"'descr': '<U(\d+)'.*'shape': \((\d+),\)");
        int width = 4 * int.Parse(header.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture), count = int.Parse(header.Groups[2].Value, System.Globalization.CultureInfo.InvariantCulture);
        Assert.That(file, Has.Length.EqualTo(start + width * count));
        return [.. Enumerable.Range(0, count).Select(i => System.Text.Encoding.UTF32.GetString(file, start + i * width, width).TrimEnd('\0'))];
    }

    [Test]
    public void An_unreadable_query_leaves_no_row_and_the_names_say_which()
    {
        Drawn.Files(At("asked"), classes: 1, perClass: 3);
        File.WriteAllText(Path.Combine(At("asked"), "class-0", "1.png"), "no picture");
        File.Move(Path.Combine(At("asked"), "class-0", "2.png"), Path.Combine(At("asked"), "class-0", "häfen 🛰.png"));
        Cli.Done("search", At("store"), "--query", At("asked"), "-k", "2", "--output", "npz", "--out", At("asked.npz"));
        using ZipArchive archive = ZipFile.OpenRead(At("asked.npz"));
        archive.ExtractToDirectory(At("answered"));
        Assert.That(Npy.ReadInt64s(Path.Combine(At("answered"), "ids.npy")).Shape, Is.EqualTo(new long[] { 2, 2 }));
        Assert.That(ReadTexts(Path.Combine(At("answered"), "queries.npy")).Select(Path.GetFileName), Is.EqualTo(new[] { "0.png", "häfen 🛰.png" }));
    }

    [Test]
    public void Search_refuses_the_same_weights_under_another_pooling()
    {
        Directory.CreateDirectory(At("pooled"));
        File.Copy(Path.Combine(At("model"), "model.safetensors"), Path.Combine(At("pooled"), "model.safetensors"));
        File.WriteAllText(Path.Combine(At("pooled"), "model.json"), File.ReadAllText(Path.Combine(At("model"), "model.json")).Replace("\"gem\"", "\"spoc\"", StringComparison.Ordinal));
        Cli.Answer answer = Cli.Run("search", At("store"), "--query", Path.Combine(At("data"), "class-0", "0.png"), "--model", At("pooled"));
        Assert.That(answer.Code, Is.EqualTo(1));
        Assert.That(answer.Error, Does.Contain("pooling is \"gem\" in the store and \"spoc\" here").And.Not.Contain("weights differ"));
    }

    [Test]
    public void Search_refuses_other_weights()
    {
        UntrainedModel.Save(At("other"), seed: 6);
        Cli.Answer answer = Cli.Run("search", At("store"), "--query", Path.Combine(At("data"), "class-0", "0.png"), "--model", At("other"));
        Assert.That(answer.Code, Is.EqualTo(1));
        Assert.That(answer.Error, Does.Contain("its weights differ"));
    }

    [Test]
    public void Weights_are_inspected_and_come_back_the_same_from_a_conversion()
    {
        string weights = Path.Combine(At("model"), "model.safetensors");
        JsonElement before = Cli.Done("weights", "inspect", weights, "--json").Json;
        Cli.Done("weights", "convert", weights, At("w.pth"));
        Cli.Done("weights", "convert", At("w.pth"), At("w.safetensors"));
        JsonElement after = Cli.Done("weights", "inspect", At("w.safetensors"), "--json").Json;
        Assert.That((before.GetProperty("format").GetString(), Cli.Done("weights", "inspect", At("w.pth"), "--json").Json.GetProperty("format").GetString()), Is.EqualTo(("safetensors", "pytorch")));
        Assert.That(after.GetProperty("tensors").GetRawText(), Is.EqualTo(before.GetProperty("tensors").GetRawText()));
        Assert.That(Cli.Run("weights", "inspect", At("none.pth")).Error, Is.EqualTo($"osprey weights inspect: there is no file {At("none.pth")}\n"));
    }

    [Test]
    public void Attack_writes_images_inside_the_ball_and_their_statistics()
    {
        JsonElement answer = Cli.Done("attack", "--data", At("data"), "--model", At("model"), "--out", At("attacked"), "--epsilon", "4/255", "--steps", "2", "--limit", "5", "--json").Json;
        Assert.That(answer.GetProperty("images").GetInt32(), Is.EqualTo(5));
        Assert.That(answer.GetProperty("linf").GetProperty("max").GetDouble(), Is.GreaterThan(0).And.LessThanOrEqualTo(4 / 255.0 + 1e-6));
        Assert.That(answer.GetProperty("shift").GetProperty("mean").GetDouble(), Is.GreaterThan(0));
        Assert.That(Directory.GetFiles(At("attacked"), "*.png", SearchOption.AllDirectories), Has.Length.EqualTo(5));
        using JsonDocument statistics = JsonDocument.Parse(File.ReadAllText(Path.Combine(At("attacked"), "statistics.json")));
        Assert.That(statistics.RootElement.GetProperty("images").GetArrayLength(), Is.EqualTo(5));
        Assert.That(Cli.Run("attack", "--data", At("data"), "--model", At("model"), "--out", At("attacked")).Code, Is.EqualTo(2), "the folder is not empty");
    }

    [Test]
    public void Doctor_checks_every_kernel()
    {
        JsonElement answer = Cli.Done("doctor", "--device", "host", "--json").Json;
        Assert.That(answer.GetProperty("passed").GetBoolean(), Is.True);
        Assert.That(answer.GetProperty("checks").GetArrayLength(), Is.EqualTo(11));
        Assert.That(answer.GetProperty("surroundings").GetProperty("libtorch").GetString(), Does.Contain("loads and multiplies"));
    }
}
