using Osprey.Engine.Datasets;
using Osprey.Engine.Distributed;
using Osprey.Engine.Images;
using Osprey.Engine.Model;
using Osprey.Engine.Robust;
using Osprey.Interop.Mpi;
using Osprey.Interop.Torch;
using TorchSharp;
using static TorchSharp.torch;
using Device = Osprey.Kernels.Device;

namespace Osprey.Engine.Evaluation;

/// <summary>A sample of one data set's images, to be attacked or corrupted, with the clean images that they are then compared with and the classifiers that take them on.</summary>
/// <remarks>
/// Of several ranks each perturbs and describes a share; the descriptors are brought together and every rank scores all, which is little work beside. An image's random
/// start is that of its place in the sample's batches, whoever has it.
/// </remarks>
sealed class RobustSample
{
    readonly Embedder embedder;
    readonly IReadOnlyList<LabelledImage> images;
    readonly DescriptorSet set;
    readonly EvalConfig config;
    readonly ImageLoader loader;
    readonly Device device;
    readonly ICommunicator ranks;
    readonly FittedClassifiers? classifiers;
    readonly IProgress<Progress>? progress;
    readonly CancellationToken cancellation;
    SampleOutcome? clean;

    /// <param name="embedder">In any mode; it is used in evaluation mode with its main statistics.</param>
    /// <param name="images">[N] the files behind <paramref name="set"/>.</param>
    /// <param name="set">[N] clean descriptors by the same embedder.</param>
    /// <param name="config">Number of queries, cut-offs, classifiers, splits and seed are read.</param>
    /// <param name="loader">Gives the images at the size that <paramref name="set"/> was extracted at.</param>
    /// <param name="device">Where the perturbation steps and the search run.</param>
    /// <param name="ranks">They share out the images.</param>
    /// <param name="progress">In images of this rank's share.</param>
    /// <param name="cancellation">Checked between batches.</param>
    public RobustSample(
        Embedder embedder, IReadOnlyList<LabelledImage> images, DescriptorSet set, EvalConfig config, ImageLoader loader, Device device,
        ICommunicator ranks, IProgress<Progress>? progress, CancellationToken cancellation)
    {
        (this.embedder, this.images, this.set, this.config, this.loader, this.device) = (embedder, images, set, config, loader, device);
        (this.ranks, this.progress, this.cancellation) = (ranks, progress, cancellation);
        Split split = ClassificationEvaluation.SplitOf(set, config.TrainFractions[0], config, 0);
        Ids = Choose(set, split, config);
        if (ClassificationEvaluation.IsPossible(set)) classifiers = new FittedClassifiers(set, split.Train, config, 0, device, cancellation);
    }

    /// <summary>The sample: a seeded draw from the first split's test part, rising, of classes that have other images.</summary>
    public int[] Ids { get; }

    /// <summary>A part of the sample, the same for every model: the first <paramref name="most"/> of a seeded shuffle, rising.</summary>
    public int[] Part(int most)
    {
        int[] part = [.. Ids];
        new SeededRandom(config.Seed, 8).Shuffle(part.AsSpan());
        part = part[..Math.Min(most, part.Length)];
        Array.Sort(part);
        return part;
    }

    /// <summary>Whether an image of this sample is the same picture in the other.</summary>
    public bool SharesImages(RobustSample other) =>
        loader.ImageSize == other.loader.ImageSize && images.Count == other.images.Count && images.Zip(other.images).All(p => p.First.Path == p.Second.Path);

    /// <summary>The images as they are. Nothing is loaded: their descriptors are rows of the set.</summary>
    public SampleOutcome Clean(int[] ids)
    {
        if (clean is not null && clean.Ids.AsSpan().SequenceEqual(ids)) return clean;
        var outcome = new SampleOutcome(ids, new double[ids.Length], Score(ids, set.Rows(ids)));
        clean ??= outcome;
        return outcome;
    }

    /// <summary>Under a white-box attack. Of several restarts each figure of each image keeps its worst.</summary>
    /// <param name="threat">Its restarts are the tries.</param>
    /// <param name="ids">A part of the sample.</param>
    /// <param name="show">Whether a few images are kept to look at.</param>
    public SampleOutcome Attacked(Threat threat, int[] ids, bool show = false) => Perturbed(ids, threat, threat.Restarts, Ascend, show ? AdversarialExample.Choose(ids) : []);

    /// <summary>After one step of length ε in a random direction: noise on the ball's surface.</summary>
    public SampleOutcome Noised(Threat threat, int[] ids) => Perturbed(ids, threat, 1, (attack, pixels, batch, _) => attack.Wander(pixels, batch.Seed, batch.Places), []);

