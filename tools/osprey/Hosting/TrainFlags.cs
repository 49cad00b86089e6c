using Osprey.Engine.Robust;
using Osprey.Engine.Training;

namespace Osprey.Tool.Hosting;

/// <summary>The flags of <see cref="TrainConfig"/>: one for every property but the seed, which is global, and the two records inside, which have their own.</summary>
static class TrainFlags
{
    static readonly TrainConfig Default = new();

    public static FlagSet<TrainConfig> Create() => new FlagSet<TrainConfig>()
        .Add(nameof(TrainConfig.Recipe), Flag.Choice<RecipeKind>("--recipe", "none: plain fine-tuning; advprop: attacked images too, through auxiliary batch statistics; fast-advprop: only a share of each batch is attacked; est: attacked images only; ses: a loss on how far the attack moves descriptors; fare: attacked descriptors held to the starting network's, no labels. Formulas and sources below. Default none."), (c, v) => c with { Recipe = v })
        .Add(nameof(TrainConfig.Loss), Flag.Choice<LossKind>("--loss", "What a batch minimises: arcface (Deng et al. 2019) and norm_softmax (Zhai and Wu 2019) by a learned direction per class; contrastive (Hadsell et al. 2006), triplet (Schroff et al. 2015, hardest of the batch as in Hermans et al. 2017) and smooth_ap (Brown et al. 2020) by comparing the batch's images. Default arcface."), (c, v) => c with { Loss = v })
        .Add(nameof(TrainConfig.Scale), Flag.Number("--scale", $"Factor s of the logits, above 0, to 1000. Default {Default.Scale}."), (c, v) => c with { Scale = v })
        .Add(nameof(TrainConfig.Margin), Flag.Number("--margin", $"ArcFace's margin m, radians, 0 to below π/2. Default {Default.Margin}."), (c, v) => c with { Margin = v })
        .Add(nameof(TrainConfig.ContrastiveMargin), Flag.Number("--contrastive-margin", $"Distance m that the contrastive loss pushes two classes apart, above 0, to 2. Default {Default.ContrastiveMargin}, Radenović et al. 2018."), (c, v) => c with { ContrastiveMargin = v })
        .Add(nameof(TrainConfig.TripletMargin), Flag.Number("--triplet-margin", $"Squared distance m of the triplet loss, above 0, to 4. Default {Default.TripletMargin}, Schroff et al. 2015."), (c, v) => c with { TripletMargin = v })
        .Add(nameof(TrainConfig.SmoothAPTemperature), Flag.Number("--smooth-ap-temperature", $"τ of Smooth-AP's steps, above 0, to 1. Default {Default.SmoothAPTemperature}, Brown et al. 2020."), (c, v) => c with { SmoothAPTemperature = v })
        .Add(nameof(TrainConfig.DescriptorSize), Flag.Whole<int>("--dim", $"Size D of the whitened descriptor, 1 to 65536; fare keeps the descriptor it starts from. Default {Default.DescriptorSize}.", 1, 65536, value: "D"), (c, v) => c with { DescriptorSize = v })
        .Add(nameof(TrainConfig.Epochs), Flag.Whole<int>("--epochs", $"Passes over the data, 1 to 100000. Default {Default.Epochs}.", 1, 100_000), (c, v) => c with { Epochs = v })
        .Add(nameof(TrainConfig.Sampling), Flag.Choice<SamplingKind>("--sampling", "balanced: every batch holds classes × images; shuffled: every image once an epoch. Default balanced."), (c, v) => c with { Sampling = v })
        .Add(nameof(TrainConfig.BatchClasses), Flag.Whole<int>("--batch-classes", $"Classes per batch, 1 to 4096. Default {Default.BatchClasses}.", 1, 4096), (c, v) => c with { BatchClasses = v })
        .Add(nameof(TrainConfig.BatchImagesPerClass), Flag.Whole<int>("--batch-images", $"Images of each class per batch, 1 to 4096. Default {Default.BatchImagesPerClass}.", 1, 4096), (c, v) => c with { BatchImagesPerClass = v })
        .Add(nameof(TrainConfig.Optimizer), Flag.Choice<OptimizerKind>("--optimizer", "Default adam."), (c, v) => c with { Optimizer = v })
        .Add(nameof(TrainConfig.LearningRate), Flag.Number("--lr", $"Peak learning rate of the backbone, above 0, to 10. Default {Default.LearningRate}."), (c, v) => c with { LearningRate = v })
        .Add(nameof(TrainConfig.HeadLearningRateFactor), Flag.Number("--head-lr-factor", $"How much faster the new layers learn, above 0, to 1000. Default {Default.HeadLearningRateFactor}."), (c, v) => c with { HeadLearningRateFactor = v })
        .Add(nameof(TrainConfig.Beta1), Flag.Number("--beta1", $"Adam's β₁, 0 to below 1. Default {Default.Beta1}."), (c, v) => c with { Beta1 = v })
        .Add(nameof(TrainConfig.Beta2), Flag.Number("--beta2", $"Adam's β₂, 0 to below 1. Default {Default.Beta2}."), (c, v) => c with { Beta2 = v })
        .Add(nameof(TrainConfig.Momentum), Flag.Number("--momentum", $"SGD's momentum, 0 to below 1. Default {Default.Momentum}."), (c, v) => c with { Momentum = v })
        .Add(nameof(TrainConfig.WeightDecay), Flag.Number("--weight-decay", $"Of convolution and linear weights, 0 to 1. Default {Default.WeightDecay}."), (c, v) => c with { WeightDecay = v })
        .Add(nameof(TrainConfig.ClipNorm), Flag.Number("--clip-norm", "Longest gradient of one step, above 0 (Pascanu et al. 2013). Default: no clipping."), (c, v) => c with { ClipNorm = v })
        .Add(nameof(TrainConfig.AccumulatedBatches), Flag.Whole<int>("--accumulate", $"Batches whose gradients are averaged for one step, 1 to 10000; norms and losses see one at a time. Default {Default.AccumulatedBatches}.", 1, 10_000, value: "BATCHES"), (c, v) => c with { AccumulatedBatches = v })
        .Add(nameof(TrainConfig.AverageDecay), Flag.Number("--average-decay", "β of a moving average of the weights that the run then ends with, above 0, below 1; 0.99 to 0.999 in Tarvainen and Valpola 2017. Default: the last weights."), (c, v) => c with { AverageDecay = v })
        .Add(nameof(TrainConfig.StartShare), Flag.Number("--start-share", "k, the share of the weights that the run starts from in those that it ends with, 0 to below 1: less is gained and less lost by the training (Wortsman et al. 2022). Default 0."), (c, v) => c with { StartShare = v })
        .Add(nameof(TrainConfig.SmallestSize), Flag.Whole<int>("--smallest-size", "Each batch's images get a side drawn from this to --size, in steps of 16 below it (Redmon and Farhadi 2017), 16 or more. Default: always --size.", 16, 8192, value: "PX"), (c, v) => c with { SmallestSize = v })
        .Add(nameof(TrainConfig.HeldOutShare), Flag.Number("--hold-out", "Share of each class that is not learned from, above 0, below 1: its mAP is taken after each epoch, and the run ends with the best epoch's weights. Default: all is learned from, and the last weights stay."), (c, v) => c with { HeldOutShare = v })
        .Add(nameof(TrainConfig.Patience), Flag.Whole<int>("--patience", "With --hold-out: epochs without a better mAP after which the run stops, 1 or more (Prechelt 1998). Default: all epochs are made.", 1, int.MaxValue, value: "EPOCHS"), (c, v) => c with { Patience = v })
        .Add(nameof(TrainConfig.Schedule), Flag.Choice<ScheduleKind>("--schedule", $"Learning rate after the warm-up. Default {Flag.NameOf(Default.Schedule)}."), (c, v) => c with { Schedule = v })
        .Add(nameof(TrainConfig.WarmupSteps), Flag.Whole<int>("--warmup", $"Steps over which the learning rate climbs to its peak, 0 or more. Default {Default.WarmupSteps}.", 0, int.MaxValue, value: "STEPS"), (c, v) => c with { WarmupSteps = v })
        .Add(nameof(TrainConfig.AdversarialWeight), Flag.Number("--adversarial-weight", $"w of advprop, the adversarial part's share of the loss, above 0, below 1. Default {Default.AdversarialWeight}, Xie et al. 2020."), (c, v) => c with { AdversarialWeight = v })
        .Add(nameof(TrainConfig.AttackedShare), Flag.Number("--attacked-share", $"s, the share of a batch that advprop, fast-advprop and fare attack, above 0, to 1; of fast-advprop below 1. Default 1, of fast-advprop {FastAdvProp.DefaultShare} and of fare {Fare.DefaultShare}, ours; Mei et al. 2022: one image beside four."), (c, v) => c with { AttackedShare = v })
        .Add(nameof(TrainConfig.SplitsNorms), Flag.Switch("--shared-norms", "advprop and fast-advprop: attacked images go through the main batch statistics too. Default: through auxiliary ones, Xie et al. 2020."), c => c with { SplitsNorms = false })
        .Add(nameof(TrainConfig.ShiftWeight), Flag.Number("--shift-weight", $"λ of ses, above 0, to 1000. Default {Default.ShiftWeight}, Zhou et al. 2020."), (c, v) => c with { ShiftWeight = v })
        .Add(nameof(TrainConfig.TargetTurns), Flag.Whole<int>("--target-turns", $"Turns of an image, 1, 2 or 4, over which fare averages the starting network's descriptors (as Radosavovic et al. 2018 do); 1: Schlarmann et al. 2024. Default {Default.TargetTurns}.", 1, 4, value: "TURNS"), (c, v) => c with { TargetTurns = v })
        .Add(nameof(TrainConfig.CheckpointEvery), Flag.Whole<int>("--checkpoint-every", $"Steps between checkpoints, 1 or more; changes nothing in the result. Default {Default.CheckpointEvery}.", 1, int.MaxValue, value: "STEPS"), (c, v) => c with { CheckpointEvery = v });

