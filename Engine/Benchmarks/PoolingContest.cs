using Osprey.Interop.Torch;
using Osprey.Kernels.Pooling;
using TorchSharp;
using static TorchSharp.torch;
using Device = Osprey.Kernels.Device;

namespace Osprey.Engine.Benchmarks;

/// <summary>Which passes of a pooling are measured.</summary>
public enum PoolingPass
{
    Forward,

    /// <summary>With respect to the map.</summary>
    Backward,

    /// <summary>Forward, then back to the map and to GeM's power.</summary>
    Learned,
}

/// <summary>Pooling of a feature map beside torch's eager operations.</summary>
public sealed class PoolingContest : Contest
{
    readonly PoolingKind kind;
    readonly PoolingPass pass;
    readonly MapShape shape;
    readonly float power;
    readonly PoolingKernel kernel;
    readonly Tensor map, pooled, gradPooled, gradMap;

    // As torch sees it: [N,C,h,w] in the layout's order of memory.
    readonly Tensor torchMap;

    // The peer's: a graph that its backward pass runs over again and again.
    readonly Tensor leaf, learned, graph;
    float gradPower;

    public PoolingContest(Device device, PoolingKind kind, PoolingPass pass, MapShape shape, float power)
    {
        (this.kind, this.pass, this.shape, this.power) = (kind, pass, shape, power);
        kernel = new PoolingKernel(device, kind);
        using DisposeScope scope = NewDisposeScope();
        map = randn(shape.Layout == MapLayout.ChannelsLast ? [shape.Batch, shape.Height, shape.Width, shape.Channels] : [shape.Batch, shape.Channels, shape.Height, shape.Width]).relu_();
        torchMap = View(map);
        pooled = zeros(shape.Batch, shape.Channels);
        gradPooled = randn(shape.Batch, shape.Channels);
        gradMap = zeros_like(map);
        leaf = View(map.clone()).requires_grad_(true);
        learned = full([1], power).requires_grad_(true);
        graph = pass == PoolingPass.Backward ? Peer(leaf, learned) : empty(0);
        scope.Detach(map, torchMap, pooled, gradPooled, gradMap, leaf, learned, graph);
        Peers = [Benchmarks.Peer.Here("torch", __version__, Torch)];
        // The backward pass alone wants the forward's result.
        Forward();
    }

    /// <summary>The map once for each pass that needs it: SPoC's way back does not.</summary>
    public override double BytesRead => sizeof(float) * (double)shape.Length * (pass == PoolingPass.Learned ? 2 : pass == PoolingPass.Backward && kind == PoolingKind.Spoc ? 0 : 1);

    /// <summary>The map's gradient, or the descriptors.</summary>
    public override double BytesWritten => sizeof(float) * (double)(pass == PoolingPass.Forward ? shape.Rows : shape.Length);

    public override IReadOnlyList<Peer> Peers { get; }

    public override void Ours()
    {
        if (pass != PoolingPass.Backward) Forward();
        if (pass != PoolingPass.Forward)
        {
            gradPower = kernel.Backward(
                TensorMemory.Read(map), shape, power, TensorMemory.Read(pooled), TensorMemory.Read(gradPooled), TensorMemory.Write(gradMap), pass == PoolingPass.Learned);
        }
    }

    Tensor View(Tensor x) => shape.Layout == MapLayout.ChannelsLast ? x.permute(0, 3, 1, 2) : x;

    void Forward() => kernel.Forward(TensorMemory.Read(map), shape, power, TensorMemory.Write(pooled));

    Tensor Peer(Tensor x, Tensor p) => kind switch
    {
        PoolingKind.Gem => pass == PoolingPass.Learned ? Eager.Gem(x, p) : Eager.Gem(x, power),
        PoolingKind.Spoc => Eager.Spoc(x),
        PoolingKind.Mac => Eager.Mac(x),
        PoolingKind.Rmac => Eager.Rmac(x),
        _ => Eager.Crow(x),
    };

    void Torch()
    {
        if (pass == PoolingPass.Forward)
        {
            Eager.Run(() => Peer(torchMap, learned));
            return;
        }
        using DisposeScope scope = NewDisposeScope();
        if (pass == PoolingPass.Backward) autograd.grad([graph], [leaf], [gradPooled], retain_graph: true);
        else autograd.grad([Peer(leaf, learned)], [leaf, learned], [gradPooled]);
    }

    public override double? MaxError()
    {
        Ours();
        using DisposeScope scope = NewDisposeScope();
        Tensor x = torchMap.to(float64).requires_grad_(true), p = full([1], (double)power, float64).requires_grad_(true);
        Tensor y = Peer(x, p);
        if (pass == PoolingPass.Forward) return Eager.Error(pooled, y.detach());
        if (pass == PoolingPass.Backward) return Eager.Error(View(gradMap), autograd.grad([y], [x], [gradPooled.to(float64)])[0]);
        // The power mean grows with p, so that this is the sum of the magnitudes of what the gradient sums, which may cancel to any small number.
        double magnitude = autograd.grad([y], [p], [gradPooled.to(float64).abs()], retain_graph: true)[0].item<double>();
        IList<Tensor> gradients = autograd.grad([y], [x, p], [gradPooled.to(float64)]);
        double ofPower = gradients[1].item<double>();
        return Math.Max(Math.Max(Eager.Error(pooled, y.detach()), Eager.Error(View(gradMap), gradients[0])), Math.Abs(gradPower - ofPower) / magnitude);
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        foreach (Tensor t in new[] { torchMap, map, pooled, gradPooled, gradMap, graph, leaf, learned }) t.Dispose();
        kernel.Dispose();
    }
}
