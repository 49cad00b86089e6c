using System.Text.Json.Serialization;
using Osprey.Engine.Datasets;
using Osprey.Engine.Model;

namespace Osprey.Engine.Evaluation;

/// <summary>Everything measured, one entry per model and data set. Written as JSON it is what <c>osprey eval --json</c> prints.</summary>
public sealed class EvaluationResult
{
    internal EvaluationResult(IReadOnlyList<Gallery> galleries) => Galleries = galleries;

    /// <summary>By data set, and within it by model, as they were given.</summary>
    public required IReadOnlyList<ModelResult> Results { get; init; }

    /// <summary>Each later model against the first, on the same queries.</summary>
    public required IReadOnlyList<ModelDifference> Differences { get; init; }

    /// <summary>The same over all data sets, each set counting alike; empty where there are not two sets.</summary>
    public IReadOnlyList<MeanDifference> MeanDifferences { get; init; } = [];

    /// <summary>Runs of one recipe taken together; empty where no group was named.</summary>
    public IReadOnlyList<GroupResult> Groups { get; init; } = [];

    /// <summary>Models by data sets; null of a single data set.</summary>
    public EvaluationMatrix? Matrix => EvaluationMatrix.Of(Results);

    /// <summary>Whether stronger attacks looked stronger; null where nothing was attacked.</summary>
    public AttackSanity? AttackSanity => Evaluation.AttackSanity.Of(Results);

    public required EvalConfig Config { get; init; }

    /// <summary>Neighbours to look at, one gallery per data set.</summary>
    [JsonIgnore]
    public IReadOnlyList<Gallery> Galleries { get; }
}

/// <summary>One model on one data set.</summary>
public sealed class ModelResult
{
    internal ModelResult(ImageSet set) => Set = set;

    public required string Model { get; init; }

    public required string Data { get; init; }

    /// <summary>Images measured; files that could not be read are not among them.</summary>
    public required int Images { get; init; }

    /// <summary>Classes with at least one image.</summary>
    public required int Classes { get; init; }

    /// <summary>Descriptor length.</summary>
    public required int Dimension { get; init; }

    /// <summary>Side of the square the images were resized to, in pixels.</summary>
    public required int ImageSize { get; init; }

    /// <summary>Sizes, relative to that, at which they were described; null for that one alone.</summary>
    public ScaleSet? Scales { get; internal set; }

    /// <summary>Turns of an image over which its descriptor is averaged; null for the image as it is.</summary>
    public int? Turns { get; internal set; }

    /// <summary>Of the backbone as it described them; null for float32, which attacks use in any case.</summary>
    public Precision? Precision { get; internal set; }

    public required RetrievalReport Retrieval { get; init; }

    /// <summary>Retrieval with expanded queries and re-ranked answers, as far as they were asked for; null where none was.</summary>
    public IReadOnlyList<RefinedReport>? Refined { get; init; }

    /// <summary>Of the first train fraction; null where there are no two classes of two images.</summary>
    public ClassificationReport? Classification { get; init; }

    /// <summary>Of the other train fractions; null where there are none.</summary>
    public IReadOnlyList<ClassificationReport>? ClassificationOtherSplits { get; init; }

    /// <summary>One per threat.</summary>
    public IReadOnlyList<RobustReport> Robust { get; internal set; } = [];

    /// <summary>Attacks of which one ought to be the stronger; empty where nothing was attacked.</summary>
    public IReadOnlyList<AttackCheck> AttackChecks { get; internal set; } = [];

    /// <summary>One per corruption and severity.</summary>
    public IReadOnlyList<CorruptionReport> Corruptions { get; internal set; } = [];

    /// <summary>Mean of a figure over the kinds of corruption at one severity; NaN where it was not measured.</summary>
    /// <param name="figure">As in <see cref="CorruptionReport.Corrupted"/>.</param>
    /// <param name="severity">1 to <see cref="Osprey.Engine.Robust.Corruption.Severities"/>.</param>
    public double MeanCorrupted(string figure, int severity)
    {
        double[] kinds = [.. Corruptions.Where(c => c.Severity == severity && c.Corrupted.ContainsKey(figure)).Select(c => c.Corrupted[figure].Value)];
        return kinds.Length == 0 ? double.NaN : kinds.Average();
    }

    /// <summary>Files left out, and why.</summary>
    public required IReadOnlyList<BadFile> BadFiles { get; init; }

    /// <summary>The images measured.</summary>
    [JsonIgnore]
    public ImageSet Set { get; }
}
