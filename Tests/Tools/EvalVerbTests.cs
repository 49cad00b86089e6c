using System.Text.Json;
using NUnit.Framework;
using Osprey.Engine.Model;
using Osprey.Kernels;

namespace Osprey.Tests.Tools;

[TestFixture]
public class EvalVerbTests
{
    string dir = "";

    string At(string name) => Path.Combine(dir, name);

    [OneTimeSetUp]
    public void MakeModelsAndData()
    {
        dir = Directory.CreateTempSubdirectory("osprey-eval-").FullName;
        using Device device = Device.Open("host", 1);
        foreach (int seed in new[] { 1, 2 })
        {
            using Embedder embedder = Embedder.Create(new EmbedderConfig { Stage = 2, ImageSize = 16 }, device, seed);
            embedder.Save(At($"model-{seed}"));
        }
        Drawn.Files(At("data"), classes: 3, perClass: 5);
        File.WriteAllText(Path.Combine(At("data"), "class-0", "bad.png"), "no picture");
        Drawn.Files(At("other"), classes: 2, perClass: 4);
    }

    [OneTimeTearDown]
    public void DeleteFolder() => Directory.Delete(dir, recursive: true);

    [Test]
    public void Several_models_and_sets_stand_side_by_side()
    {
        Cli.Answer answer = Cli.Done("eval", "--data", At("data"), At("other"), "--model", At("model-1"), $"second={At("model-2")}", "--runs", "1", "--bootstrap", "20",
            "--epsilon", "2/255", "8/255", "--norm", "l2", "--steps", "1", "--robust-queries", "3", "--report", At("report.html"), "--json");
        JsonElement[] results = [.. answer.Json.GetProperty("results").EnumerateArray()];
        Assert.That(results.Select(r => (r.GetProperty("data").GetString(), r.GetProperty("model").GetString())),
            Is.EqualTo(new[] { ("data", "model-1"), ("data", "second"), ("other", "model-1"), ("other", "second") }));
        Assert.That(results[0].GetProperty("images").GetInt32(), Is.EqualTo(15));
        Assert.That(results[0].GetProperty("bad_files").GetArrayLength(), Is.EqualTo(1));
        Assert.That(answer.Error, Does.Contain("bad.png"));
        foreach (string figure in new[] { "map", "map_ci", "map_trapezoid", "anmrr", "p_at_10" }) Assert.That(results[0].GetProperty("retrieval").TryGetProperty(figure, out _), figure);
        foreach (string figure in new[] { "knn_1", "nearest_mean_5", "linear" }) Assert.That(results[0].GetProperty("classification").TryGetProperty(figure, out _), figure);
        JsonElement robust = results[0].GetProperty("robust");
        Assert.That(robust.EnumerateArray().Select(r => (r.GetProperty("norm").GetString(), r.GetProperty("epsilon").GetDouble())), Is.EqualTo(new[] { ("l2", 2.0 / 255), ("l2", 8.0 / 255) }));
        Assert.That(robust[0].TryGetProperty("map", out _) && robust[0].TryGetProperty("knn_1", out _));
        Assert.That(File.ReadAllText(At("report.html")), Does.Contain("second").And.Contain($"osprey eval --data {At("data")}").And.Contain("Attacked queries: ℓ2").And.Contain("libtorch"));
    }

    [Test]
    public void Robust_alone_attacks_at_the_four_radii_of_the_help()
    {
        JsonElement robust = Cli.Done("eval", "--data", At("other"), "--model", At("model-1"), "--robust", "--steps", "1", "--robust-queries", "1", "--runs", "1", "--bootstrap", "5", "--no-linear", "--json")
            .Json.GetProperty("results")[0].GetProperty("robust");
        Assert.That(robust.EnumerateArray().Select(r => r.GetProperty("epsilon").GetDouble()), Is.EqualTo(new[] { 1.0 / 255, 2.0 / 255, 4.0 / 255, 8.0 / 255 }));
    }

    [Test]
    public void The_table_is_in_per_cent_and_narrow()
    {
        Cli.Answer answer = Cli.Done("eval", "--data", At("data"), "--model", At("model-1"), "--runs", "1", "--bootstrap", "20", "--quiet");
        Assert.That(answer.Out, Does.Contain("mAP").And.Contain("NCM-5").And.Contain("model-1"));
        Assert.That(answer.Out.Split('\n').Select(l => l.Length).Max(), Is.LessThanOrEqualTo(80));
    }

    [Test]
    public void A_split_measures_its_test_part_only()
    {
        Cli.Done("data", "split", At("other"), "--train", "0.5", "--out", At("split.csv"));
        JsonElement answer = Cli.Done("eval", "--data", At("other"), "--model", At("model-1"), "--split", At("split.csv"), "--runs", "1", "--bootstrap", "5", "--json").Json;
        Assert.That(answer.GetProperty("results")[0].GetProperty("images").GetInt32(), Is.EqualTo(4));
    }

    [Test]
    public void Models_that_share_a_name_are_told_apart_by_their_folders()
    {
        string weights = Path.Combine("model.safetensors");
        Assert.That(Osprey.Tool.Hosting.ModelNames.Parse([Path.Combine(At("model-1"), weights), Path.Combine(At("model-2"), weights)]).Select(m => m.Name),
            Is.EqualTo(new[] { "model-1/model", "model-2/model" }));
        Assert.That(() => Osprey.Tool.Hosting.ModelNames.Parse(["a=x", "a=y"]), Throws.ArgumentException);
    }

    [Test]
    public void A_missing_model_is_a_failure_in_one_line()
    {
        Cli.Answer answer = Cli.Run("eval", "--data", At("data"), "--model", At("none"));
        Assert.That((answer.Code, answer.Out), Is.EqualTo((1, "")));
        Assert.That(answer.Error.TrimEnd().Split('\n'), Has.Length.EqualTo(1));
    }
}
