using System.Text.Json.Serialization;
using Osprey.Engine.Model;
using Osprey.Engine.Robust;

namespace Osprey.Engine.Training;

public enum LossKind
{
    /// <summary>Additive angular margin. Deng et al. 2019.</summary>
    [JsonStringEnumMemberName("arcface")]
    ArcFace,

    /// <summary>ArcFace without the margin. Zhai and Wu 2019.</summary>
    [JsonStringEnumMemberName("norm_softmax")]
    NormSoftmax,

    /// <summary>Pairs of one class pulled together, others pushed a margin apart. Hadsell et al. 2006.</summary>
    Contrastive,

    /// <summary>The farthest of the class nearer than the nearest of another, by a margin. Schroff et al. 2015, Hermans et al. 2017.</summary>
    Triplet,

    /// <summary>Average precision with its steps made smooth. Brown et al. 2020.</summary>
    [JsonStringEnumMemberName("smooth_ap")]
    SmoothAP,
}

public enum OptimizerKind
{
    /// <summary>Kingma and Ba 2015; weight decay enters the gradient.</summary>
    Adam,

    /// <summary>Adam with decoupled weight decay. Loshchilov and Hutter 2019.</summary>
    [JsonStringEnumMemberName("adamw")]
    AdamW,

    /// <summary>Momentum as in PyTorch: v ← μv + g, θ ← θ − lr·v.</summary>
    Sgd,
}

public enum ScheduleKind
{
    Linear,
    Cosine,
    Constant,
}

public enum SamplingKind
{
    /// <summary>Every batch holds classes × images per class.</summary>
    Balanced,

    /// <summary>Every image once an epoch, in a new order.</summary>
    Shuffled,
}

/// <summary>How an embedder is fine-tuned. One record, one JSON object in the run's <c>config.json</c>, one set of flags.</summary>
/// <remarks>
/// The network itself (backbone, pooling, image size) is <see cref="Model.EmbedderConfig"/>'s and stands beside this record in
/// <c>config.json</c>; only the size of the head that training adds is here.
/// The defaults are the best setting found on 1,800 AID images from ResNet-18 stage 3 (docs/results.md): ArcFace of a low scale and a small margin on whitened 2048-D
/// descriptors, Adam, cosine, batch 64, crops, flips, quarter turns and colour, 8 epochs. "Authors" is the public code of Gominski et al., generalizablersc, 2022.
/// </remarks>
public sealed record TrainConfig
{
    public RecipeKind Recipe { get; init; } = RecipeKind.None;

    public LossKind Loss { get; init; } = LossKind.ArcFace;

    /// <summary>s, the logits' factor, in (0, 1000]. 16: docs/results.md; authors 30.</summary>
    public double Scale { get; init; } = 16;

    /// <summary>m of ArcFace, radians, in [0, π/2). 0.1: docs/results.md; Deng et al. and authors 0.5. NormSoftmax has none and ignores it.</summary>
    public double Margin { get; init; } = 0.1;

    /// <summary>m of the contrastive loss, a distance in (0, 2]. 0.7: Radenović et al. 2018, public code (cnnimageretrieval-pytorch).</summary>
    public double ContrastiveMargin { get; init; } = 0.7;

    /// <summary>m of the triplet loss, a squared distance in (0, 4]. 0.2: Schroff et al. 2015.</summary>
    public double TripletMargin { get; init; } = 0.2;

    /// <summary>τ of Smooth-AP, in (0, 1]. 0.01: Brown et al. 2020, authors.</summary>
    public double SmoothAPTemperature { get; init; } = 0.01;

    /// <summary>D of the whitening head that training adds, 1 to 65536; an embedder that has a head keeps it and must have this size. FARE adds none and does not read this. 2048: docs/results.md.</summary>
    public int DescriptorSize { get; init; } = 2048;

    /// <summary>1 to 100,000. An epoch is ⌊images / batch⌋ steps, at least one; with <see cref="AccumulatedBatches"/> that many batches a step.</summary>
    public int Epochs { get; init; } = 8;

