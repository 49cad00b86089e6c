using System.Text.Json.Nodes;
using NUnit.Framework;
using Osprey.Engine;
using Osprey.Engine.Datasets;
using Osprey.Engine.Model;
using Osprey.Engine.Training;
using Osprey.Interop.Formats;
using static TorchSharp.torch;

namespace Osprey.Tests.Engine.Training;

/// <summary>Which weights a run ends with.</summary>
[TestFixture]
public class RunWeightsTests : TrainerFixture
{
    [Test]
    public void A_run_ends_with_the_average_of_its_weights()
    {
        TrainConfig config = Config with { Epochs = 1, CheckpointEvery = 1 };
        string first = Run(config with { AverageDecay = 0.15 });
        using var scope = NewDisposeScope();
        AssertEndsWith("average.", first);
        IReadOnlyDictionary<string, Tensor> model = SafeTensors.Read(Path.Combine(first, "model.safetensors"));

        // Two steps by hand: β is 0.15, less than 2/11 and 3/12.
        using Embedder start = New(Architecture.Resnet18);
        start.AddHead(config.DescriptorSize, config.Seed);
        IReadOnlyDictionary<string, Tensor> second = SafeTensors.Read(Path.Combine(Run(config), "model.safetensors"));
        string halfway = NewRun();
        Assert.That(() => Run(config, halfway, progress: new Killer(2)), Throws.TypeOf<KilledException>());
        IReadOnlyDictionary<string, Tensor> one = SafeTensors.Read(Path.Combine(halfway, "last", "checkpoint.safetensors"));
        using var frozen = no_grad();
        foreach ((string name, Tensor value) in start.State(false))
        {
            Tensor expected = value.is_floating_point() ? 0.15 * (0.15 * value + 0.85 * one["embedder." + name]) + 0.85 * second[name] : second[name];
            Assert.That((model[name] - expected).abs().max().to_type(ScalarType.Float32).item<float>(), Is.LessThan(1e-5), name);
        }
    }

    [TestCase(0.999, 1, 2.0 / 11)]
    [TestCase(0.999, 90, 0.91)]
    [TestCase(0.5, 90, 0.5)]
    public void The_average_forgets_its_start_sooner_in_a_young_run(double decay, long updates, double kept)
    {
        using var scope = NewDisposeScope();
        Tensor live = ones(2);
        using var average = new WeightAverage(decay, new Dictionary<string, Tensor> { ["w"] = live });
        live.fill_(3);
        average.Update(updates);
        Assert.That(average.Values["w"].data<float>().ToArray(), Has.All.EqualTo(kept + 3 * (1 - kept)).Within(1e-6));
    }

    [TestCase(0.25, null)]
    [TestCase(0.6, 0.5)]
    public void A_share_of_the_start_stays_in_the_weights_that_a_run_ends_with(double share, double? average)
    {
        TrainConfig config = Config with { Epochs = 1, AverageDecay = average };
        string reached = FromHead(config), between = FromHead(config with { StartShare = share });
        using var scope = NewDisposeScope();
        using Embedder start = WithHead();
        IReadOnlyDictionary<string, Tensor> end = SafeTensors.Read(Path.Combine(reached, "model.safetensors")), model = SafeTensors.Read(Path.Combine(between, "model.safetensors"));
        using var frozen = no_grad();
        Assert.That((end["backbone.conv1.weight"] - start.State(false)["backbone.conv1.weight"]).abs().max().item<float>(), Is.GreaterThan(1e-4), "nothing would be tested");
        foreach ((string name, Tensor value) in start.State(false))
        {
            Tensor expected = value.is_floating_point() ? share * value + (1 - share) * end[name] : end[name];
            Assert.That((model[name] - expected).abs().max().to_type(ScalarType.Float32).item<float>(), Is.LessThan(1e-6), name);
        }
    }

    [Test]
    public void A_run_that_keeps_a_share_of_its_start_resumes_exactly_and_judges_what_it_would_end_with()
    {
        TrainConfig config = Watched with { StartShare = 0.5, Epochs = 3, CheckpointEvery = 1 };
        string whole = FromHead(config), cut = NewRun();
        Assert.That(() => FromHead(config, cut, progress: new Killer(2)), Throws.TypeOf<KilledException>());
        FromHead(config, cut, resume: true);
        Assert.That(File.ReadAllBytes(Path.Combine(cut, "model.safetensors")), Is.EqualTo(File.ReadAllBytes(Path.Combine(whole, "model.safetensors"))));
        AssertEndsWith("best.", whole);
    }

