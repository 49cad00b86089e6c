using System.CommandLine;
using Osprey.Engine.Datasets;
using Osprey.Engine.Distributed;
using Osprey.Engine.Model;
using Osprey.Engine.Robust;
using Osprey.Engine.Training;
using Osprey.Interop.Mpi;
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
        "train --data aid --weights runs/aid --recipe fare --epochs 12 --epsilon 4/255 --full-contrast 0.12 --out runs/aid-fare",
        "train --data aid ucm --backbone resnet50 --pool gem --loss arcface --out runs/scratch",
        "train --data aid --weights resnet18_stage3.safetensors --size 128 --epochs 4 --out runs/aid --resume",
    ];

    public override string Notes =>
        "After Gominski, Gouet-Brunet and Chen, 'Unifying Remote Sensing Image Retrieval and Classification with Robust Fine-tuning' (arXiv 2102.13392). "
        + "Only its abstract could be read: the paper's own adversarial formula is not known, and no number of it is claimed to be reproduced. "
        + "What runs is the formulation documented for each recipe, x_adv found by projected gradient ascent (Madry et al. 2018):"
        + "\n\nnone minimises L(x)."
        + "\n\nadvprop (Xie et al. 2020, 'Adversarial Examples Improve Image Recognition') minimises (1−w)·L(x) through the main batch statistics plus w·L(x_adv) through "
        + "auxiliary ones, x_adv increasing the loss, and keeps the main statistics. With an attacked share s below 1, ours, x_adv are that part of the batch, and x all of it."
        + "\n\nfast-advprop (after Mei et al. 2022, 'Fast AdvProp') attacks a share s of each batch, in one step: (1−s)·L of the rest through the main statistics plus s·L of the attacked "
        + "through auxiliary ones. Whole classes are attacked, and the attack's gradients are not reused; both are ours."
        + "\n\nest (Zhou et al. 2020, 'Adversarial Ranking Attack and Defense') minimises L(x_adv) alone, x_adv increasing d(f(x_adv), f(x)), d = 1 − cosine. One set of statistics."
        + "\n\nses (the same, supplementary material) minimises L(x) + λ·mean d(f(x_adv), f(x)), x_adv as in est. One set of statistics."
        + "\n\nfare (Schlarmann et al. 2024, 'Robust CLIP') minimises mean ‖f(x_adv) − f₀(x)‖², which x_adv increases, f₀ the network before the first step. It reads no labels, adds no "
        + "head and leaves the statistics as they are: it makes a model robust that is already trained. Ours: f₀(x) is the mean over --target-turns of x, and of an attacked share s "
        + "below 1 the rest of the batch is held to f₀(x) as it is. The public code (chs20/RobustVLM) has neither, and an --lr of 1e-5."
        + "\n\nest, ses and fare need the random start: at the clean image their attack has no gradient. The losses that compare images (contrastive, triplet, smooth_ap) want "
        + "--sampling balanced, the default, and see the attacked part of a batch and the rest apart."
        + "\n\nCtrl-C writes a checkpoint after the step in hand; the same command with --resume goes on and ends with the same bytes on the same device and thread count."
        + "\n\nStarted by mpirun, the processes share every batch out and end with the weights of one process but for rounding: docs/scale.md.";

    public override bool RunsOnRanks => true;

    public override int Run(ParseResult arguments, Session session)
    {
        ICommunicator ranks = session.Ranks;
        (TrainConfig training, ImageSet set) = ranks.RunOnAll(() => (Bind(arguments, session), DataFolders.OpenJoined(arguments.GetRequiredValue(data), arguments.GetValue(split))));
        string run = arguments.GetRequiredValue(output)!;

        session.ConfigureTorch();
        using Embedder embedder = ranks.RunOnAll(() => OpenStart(arguments, session, training));
        session.Note($"{Flag.NameOf(embedder.Config.Architecture)}, {Flag.NameOf(embedder.Config.Pooling)}, {embedder.Config.ImageSize} px · {set.Images.Count} images, {set.Classes.Count} classes · recipe {Flag.NameOf(training.Recipe)}, {training.Epochs} epochs");
        TrainResult result = Trainer.Run(ranks, training, embedder, set, run, arguments.GetValue(resume), session.Device, session.Threads, session.Progress, session.Cancellation);
        if (ranks.Rank > 0) return ExitCode.Done;

        session.Warn(result.BadFiles);
        if (session.Json)
        {
            session.Write(new { Run = result.Directory, result.Steps, result.Loss, result.ImagesPerSecond, result.BadFiles, result.BestEpoch, result.HeldOutMap, Recipe = training.Recipe });
            return ExitCode.Done;
        }
        Table table = Tables.Create("run", "recipe", ">steps", ">loss", ">images/s");
        table.Row(result.Directory, Flag.NameOf(training.Recipe), $"{result.Steps}", $"{result.Loss:0.000}", result.ImagesPerSecond > 0 ? $"{result.ImagesPerSecond:0.0}" : "–");
        session.Write(table);
        return ExitCode.Done;
    }

    TrainConfig Bind(ParseResult arguments, Session session)
    {
        TrainConfig start = FlagSet<TrainConfig>.Start(arguments.GetValue(config));
        TrainConfig training = trainFlags.Bind(arguments, start) with
        {
            Threat = threatFlags.Bind(arguments, start.Threat),
            Augmentation = augmentationFlags.Bind(arguments, start.Augmentation),
            Seed = session.SeedIsGiven ? session.Seed : start.Seed,
        };
        return training.Validate();
    }

    /// <summary>The network before the first step: random, or a file's or a run's; what a file holds is found in it unless a flag says otherwise.</summary>
    Embedder OpenStart(ParseResult arguments, Session session, TrainConfig training)
    {
        if (arguments.GetValue(weights) is not string file) return Embedder.Create(modelFlags.Bind(arguments, new EmbedderConfig()).Validate(), session.Device, training.Seed);
        Embedder found = Embedder.Open(file, session.Device);
        EmbedderConfig wanted = modelFlags.Bind(arguments, found.Config).Validate();
        if (wanted == found.Config) return found;
        ModelNames.Close(found);
        if (training.KeepsDescriptor && found.Config.DescriptorSize is not null)
            throw new ArgumentException($"fare keeps the descriptor of {file}, whose head another size, pooling or stage would drop; leave --size, --pool, --power, --learn-power, --backbone and --stage away");
        // A backbone's weights under another pooling, size or earlier last stage.
        Embedder embedder = Embedder.Create(wanted with { DescriptorSize = null }, session.Device, training.Seed);
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