    public SamplingKind Sampling { get; init; } = SamplingKind.Balanced;

    /// <summary>Classes per batch, 1 to 4096; a set with fewer classes takes some of them twice, so that the batch keeps its size. 15: docs/results.md, of a source of 30 classes.</summary>
    public int BatchClasses { get; init; } = 15;

    /// <summary>Images of each class per batch, 1 to 4096. The batch is <see cref="BatchClasses"/> × this, whichever the sampling, and at least 2.</summary>
    public int BatchImagesPerClass { get; init; } = 4;

    public OptimizerKind Optimizer { get; init; } = OptimizerKind.Adam;

    /// <summary>Peak learning rate of the backbone, in (0, 10]. 2e-4: as tried.</summary>
    public double LearningRate { get; init; } = 2e-4;

    /// <summary>The new layers (head, class weights) learn this many times faster, in (0, 1000]. 3: docs/results.md.</summary>
    public double HeadLearningRateFactor { get; init; } = 3;

    /// <summary>Adam's β₁, in [0, 1). 0.9: Kingma and Ba; authors 0.5.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Adam's β₂, in [0, 1). 0.999: Kingma and Ba, authors.</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>SGD's momentum μ, in [0, 1). 0.9: He et al. 2016.</summary>
    public double Momentum { get; init; } = 0.9;

    /// <summary>On convolution and linear weights; norms, biases and GeM's power are left alone. In [0, 1].</summary>
    public double WeightDecay { get; init; }

    /// <summary>Longest gradient (Euclidean, all parameters together), or null for no clipping. More than 0. Pascanu et al. 2013.</summary>
    public double? ClipNorm { get; init; }

    /// <summary>Batches whose gradients are averaged for one update, 1 to 10,000: updates as of a larger batch in the memory of one. Norms and losses see one batch at a time.</summary>
    public int AccumulatedBatches { get; init; } = 1;

    /// <summary>β of the average of the weights that the run then ends with, in (0, 1), or null for the last weights. Tarvainen and Valpola 2017 take 0.99 to 0.999.</summary>
    public double? AverageDecay { get; init; }

    /// <summary>k, the share of the starting weights in those that the run ends with, in [0, 1): k·θ₀ + (1−k)·θ. 0: Wortsman et al. 2022 (1−α there) choose it by what is to be kept of the start.</summary>
    public double StartShare { get; init; }

    /// <summary>
    /// Smallest side of a batch's images, 16 to the network's image size, or null for that size always: each batch draws its own, in steps of
    /// <see cref="SizeStep"/> below the network's, as in Redmon and Farhadi 2017.
    /// </summary>
    public int? SmallestSize { get; init; }

    /// <summary>Pixels from one size of a batch's images to the next: the stride of a network's third stage.</summary>
    internal const int SizeStep = 16;

    /// <summary>Share of each class that is not learned from, in (0, 1), or null: after each epoch its mAP is taken, and the run ends with the best epoch's weights.</summary>
    public double? HeldOutShare { get; init; }

    /// <summary>Epochs without a better mAP on the held-out part after which the run stops, 1 or more, or null: all are made. Prechelt 1998.</summary>
    public int? Patience { get; init; }

    /// <summary>After the warm-up: cosine ½(1+cos πt), linear 1−t, or constant, t = share of the steps done. Authors: linear.</summary>
    public ScheduleKind Schedule { get; init; } = ScheduleKind.Cosine;

    /// <summary>Steps over which the learning rate climbs linearly to its peak, 0 or more. Goyal et al. 2017.</summary>
    public int WarmupSteps { get; init; }

    /// <summary>What the adversarial recipes train against; the plain recipe does not read it. ℓ∞ 2/255, one step: as tried.</summary>
    public Threat Threat { get; init; } = new();

    /// <summary>w of AdvProp, the adversarial part's share of the loss, in (0, 1). ½: Xie et al. 2020.</summary>
    public double AdversarialWeight { get; init; } = 0.5;