    [Test]
    public void No_share_of_a_random_head_is_kept()
        => Assert.That(() => Run(Config with { StartShare = 0.5 }), Throws.ArgumentException.With.Message.Contains("has no head"));

    /// <summary>The model is those tensors of the checkpoint, to the bit.</summary>
    static void AssertEndsWith(string prefix, string run)
    {
        using var scope = NewDisposeScope();
        IReadOnlyDictionary<string, Tensor> last = SafeTensors.Read(Path.Combine(run, "last", "checkpoint.safetensors"));
        foreach ((string name, Tensor value) in SafeTensors.Read(Path.Combine(run, "model.safetensors")))
            Assert.That(value.equal(last[prefix + name]).all().item<bool>(), Is.True, name);
    }

    Embedder WithHead()
    {
        Embedder embedder = New(Architecture.Resnet18);
        embedder.AddHead(Config.DescriptorSize, 9);
        return embedder;
    }

    string FromHead(TrainConfig config, string? to = null, bool resume = false, IProgress<Progress>? progress = null)
    {
        using Embedder embedder = WithHead();
        return Trainer.Run(config, embedder, set, to ?? NewRun(), resume, device, 1, progress).Directory;
    }

    static readonly TrainConfig Watched = Config with { HeldOutShare = 0.5, Epochs = 6, BatchImagesPerClass = 2, AverageDecay = 0.5 };

    [Test]
    public void A_run_that_watches_a_held_out_part_resumes_exactly_and_ends_with_the_best_epoch([Values(null, 1)] int? patience)
    {
        TrainConfig config = Watched with { Patience = patience };
        string whole = NewRun(), cut = NewRun();
        TrainResult result;
        using (Embedder embedder = New(Architecture.Resnet18)) result = Trainer.Run(config, embedder, set, whole, false, device, 1);
        foreach (int step in new[] { 1, 2 })
            Assert.That(() => Run(config with { CheckpointEvery = 1 }, cut, resume: true, new Killer(step)), Throws.TypeOf<KilledException>());
        Run(config, cut, resume: true);
        Assert.That(File.ReadAllBytes(Path.Combine(cut, "model.safetensors")), Is.EqualTo(File.ReadAllBytes(Path.Combine(whole, "model.safetensors"))));
        Assert.That(Metrics(cut), Is.EqualTo(Metrics(whole)));

        double[] maps = [.. File.ReadLines(Path.Combine(whole, "metrics.jsonl")).Select(l => JsonNode.Parse(l)!).Where(l => (string)l["kind"]! == "epoch").Select(l => (double)l["held_out_map"]!)];
        Assert.That(maps, Has.All.InRange(0, 1));
        Assert.That(result.HeldOutMap, Is.EqualTo(maps.Max()));
        Assert.That(result.BestEpoch, Is.EqualTo(Array.IndexOf(maps, maps.Max()) + 1));
        // 8 images learned from are 1 step an epoch.
        Assert.That(result.Steps, Is.EqualTo(maps.Length));
        Assert.That(maps, Has.Length.EqualTo(patience is null ? 6 : Math.Min(6, result.BestEpoch!.Value + 1)));

        // A finished run, stopped early or not, makes no step more.
        Assert.That(() => Run(config, whole, resume: true, new Each(() => throw new KilledException())), Throws.Nothing);
        AssertEndsWith("best.", whole);
    }

    [Test]
    public void Watching_a_held_out_part_changes_nothing_in_what_is_learned_from_the_rest()
    {
        // The same images without the watching: the learned half by itself.
        Split split = Split.Stratified(set.Labels(), 0.5, Config.Seed, ContentHash.Groups(set.Images));
        TrainConfig config = Watched with { Epochs = 2 };
        string watched = Run(config), alone = NewRun();
        using Embedder embedder = New(Architecture.Resnet18);
        Trainer.Run(config with { HeldOutShare = null }, embedder, set.Select(split.Train), alone, false, device, 1);
        double[] Losses(string run) => [.. File.ReadLines(Path.Combine(run, "metrics.jsonl")).Select(l => (double)JsonNode.Parse(l)!["loss"]!)];
        Assert.That(Losses(watched), Is.EqualTo(Losses(alone)));
    }

    [Test]
    public void A_held_out_part_in_which_nothing_can_be_found_is_refused()
    {
        string run = NewRun();
        Assert.That(() => Run(Config with { HeldOutShare = 0.25 }, run), Throws.ArgumentException.With.Message.Contains("hold out a larger share"));
        Assert.That(Directory.Exists(run), Is.False, "the folder would belong to a run that cannot be");
    }
}
