using System.Text.Json.Nodes;
using NUnit.Framework;
using Osprey.Engine.Datasets;
using Osprey.Engine.Images;
using Osprey.Engine.Model;
using Osprey.Engine.Robust;
using Osprey.Engine.Training;
using Osprey.Interop.Formats;
using Osprey.Tests.Interop.Torch;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Osprey.Tests.Engine.Training;

[TestFixture]
public class TrainerTests : TrainerFixture
{
    [Test]
    public void A_run_that_is_killed_again_and_again_ends_with_the_same_bytes(
        [Values] RecipeKind recipe, [Values(Architecture.Resnet18, Architecture.Squeezenet)] Architecture architecture)
    {
        TrainConfig config = Config with { Recipe = recipe };
        string whole = Run(config, architecture: architecture), cut = NewRun();
        // 2: before any checkpoint; 3 and 6: right at one; 5 and 8: between two, and before the model is written.
        foreach (int step in new[] { 2, 3, 5, 5, 6, 8 })
            Assert.That(() => Run(config, cut, resume: true, new Killer(step), architecture), Throws.TypeOf<KilledException>());
        Run(config, cut, resume: true, architecture: architecture);

        Assert.That(File.ReadAllBytes(Path.Combine(cut, "model.safetensors")), Is.EqualTo(File.ReadAllBytes(Path.Combine(whole, "model.safetensors"))));
        Assert.That(File.ReadAllText(Path.Combine(cut, "model.json")), Is.EqualTo(File.ReadAllText(Path.Combine(whole, "model.json"))));
        Assert.That(Metrics(cut), Is.EqualTo(Metrics(whole)));
        Assert.That(Metrics(whole).Count(l => l.Contains("\"step\",")), Is.EqualTo(Steps));
    }

    [Test]
    public void Every_optimizer_resumes_exactly([Values(OptimizerKind.Sgd, OptimizerKind.AdamW)] OptimizerKind kind)
    {
        TrainConfig config = Config with { Optimizer = kind, WeightDecay = 0.01, ClipNorm = 1, Schedule = ScheduleKind.Linear, WarmupSteps = 3 };
        string whole = Run(config), cut = NewRun();
        Assert.That(() => Run(config, cut, progress: new Killer(5)), Throws.TypeOf<KilledException>());
        Run(config, cut, resume: true);
        Assert.That(File.ReadAllBytes(Path.Combine(cut, "model.safetensors")), Is.EqualTo(File.ReadAllBytes(Path.Combine(whole, "model.safetensors"))));
    }

    [Test]
    public void Every_loss_resumes_exactly([Values(LossKind.NormSoftmax, LossKind.Contrastive, LossKind.Triplet, LossKind.SmoothAP)] LossKind kind)
    {
        TrainConfig config = Config with { Loss = kind, Recipe = RecipeKind.AdvProp };
        string whole = Run(config), cut = NewRun();
        Assert.That(() => Run(config, cut, progress: new Killer(5)), Throws.TypeOf<KilledException>());
        Run(config, cut, resume: true);
        Assert.That(File.ReadAllBytes(Path.Combine(cut, "model.safetensors")), Is.EqualTo(File.ReadAllBytes(Path.Combine(whole, "model.safetensors"))));
    }

    [Test]
    public void Fare_keeps_the_descriptor_it_starts_from([Values] bool head)
    {
        using Embedder embedder = New(Architecture.Resnet18);
        // Another size than the configuration's, which is for heads that training adds.
        if (head) embedder.AddHead(5, 1);
        string run = Trainer.Run(Config with { Recipe = RecipeKind.Fare, Epochs = 1 }, embedder, set, NewRun(), false, device, 1).Directory;
        using Embedder trained = Embedder.Open(run, device);
        Assert.That(trained.Config.DescriptorSize, Is.EqualTo(head ? 5 : null));
        using var scope = NewDisposeScope();
        Assert.That(SafeTensors.Read(Path.Combine(run, "last", "checkpoint.safetensors")).Keys, Has.None.StartsWith("loss."));
    }