    /// <summary>Under an attack on another model, which knows nothing of this one.</summary>
    public SampleOutcome Transferred(RobustSample from, Threat threat, int[] ids) => Perturbed(ids, threat, threat.Restarts, from.Ascend, []);

    /// <summary>After a corruption.</summary>
    public SampleOutcome Corrupted(Corruption corruption)
    {
        int[] own = BatchRange.Of(ranks, Ids.Length, loader.BatchSize).Of(Ids);
        var outcome = new Collected(this, own.Length, 1, []);
        IEnumerable<ImageBatch> batches = loader.Load(
            [.. own.Select(i => images[i])], (i, image) => corruption.Apply(image, unchecked((long)new SeededRandom(config.Seed, 7, own[i]).NextBits())), cancellation);
        foreach (ImageBatch batch in batches)
        {
            cancellation.ThrowIfCancellationRequested();
            embedder.Embed(batch, outcome.Rows(0, batch.Count));
            outcome.Add([.. batch.Indices.Select(i => own[i])], "corrupting");
        }
        return outcome.ToOutcome();
    }

    delegate Tensor Perturbation(Attack attack, Tensor pixels, StartedBatch batch, int restart);

    /// <summary>Images to be perturbed together.</summary>
    /// <param name="Ids">In the set.</param>
    /// <param name="Seed">Each batch of the sample has its own stream of random starts.</param>
    /// <param name="Places">Where they stand in that batch, of which this may be a part.</param>
    sealed record StartedBatch(int[] Ids, ulong Seed, int[] Places);

    SampleOutcome Perturbed(int[] ids, Threat threat, int tries, Perturbation perturb, int[] shown)
    {
        BatchRange own = BatchRange.Of(ranks, ids.Length, loader.BatchSize);
        var outcome = new Collected(this, own.Count, tries, shown);
        using var attack = new Attack(device, threat);
        foreach (ImageBatch batch in loader.Load([.. own.Of(ids).Select(i => images[i])], cancellation))
        {
            cancellation.ThrowIfCancellationRequested();
            StartedBatch started = Start(ids, [.. batch.Indices.Select(i => own.First + i)]);
            using (DisposeScope scope = NewDisposeScope())
            {
                Tensor pixels = TensorMemory.FromSpan(batch.Pixels, batch.Count, 3, batch.Size, batch.Size);
                for (int restart = 0; restart < tries; restart++)
                {
                    using DisposeScope tryScope = NewDisposeScope();
                    Tensor perturbed = perturb(attack, pixels, started, restart);
                    ReadOnlySpan<float> values = TensorMemory.Read(perturbed);
                    embedder.Embed(values, batch.Count, batch.Size, outcome.Rows(restart, batch.Count));
                    outcome.Keep(restart, batch, started.Ids, values);
                }
            }
            outcome.Add(started.Ids, "attacking");
        }
        return outcome.ToOutcome();
    }

    /// <param name="ids">All that are attacked.</param>
    /// <param name="positions">Of these, the ones of one batch, rising.</param>
    StartedBatch Start(int[] ids, int[] positions)
    {
        int first = positions[0] - positions[0] % loader.BatchSize;
        return new StartedBatch([.. positions.Select(p => ids[p])], new SeededRandom(config.Seed, 5, ids[first]).NextBits(), [.. positions.Select(p => p - first)]);
    }

    Tensor Ascend(Attack attack, Tensor pixels, StartedBatch batch, int restart)
    {
        using var settled = new EvaluationMode(embedder);
        Tensor from = TensorMemory.FromSpan(set.Rows(batch.Ids), batch.Ids.Length, set.Dimension);
        return attack.Try(pixels, x => DescriptorShift.Between(embedder.Describe(x), from), batch.Seed, restart, batch.Places);
    }

    ImageScores Score(int[] ids, float[] queries) => ImageScores.Of(set, queries, ids, classifiers, config, device.Threads, cancellation);

    static int[] Choose(DescriptorSet set, Split split, EvalConfig config)
    {
        int[] counts = set.ClassCounts();
        int[] test = [.. split.Test.Where(i => counts[set.Labels[i]] > 1)];
        if (test.Length == 0) throw new ArgumentException("no class has two images, so there is no query to attack");
        new SeededRandom(config.Seed, 4).Shuffle(test.AsSpan());
        if (config.RobustQueries > 0 && config.RobustQueries < test.Length) test = test[..config.RobustQueries];
        Array.Sort(test);
        return test;
    }

