using Osprey.Engine.Model;
using TorchSharp;
using static TorchSharp.torch;
using Device = Osprey.Kernels.Device;

namespace Osprey.Engine.Benchmarks;

/// <summary>A backbone folded for inference beside torch's plain forward pass in evaluation mode, and beside itself in bfloat16, all from normalised images to the feature map.</summary>
public sealed class BackboneContest : Contest
{
    readonly Backbone backbone;
    readonly FoldedBackbone folded, halved;
    readonly Tensor images, channelsLast;
    Tensor? map;

    /// <param name="device">Its host threads are used.</param>
    /// <param name="architecture">Whole, with random weights.</param>
    /// <param name="count">Images, 1 or more.</param>
    /// <param name="side">Of an image, pixels.</param>
    /// <param name="seed">Of weights and images.</param>
    public BackboneContest(Device device, Architecture architecture, int count, int side, long seed)
    {
        backbone = Backbone.Create(new EmbedderConfig { Architecture = architecture }, seed);
        backbone.eval();
        folded = backbone.Fold(device.Threads);
        halved = backbone.Fold(device.Threads, Precision.BFloat16);
        using DisposeScope scope = NewDisposeScope();
        images = randn(count, 3, side, side);
        channelsLast = images.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);
        scope.Detach(images, channelsLast);
        Peers = [Peer.Here("torch", __version__, Torch), Peer.Here("bfloat16", __version__, Halved)];
    }

    /// <summary>The images and the weights.</summary>
    public override double BytesRead => sizeof(float) * (images.numel() + (double)backbone.parameters().Sum(p => p.numel()));

    /// <summary>The map.</summary>
    public override double BytesWritten => map is null ? 0 : sizeof(float) * (double)map.numel();

    public override IReadOnlyList<Peer> Peers { get; }

    public override void Ours()
    {
        map?.Dispose();
        map = folded.Map(channelsLast).DetachFromDisposeScope();
    }

    void Torch() => Eager.Run(() => backbone.call(images));

    void Halved() => halved.Map(channelsLast).Dispose();

    /// <summary>Against the network that was folded, in float32, on the first image, whose values do not depend on the others.</summary>
    public override double? MaxError()
    {
        Ours();
        using DisposeScope scope = NewDisposeScope();
        using var _ = no_grad();
        return Eager.Error(map!.narrow(0, 0, 1), backbone.call(images.narrow(0, 0, 1)).to(float64));
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        folded.Dispose();
        halved.Dispose();
        backbone.Dispose();
        foreach (Tensor? t in new[] { images, channelsLast, map }) t?.Dispose();
    }
}