    [Test]
    public void Averaged_weights_and_accumulated_batches_resume_exactly()
    {
        TrainConfig config = Config with { Recipe = RecipeKind.FastAdvProp, Epochs = 8, AccumulatedBatches = 2, AverageDecay = 0.8, ClipNorm = 1 };
        string whole = Run(config), cut = NewRun();
        foreach (int step in new[] { 2, 5, 8 })
            Assert.That(() => Run(config, cut, resume: true, new Killer(step)), Throws.TypeOf<KilledException>());
        Run(config, cut, resume: true);
        Assert.That(File.ReadAllBytes(Path.Combine(cut, "model.safetensors")), Is.EqualTo(File.ReadAllBytes(Path.Combine(whole, "model.safetensors"))));
        Assert.That(Metrics(cut), Is.EqualTo(Metrics(whole)));
        // 2 batches an epoch are 1 step.
        Assert.That(Metrics(whole).Count(l => l.Contains("\"step\",")), Is.EqualTo(8));
    }

    [Test]
    public void Batches_of_mixed_sizes_resume_exactly()
    {
        TrainConfig config = Config with { Epochs = 4, SmallestSize = 16 };
        string whole = Run(config), cut = NewRun();
        Assert.That(() => Run(config, cut, resume: true, new Killer(3)), Throws.TypeOf<KilledException>());
        Run(config, cut, resume: true);
        byte[] weights = File.ReadAllBytes(Path.Combine(whole, "model.safetensors"));
        Assert.That(File.ReadAllBytes(Path.Combine(cut, "model.safetensors")), Is.EqualTo(weights));
        Assert.That(File.ReadAllBytes(Path.Combine(Run(config with { SmallestSize = null }), "model.safetensors")), Is.Not.EqualTo(weights), "one size learns something else");
    }

    [Test]
    public void An_update_of_several_batches_goes_by_the_mean_of_their_gradients()
    {
        const double Rate = 0.01;
        TrainConfig config = Config with { Epochs = 1, AccumulatedBatches = 2, Optimizer = OptimizerKind.Sgd, Momentum = 0, LearningRate = Rate, HeadLearningRateFactor = 1 };
        string run = Run(config);

        using var scope = NewDisposeScope();
        using Embedder twin = New(Architecture.Resnet18);
        twin.AddHead(config.DescriptorSize, config.Seed);
        twin.train();
        using MetricLoss loss = MetricLoss.Create(config, 4, 8);
        BatchSampler sampler = BatchSampler.Create(config, set.Labels());
        var loader = new ImageLoader(new ImageDecoder(new DecodeOptions()), 32 * 8 / 7, 8, 1);
        for (int i = 0; i < 2; i++)
        {
            TrainBatch batch = TrainBatch.Make(config, sampler, set.Images, loader.Get, 32, i);
            (loss.Compute(twin.Describe(tensor(batch.Pixels, [8, 3, 32, 32])), tensor(batch.Labels)) / 2).backward();
        }
        IReadOnlyDictionary<string, Tensor> trained = SafeTensors.Read(Path.Combine(run, "model.safetensors"));
        using var frozen = no_grad();
        foreach ((string name, Parameter parameter) in twin.BackboneParameters.Concat(twin.HeadParameters))
            Assert.That((trained[name] - (parameter - Rate * parameter.grad!)).abs().max().item<float>(), Is.LessThan(1e-5), name);
    }

    [Test]
    public void Two_threads_give_the_same_bytes_every_time_too()
    {
        TrainConfig config = Config with { Recipe = RecipeKind.AdvProp, Epochs = 2, CheckpointEvery = 2 };
        string whole = Run(config, threads: 2), cut = NewRun();
        Assert.That(() => Run(config, cut, progress: new Killer(3), threads: 2), Throws.TypeOf<KilledException>());
        Assert.That(() => Run(config, cut, resume: true), Throws.ArgumentException.With.Message.Contains("threads is 2 in the run and 1 here"));
        Run(config, cut, resume: true, threads: 2);
        Assert.That(File.ReadAllBytes(Path.Combine(cut, "model.safetensors")), Is.EqualTo(File.ReadAllBytes(Path.Combine(whole, "model.safetensors"))));
    }

