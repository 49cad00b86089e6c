using Osprey.Engine.Evaluation;
using Osprey.Engine.Robust;

namespace Osprey.Tool.Hosting;

/// <summary>The flags of <see cref="EvalConfig"/>, but for the seed, which is global, and the threats, which 'eval' makes from its norms and ε.</summary>
static class EvalFlags
{
    static readonly EvalConfig Default = new();

    public static FlagSet<EvalConfig> Create() => new FlagSet<EvalConfig>()
        .Add(nameof(EvalConfig.ImageSize), Flag.Whole<int>("--size", "Side of the square every image is resized to, pixels, 16 to 8192. Default: each run's own; 256 for weights alone.", 16, 8192, value: "PX"), (c, v) => c with { ImageSize = v })
        .Add(nameof(EvalConfig.BatchSize), Flag.Whole<int>("--batch", $"Images per forward pass, 1 to 4096. Default {Default.BatchSize}.", 1, 4096), (c, v) => c with { BatchSize = v })
        .Add(nameof(EvalConfig.CutOffs), Flag.Wholes("--cutoffs", $"The k of P@k, R@k and mAP@k. Default {string.Join(' ', Default.CutOffs)}.", 1, 1_000_000, "K"), (c, v) => c with { CutOffs = v })
        .Add(nameof(EvalConfig.Neighbours), Flag.Wholes("--neighbours", $"The k of the k-NN classifiers. Default {string.Join(' ', Default.Neighbours)}.", 1, 1_000_000, "K"), (c, v) => c with { Neighbours = v })
        .Add(nameof(EvalConfig.SupportImages), Flag.Wholes("--support", $"Support images per class of the nearest-mean and Simple CNAPS classifiers. Default {string.Join(' ', Default.SupportImages)}.", 1, 1_000_000), (c, v) => c with { SupportImages = v })
        .Add(nameof(EvalConfig.SupportRuns), Flag.Whole<int>("--support-runs", $"Random choices of support images per split, 1 or more. Default {Default.SupportRuns}.", 1, 1_000_000), (c, v) => c with { SupportRuns = v })
        .Add(nameof(EvalConfig.Splits), Flag.Choice<SplitKind>("--splits", $"How the classifiers' images are divided: alike in every class, or by lot over all of them. Default {Flag.NameOf(Default.Splits)}."), (c, v) => c with { Splits = v })
        .Add(nameof(EvalConfig.TrainFractions), Flag.Numbers("--train", $"Shares that train the classifiers, between 0 and 1; the first gives the headline. Default {string.Join(' ', Default.TrainFractions)}.", 0, 1, "SHARE"), (c, v) => c with { TrainFractions = v })
        .Add(nameof(EvalConfig.SplitRuns), Flag.Whole<int>("--runs", $"Random splits per share, 1 or more. Default {Default.SplitRuns}.", 1, 1_000_000), (c, v) => c with { SplitRuns = v })
        .Add(nameof(EvalConfig.LinearProbe), Flag.Switch("--no-linear", "Leave out the linear probe, the slowest classifier."), c => c with { LinearProbe = false })
        .Add(nameof(EvalConfig.LinearProbeC), Flag.Number("--linear-c", $"The probe minimises Σ cross-entropy + ‖W‖²/(2C); this is C, above 0. Default {Default.LinearProbeC}.", 0, value: "C"), (c, v) => c with { LinearProbeC = v })
        .Add(nameof(EvalConfig.BootstrapSamples), Flag.Whole<int>("--bootstrap", $"Resamples behind every 95 % interval, 1 or more. Default {Default.BootstrapSamples}.", 1, 10_000_000), (c, v) => c with { BootstrapSamples = v })
        .Add(nameof(EvalConfig.RobustQueries), Flag.Whole<int>("--robust-queries", $"Images attacked or corrupted per data set, drawn by the seed; 0 for all of the test part. Default {Default.RobustQueries}.", 0, int.MaxValue), (c, v) => c with { RobustQueries = v })
        .Add(nameof(EvalConfig.CheckAttack), Flag.Switch("--attack-check", "With --robust: look for masked gradients by comparing each norm's attack with noise, fewer and more steps, more restarts, and the attack on the first model; 64 images, some 130 passes each."), c => c with { CheckAttack = true })
        .Add(nameof(EvalConfig.Corruptions), Flag.Choices<CorruptionKind>("--corruptions", "Also measure with corrupted queries: the kinds named, of those below, or all.", orNone: true, value: "KIND"), (c, v) => c with { Corruptions = v.Length > 0 ? v : Enum.GetValues<CorruptionKind>() })
        .Add(nameof(EvalConfig.Severities), Flag.Wholes("--severities", $"Severities of the corruptions, 1 to {Corruption.Severities}. Default {string.Join(' ', Default.Severities)}.", 1, Corruption.Severities), (c, v) => c with { Severities = v })
        .Add(nameof(EvalConfig.GalleryQueries), Flag.Whole<int>("--gallery", $"Random queries whose neighbours the report shows, 0 or more. Default {Default.GalleryQueries}.", 0, 1000), (c, v) => c with { GalleryQueries = v });
}
