using System.Diagnostics;
using Osprey.Engine.Datasets;
using Osprey.Engine.Distributed;
using Osprey.Engine.Images;
using Osprey.Engine.Model;
using Osprey.Engine.Robust;
using Osprey.Interop.Mpi;
using Osprey.Interop.Torch;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using Device = Osprey.Kernels.Device;

namespace Osprey.Engine.Training;

/// <summary>Fine-tunes an embedder on a labelled set, step by step, into a run folder that can be left and taken up at any time.</summary>
/// <remarks>
/// Batches, views and attacks are drawn from (seed, step); all else that a step depends on is in the checkpoint. So a run that was killed
/// and resumed ends with the bytes of one that was not, on one device and with one number of threads.
/// </remarks>
public sealed class Trainer : IDisposable
{
    /// <summary>Resized images are kept in memory where the whole set fits in this; a set that does not is decoded anew every epoch.</summary>
    const long CacheBytes = 1L << 30;

    /// <summary>Batches made ahead of the one in work.</summary>
    const int Ahead = 2;

    readonly TrainConfig config;
    readonly Embedder embedder;
    readonly ImageSet set;
    readonly string run;
    readonly BatchShare share;
    readonly GradientReduction? reduction;
    readonly MetricLoss loss;
    readonly Recipe recipe;
    readonly IReadOnlyList<(string Name, Parameter Value)> learned;
    readonly Optimizer optimizer;
    readonly BatchSampler sampler;
    readonly SizeSampler sizes;
    readonly IReadOnlyDictionary<int, ImageLoader> loaders;
    readonly WeightAverage? average;
    readonly StartBlend? blend;
    readonly HeldOut? heldOut;
    readonly int threads;
    readonly long stepsPerEpoch;
    readonly long totalSteps;
    readonly IReadOnlyDictionary<string, Tensor> tensors;
    double? bestMap;
    int bestEpoch;

    /// <param name="set">What is learned from.</param>
    /// <param name="held">What is held out.</param>
    Trainer(TrainConfig config, Embedder embedder, ImageSet set, ImageSet? held, string run, Device device, int threads, BatchShare share)
    {
        this.config = config;
        this.embedder = embedder;
        this.set = set;
        this.run = run;
        this.threads = threads;
        this.share = share;
        MetricLoss whole = MetricLoss.Create(config, set.Classes.Count, embedder.Dimension);
        loss = share.IsWhole ? whole : new GatheredLoss(whole, share);
        recipe = Recipe.Create(config, embedder, device, share);
        learned = recipe.UsesLoss ? loss.Parameters : [];
        if (recipe.SplitsNorms) embedder.SplitNorms();
        optimizer = new Optimizer(config, [
            .. embedder.BackboneParameters.Select(p => new TrainedParameter(p.Name, p.Parameter, 1)),
            .. embedder.HeadParameters.Select(p => new TrainedParameter(p.Name, p.Parameter, config.HeadLearningRateFactor)),
            .. learned.Select(p => new TrainedParameter("loss." + p.Name, p.Value, config.HeadLearningRateFactor)),
        ]);
        embedder.SynchronizeNorms(share.Ranks);
        if (!share.IsWhole) reduction = new GradientReduction(share, embedder, learned.Select(p => p.Value), recipe.Passes * config.AccumulatedBatches);
        sampler = BatchSampler.Create(config, set.Labels());
        stepsPerEpoch = Math.Max(1, sampler.StepsPerEpoch / config.AccumulatedBatches);
        totalSteps = config.Epochs * stepsPerEpoch;
        average = config.AverageDecay is double decay ? new WeightAverage(decay, embedder.State(includeAuxiliary: false)) : null;
        blend = config.StartShare > 0 ? new StartBlend(config.StartShare, embedder.State(includeAuxiliary: false)) : null;
        int size = embedder.Config.ImageSize;
        sizes = new SizeSampler(config, size);
        bool cache = sizes.Sizes.Sum(s => 3L * Decoded(s) * Decoded(s)) * set.Images.Count <= CacheBytes;
        loaders = sizes.Sizes.ToDictionary(s => s, s => new ImageLoader(new ImageDecoder(new DecodeOptions()), Decoded(s), config.BatchSize, threads, cache));
        if (held is not null) heldOut = new HeldOut(held, embedder, config.BatchSize, device, threads, cache: 3L * size * size * held.Images.Count <= CacheBytes);
        tensors = new Dictionary<string, Tensor>([
            .. embedder.State(includeAuxiliary: true).Select(t => KeyValuePair.Create("embedder." + t.Key, t.Value)),
            .. learned.Select(p => KeyValuePair.Create("loss." + p.Name, (Tensor)p.Value)),
            .. optimizer.State.Select(t => KeyValuePair.Create("optimizer." + t.Key, t.Value)),
            .. (average?.Values ?? new Dictionary<string, Tensor>()).Select(t => KeyValuePair.Create("average." + t.Key, t.Value)),
            .. (heldOut?.Best ?? new Dictionary<string, Tensor>()).Select(t => KeyValuePair.Create("best." + t.Key, t.Value)),
        ]);
    }

