using System.Text.Json;
using System.Text.Json.Nodes;
using Osprey.Engine.Datasets;
using Osprey.Engine.Evaluation;
using Osprey.Engine.Evaluation.Report;
using Osprey.Engine.Images;
using Osprey.Engine.Model;
using Osprey.Engine.Robust;
using Osprey.Engine.Training;
using Osprey.Interop.Torch;
using Device = Osprey.Kernels.Device;

namespace Osprey.Engine;

/// <summary>What the quickstart is given, besides its configuration.</summary>
/// <param name="Data">
/// None: scenes are drawn. One set: a half of each class trains, the other is evaluated. Several: the first trains, the others are evaluated.
/// </param>
/// <param name="Weights">A weights file or run folder to start from, or null for an untrained network.</param>
/// <param name="ImageSize">Side of the images, pixels; null for the configuration's.</param>
public sealed record QuickstartInput(IReadOnlyList<string> Data, string? Weights = null, int? ImageSize = null);

/// <summary>
/// The whole job: data, a baseline, plain and adversarial fine-tuning of equal steps, and a table of all three. Each stage that is finished
/// in the output folder is taken up again.
/// </summary>
public static class Quickstart
{
    public const string SummaryName = "summary.json", ReportName = "report.html", NeighboursName = "neighbours.png", ConfigName = "quickstart.json";

    /// <summary>The models' names and their folders.</summary>
    public const string Baseline = "baseline", Finetuned = "finetuned", Robust = "robust";

    /// <summary>What the output folder was made from. Drawn images follow from the configuration; the hash is of given ones.</summary>
    sealed record Recipe(QuickstartConfig Config, QuickstartInput Input, string? WeightsSha256, string? TrainImagesSha256, string Device, int Threads);

    /// <param name="config">Its numbers.</param>
    /// <param name="input">What is given.</param>
    /// <param name="dir">Output: data, runs, <see cref="SummaryName"/>, <see cref="ReportName"/> and <see cref="NeighboursName"/>.</param>
    /// <param name="device">Where kernels run; its threads are used throughout.</param>
    /// <param name="progress">All along.</param>
    /// <param name="cancellation">Leaves finished stages, and a checkpoint of a training in hand.</param>
    /// <exception cref="ArgumentException">The folder was made from something else.</exception>
    public static EvaluationResult Run(QuickstartConfig config, QuickstartInput input, string dir, Device device, IProgress<Progress>? progress = null, CancellationToken cancellation = default)
    {
        config.Validate();
        Directory.CreateDirectory(dir);
        TorchRuntime.Configure(device.Threads, config.Seed);
        int size = input.ImageSize ?? (input.Weights is null ? config.Scratch.ImageSize : config.WeightsImageSize);
        config = config with
        {
            Scratch = config.Scratch with { ImageSize = size },
            TrainScenes = config.TrainScenes with { Size = size },
            EvaluationScenes = config.EvaluationScenes with { Size = size },
        };

        using Embedder baseline = OpenBaseline(config, input, size, device);
        Given? given = input.Data.Count == 0 ? null : Open(config, input, cancellation);
        // Before anything is written: a folder of something else stays as it is.
        Claim(dir, new Recipe(config, input, baseline.WeightsSha256, given?.Sha256, device.Name, device.Threads));
        string data = Path.Combine(dir, "data");
        given?.SaveSplit(data);
        (ImageSet source, IReadOnlyList<ImageSet> targets) = given is null ? Draw(config, data, progress, cancellation) : (given.Source, given.Targets);
        baseline.Save(Path.Combine(dir, Baseline));

        TrainConfig plain = (input.Weights is null ? config.ScratchTraining : config.WeightsTraining) with { Recipe = RecipeKind.None, Seed = config.Seed };
        TrainConfig adversarial = plain with { Recipe = RecipeKind.AdvProp, Threat = config.TrainThreat };
        using Embedder finetuned = Train(plain, Finetuned, source, dir, device, progress, cancellation);
        using Embedder robust = Train(adversarial, Robust, source, dir, device, progress, cancellation);

        foreach (Embedder embedder in (Embedder[])[baseline, finetuned, robust])
        {
            embedder.eval();
            embedder.Fold();
        }
        EvalConfig evaluation = config.Evaluation with { Seed = config.Seed };
        EvaluationResult result = Evaluator.Run(
            [(Baseline, baseline), (Finetuned, finetuned), (Robust, robust)], targets, evaluation, new DecodeOptions(), device, progress, cancellation: cancellation);
        Json.Write(Path.Combine(dir, SummaryName), result);
        HtmlReport.Write(Path.Combine(dir, ReportName), result, new ReportOrigin("Osprey quickstart", new DecodeOptions())
        {
            Models = [.. new[] { (Baseline, baseline), (Finetuned, finetuned), (Robust, robust) }.Select(m => ModelOrigin.Of(m.Item1, m.Item2, Path.Combine(dir, m.Item1)))],
            Surroundings = ReportOrigin.Describe(device),
        });
        NeighbourSheet.Write(Path.Combine(dir, NeighboursName), result.Galleries[0], Finetuned, rows: 6, new DecodeOptions());
        return result;
    }