    [Test]
    public void A_kill_while_a_checkpoint_is_written_leaves_the_one_before()
    {
        string whole = Run(Config), cut = NewRun();
        Assert.That(() => Run(Config, cut, progress: new Killer(4)), Throws.TypeOf<KilledException>());
        // What a kill in the middle of the next write would leave aside.
        File.WriteAllBytes(Path.Combine(cut, "last", "checkpoint.safetensors.tmp"), new byte[1000]);
        Run(Config, cut, resume: true);
        Assert.That(File.ReadAllBytes(Path.Combine(cut, "model.safetensors")), Is.EqualTo(File.ReadAllBytes(Path.Combine(whole, "model.safetensors"))));
        Assert.That(Directory.GetFiles(Path.Combine(cut, "last")), Has.Length.EqualTo(1));
    }

    [Test]
    public void Cancelling_saves_the_step_and_can_be_resumed()
    {
        string whole = Run(Config), cut = NewRun();
        using var stop = new CancellationTokenSource();
        Assert.That(() => Run(Config, cut, progress: new At(4, stop.Cancel), cancellation: stop.Token), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(SafeTensors.ReadMetadata(Path.Combine(cut, "last", "checkpoint.safetensors")).Values.Single(), Does.Contain("\"step\":4"));
        Run(Config, cut, resume: true);
        Assert.That(File.ReadAllBytes(Path.Combine(cut, "model.safetensors")), Is.EqualTo(File.ReadAllBytes(Path.Combine(whole, "model.safetensors"))));
    }

    [Test]
    public void A_loss_that_is_no_number_stops_the_run_and_leaves_the_last_good_checkpoint()
    {
        string whole = Run(Config), cut = NewRun();
        using Embedder poisoned = New(Architecture.Resnet18);
        var poison = new At(5, () =>
        {
            using var off = no_grad();
            poisoned.HeadParameters.First().Parameter.fill_(float.NaN);
        });
        var thrown = Assert.Throws<TrainingDivergedException>(() => Trainer.Run(Config, poisoned, set, cut, false, device, 1, poison));
        Assert.That(thrown!.Step, Is.EqualTo(5));
        Assert.That(thrown.Loss, Is.NaN);
        Assert.That(thrown.Message, Does.Contain("step 5").And.Contain("loss NaN").And.Contain("checkpoint is that of step 3"));
        Assert.That(File.Exists(Path.Combine(cut, "model.safetensors")), Is.False);
        Run(Config, cut, resume: true);
        Assert.That(File.ReadAllBytes(Path.Combine(cut, "model.safetensors")), Is.EqualTo(File.ReadAllBytes(Path.Combine(whole, "model.safetensors"))));
    }

    [Test]
    public void A_run_is_not_overwritten_and_another_one_not_continued()
    {
        string run = Run(Config with { Epochs = 1 });
        Assert.That(() => Run(Config with { Epochs = 1 }, run), Throws.ArgumentException.With.Message.Contains("holds a run already"));
        Assert.That(() => Run(Config with { Epochs = 2, Recipe = RecipeKind.AdvProp }, run, resume: true), Throws.ArgumentException
            .With.Message.Contains("train.epochs is 1 in the run and 2 here").And.Message.Contains("train.recipe is \"none\" in the run and \"advprop\" here"));
        Assert.That(() => Run(Config with { Epochs = 1, CheckpointEvery = 7 }, run, resume: true), Throws.Nothing);
    }

    [Test]
    public void A_run_without_its_configuration_is_neither_continued_nor_written_over([Values] bool resume, [Values("last/checkpoint.safetensors", "metrics.jsonl", "model.safetensors")] string left)
    {
        string run = NewRun(), file = Path.Combine(run, left);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, "learned");
        Assert.That(() => Run(Config with { Epochs = 1 }, run, resume), Throws.ArgumentException.With.Message.Contains(left).And.Message.Contains("config.json is missing"));
        Assert.That(Directory.GetFiles(run, "*", SearchOption.AllDirectories), Is.EqualTo(new[] { file }));
        Assert.That(File.ReadAllText(file), Is.EqualTo("learned"));
    }