    /// <param name="embedder">
    /// Trained in place, and left in evaluation mode on its main norms. One without a whitening head gets one of
    /// <see cref="TrainConfig.DescriptorSize"/>, unless <see cref="TrainConfig.KeepsDescriptor"/>; one with a head goes on with it.
    /// </param>
    /// <param name="outDir">The run folder.</param>
    /// <param name="resume">Go on from the folder's last checkpoint; <paramref name="embedder"/> is made as for the first start.</param>
    /// <param name="device">Where the kernels run.</param>
    /// <param name="threads">At least 1; for torch and for the decoding.</param>
    /// <param name="cancellation">Writes a checkpoint after the step in work, then throws <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="ArgumentException">A value is out of range, the folder holds another run, or one and <paramref name="resume"/> is false.</exception>
    /// <exception cref="InvalidDataException">No image can be read, or the checkpoint is broken.</exception>
    /// <exception cref="TrainingDivergedException">The loss or its gradient is not finite; the last checkpoint stays.</exception>
    public static TrainResult Run(
        TrainConfig config, Embedder embedder, ImageSet set, string outDir, bool resume, Device device, int threads,
        IProgress<Progress>? progress = null, CancellationToken cancellation = default)
    {
        using var alone = new SingleProcess();
        return Run(alone, config, embedder, set, outDir, resume, device, threads, progress, cancellation);
    }

    /// <summary>As the other, in several processes that share every batch out; all call it alike, and end with the same weights. Rank 0 alone writes.</summary>
    /// <param name="ranks">The processes.</param>
    /// <param name="embedder">This rank's own.</param>
    /// <exception cref="RankFailedException">One of several ranks has failed, or all together in one of the other's ways.</exception>
    public static TrainResult Run(
        ICommunicator ranks, TrainConfig config, Embedder embedder, ImageSet set, string outDir, bool resume, Device device, int threads,
        IProgress<Progress>? progress = null, CancellationToken cancellation = default)
    {
        ranks.RunOnAll(() => Check(config, embedder, set, ranks.Size));
        (ImageSet learned, ImageSet? held) = ranks.RunOnAll(() => Divide(config, set, cancellation));
        TrainingTeam.Open(ranks, outDir, new RunConfig(config, embedder.Config, embedder.WeightsSha256, TrainingData.Of(set), device.Name, threads), resume);

        TorchRuntime.Configure(threads, config.Seed);
        if (!config.KeepsDescriptor && embedder.Config.DescriptorSize is null) embedder.AddHead(config.DescriptorSize, config.Seed);
        using var background = new BackgroundCommunicator(ranks);
        using var trainer = new Trainer(config, embedder, learned, held, outDir, device, threads, new BatchShare(background));
        return trainer.Run(progress, cancellation);
    }

    static void Check(TrainConfig config, Embedder embedder, ImageSet set, int ranks)
    {
        config.Validate();
        if (set.Images.Count == 0) throw new ArgumentException($"{set.Root} holds no image to train on");
        if (embedder.Config is { WhitenedSize: not null } or { Scales: not null } or { Turns: not null })
            throw new ArgumentException($"the model to fine-tune has a whitening fitted to its descriptors, which training would make wrong; give the model that it was fitted to, which its {WhiteningRun.RecordName} names, and whiten the outcome");
        if (!config.KeepsDescriptor && embedder.Config.DescriptorSize is int size && size != config.DescriptorSize)
            throw new ArgumentException($"the descriptor size is {config.DescriptorSize}, and the model to fine-tune has a head of {size}; give {size}");
        if (config.StartShare > 0 && !config.KeepsDescriptor && embedder.Config.DescriptorSize is null)
            throw new ArgumentException($"the start's share is {config.StartShare}, and the model to fine-tune has no head, so that a random one would be kept in part; give a model with a head, or 0");
        if (config.BatchSize < ranks) throw new ArgumentException($"the batch is {config.BatchSize} images and {ranks} processes share it; start fewer, or give a larger batch");
    }

