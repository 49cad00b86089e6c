using System.CommandLine;
using Osprey.Engine.Datasets;
using Osprey.Engine.Model;
using Osprey.Engine.Robust;
using Osprey.Engine.Training;
using Osprey.Tool.Hosting;
using Spectre.Console;

namespace Osprey.Tool.Verbs;

sealed class TrainVerb : Verb
{
    readonly Option<string[]> data = Flag.Texts("--data", "DIR", "Folders of class folders to learn from; several are joined, and classes of one name become one.", required: true);

    readonly Option<string?> output = Flag.Text("--out", "RUN", "Folder of the run: config.json, metrics.jsonl, last/, model.safetensors and model.json.", required: true);

    readonly Option<string?> split = Flag.Text("--split", "FILE.csv", "Learn only from the training part of this split (see 'data split'); needs a single --data.");

    readonly Option<string?> weights = Flag.Text("--weights", "FILE", "Weights to start from: torchvision's names in .safetensors or .pth, or a run folder. Default: random, by the seed.");

    readonly Option<string?> config = Flag.Text("--config", "FILE.json", "Training configuration to start from, such as the train object of a run's config.json; flags override it.");

    readonly Option<bool> resume = Flag.Switch("--resume", "Go on with the run in --out where it was interrupted, with the same flags; starts it where there is none.");

    readonly FlagSet<EmbedderConfig> modelFlags = ModelFlags.Create();
    readonly FlagSet<TrainConfig> trainFlags = TrainFlags.Create();
    readonly FlagSet<Threat> threatFlags = ThreatFlags.Create(new TrainConfig().Threat);
    readonly FlagSet<AugmentationConfig> augmentationFlags = TrainFlags.CreateAugmentation();

    public TrainVerb()
        : base("train", "Fine-tunes a network on labelled images into a descriptor, plainly or robustly.")
    {
        foreach (Option option in new Option[] { data, output, split, weights, config, resume }) Add(option);
        modelFlags.AddTo(this);
        trainFlags.AddTo(this);
        threatFlags.AddTo(this);
        augmentationFlags.AddTo(this);
    }

    public override IReadOnlyList<string> Examples =>
    [
        "train --data aid --weights resnet18_stage3.safetensors --size 128 --epochs 4 --out runs/aid",
        "train --data aid --weights resnet18_stage3.safetensors --size 128 --recipe advprop --epsilon 2/255 --out runs/aid-robust",
        "train --data aid ucm --backbone resnet50 --pool gem --loss arcface --out runs/scratch",
        "train --data aid --weights resnet18_stage3.safetensors --size 128 --epochs 4 --out runs/aid --resume",
    ];

    public override string Notes =>
        "After Gominski, Gouet-Brunet and Chen, 'Unifying Remote Sensing Image Retrieval and Classification with Robust Fine-tuning' (arXiv 2102.13392). "
        + "Only its abstract could be read: the paper's own adversarial formula is not known, and no number of it is claimed to be reproduced. "
        + "What runs is the formulation documented for each recipe: none minimises L(x); advprop (Xie et al. 2020, 'Adversarial Examples Improve Image Recognition') "
        + "minimises (1−w)·L(x) through the main batch statistics plus w·L(x_adv) through auxiliary ones, x_adv found by projected gradient ascent on the loss, and keeps the main statistics."
        + "\n\nCtrl-C writes a checkpoint after the step in hand; the same command with --resume goes on and ends with the same bytes on the same device and thread count.";

    public override int Run(ParseResult arguments, Session session)
    {
        TrainConfig start = FlagSet<TrainConfig>.Start(arguments.GetValue(config));
        TrainConfig training = trainFlags.Bind(arguments, start) with
        {
            Threat = threatFlags.Bind(arguments, start.Threat),
            Augmentation = augmentationFlags.Bind(arguments, start.Augmentation),
            Seed = session.SeedIsGiven ? session.Seed : start.Seed,
        };
        training.Validate();
        ImageSet set = DataFolders.OpenJoined(arguments.GetRequiredValue(data), arguments.GetValue(split));
        string run = arguments.GetRequiredValue(output)!;

        session.ConfigureTorch();
        using Embedder embedder = OpenStart(arguments, session, training.Seed);
        session.Note($"{Flag.NameOf(embedder.Config.Architecture)}, {Flag.NameOf(embedder.Config.Pooling)}, {embedder.Config.ImageSize} px · {set.Images.Count} images, {set.Classes.Count} classes · recipe {Flag.NameOf(training.Recipe)}, {training.Epochs} epochs");
        TrainResult result = Trainer.Run(training, embedder, set, run, arguments.GetValue(resume), session.Device, session.Threads, session.Progress, session.Cancellation);

        session.Warn(result.BadFiles);
        if (session.Json)
        {
            session.Write(new { Run = result.Directory, result.Steps, result.Loss, result.ImagesPerSecond, result.BadFiles, Recipe = training.Recipe });
            return ExitCode.Done;
        }
        Table table = Tables.Create("run", "recipe", ">steps", ">loss", ">images/s");
        table.Row(result.Directory, Flag.NameOf(training.Recipe), $"{result.Steps}", $"{result.Loss:0.000}", result.ImagesPerSecond > 0 ? $"{result.ImagesPerSecond:0.0}" : "–");
        session.Write(table);
        return ExitCode.Done;
    }

    /// <summary>The network before the first step: random, or a file's or a run's; what a file holds is found in it unless a flag says otherwise.</summary>
    Embedder OpenStart(ParseResult arguments, Session session, long seed)
    {
        if (arguments.GetValue(weights) is not string file) return Embedder.Create(modelFlags.Bind(arguments, new EmbedderConfig()).Validate(), session.Device, seed);
        Embedder found = Embedder.Open(file, session.Device);
        EmbedderConfig wanted = modelFlags.Bind(arguments, found.Config).Validate();
        if (wanted == found.Config) return found;
        ModelNames.Close(found);
        // A backbone's weights under another pooling, size or earlier last stage.
        Embedder embedder = Embedder.Create(wanted with { DescriptorSize = null }, session.Device, seed);
        try
        {
            embedder.LoadBackbone(file);
            return embedder;
        }
        catch
        {
            ModelNames.Close(embedder);
            throw;
        }
    }
}
