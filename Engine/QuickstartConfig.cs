using Osprey.Engine.Datasets;
using Osprey.Engine.Evaluation;
using Osprey.Engine.Model;
using Osprey.Engine.Robust;
using Osprey.Engine.Training;
using Osprey.Kernels.Perturbation;

namespace Osprey.Engine;

/// <summary>Every number of the quickstart in one place; the defaults end in a few minutes on two cores.</summary>
public sealed record QuickstartConfig
{
    public const int DefaultImageSize = 64;

    /// <summary>Scenes drawn to train on; the sizes follow the network's. Drawing one costs less than a step on it, so they are many and seen few times.</summary>
    public SynthesisConfig TrainScenes { get; init; } = new() { Seed = 1, ImagesPerClass = 240, Size = DefaultImageSize };

    /// <summary>Scenes drawn to evaluate on: of another seed, so that none of them was trained on.</summary>
    public SynthesisConfig EvaluationScenes { get; init; } = new() { Seed = 2, ImagesPerClass = 25, Size = DefaultImageSize };

    /// <summary>The untrained network, where no weights are given.</summary>
    public EmbedderConfig Scratch { get; init; } = new() { Architecture = Architecture.Resnet18, Stage = 3, ImageSize = DefaultImageSize };

    /// <summary>Side of the images where weights are given, pixels.</summary>
    public int WeightsImageSize { get; init; } = 96;

    /// <summary>Both trainings, but for the recipe, from scratch: the same steps on the same batches.</summary>
    public TrainConfig ScratchTraining { get; init; } = new()
    {
        Epochs = 3,
        LearningRate = 1e-3,
        HeadLearningRateFactor = 1,
        DescriptorSize = 128,
        Scale = 30,
        Margin = 0.3,
        BatchClasses = 8,
        BatchImagesPerClass = 4,
        Augmentation = new AugmentationConfig(),
    };

    /// <summary>Both trainings from given weights.</summary>
    public TrainConfig WeightsTraining { get; init; } = new() { Epochs = 3 };

    /// <summary>Of the robust training.</summary>
    public Threat TrainThreat { get; init; } = new() { Epsilon = 2.0 / 255, Steps = 1 };

    /// <summary>Share of a single given data set that trains; the rest is evaluated.</summary>
    public double TrainFraction { get; init; } = 0.5;

    public EvalConfig Evaluation { get; init; } = new()
    {
        SplitRuns = 3,
        LinearProbe = false,
        RobustQueries = 96,
        Threats = [new Threat { Norm = PerturbationNorm.LInf, Epsilon = 2.0 / 255, Steps = 5 }],
    };

    /// <summary>Of everything random but the drawing, whose seeds differ from each other.</summary>
    public long Seed { get; init; }

    /// <exception cref="ArgumentException">A value is out of its range, or both sets of scenes would be the same.</exception>
    public QuickstartConfig Validate()
    {
        TrainScenes.Validate();
        EvaluationScenes.Validate();
        Scratch.Validate();
        ScratchTraining.Validate();
        WeightsTraining.Validate();
        TrainThreat.Validate();
        Evaluation.Validate();
        if (TrainScenes.Seed == EvaluationScenes.Seed) throw new ArgumentException($"both sets of scenes have the seed {TrainScenes.Seed}; training images would leak into the evaluation");
        if (!(TrainFraction > 0 && TrainFraction < 1)) throw new ArgumentException($"the training fraction is {TrainFraction}; give a number between 0 and 1");
        if (Scratch.DescriptorSize is not null) throw new ArgumentException("the untrained network has a head; training adds it");
        return this;
    }
}