    /// <summary>Descriptors of this rank's share as they come in, batch by batch: one array per try. Images that have become unreadable are absent.</summary>
    sealed class Collected(RobustSample sample, int most, int tries, int[] shown)
    {
        readonly List<int> ids = new(most);
        readonly Dictionary<int, Shown> kept = [];
        readonly float[][] descriptors = [.. Enumerable.Range(0, tries).Select(_ => new float[most * sample.set.Dimension])];

        public Span<float> Rows(int restart, int count) => descriptors[restart].AsSpan(ids.Count * sample.set.Dimension, count * sample.set.Dimension);

        /// <summary>Of the images to look at, the try that moved the descriptor furthest; called after their descriptors are in and before <see cref="Add"/>.</summary>
        public void Keep(int restart, ImageBatch batch, int[] batchIds, ReadOnlySpan<float> perturbed)
        {
            int values = 3 * batch.Size * batch.Size, dimension = sample.set.Dimension;
            for (int i = 0; i < batchIds.Length; i++)
            {
                if (!shown.Contains(batchIds[i])) continue;
                ReadOnlySpan<float> row = Rows(restart, batch.Count).Slice(i * dimension, dimension);
                double shift = Shift(sample.set.Row(batchIds[i]), row);
                if (kept.TryGetValue(batchIds[i], out Shown? before) && before.Shift >= shift) continue;
                kept[batchIds[i]] = new Shown(shift, row.ToArray(), batch.Pixels.AsSpan(i * values, values).ToArray(), perturbed.Slice(i * values, values).ToArray());
            }
        }

        public void Add(int[] batch, string stage)
        {
            ids.AddRange(batch);
            sample.progress?.Report(new Progress(stage, ids.Count, most, "images"));
        }

        public SampleOutcome ToOutcome()
        {
            int[] all = sample.ranks.Join([.. ids]);
            if (all.Length == 0) throw new InvalidDataException($"none of the sampled images can be read any more; the first is {sample.images[sample.Ids[0]].Path}");
            int dimension = sample.set.Dimension;
            var shifts = new double[all.Length];
            ImageScores? worst = null;
            foreach (float[] rows in descriptors)
            {
                float[] queries = sample.ranks.Join(rows[..(ids.Count * dimension)]);
                for (int q = 0; q < all.Length; q++) shifts[q] = Math.Max(shifts[q], Shift(sample.set.Row(all[q]), queries.AsSpan(q * dimension, dimension)));
                ImageScores scores = sample.Score(all, queries);
                worst = worst?.Worst(scores) ?? scores;
            }
            return new SampleOutcome(all, shifts, worst!) { Examples = Examples() };
        }

        AdversarialExample[] Examples()
        {
            int[] own = [.. kept.Keys.Order()], rows = sample.ranks.Join(own);
            if (rows.Length == 0) return [];
            float[] Of(Func<Shown, float[]> part) => sample.ranks.Join([.. own.SelectMany(id => part(kept[id]))]);
            float[] descriptors = Of(s => s.Descriptor), clean = Of(s => s.Clean), perturbed = Of(s => s.Perturbed);
            int values = 3 * sample.loader.ImageSize * sample.loader.ImageSize;
            return AdversarialExample.Create(
                rows.Select((id, i) => (id, i)).ToDictionary(p => p.id, p => (clean[(p.i * values)..][..values], perturbed[(p.i * values)..][..values])), sample.set, rows, descriptors,
                sample.images, sample.loader.ImageSize, sample.device);
        }

        static double Shift(ReadOnlySpan<float> before, ReadOnlySpan<float> after)
        {
            double cosine = 0;
            for (int d = 0; d < before.Length; d++) cosine += (double)before[d] * after[d];
            return 1 - cosine;
        }

        /// <summary>An image to look at: its descriptor's shift and the descriptor, and the pixels [3, side, side] before and after.</summary>
        sealed record Shown(double Shift, float[] Descriptor, float[] Clean, float[] Perturbed);
    }
}

/// <summary>What happened to the images of a sample.</summary>
/// <param name="Ids">[Q] the images, rising.</param>
/// <param name="Shifts">[Q] 1 − cosine between the descriptors before and after; of several tries the largest.</param>
/// <param name="Scores">What they score as queries and as images to classify.</param>
sealed record SampleOutcome(int[] Ids, double[] Shifts, ImageScores Scores)
{
    /// <summary>A few of the images, where they were asked for.</summary>
    public IReadOnlyList<AdversarialExample> Examples { get; init; } = [];
}