    /// <summary>s, the share of a batch that AdvProp, Fast AdvProp and FARE attack, in (0, 1]; below 1 for Fast AdvProp. Null: all of it, and of the others <see cref="FastAdvProp.DefaultShare"/> and <see cref="Fare.DefaultShare"/>.</summary>
    public double? AttackedShare { get; init; }

    /// <summary>Whether AdvProp and Fast AdvProp keep batch statistics of their own for attacked images. Xie et al. 2020 do; false is for an ablation.</summary>
    public bool SplitsNorms { get; init; } = true;

    /// <summary>λ of SES, what the descriptors' shift weighs beside the loss, in (0, 1000]. 1: Zhou et al. 2020, public code (robrank).</summary>
    public double ShiftWeight { get; init; } = 1;

    /// <summary>Turns of an image, 1, 2 or 4, evenly round, over which FARE averages the starting network's descriptors. 4: docs/results.md, as in data distillation, Radosavovic et al. 2018; Schlarmann et al. 2024 have 1.</summary>
    public int TargetTurns { get; init; } = 4;

    /// <summary>Crops and colour: docs/results.md.</summary>
    public AugmentationConfig Augmentation { get; init; } = new() { CropScale = 0.4, Brightness = 0.2, Contrast = 0.2, Saturation = 0.2 };

    public long Seed { get; init; }

    /// <summary>Steps between checkpoints, 1 or more. Changes nothing in the result, and may differ on resuming.</summary>
    public int CheckpointEvery { get; init; } = 25;

    /// <summary>Images per step.</summary>
    [JsonIgnore]
    public int BatchSize => BatchClasses * BatchImagesPerClass;

    /// <summary>s as the recipe takes it.</summary>
    [JsonIgnore]
    public double EffectiveAttackedShare => AttackedShare ?? Recipe switch { RecipeKind.FastAdvProp => FastAdvProp.DefaultShare, RecipeKind.Fare => Fare.DefaultShare, _ => 1 };

    /// <summary>Whether the loss compares images of a batch, so that a batch needs several classes and several images of each.</summary>
    [JsonIgnore]
    public bool ComparesImages => Loss is LossKind.Contrastive or LossKind.Triplet or LossKind.SmoothAP;

    /// <summary>Whether the descriptor is to stay what it is, so that no head is added: a new one would be the random start of another.</summary>
    [JsonIgnore]
    public bool KeepsDescriptor => Recipe == RecipeKind.Fare;

