using Osprey.Engine.Retrieval;
using Osprey.Engine.Robust;
using Osprey.Kernels.Perturbation;

namespace Osprey.Engine.Evaluation;

/// <summary>What an evaluation measures and how. One record, one JSON object in the report, one set of flags.</summary>
public sealed record EvalConfig
{
    /// <summary>Side of the square every image is resized to, in pixels; null: each model's own.</summary>
    public int? ImageSize { get; init; }

    /// <summary>Images per forward pass.</summary>
    public int BatchSize { get; init; } = 32;

    /// <summary>The k of P@k, R@k and mAP@k.</summary>
    public IReadOnlyList<int> CutOffs { get; init; } = [1, 5, 10, 20];

    /// <summary>The k of the k-nearest-neighbour classifiers.</summary>
    public IReadOnlyList<int> Neighbours { get; init; } = [1, 5, 20];

    /// <summary>Support images per class of the nearest-class-mean and Simple CNAPS classifiers.</summary>
    public IReadOnlyList<int> SupportImages { get; init; } = [1, 5];

    /// <summary>Random choices of support images per split.</summary>
    public int SupportRuns { get; init; } = 5;

    /// <summary>How images are divided for the classifiers.</summary>
    public SplitKind Splits { get; init; }

    /// <summary>Shares that train a classifier, of each class or by lot of all images; the first gives the headline figures.</summary>
    public IReadOnlyList<double> TrainFractions { get; init; } = [0.5, 0.8];

    /// <summary>Random splits per share; figures are means over them.</summary>
    public int SplitRuns { get; init; } = 5;

    /// <summary>Whether the linear probe, the slowest classifier, is fitted.</summary>
    public bool LinearProbe { get; init; } = true;

    /// <summary>The probe minimises Σ cross-entropy + ‖W‖²/(2C); this is C.</summary>
    public double LinearProbeC { get; init; } = 10;

    /// <summary>Resamples behind every interval.</summary>
    public int BootstrapSamples { get; init; } = 1000;

    /// <summary>Retrieval is measured again with queries expanded so; null for not.</summary>
    public QueryExpansion? Expansion { get; init; }

    /// <summary>Retrieval is measured again with answers re-ranked so; null for not.</summary>
    public ReRanking? ReRanking { get; init; }

    /// <summary>Attacks under which retrieval and classification are measured again; none by default, since each costs some twenty forward passes an image.</summary>
    public IReadOnlyList<Threat> Threats { get; init; } = [];

    /// <summary>Whether each norm's attack is compared with weaker and stronger ones at its middle radius, to find masked gradients; costs some 130 forward passes an image on 64 images.</summary>
    public bool CheckAttack { get; init; }

    /// <summary>Corruptions under which retrieval and classification are measured again; each costs a forward pass an image and severity.</summary>
    public IReadOnlyList<CorruptionKind> Corruptions { get; init; } = [];

    /// <summary>Severities of the corruptions.</summary>
    public IReadOnlyList<int> Severities { get; init; } = [1, 2, 3];

    /// <summary>Attacked and corrupted images per data set, drawn with the seed from the test part of the first split; 0 means all of that part.</summary>
    public int RobustQueries { get; init; } = 200;

    /// <summary>Queries whose neighbours the report shows, besides the best and worst.</summary>
    public int GalleryQueries { get; init; } = 8;

    public long Seed { get; init; }

    /// <summary>PGD with ten steps in the ball of each radius.</summary>
    /// <param name="norm">Of the ball.</param>
    /// <param name="epsilons">Radii, in units of the pixel range.</param>
    public static IReadOnlyList<Threat> Pgd10(PerturbationNorm norm, params IReadOnlyList<double> epsilons) =>
        [.. epsilons.Select(e => new Threat { Norm = norm, Epsilon = e, Steps = 10 })];

    /// <exception cref="ArgumentException">A value is out of its range; the message shows both.</exception>
    public EvalConfig Validate()
    {
        if (ImageSize is < 16 or > 8192) throw new ArgumentException($"the image size is {ImageSize} px; give 16 to 8192");
        AtLeast(BatchSize, 1, "the batch size");
        Each(CutOffs, "cut-off k");
        Each(Neighbours, "number of neighbours k");
        Each(SupportImages, "number of support images");
        AtLeast(SupportRuns, 1, "the number of support runs");
        AtLeast(SplitRuns, 1, "the number of split runs");
        if (TrainFractions.Count == 0) throw new ArgumentException("no train fraction is given; give at least one, such as 0.5");
        foreach (double f in TrainFractions)
            if (!(f > 0 && f < 1)) throw new ArgumentException($"a train fraction is {f}; give a number between 0 and 1");
        if (!(LinearProbeC > 0 && double.IsFinite(LinearProbeC))) throw new ArgumentException($"the linear probe's C is {LinearProbeC}; give more than 0");
        AtLeast(BootstrapSamples, 1, "the number of bootstrap samples");
        Expansion?.Validate();
        ReRanking?.Validate();
        foreach (Threat threat in Threats)
        {
            threat.Validate();
            if (threat is { RandomStart: false })
                throw new ArgumentException("the attack on a descriptor has no gradient at the clean image; it needs a random start");
        }
        if (CheckAttack && Threats.Count == 0) throw new ArgumentException("there is no attack to check; give a threat as well (--robust)");
        Each(Severities, "severity");
        foreach (int severity in Severities) new Corruption(CorruptionKind.GaussianBlur, severity).Validate();
        AtLeast(RobustQueries, 0, "the number of attacked or corrupted queries");
        AtLeast(GalleryQueries, 0, "the number of gallery queries");
        return this;
    }

    static void Each(IReadOnlyList<int> values, string what)
    {
        if (values.Count == 0) throw new ArgumentException($"no {what} is given; give at least one");
        foreach (int v in values) AtLeast(v, 1, "a " + what);
    }

    static void AtLeast(int value, int least, string what)
    {
        if (value < least) throw new ArgumentException($"{what} is {value}; give {least} or more");
    }
}