    static Embedder OpenBaseline(QuickstartConfig config, QuickstartInput input, int size, Device device) => input.Weights is string weights
        ? Embedder.Open(weights, device, c => c with { ImageSize = size })
        : Embedder.Create(config.Scratch, device, config.Seed);

    /// <summary>Data sets that are there already.</summary>
    /// <param name="Source">Trains.</param>
    /// <param name="Targets">Are evaluated.</param>
    /// <param name="Whole">What both are halves of, with <paramref name="Split"/>; null for sets of their own.</param>
    sealed record Given(ImageSet Source, IReadOnlyList<ImageSet> Targets, ImageSet? Whole = null, Split? Split = null)
    {
        public string Sha256 => Retrieval.StoreDescription.HashImages(Source.Images, Source.Root);

        public void SaveSplit(string dir)
        {
            if (Whole is null || Split is null) return;
            Directory.CreateDirectory(dir);
            Split.Save(Path.Combine(dir, "split.csv"), Whole);
        }
    }

    static Given Open(QuickstartConfig config, QuickstartInput input, CancellationToken cancellation)
    {
        ImageSet[] sets = [.. input.Data.Select(d => ImageFolder.Open(d))];
        if (sets.Length > 1) return new Given(sets[0], sets[1..]);
        // Files of the same content stay on one side: nothing that was trained on is evaluated.
        Split split = Split.Stratified(sets[0].Labels(), config.TrainFraction, config.Seed, ContentHash.Groups(sets[0].Images, cancellation));
        return new Given(sets[0].Select(split.Train), [sets[0].Select(split.Test)], sets[0], split);
    }

    static (ImageSet Source, IReadOnlyList<ImageSet> Targets) Draw(QuickstartConfig config, string dir, IProgress<Progress>? progress, CancellationToken cancellation)
    {
        string train = Path.Combine(dir, "train"), evaluation = Path.Combine(dir, "evaluation");
        SceneSynthesis.Write(train, config.TrainScenes, progress, cancellation);
        SceneSynthesis.Write(evaluation, config.EvaluationScenes, progress, cancellation);
        return (ImageFolder.Open(train), [ImageFolder.Open(evaluation)]);
    }

    /// <summary>Sees to it that a folder never mixes stages of two configurations.</summary>
    static void Claim(string dir, Recipe recipe)
    {
        string path = Path.Combine(dir, ConfigName);
        if (File.Exists(path))
        {
            JsonNode? mine = JsonSerializer.SerializeToNode(recipe, Json.Options);
            if (!JsonNode.DeepEquals(JsonNode.Parse(File.ReadAllText(path)), mine))
                throw new ArgumentException($"{dir} holds a quickstart of other data, weights, numbers, device or threads (see {ConfigName}); choose another --out, or delete it");
            return;
        }
        Json.Write(path, recipe);
    }

    /// <summary>The finished run of this name, or a training that starts from the baseline or goes on where it was left.</summary>
    static Embedder Train(TrainConfig config, string name, ImageSet source, string dir, Device device, IProgress<Progress>? progress, CancellationToken cancellation)
    {
        string run = Path.Combine(dir, name);
        if (ModelFiles.IsComplete(run)) return Embedder.Open(run, device);
        Embedder embedder = Embedder.Open(Path.Combine(dir, Baseline), device);
        try
        {
            IProgress<Progress>? named = progress is null ? null : new Prefixed(progress, name);
            Trainer.Run(config, embedder, source, run, resume: true, device, device.Threads, named, cancellation);
            return embedder;
        }
        catch
        {
            embedder.Dispose();
            throw;
        }
    }

    /// <summary>Puts the model's name in front of a stage's.</summary>
    sealed class Prefixed(IProgress<Progress> to, string prefix) : IProgress<Progress>
    {
        public void Report(Progress value) => to.Report(value with { Stage = $"{prefix}, {value.Stage}" });
    }
}
