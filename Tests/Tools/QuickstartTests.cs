using System.Text.Json;
using NUnit.Framework;
using Osprey.Engine;
using Osprey.Engine.Datasets;
using Osprey.Engine.Evaluation;
using Osprey.Engine.Model;
using Osprey.Engine.Robust;
using Osprey.Engine.Training;

namespace Osprey.Tests.Tools;

/// <summary>The quickstart in miniature: every stage, seconds instead of minutes.</summary>
[TestFixture]
public class QuickstartTests
{
    static readonly SceneClass[] Classes = [SceneClass.Forest, SceneClass.Beach, SceneClass.StorageTanks];

    static readonly QuickstartConfig Miniature = new()
    {
        TrainScenes = new SynthesisConfig { Seed = 1, ImagesPerClass = 4, Size = 32, Classes = Classes },
        EvaluationScenes = new SynthesisConfig { Seed = 2, ImagesPerClass = 4, Size = 32, Classes = Classes },
        Scratch = new EmbedderConfig { Stage = 2, ImageSize = 32 },
        WeightsImageSize = 32,
        ScratchTraining = new TrainConfig { Epochs = 2, BatchClasses = 3, BatchImagesPerClass = 2, DescriptorSize = 8 },
        WeightsTraining = new TrainConfig { Epochs = 1, BatchClasses = 3, BatchImagesPerClass = 2, DescriptorSize = 8 },
        Evaluation = new EvalConfig { BootstrapSamples = 20, SplitRuns = 1, SupportRuns = 1, LinearProbe = false, RobustQueries = 4, GalleryQueries = 1, Threats = [new Threat()] },
    };

    string dir = "";

    string At(params string[] names) => Path.Combine([dir, .. names]);

    [OneTimeSetUp]
    public void RunOnce()
    {
        dir = Directory.CreateTempSubdirectory("osprey-quickstart-").FullName;
        Json.Write(At("miniature.json"), Miniature);
        first = Cli.Done("quickstart", "--config", At("miniature.json"), "--out", At("out"), "--threads", "1");
    }

    Cli.Answer first = new(-1, "", "");

    [OneTimeTearDown]
    public void DeleteFolder() => Directory.Delete(dir, recursive: true);

    [Test]
    public void The_table_has_the_three_models_clean_and_attacked()
    {
        foreach (string word in new[] { "baseline", "finetuned", "robust", "mAP", "P@10", "1-NN", "NCM-5", "ℓ∞ 2/255" }) Assert.That(first.Out, Does.Contain(word));
        Assert.That(first.Out.Split('\n').Select(l => l.Length).Max(), Is.LessThanOrEqualTo(80));
        Assert.That(first.Out, Does.Not.Contain("\u001b"));
    }

    [Test]
    public void The_summary_has_the_shape_of_eval()
    {
        using JsonDocument summary = JsonDocument.Parse(File.ReadAllText(At("out", Quickstart.SummaryName)));
        JsonElement results = summary.RootElement.GetProperty("results");
        Assert.That(results.EnumerateArray().Select(r => r.GetProperty("model").GetString()), Is.EqualTo(new[] { "baseline", "finetuned", "robust" }));
        foreach (JsonElement result in results.EnumerateArray())
        {
            Assert.That((result.GetProperty("images").GetInt32(), result.GetProperty("classes").GetInt32()), Is.EqualTo((12, 3)));
            Assert.That(result.GetProperty("retrieval").GetProperty("map").GetDouble(), Is.InRange(0, 1));
            Assert.That(result.GetProperty("retrieval").GetProperty("map_ci").GetArrayLength(), Is.EqualTo(2));
            Assert.That(result.GetProperty("classification").GetProperty("knn_1").GetDouble(), Is.InRange(0, 1));
            foreach (string figure in new[] { "map", "p_at_10", "knn_1", "nearest_mean_5" }) Assert.That(result.GetProperty("robust")[0].TryGetProperty(figure, out _), figure);
            Assert.That(result.GetProperty("robust")[0].GetProperty("norm").GetString(), Is.EqualTo("linf"));
        }
        Assert.That(File.ReadAllText(At("out", Quickstart.ReportName)), Does.Contain("<html").And.Contain("robust"));
    }