    /// <summary>Side of the pictures that a batch of a size is cut from. A crop that is blown up to the batch's size should still have its pixels: ImageNet's 256 for 224.</summary>
    int Decoded(int size) => config.Augmentation.CropScale < 1 ? size * 8 / 7 : size;

    TrainResult Run(IProgress<Progress>? progress, CancellationToken cancellation)
    {
        TrainState state = TrainingTeam.Begin(share, run, tensors);
        optimizer.Restore(state.Step);
        using MetricsLog? log = share.Ranks.Rank == 0 ? new MetricsLog(RunFolder.Metrics(run), state.MetricsBytes) : null;
        long first = state.Step, saved = state.Step;
        double epochLoss = state.EpochLoss;
        (bestMap, bestEpoch) = (state.BestMap, state.BestEpoch);
        int imagesPerStep = config.BatchSize * config.AccumulatedBatches;
        var since = new Stopwatch();

        long step = first;
        embedder.Branch = NormBranch.Main;
        embedder.train();
        using (OrderedPrefetch<TrainBatch> batches = Prefetch(first))
        {
            for (; !IsOver(step); step++)
            {
                if (share.Any(cancellation.IsCancellationRequested))
                {
                    if (step > saved) Save(step, epochLoss, log);
                    throw TrainingTeam.Together(share, new OperationCanceledException(cancellation));
                }
                long started = Stopwatch.GetTimestamp();
                int epoch = (int)(step / stepsPerEpoch) + 1;
                if (step % stepsPerEpoch == 0) epochLoss = 0;

                MetricsLine line = Step(batches, step, epoch, saved);
                epochLoss += line.Loss;
                log?.Write(line with { ImagesPerSecond = Math.Round(imagesPerStep / Stopwatch.GetElapsedTime(started).TotalSeconds, 1) });
                if ((step + 1) % stepsPerEpoch == 0)
                {
                    double? map = Judge(epoch);
                    log?.Write(new MetricsLine("epoch", step + 1, epoch, epochLoss / stepsPerEpoch, HeldOutMap: map));
                }
                if (!since.IsRunning) since.Start();
                progress?.Report(new Progress($"epoch {epoch}/{config.Epochs}", step + 1, totalSteps, "steps", $"loss {line.Loss:0.000}"));

                if ((step + 1) % config.CheckpointEvery == 0 || IsOver(step + 1))
                {
                    Save(step + 1, epochLoss, log);
                    saved = step + 1;
                }
            }
        }
        embedder.eval();
        ModuleTensors.Copy(heldOut?.Best ?? Weights(), embedder.State(includeAuxiliary: false));
        share.Ranks.RunOnAll(() => { if (share.Ranks.Rank == 0) embedder.Save(run); });
        double rate = step - first > 1 ? (step - first - 1) * imagesPerStep / since.Elapsed.TotalSeconds : 0;
        return new TrainResult(
            run, step, epochLoss / stepsPerEpoch, rate, TrainingTeam.Join(share, [.. loaders.Values.SelectMany(l => l.BadFiles).DistinctBy(b => b.Path), .. heldOut?.BadFiles ?? []]), heldOut is null ? null : bestEpoch, bestMap);
    }

    /// <summary>What is learned from and what is held out. Files of the same content stay on one side.</summary>
    static (ImageSet Learned, ImageSet? Held) Divide(TrainConfig config, ImageSet set, CancellationToken cancellation)
    {
        if (config.HeldOutShare is not double share) return (set, null);
        Split split = Split.Stratified(set.Labels(), 1 - share, config.Seed, ContentHash.Groups(set.Images, cancellation));
        ImageSet held = set.Select(split.Test);
        if (held.Counts().Max() < 2)
            throw new ArgumentException($"of the {held.Images.Count} images held out no two share a class, so that none has anything to find; hold out a larger share");
        return (set.Select(split.Train), held);
    }

