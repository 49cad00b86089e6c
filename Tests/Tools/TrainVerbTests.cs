using System.Text.Json;
using NUnit.Framework;

namespace Osprey.Tests.Tools;

[TestFixture]
public class TrainVerbTests
{
    string dir = "";

    string At(string name) => Path.Combine(dir, name);

    [OneTimeSetUp]
    public void DrawData()
    {
        dir = Directory.CreateTempSubdirectory("osprey-train-").FullName;
        Drawn.Files(At("data"), classes: 3, perClass: 4);
    }

    [OneTimeTearDown]
    public void DeleteFolder() => Directory.Delete(dir, recursive: true);

    string[] Words(string run, params string[] more) =>
    [
        "train", "--data", At("data"), "--out", At(run), "--backbone", "resnet18", "--stage", "2", "--size", "16", "--dim", "8", "--batch-classes", "3", "--batch-images", "2",
        "--epochs", "2", "--recipe", "advprop", "--checkpoint-every", "1", "--threads", "1", "--seed", "4", "--json", .. more,
    ];

    [Test]
    public void An_interrupted_run_resumes_to_the_same_bytes()
    {
        JsonElement answer = Cli.Done(Words("whole")).Json;
        Assert.That(answer.GetProperty("steps").GetInt64(), Is.EqualTo(4));
        Assert.That(answer.GetProperty("recipe").GetString(), Is.EqualTo("advprop"));
        Assert.That(answer.GetProperty("bad_files").GetArrayLength(), Is.Zero, "a list, as embed's");

        // The first report comes after a step: cancelling there leaves a checkpoint, as Ctrl-C does.
        using var interruption = new CancellationTokenSource();
        using var watcher = new FileSystemWatcher(Directory.CreateDirectory(At("cut")).FullName) { IncludeSubdirectories = true, EnableRaisingEvents = true };
        watcher.Created += (_, e) => { if (e.FullPath.Contains("last", StringComparison.Ordinal)) interruption.Cancel(); };
        Cli.Answer cut = Cli.Run(interruption.Token, Words("cut"));
        Assert.That(cut.Code, Is.AnyOf(130, 0), cut.Error);
        if (cut.Code == 130) Assert.That(cut.Error, Does.EndWith("osprey train: interrupted\n"));
        Cli.Done(Words("cut", "--resume"));
        Assert.That(File.ReadAllBytes(Path.Combine(At("cut"), "model.safetensors")), Is.EqualTo(File.ReadAllBytes(Path.Combine(At("whole"), "model.safetensors"))));
    }

    [Test]
    public void A_run_that_was_cancelled_at_once_is_130()
    {
        using var interruption = new CancellationTokenSource();
        interruption.Cancel();
        Cli.Answer answer = Cli.Run(interruption.Token, Words("cancelled"));
        Assert.That((answer.Code, answer.Out), Is.EqualTo((130, "")));
    }

    [Test]
    public void A_configuration_file_is_the_start_and_its_seed_stays()
    {
        File.WriteAllText(At("config.json"), """{ "epochs": 1, "descriptor_size": 8, "batch_classes": 3, "batch_images_per_class": 2, "seed": 11 }""");
        Cli.Done("train", "--data", At("data"), "--out", At("configured"), "--stage", "2", "--size", "16", "--config", At("config.json"), "--lr", "1e-3");
        using JsonDocument config = JsonDocument.Parse(File.ReadAllText(Path.Combine(At("configured"), "config.json")));
        JsonElement train = config.RootElement.GetProperty("train");
        Assert.That((train.GetProperty("epochs").GetInt32(), train.GetProperty("learning_rate").GetDouble(), train.GetProperty("seed").GetInt64()), Is.EqualTo((1, 1e-3, 11L)));
    }

    [Test]
    public void Fare_goes_on_with_the_head_of_a_run_and_refuses_to_drop_it()
    {
        string[] data = ["--data", At("data"), "--batch-classes", "3", "--batch-images", "2", "--epochs", "1", "--threads", "1"];
        Cli.Done(["train", .. data, "--out", At("headed"), "--stage", "2", "--size", "16", "--dim", "8"]);
        string[] fare = ["train", .. data, "--weights", At("headed"), "--recipe", "fare", "--lr", "1e-5"];
        Cli.Done([.. fare, "--out", At("fare")]);
        using JsonDocument model = JsonDocument.Parse(File.ReadAllText(Path.Combine(At("fare"), "model.json")));
        Assert.That(model.RootElement.GetProperty("descriptor_size").GetInt32(), Is.EqualTo(8));
        Cli.Answer larger = Cli.Run([.. fare, "--size", "24", "--out", At("x")]);
        Assert.That(larger.Code, Is.Not.Zero);
        Assert.That(larger.Error, Does.Contain("fare keeps the descriptor of"));
    }

    [Test]
    public void Failures_say_what_to_do()
    {
        Assert.That(Cli.Run("train", "--data", At("nowhere"), "--out", At("x")) is { Code: 1, Out: "" } missing && missing.Error.StartsWith("osprey train: there is no folder", StringComparison.Ordinal));
        Assert.That(Cli.Run("train", "--data", At("data"), "--out", At("x"), "--weights", At("none.pth")).Code, Is.EqualTo(1));
        File.WriteAllText(At("broken.json"), "{ \"epoch\": 3 }");
        Cli.Answer broken = Cli.Run("train", "--data", At("data"), "--out", At("x"), "--config", At("broken.json"));
        Assert.That(broken.Code, Is.EqualTo(1));
        Assert.That(broken.Error, Does.Contain("broken.json").And.Contain("epoch"));
    }
}
