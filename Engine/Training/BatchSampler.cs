using Osprey.Engine.Datasets;

namespace Osprey.Engine.Training;

/// <summary>Which images make up each step's batch: a function of seed and step alone, so that a resumed run needs no sampler state.</summary>
/// <remarks>Safe to ask from several threads.</remarks>
public abstract class BatchSampler
{
    readonly int images;
    readonly long seed;
    readonly Lock gate = new();
    long plannedEpoch = -1;
    int[][] plan = [];

    private protected BatchSampler(int images, int batchSize, long seed)
    {
        if (images < 1) throw new ArgumentException("the training set holds no image");
        this.images = images;
        this.seed = seed;
        BatchSize = batchSize;
    }

    public int BatchSize { get; }

    /// <summary>⌊images / batch⌋, at least 1: what does not fill a batch waits for another epoch.</summary>
    public int StepsPerEpoch => Math.Max(1, images / BatchSize);

    /// <param name="labels">Of every image of the set.</param>
    public static BatchSampler Create(TrainConfig config, IReadOnlyList<int> labels) => config.Sampling == SamplingKind.Balanced
        ? new BalancedSampler(labels, config.BatchClasses, config.BatchImagesPerClass, config.Seed)
        : new ShuffledSampler(labels.Count, config.BatchSize, config.Seed);

    /// <summary>Indices into the set, <see cref="BatchSize"/> of them.</summary>
    /// <param name="step">0-based, counted over all epochs.</param>
    public int[] Batch(long step)
    {
        (long epoch, long at) = Math.DivRem(step, StepsPerEpoch);
        lock (gate)
        {
            if (epoch != plannedEpoch)
            {
                plan = Plan(part => new SeededRandom(seed, Purpose.Sampling, epoch, part));
                plannedEpoch = epoch;
            }
            return plan[at];
        }
    }

    /// <summary>The batches of one epoch.</summary>
    /// <param name="stream">The epoch's random stream number so-and-so.</param>
    private protected abstract int[][] Plan(Func<long, SeededRandom> stream);
}

/// <summary>Batches of classes × images per class: rare classes weigh as much as common ones, and every image has company of its class.</summary>
/// <remarks>
/// Classes come round in turn, and so do the images of each. A set with fewer classes than a batch takes gives some of them twice; a class
/// with fewer images than are taken gives some of those twice.
/// </remarks>
public sealed class BalancedSampler : BatchSampler
{
    readonly int[][] members;
    readonly int classes;
    readonly int imagesPerClass;

    /// <param name="labels">Of every image; classes without images are left out.</param>
    public BalancedSampler(IReadOnlyList<int> labels, int classes, int imagesPerClass, long seed)
        : base(labels.Count, classes * imagesPerClass, seed)
    {
        this.classes = classes;
        this.imagesPerClass = imagesPerClass;
        members = [.. Enumerable.Range(0, labels.Count).GroupBy(i => labels[i]).OrderBy(g => g.Key).Select(g => g.ToArray())];
    }

    private protected override int[][] Plan(Func<long, SeededRandom> stream)
    {
        var turns = new Deck([.. Enumerable.Range(0, members.Length)], stream(0));
        Deck[] images = [.. members.Select((m, i) => new Deck(m, stream(i + 1)))];
        var batches = new int[StepsPerEpoch][];
        for (int b = 0; b < batches.Length; b++)
            batches[b] = [.. turns.Draw(classes).GroupBy(c => c).SelectMany(g => images[g.Key].Draw(imagesPerClass * g.Count()))];
        return batches;
    }
}

/// <summary>Every image at most once an epoch, in an order that changes; a set smaller than a batch is taken more than once.</summary>
public sealed class ShuffledSampler(int images, int batchSize, long seed) : BatchSampler(images, batchSize, seed)
{
    readonly int[] all = [.. Enumerable.Range(0, images)];

    private protected override int[][] Plan(Func<long, SeededRandom> stream)
    {
        var deck = new Deck(all, stream(0));
        var batches = new int[StepsPerEpoch][];
        for (int b = 0; b < batches.Length; b++) batches[b] = deck.Draw(BatchSize);
        return batches;
    }
}