    [Test]
    public void Training_and_evaluation_scenes_have_nothing_in_common()
    {
        HashSet<string> Hashes(string part) =>
            [.. Directory.GetFiles(At("out", "data", part), "*.jpg", SearchOption.AllDirectories).Select(f => Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(f))))];
        HashSet<string> train = Hashes("train");
        Assert.That(train, Has.Count.EqualTo(12));
        Assert.That(train.Overlaps(Hashes("evaluation")), Is.False);
    }

    [Test]
    public void Both_trainings_take_the_same_steps_from_the_same_start()
    {
        JsonElement Config(string name) => JsonDocument.Parse(File.ReadAllText(At("out", name, "config.json"))).RootElement;
        JsonElement plain = Config("finetuned"), robust = Config("robust");
        Assert.That(robust.GetProperty("weights_sha256").GetString(), Is.EqualTo(plain.GetProperty("weights_sha256").GetString()));
        Assert.That(File.ReadLines(At("out", "robust", "metrics.jsonl")).Count(), Is.EqualTo(File.ReadLines(At("out", "finetuned", "metrics.jsonl")).Count()));
        Assert.That((plain.GetProperty("train").GetProperty("recipe").GetString(), robust.GetProperty("train").GetProperty("recipe").GetString()), Is.EqualTo(("none", "advprop")));
    }

    [Test]
    public void Again_uses_what_is_there_and_says_the_same()
    {
        DateTime trained = File.GetLastWriteTimeUtc(At("out", "robust", "model.safetensors"));
        Cli.Answer again = Cli.Done("quickstart", "--config", At("miniature.json"), "--out", At("out"), "--threads", "1");
        Assert.That(File.GetLastWriteTimeUtc(At("out", "robust", "model.safetensors")), Is.EqualTo(trained));
        Assert.That(again.Out, Is.EqualTo(first.Out));
    }

    [Test]
    public void Another_configuration_may_not_mix_in()
    {
        Cli.Answer answer = Cli.Run("quickstart", "--config", At("miniature.json"), "--out", At("out"), "--threads", "1", "--seed", "9");
        Assert.That(answer.Code, Is.EqualTo(2));
        Assert.That(answer.Error, Does.Contain("choose another --out"));
    }

    [Test]
    public void A_refused_configuration_leaves_the_data_as_they_were()
    {
        // More scenes of the same seeds: as data sets alone they could be added to.
        Json.Write(At("more.json"), Miniature with { TrainScenes = Miniature.TrainScenes with { ImagesPerClass = 5 } });
        string[] Files() => [.. Directory.GetFiles(At("out", "data"), "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
        string[] before = Files();
        string manifest = File.ReadAllText(At("out", "data", "train", "synthesis.json"));
        Assert.That(Cli.Run("quickstart", "--config", At("more.json"), "--out", At("out"), "--threads", "1").Code, Is.EqualTo(2));
        Assert.That(Files(), Is.EqualTo(before));
        Assert.That(File.ReadAllText(At("out", "data", "train", "synthesis.json")), Is.EqualTo(manifest));
    }

    [Test]
    public void A_model_without_its_configuration_is_finished_again()
    {
        string config = File.ReadAllText(At("out", "finetuned", "model.json"));
        File.Delete(At("out", "finetuned", "model.json"));
        Assert.That(Cli.Done("quickstart", "--config", At("miniature.json"), "--out", At("out"), "--threads", "1").Out, Is.EqualTo(first.Out));
        Assert.That(File.ReadAllText(At("out", "finetuned", "model.json")), Is.EqualTo(config));
    }

    [Test]
    public void One_given_set_is_halved_without_leaks()
    {
        string data = At("own");
        Drawn.Files(data, classes: 3, perClass: 6);
        // The same picture twice: both copies must fall on one side.
        File.Copy(Path.Combine(data, "class-0", "0.png"), Path.Combine(data, "class-0", "copy.png"));
        Cli.Done("quickstart", "--config", At("miniature.json"), "--data", data, "--weights", At("out", "finetuned"), "--out", At("own-out"), "--threads", "1");

        Dictionary<string, string> part = File.ReadLines(At("own-out", "data", "split.csv")).Skip(1).Select(l => l.Split(',')).ToDictionary(c => c[0], c => c[2]);
        Assert.That(part["class-0/copy.png"], Is.EqualTo(part["class-0/0.png"]));
        using JsonDocument summary = JsonDocument.Parse(File.ReadAllText(At("own-out", Quickstart.SummaryName)));
        Assert.That(summary.RootElement.GetProperty("results")[0].GetProperty("images").GetInt32(), Is.EqualTo(part.Count(p => p.Value == "test")));
        using JsonDocument run = JsonDocument.Parse(File.ReadAllText(At("own-out", "robust", "config.json")));
        Assert.That(run.RootElement.GetProperty("data").GetProperty("images").GetInt32(), Is.EqualTo(part.Count(p => p.Value == "train")));
    }

    [Test]
    public void Of_several_sets_the_first_trains_and_the_others_are_evaluated()
    {
        Drawn.Files(At("one"), classes: 3, perClass: 4);
        Drawn.Files(At("two"), classes: 2, perClass: 3);
        JsonElement answer = Cli.Done("quickstart", "--config", At("miniature.json"), "--data", At("one"), At("two"), "--out", At("several"), "--threads", "1", "--json").Json;
        Assert.That(answer.GetProperty("results").EnumerateArray().Select(r => r.GetProperty("data").GetString()), Is.All.EqualTo("two"));
    }

    [Test]
    public void Equal_seeds_of_both_scene_sets_are_refused() =>
        Assert.That(() => (Miniature with { EvaluationScenes = Miniature.TrainScenes }).Validate(), Throws.ArgumentException.With.Message.Contains("leak"));
}
