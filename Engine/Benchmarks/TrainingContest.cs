using Osprey.Engine.Model;
using Osprey.Engine.Robust;
using Osprey.Engine.Training;
using TorchSharp;
using static TorchSharp.torch;
using Device = Osprey.Kernels.Device;

namespace Osprey.Engine.Benchmarks;

/// <summary>
/// One training step on a batch that is ready (attack, forward, loss, backward, update), beside torch's bare forward and backward pass of the same backbone on the same
/// batch. What the ratio is below 1 is what pooling, head, loss, update and attack cost.
/// </summary>
public sealed class TrainingContest : Contest
{
    readonly Embedder embedder;
    readonly Backbone bare;
    readonly MetricLoss loss;
    readonly Recipe recipe;
    readonly Optimizer optimizer;
    readonly double learningRate;
    readonly Tensor pixels, labels, channelsLast;
    ulong step;

    /// <param name="device">Where the kernels run.</param>
    /// <param name="network">Random weights; its image size is the batch's.</param>
    /// <param name="config">Recipe, loss, head and the size of the batch.</param>
    public TrainingContest(Device device, EmbedderConfig network, TrainConfig config)
    {
        embedder = Embedder.Create(network, device, config.Seed);
        embedder.AddHead(config.DescriptorSize, config.Seed);
        bare = Backbone.Create(network, config.Seed);
        loss = MetricLoss.Create(config, config.BatchClasses, embedder.Dimension);
        recipe = Recipe.Create(config, embedder, device);
        if (recipe.SplitsNorms) embedder.SplitNorms();
        optimizer = new Optimizer(config, [.. embedder.named_parameters().Concat(loss.Parameters).Select(p => new TrainedParameter(p.Item1, p.Item2, 1))]);
        learningRate = config.LearningRate;
        embedder.train();
        bare.train();
        using DisposeScope scope = NewDisposeScope();
        pixels = rand(config.BatchSize, 3, network.ImageSize, network.ImageSize);
        channelsLast = pixels.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);
        labels = arange(config.BatchClasses).repeat_interleave(config.BatchImagesPerClass);
        scope.Detach(pixels, channelsLast, labels);
        Peers = [Peer.Here("torch", __version__, () => Pass(pixels)), Peer.Here("torch, channels-last", __version__, () => Pass(channelsLast))];
    }

    /// <summary>The batch; what the passes move between the layers is theirs.</summary>
    public override double BytesRead => sizeof(float) * (double)pixels.numel();

    /// <summary>The weights.</summary>
    public override double BytesWritten => sizeof(float) * (double)embedder.parameters().Sum(p => p.numel());

    public override IReadOnlyList<Peer> Peers { get; }

    public override void Ours()
    {
        using DisposeScope scope = NewDisposeScope();
        optimizer.ZeroGradients();
        recipe.Backward(embedder, loss, pixels, labels, step++);
        optimizer.Step(learningRate);
    }

    void Pass(Tensor images)
    {
        using DisposeScope scope = NewDisposeScope();
        bare.zero_grad();
        bare.call(images).sum().backward();
    }

    /// <summary>The parts are compared with torch and with finite differences in the tests.</summary>
    public override double? MaxError()
    {
        Ours();
        return null;
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        optimizer.Dispose();
        recipe.Dispose();
        loss.Dispose();
        bare.Dispose();
        embedder.Dispose();
        foreach (Tensor t in new[] { pixels, channelsLast, labels }) t.Dispose();
    }
}
