using System.Diagnostics;
using System.Text.Json;
using NUnit.Framework;
using Osprey.Engine.Model;
using Osprey.Engine.Retrieval;
using Osprey.Interop.Formats;
using Osprey.Kernels;
using Osprey.Tests.Engine.Retrieval;

namespace Osprey.Tests.Tools;

/// <summary>The tool in several processes under the launchers of this machine; skipped where there are none. Those of threads are in Tests/Engine/Distributed.</summary>
[TestFixture]
[Platform("Linux")]
public class MpirunTests
{
    const int Rows = 5000, Dimension = 16;

    string dir = "";

    string At(string name) => Path.Combine(dir, name);

    [OneTimeSetUp]
    public void MakeStore()
    {
        if (Launcher.All.All(l => l.Find() is null)) Assert.Ignore("skipped: there is neither Open MPI nor MPICH on this machine");
        dir = Directory.CreateTempSubdirectory("osprey-mpirun-").FullName;
        var random = new Random(8);
        float[] rows = [.. Enumerable.Range(0, Rows * Dimension).Select(_ => (float)(random.NextDouble() - 0.5))];
        // Equal rows far apart: their scores tie across ranks.
        rows.AsSpan(0, 50 * Dimension).CopyTo(rows.AsSpan((Rows - 50) * Dimension));
        Npy.Write(At("rows.npy"), rows, Rows, Dimension);
        Npy.Write(At("queries.npy"), rows.AsSpan(0, 20 * Dimension), 20, Dimension);
        Cli.Done("import", At("rows.npy"), "--out", At("store"));
    }

    [OneTimeTearDown]
    public void DeleteFolder()
    {
        if (dir.Length > 0) Directory.Delete(dir, recursive: true);
    }

    /// <summary>The launcher on this machine that the long tests use: Open MPI's, by whichever name. Those that name a launcher are skipped without it.</summary>
    static (int Code, string Out, string Error) Mpirun(int ranks, params string[] words) => Started(Launcher.OpenMpi, ranks, words);