    [Test]
    public void A_learned_power_that_would_leave_its_range_stops_at_the_end([Values(0.01, 100)] double start)
    {
        // Steps of about 0.5 in the power; unbounded, the first one from 100 goes to 100.5.
        TrainConfig config = Config with { Epochs = 1, LearningRate = 5e-4, HeadLearningRateFactor = 1000 };
        string run = NewRun();
        using Embedder embedder = Embedder.Create(new EmbedderConfig { Stage = 2, ImageSize = 32, Power = start, LearnedPower = true }, device, 3);
        Assert.That(() => Trainer.Run(config, embedder, set, run, false, device, 1), Throws.Nothing);
        using var scope = NewDisposeScope();
        Assert.That(SafeTensors.Read(Path.Combine(run, "model.safetensors"))["pool.p"].item<float>(), Is.InRange(0.01f, 100f));
    }

    [Test]
    public void A_finished_run_resumed_writes_the_model_anew_and_makes_no_step()
    {
        string run = Run(Config);
        byte[] model = File.ReadAllBytes(Path.Combine(run, "model.safetensors"));
        string[] metrics = File.ReadAllLines(Path.Combine(run, "metrics.jsonl"));
        File.Delete(Path.Combine(run, "model.safetensors"));
        Run(Config, run, resume: true, new Killer(1));
        Assert.That(File.ReadAllBytes(Path.Combine(run, "model.safetensors")), Is.EqualTo(model));
        Assert.That(File.ReadAllLines(Path.Combine(run, "metrics.jsonl")), Is.EqualTo(metrics));
    }

    [Test]
    public void The_loss_falls_and_the_epochs_mean_is_that_of_its_steps()
    {
        string run = Run(Config with { Epochs = 10, Augmentation = new AugmentationConfig() });
        JsonNode[] lines = [.. File.ReadLines(Path.Combine(run, "metrics.jsonl")).Select(l => JsonNode.Parse(l)!)];
        double[] epochs = [.. lines.Where(l => (string)l["kind"]! == "epoch").Select(l => (double)l["loss"]!)];
        Assert.That(epochs, Has.Length.EqualTo(10));
        Assert.That(epochs[^1], Is.LessThan(0.7 * epochs[0]));
        double[] second = [.. lines.Where(l => (string)l["kind"]! == "step" && (int)l["epoch"]! == 2).Select(l => (double)l["loss"]!)];
        Assert.That(epochs[1], Is.EqualTo(second.Average()).Within(1e-9));
        Assert.That(lines.Where(l => (string)l["kind"]! == "step").Select(l => (double)l["grad_norm"]!), Has.All.GreaterThan(0));
    }

    [Test]
    public void Steps_leave_no_tensor_behind([Values] RecipeKind recipe)
    {
        var counts = new List<long>();
        using Embedder embedder = New(Architecture.Resnet18);
        Trainer.Run(Config with { Recipe = recipe, AverageDecay = 0.9, HeldOutShare = 0.5, Epochs = Steps }, embedder, set, NewRun(), false, device, 1, new Each(() => counts.Add(LiveTensors.Count())));
        Assert.That(counts, Has.Count.EqualTo(Steps));
        // Finalizers of earlier tests may still take some away; none may come.
        Assert.That(counts[^1], Is.LessThanOrEqualTo(counts[2]));
    }

    [Test]
    public void A_bad_image_is_stood_in_for_and_named_and_only_bad_ones_are_an_error()
    {
        string root = Path.Combine(folder, "bad");
        foreach (string c in new[] { "a", "b" })
        {
            Directory.CreateDirectory(Path.Combine(root, c));
            for (int i = 0; i < 4; i++) File.Copy(set.Images[i].Path, Path.Combine(root, c, $"{i}.png"));
        }
        string broken = Path.Combine(root, "a", "2.png");
        File.WriteAllText(broken, "not a picture");
        using Embedder embedder = New(Architecture.Squeezenet);
        TrainResult result = Trainer.Run(Config with { Epochs = 1 }, embedder, ImageFolder.Open(root), NewRun(), false, device, 1);
        Assert.That(result.BadFiles.Select(b => b.Path), Is.EqualTo(new[] { broken }));

        foreach (string file in Directory.GetFiles(root, "*.png", SearchOption.AllDirectories)) File.WriteAllText(file, "not a picture");
        using Embedder another = New(Architecture.Squeezenet);
        Assert.That(() => Trainer.Run(Config, another, ImageFolder.Open(root), NewRun(), false, device, 1),
            Throws.TypeOf<InvalidDataException>().With.Message.Contains("none of the 8"));
    }
}
