using System.Text.Json;
using NUnit.Framework;
using Osprey.Engine;
using Osprey.Engine.Robust;
using Osprey.Engine.Training;

namespace Osprey.Tests.Engine.Training;

[TestFixture]
public class TrainConfigTests
{
    [Test]
    public void It_survives_JSON_in_the_words_of_the_command_line()
    {
        var config = new TrainConfig { Recipe = RecipeKind.AdvProp, Optimizer = OptimizerKind.AdamW, ClipNorm = 2, Threat = new Threat { Epsilon = 4.0 / 255 } };
        string json = JsonSerializer.Serialize(config, Json.Options);
        Assert.That(JsonSerializer.Deserialize<TrainConfig>(json, Json.Options), Is.EqualTo(config));
        Assert.That(json, Does.Contain("\"recipe\": \"advprop\"").And.Contain("\"loss\": \"arcface\"").And.Contain("\"optimizer\": \"adamw\"")
            .And.Contain("\"batch_images_per_class\": 4").And.Contain("\"norm\": \"linf\""));
    }

    [Test]
    public void Every_loss_and_recipe_survives_JSON([Values] LossKind loss, [Values] RecipeKind recipe)
    {
        var config = new TrainConfig { Loss = loss, Recipe = recipe, ContrastiveMargin = 1.1, TripletMargin = 0.3, SmoothAPTemperature = 0.02, AttackedShare = 0.4, ShiftWeight = 3, AccumulatedBatches = 2, AverageDecay = 0.9, SmallestSize = 64, HeldOutShare = 0.2, Patience = 3, StartShare = 0.3, TargetTurns = 2 };
        Assert.That(JsonSerializer.Deserialize<TrainConfig>(JsonSerializer.Serialize(config, Json.Options), Json.Options), Is.EqualTo(config));
    }

    [Test]
    public void Shuffled_batches_are_compared_as_they_come()
        => Assert.That(new TrainConfig { Loss = LossKind.Contrastive, Sampling = SamplingKind.Shuffled, BatchClasses = 1, BatchImagesPerClass = 8 }.Validate, Throws.Nothing);

    [Test]
    public void Defaults_are_valid_and_make_batches_of_60()
        => Assert.That(new TrainConfig().Validate().BatchSize, Is.EqualTo(60));

    static IEnumerable<TestCaseData> Wrong()
    {
        var good = new TrainConfig();
        yield return new(good with { Scale = 0 }, "scale is 0");
        yield return new(good with { Margin = 1.6 }, "margin is 1.6");
        yield return new(good with { ContrastiveMargin = 2.1 }, "contrastive margin is 2.1");
        yield return new(good with { TripletMargin = 0 }, "triplet margin is 0");
        yield return new(good with { SmoothAPTemperature = double.NaN }, "temperature is NaN");
        yield return new(good with { Loss = LossKind.Triplet, BatchImagesPerClass = 1 }, "15 × 1 images; this loss compares them");
        yield return new(good with { Loss = LossKind.SmoothAP, BatchClasses = 1 }, "1 × 4 images; this loss compares them");
        yield return new(good with { DescriptorSize = 0 }, "size is 0");
        yield return new(good with { Epochs = 0 }, "epochs is 0");
        yield return new(good with { BatchClasses = 0 }, "classes are 0");
        yield return new(good with { BatchImagesPerClass = 5000 }, "are 5000");
        yield return new(good with { BatchClasses = 1, BatchImagesPerClass = 1 }, "1 × 1");
        yield return new(good with { LearningRate = double.NaN }, "rate is NaN");
        yield return new(good with { HeadLearningRateFactor = -1 }, "factor is -1");
        yield return new(good with { Beta1 = 1 }, "beta1 is 1");
        yield return new(good with { Beta2 = -0.1 }, "beta2 is -0.1");
        yield return new(good with { Momentum = 1.5 }, "momentum is 1.5");
        yield return new(good with { WeightDecay = 2 }, "decay is 2");
        yield return new(good with { ClipNorm = 0 }, "norm is 0");
        yield return new(good with { AccumulatedBatches = 0 }, "batches are 0");
        yield return new(good with { SmallestSize = 8 }, "smallest size is 8 px");
        yield return new(good with { AverageDecay = 1 }, "decay is 1");
        yield return new(good with { StartShare = 1 }, "start's share is 1");
        yield return new(good with { TargetTurns = 3 }, "turns are 3");
        yield return new(good with { HeldOutShare = 1 }, "share is 1");
        yield return new(good with { HeldOutShare = 0.2, Patience = 0 }, "patience is 0");
        yield return new(good with { Patience = 2 }, "a share to hold out");
        yield return new(good with { WarmupSteps = -1 }, "-1 steps");
        yield return new(good with { AdversarialWeight = 1 }, "weight is 1");
        yield return new(good with { AttackedShare = 0 }, "share is 0");
        yield return new(good with { AttackedShare = 1, Recipe = RecipeKind.FastAdvProp }, "share is 1");
        yield return new(good with { AttackedShare = 0.5, Recipe = RecipeKind.AdvProp, BatchClasses = 1, BatchImagesPerClass = 3 }, "divides it");
        yield return new(good with { ShiftWeight = -1 }, "shift's weight is -1");
        yield return new(good with { Recipe = RecipeKind.FastAdvProp, Threat = new Threat { Steps = 3 } }, "steps is 3 and restarts 1");
        yield return new(good with { Recipe = RecipeKind.FastAdvProp, Threat = new Threat { Restarts = 2 } }, "steps is 1 and restarts 2");
        yield return new(good with { Recipe = RecipeKind.FastAdvProp, BatchClasses = 3, BatchImagesPerClass = 1 }, "needs 4 or more");
        foreach (RecipeKind recipe in new[] { RecipeKind.Est, RecipeKind.Ses, RecipeKind.Fare })
            yield return new(good with { Recipe = recipe, Threat = new Threat { RandomStart = false } }, "need a random start");
        yield return new(good with { CheckpointEvery = 0 }, "interval is 0");
        yield return new(good with { Threat = new Threat { Epsilon = -1 } }, "epsilon is -1");
        yield return new(good with { Threat = new Threat { FullContrast = 0 } }, "full contrast is 0");
        yield return new(good with { Augmentation = new AugmentationConfig { CropScale = 0 } }, "crop scale is 0");
        yield return new(good with { Augmentation = new AugmentationConfig { Brightness = 2 } }, "brightness jitter is 2");
    }

    [TestCaseSource(nameof(Wrong))]
    public void A_value_out_of_range_is_refused_and_shown(TrainConfig config, string message)
        => Assert.That(config.Validate, Throws.ArgumentException.With.Message.Contains(message));
}