    static (int Code, string Out, string Error) Started(Launcher launcher, int ranks, params string[] words)
    {
        var start = new ProcessStartInfo(launcher.Require()) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        foreach (string word in (string[])[.. launcher.Words, "-n", $"{ranks}", "dotnet", Path.Combine(TestContext.CurrentContext.TestDirectory, "osprey.dll"), .. words, "--threads", "1", "--device", "host"])
            start.ArgumentList.Add(word);
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        Task<string> error = process.StandardError.ReadToEndAsync(), output = process.StandardOutput.ReadToEndAsync();
        if (!process.WaitForExit(120_000))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"hangs: osprey {string.Join(' ', words)}\n{error.Result}");
        }
        return (process.ExitCode, output.Result, error.Result);
    }

    [Test]
    public void Any_number_of_ranks_prints_what_one_process_prints([Values(1, 2, 3, 4)] int ranks, [ValueSource(typeof(Launcher), nameof(Launcher.All))] Launcher launcher)
    {
        string[] words = ["search", At("store"), "--vectors", At("queries.npy"), "-k", "2000", "--json"];
        (int code, string output, string error) = Started(launcher, ranks, words);
        Assert.That(code, Is.Zero, error);
        Assert.That(output, Is.EqualTo(Cli.Done(words).Out));
    }

    [TestCaseSource(typeof(Launcher), nameof(Launcher.All))]
    public void The_library_passes_what_it_is_given(Launcher launcher)
    {
        (int code, string output, string error) = Started(launcher, 3, "doctor", "--json");
        Assert.That(code, Is.Zero, error);
        Assert.That(output, Does.StartWith("{").And.Contain("MPI broadcast, 3 ranks").And.Contain("MPI all-reduce, 3 ranks").And.Contain("MPI gather, 3 ranks"));
    }

    [TestCase("search STORE --vectors none.npy", 1, "osprey search: there is no file none.npy")]
    [TestCase("search NOWHERE --vectors none.npy", 1, "NOWHERE is no descriptor store")]
    [TestCase("eval --data NOWHERE --model none.safetensors", 1, "osprey eval: there is no folder NOWHERE")]
    [TestCase("search STORE", 2, "osprey search: give images with --query, or descriptors with --vectors")]
    [TestCase("index STORE", 2, "osprey index: runs in one process, and 3 were started")]
    public void A_failure_is_told_once_and_ends_all(string words, int code, string message)
    {
        (int got, string output, string error) = Mpirun(3, words.Replace("STORE", At("store"), StringComparison.Ordinal).Split(' '));
        Assert.That(got, Is.EqualTo(code), error);
        Assert.That(output, Is.Empty);
        Assert.That(error.Split(message), Has.Length.EqualTo(2), $"once: {error}");
    }

    [TestCaseSource(typeof(Launcher), nameof(Launcher.All))]
    public void A_part_that_one_rank_alone_cannot_read_ends_all(Launcher launcher)
    {
        Npy.Write(At("nan.npy"), [.. Enumerable.Range(0, 100).Select(i => i == 90 ? float.NaN : i)], 100, 1);
        string store = At($"nan-{launcher}");
        Cli.Done("import", At("nan.npy"), "--out", store);
        Npy.Write(At("one.npy"), [1f], 1, 1);
        (int code, _, string error) = Started(launcher, 3, "search", store, "--vectors", At("one.npy"));
        Assert.That(code, Is.EqualTo(2).Or.EqualTo(1), error);
        Assert.That(error, Does.Contain("osprey search: rank 2: ").And.Contain("row 24").And.Contain("counted from row 66"));
    }

    [TestCase("float32")]
    [TestCase("int8")]
    public void Ranks_embed_what_one_process_embeds_bad_files_and_all(string type)
    {
        using (Device device = Device.Open("host", 1))
        using (Embedder embedder = Embedder.Create(new EmbedderConfig { Architecture = Osprey.Engine.Model.Architecture.Resnet18, Stage = 2, ImageSize = 32 }, device, 5))
            embedder.Save(At("model"));
        Drawn.Files(At("data"), classes: 3, perClass: 4);
        // One part is nothing but bad files.
        foreach (string name in Directory.GetFiles(Path.Combine(At("data"), "class-2"))) File.WriteAllText(name, "no picture");
        string[] embed = ["embed", "--data", At("data"), "--model", At("model"), "--part", "3", "--dtype", type, "--json"];
        Cli.Done([.. embed, "--out", At($"whole-{type}"), "--threads", "1"]);

        (int code, string output, string error) = Mpirun(3, [.. embed, "--out", At($"shared-{type}")]);
        Assert.That(code, Is.Zero, error);
        Assert.That(output, Does.Contain("\"rows\": 8").And.Contain("class-2"));
        Assert.That(StoreSample.Files(At($"shared-{type}")), Is.EqualTo(StoreSample.Files(At($"whole-{type}"))));
        JsonElement ranks = JsonDocument.Parse(output).RootElement.GetProperty("ranks");
        Assert.That((ranks.GetArrayLength(), ranks.EnumerateArray().Sum(r => r.GetProperty("images").GetInt64()), ranks.EnumerateArray().Sum(r => r.GetProperty("bad_files").GetInt64())), Is.EqualTo((3, 12L, 4L)));

        // The store is finished: by itself or under mpirun the same command finds nothing to do.
        Assert.That(Cli.Done([.. embed, "--out", At($"shared-{type}")]).Json.GetProperty("rows").GetInt32(), Is.EqualTo(8));
        Assert.That(Mpirun(2, [.. embed, "--out", At($"shared-{type}")]).Code, Is.Zero);
        (code, _, error) = Mpirun(2, [.. embed, "--out", At($"other-{type}"), "--shard", "0/2"]);
        Assert.That((code, error.Split("leave it out").Length), Is.EqualTo((2, 2)), error);
    }

    [Test]
    public void Ranks_measure_what_one_process_measures_bad_files_and_all()
    {
        using (Device device = Device.Open("host", 1))
        using (Embedder embedder = Embedder.Create(new EmbedderConfig { Architecture = Osprey.Engine.Model.Architecture.Resnet18, Stage = 2, ImageSize = 32 }, device, 5))
            embedder.Save(At("model-eval"));
        Drawn.Files(At("measured"), classes: 3, perClass: 4);
        File.WriteAllText(Path.Combine(At("measured"), "class-1", "bad.png"), "no picture");
        string[] eval =
        [
            "eval", "--data", At("measured"), "--model", At("model-eval"), "--batch", "1", "--runs", "2", "--bootstrap", "20", "--robust", "--epsilon", "4/255", "--steps", "2",
            "--robust-queries", "4", "--corruptions", "haze", "--json",
        ];
        Cli.Answer alone = Cli.Done([.. eval, "--threads", "1"]);
        foreach (int ranks in (int[])[2, 3])
        {
            string page = At($"eval-{ranks}.html");
            (int code, string output, string error) = Mpirun(ranks, [.. eval, "--report", page]);
            Assert.That(code, Is.Zero, error);
            Assert.That(output, Is.EqualTo(alone.Out));
            Assert.That(error.Split("skipped").Length, Is.EqualTo(2), $"once: {error}");
            Assert.That(File.ReadAllText(page), Does.Contain("Osprey evaluation"));
        }
        (int failed, string none, string told) = Mpirun(2, [.. eval, "--report", At("nowhere/eval.html")]);
        Assert.That((failed, none, told.Split("there is no folder").Length), Is.EqualTo((1, "", 2)), told);
    }

    [Test]
    public void Ranks_train_what_one_process_trains()
    {
        Drawn.Files(At("learned"), classes: 3, perClass: 4);
        string[] train =
        [
            "train", "--data", At("learned"), "--backbone", "resnet18", "--stage", "2", "--size", "32", "--dim", "8", "--batch-classes", "3", "--batch-images", "2", "--epochs", "2",
            "--recipe", "fast-advprop", "--optimizer", "sgd", "--lr", "1e-4", "--clip-norm", "1", "--seed", "4", "--json",
        ];
        Cli.Done([.. train, "--out", At("trained-alone"), "--threads", "1"]);
        (int code, string output, string error) = Mpirun(2, [.. train, "--out", At("trained")]);
        Assert.That(code, Is.Zero, error);
        Assert.That(output, Does.Contain("\"steps\": 4"));
        using var scope = TorchSharp.torch.NewDisposeScope();
        IReadOnlyDictionary<string, TorchSharp.torch.Tensor> one = SafeTensors.Read(Path.Combine(At("trained-alone"), "model.safetensors")), two = SafeTensors.Read(Path.Combine(At("trained"), "model.safetensors"));
        foreach (string name in one.Keys) Assert.That((one[name] - two[name]).abs().max().to_type(TorchSharp.torch.ScalarType.Float64).item<double>(), Is.LessThanOrEqualTo(1e-6), name);
        Assert.That(File.ReadLines(Path.Combine(At("trained"), "metrics.jsonl")).Count(), Is.EqualTo(6), "4 steps and 2 epochs, by one rank");

        // It is finished; under another number of ranks, too.
        (code, output, error) = Mpirun(3, [.. train, "--out", At("trained"), "--resume"]);
        Assert.That(code, Is.Zero, error);
        (code, output, error) = Mpirun(2, [.. train, "--out", At("trained")]);
        Assert.That((code, output, error.Split("holds a run already").Length), Is.EqualTo((2, "", 2)), error);
    }

    [Test]
    public void More_ranks_than_images_and_none_that_can_be_read()
    {
        using (Device device = Device.Open("host", 1))
        using (Embedder embedder = Embedder.Create(new EmbedderConfig { Architecture = Osprey.Engine.Model.Architecture.Resnet18, Stage = 2, ImageSize = 32 }, device, 5))
            embedder.Save(At("model-2"));
        Directory.CreateDirectory(At("bad"));
        File.WriteAllText(Path.Combine(At("bad"), "a.png"), "no picture");
        File.WriteAllText(Path.Combine(At("bad"), "b.png"), "no picture");
        string[] words = ["embed", "--data", At("bad"), "--model", At("model-2"), "--out", At("bad-store")];
        (int code, _, string error) = Mpirun(3, words);
        Assert.That(code, Is.EqualTo(1));
        Assert.That(error, Does.Contain("osprey embed: none of the 2 images can be read"));
        File.WriteAllBytes(Path.Combine(At("bad"), "b.png"), Drawn.Png(1, 1, 32));
        (code, _, error) = Mpirun(3, words);
        Assert.That(code, Is.Zero, error);
        Assert.That(DescriptorStore.Open(At("bad-store")).Rows, Is.EqualTo(1));
    }
}