    /// <exception cref="ArgumentException">A value is out of its range; the message shows both.</exception>
    public TrainConfig Validate()
    {
        Within(Scale, "the loss scale", 0, 1000);
        if (!(Margin >= 0 && Margin < Math.PI / 2)) throw new ArgumentException($"the margin is {Margin}; give radians in [0, π/2)");
        Within(ContrastiveMargin, "the contrastive margin", 0, 2);
        Within(TripletMargin, "the triplet margin", 0, 4);
        Within(SmoothAPTemperature, "Smooth-AP's temperature", 0, 1);
        if (DescriptorSize is < 1 or > 65536) throw new ArgumentException($"the descriptor size is {DescriptorSize}; give 1 to 65536");
        if (Epochs is < 1 or > 100_000) throw new ArgumentException($"epochs is {Epochs}; give 1 to 100000");
        if (BatchClasses is < 1 or > 4096) throw new ArgumentException($"the batch's classes are {BatchClasses}; give 1 to 4096");
        if (BatchImagesPerClass is < 1 or > 4096) throw new ArgumentException($"the batch's images per class are {BatchImagesPerClass}; give 1 to 4096");
        if (BatchSize < 2) throw new ArgumentException($"the batch is {BatchClasses} × {BatchImagesPerClass} images; batch normalisation needs 2 or more");
        if (ComparesImages && Sampling == SamplingKind.Balanced && (BatchClasses < 2 || BatchImagesPerClass < 2))
            throw new ArgumentException($"the batch is {BatchClasses} × {BatchImagesPerClass} images; this loss compares them and needs 2 or more classes of 2 or more");
        Within(LearningRate, "the learning rate", 0, 10);
        Within(HeadLearningRateFactor, "the head's learning rate factor", 0, 1000);
        Share(Beta1, "beta1");
        Share(Beta2, "beta2");
        Share(Momentum, "the momentum");
        if (!(WeightDecay >= 0 && WeightDecay <= 1)) throw new ArgumentException($"the weight decay is {WeightDecay}; give 0 to 1");
        if (ClipNorm is double clip && !(clip > 0 && double.IsFinite(clip))) throw new ArgumentException($"the clipping norm is {clip}; give more than 0");
        if (AccumulatedBatches is < 1 or > 10_000) throw new ArgumentException($"the accumulated batches are {AccumulatedBatches}; give 1 to 10000");
        if (AverageDecay is double kept && !(kept > 0 && kept < 1)) throw new ArgumentException($"the average's decay is {kept}; give a number in (0, 1)");
        Share(StartShare, "the start's share");
        if (SmallestSize is < 16) throw new ArgumentException($"the smallest size is {SmallestSize} px; give 16 or more");
        if (HeldOutShare is double held && !(held > 0 && held < 1)) throw new ArgumentException($"the held-out share is {held}; give a share in (0, 1)");
        if (Patience is int patience && (patience < 1 || HeldOutShare is null))
            throw new ArgumentException($"the patience is {patience} epochs; give 1 or more, and a share to hold out that it goes by");
        if (WarmupSteps < 0) throw new ArgumentException($"the warm-up is {WarmupSteps} steps; give 0 or more");
        if (!(AdversarialWeight > 0 && AdversarialWeight < 1))
            throw new ArgumentException($"the adversarial weight is {AdversarialWeight}; give a share in (0, 1)");
        if (AttackedShare is double attacked && !(attacked > 0 && attacked <= 1)) throw new ArgumentException($"the attacked share is {attacked}; give a share in (0, 1]");
        if (AttackedShare == 1 && Recipe == RecipeKind.FastAdvProp) throw new ArgumentException("the attacked share is 1, and fast-advprop learns from the rest too; give less, or the recipe advprop or est");
        Within(ShiftWeight, "the shift's weight", 0, 1000);
        if (!QuarterTurns.IsCount(TargetTurns)) throw new ArgumentException($"the target's turns are {TargetTurns}; give 1, 2 or 4");
        if (CheckpointEvery < 1) throw new ArgumentException($"the checkpoint interval is {CheckpointEvery} steps; give 1 or more");
        Threat.Validate();
        if (Recipe == RecipeKind.FastAdvProp && (Threat.Steps > 1 || Threat.Restarts > 1))
            throw new ArgumentException($"fast-advprop makes one attack step; steps is {Threat.Steps} and restarts {Threat.Restarts}, give 1 of each, or the recipe advprop");
        if (Recipe is RecipeKind.AdvProp or RecipeKind.FastAdvProp or RecipeKind.Fare && EffectiveAttackedShare < 1 && BatchSize < 4)
            throw new ArgumentException($"the batch is {BatchClasses} × {BatchImagesPerClass} images; an attacked share divides it and needs 4 or more, 2 on each side");
        if (Recipe is RecipeKind.Est or RecipeKind.Ses or RecipeKind.Fare && !Threat.RandomStart)
            throw new ArgumentException("est, ses and fare attack the descriptor, which has no gradient at the clean image; they need a random start");
        Augmentation.Validate();
        return this;
    }

    static void Within(double value, string name, double above, double upTo)
    {
        if (!(value > above && value <= upTo)) throw new ArgumentException($"{name} is {value}; give more than {above}, up to {upTo}");
    }

    static void Share(double value, string name)
    {
        if (!(value >= 0 && value < 1)) throw new ArgumentException($"{name} is {value}; give a number in [0, 1)");
    }
}