    public static FlagSet<AugmentationConfig> CreateAugmentation() => new FlagSet<AugmentationConfig>()
        .Add(nameof(AugmentationConfig.CropScale), Flag.Number("--crop-scale", $"Smallest share of the area that a random crop keeps, above 0, to 1; 1: no crop. Default {Default.Augmentation.CropScale}."), (c, v) => c with { CropScale = v })
        .Add(nameof(AugmentationConfig.Flip), Flag.Switch("--no-flip", "No random mirror images."), c => c with { Flip = false })
        .Add(nameof(AugmentationConfig.Rotate), Flag.Switch("--no-rotate", "No random quarter turns."), c => c with { Rotate = false })
        .Add(nameof(AugmentationConfig.Brightness), Flag.Number("--brightness", $"Random brightness factor 1 ± this, 0 to 1. Default {Default.Augmentation.Brightness}.", 0, 1), (c, v) => c with { Brightness = v })
        .Add(nameof(AugmentationConfig.Contrast), Flag.Number("--contrast", $"Random contrast factor 1 ± this, 0 to 1. Default {Default.Augmentation.Contrast}.", 0, 1), (c, v) => c with { Contrast = v })
        .Add(nameof(AugmentationConfig.Saturation), Flag.Number("--saturation", $"Random saturation factor 1 ± this, 0 to 1. Default {Default.Augmentation.Saturation}.", 0, 1), (c, v) => c with { Saturation = v });
}
