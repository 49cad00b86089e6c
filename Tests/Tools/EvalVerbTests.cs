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
    public void Both_norms_have_their_own_radii_and_the_attack_is_judged()
    {
        string[] words = ["eval", "--data", At("data"), "--model", At("model-1"), At("model-2"), "--runs", "1", "--bootstrap", "20", "--no-linear", "--steps", "2", "--robust-queries", "3", "--quiet"];
        JsonElement json = Cli.Done([.. words, "--norm", "linf", "l2", "--epsilon", "4/255", "--json"]).Json;
        Assert.That(json.GetProperty("results")[0].GetProperty("robust").EnumerateArray().Select(r => (r.GetProperty("norm").GetString(), r.GetProperty("epsilon").GetDouble())),
            Is.EqualTo(new[] { ("linf", 4.0 / 255), ("l2", 0.25), ("l2", 0.5), ("l2", 1), ("l2", 2) }));
        Assert.That(json.GetProperty("attack_sanity").GetProperty("checks").GetInt32(), Is.EqualTo(10));
        // Of each model: one ε above clean, above noise, above 1 step, twice the steps, restarts; of the second also above transfer.
        string text = Cli.Done([.. words, "--epsilon-l2", "1", "--attack-check"]).Out;
        Assert.That(text, Does.Contain("ℓ2 1").And.Contain("above transfer").And.Match("attack sanity: (passed, 11|FAILED in [0-9]+ of 11) comparisons"));
        Assert.That(Cli.Run([.. words, "--norm", "linf", "--epsilon-l2", "1"]).Error, Does.Contain("--norm leaves that norm out"));
        Assert.That(Cli.Run([.. words, "--attack-check"]).Error, Does.Contain("no attack to check"));
    }

    [Test]
    public void Corruptions_are_a_table_of_kinds_by_severity()
    {
        string text = Cli.Done("eval", "--data", At("data"), "--model", At("model-1"), "--runs", "1", "--bootstrap", "20", "--no-linear", "--corruptions", "--severities", "1", "3", "--robust-queries", "3", "--quiet").Out;
        Assert.That(text, Does.Contain("3 clean").And.Contain("gaussian_blur").And.Contain("jpeg").And.Contain("rotation").And.Contain("mean").And.Match("mAP 1 +│ +3 │ +1-NN 1 │ +3"));
        Assert.That(text, Does.Not.Contain("attack"));
        Assert.That(Cli.Run("eval", "--data", At("data"), "--model", At("model-1"), "--corruptions", "rain").Error, Does.Contain("--corruptions is 'rain'; give some of gaussian_blur,"));
    }

    [Test]
    public void Several_runs_of_one_name_are_a_group_and_sets_make_a_matrix()
    {
        string[] words = ["eval", "--data", At("data"), At("other"), "--model", At("model-1"), $"pair={At("model-1")},{At("model-2")}", "--runs", "1", "--bootstrap", "20", "--no-linear", "--quiet"];
        JsonElement json = Cli.Done([.. words, "--json"]).Json;
        Assert.That(json.GetProperty("matrix").GetProperty("models").EnumerateArray().Select(m => m.GetString()), Is.EqualTo(new[] { "model-1", "pair-1", "pair-2" }));
        Assert.That(json.GetProperty("groups").EnumerateArray().Select(g => (g.GetProperty("group").GetString(), g.GetProperty("models").GetArrayLength(), g.TryGetProperty("map_std", out _))),
            Is.EqualTo(new[] { ("model-1", 1, false), ("pair", 2, true), ("model-1", 1, false), ("pair", 2, true) }));
        Assert.That(json.GetProperty("differences").EnumerateArray().Select(d => (d.GetProperty("model").GetString(), d.GetProperty("data").GetString())), Is.EqualTo(new[] { ("pair", "data"), ("pair", "other") }));
        string text = Cli.Done([.. words, "--classifiers"]).Out;
        Assert.That(text, Does.Contain("CNAPS-5").And.Contain("mAP ± std").And.Contain("model − model-1").And.Contain("mean of 2").And.Contain("mAP other"));
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