    /// <summary>Whether nothing is left to do after this many steps: all are made, or the held-out part has not been found better for too long.</summary>
    bool IsOver(long steps) => steps == totalSteps || steps % stepsPerEpoch == 0 && config.Patience is int patience && steps / stepsPerEpoch - bestEpoch >= patience;

    /// <summary>The weights that the run would end with now.</summary>
    IReadOnlyDictionary<string, Tensor> Weights()
    {
        IReadOnlyDictionary<string, Tensor> reached = average?.Values ?? embedder.State(includeAuxiliary: false);
        return blend is null ? reached : blend.With(reached);
    }

    /// <summary>Measures the epoch's weights on the held-out part, and keeps them where they are the best; the first of equals stays.</summary>
    double? Judge(int epoch)
    {
        if (heldOut is null) return null;
        double map = TrainingTeam.Measure(share, () => heldOut.Measure(Weights()));
        if (!(map <= bestMap))
        {
            (bestMap, bestEpoch) = (map, epoch);
            heldOut.Keep(Weights());
        }
        return map;
    }

    OrderedPrefetch<TrainBatch> Prefetch(long first)
    {
        int[] positions = [.. share.Positions(config.BatchSize)];
        return new OrderedPrefetch<TrainBatch>(
            checked((int)((totalSteps - first) * config.AccumulatedBatches)), Ahead, Math.Min(threads, Ahead), i => Make((first * config.AccumulatedBatches) + i), CancellationToken.None);

        TrainBatch Make(long number)
        {
            int size = sizes.Size(number);
            return TrainBatch.Make(config, sampler, set.Images, loaders[size].Get, size, number, positions);
        }
    }

    MetricsLine Step(OrderedPrefetch<TrainBatch> batches, long step, int epoch, long saved)
    {
        using DisposeScope scope = NewDisposeScope();
        optimizer.ZeroGradients();
        reduction?.Begin();
        StepLoss value = StepLoss.Mean([.. Enumerable.Range(0, config.AccumulatedBatches).Select(i => Backward(share.Ranks.RunOnAll(batches.Take), step * config.AccumulatedBatches + i))]);
        reduction?.Finish();
        // The batches' gradients stand added up; their mean is one batch's as large as all of them.
        double part = 1.0 / config.AccumulatedBatches, norm = optimizer.GradientNorm() * part;
        double rate = config.LearningRate * Schedule.Factor(config.Schedule, step, totalSteps, config.WarmupSteps);
        if (share.Any(!double.IsFinite(value.Total) || !double.IsFinite(norm)))
        {
            throw TrainingTeam.Together(share, new TrainingDivergedException(step, value.Total, norm, rate,
                saved > 0 ? $"the last good checkpoint is that of step {saved}, {Checkpoint.PathIn(run)}" : "there is no checkpoint yet"));
        }
        optimizer.Step(rate, config.ClipNorm is double longest && norm > longest ? part * longest / norm : part);
        embedder.LimitPower();
        average?.Update(step + 1);
        return new MetricsLine("step", step + 1, epoch, value.Total, value.Clean, value.Adversarial, rate, norm);
    }

    /// <summary>Adds the gradients of one batch.</summary>
    /// <param name="number">0-based, counted over the run.</param>
    StepLoss Backward(TrainBatch batch, long number)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor pixels = TensorMemory.FromSpan(batch.Pixels, batch.Labels.Length, 3, batch.Size, batch.Size);
        Tensor labels = tensor(batch.Labels);
        ulong seed = new SeededRandom(config.Seed, Purpose.Attack, number).NextBits();
        return recipe.Backward(embedder, loss, pixels, labels, seed);
    }

    /// <param name="log">Null on the ranks that write nothing.</param>
    void Save(long step, double epochLoss, MetricsLog? log) => share.Ranks.RunOnAll(() =>
    {
        if (log is not null) Checkpoint.Write(run, new TrainState(step, epochLoss, log.Commit(), bestMap, bestEpoch), tensors);
    });

    public void Dispose()
    {
        reduction?.Dispose();
        heldOut?.Dispose();
        average?.Dispose();
        blend?.Dispose();
        optimizer.Dispose();
        recipe.Dispose();
        loss.Dispose();
    }
}
