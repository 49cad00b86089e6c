using BenchmarkDotNet.Attributes;
using Osprey.Interop.Torch;
using Osprey.Kernels.Pooling;
using TorchSharp;
using static TorchSharp.torch;
using Device = Osprey.Kernels.Device;

namespace Osprey.Bench;

/// <summary>Pooling on the host beside torch's eager operations, on the same memory: maps of ResNet-50's last stage and of ResNet-18's second.</summary>
[MemoryDiagnoser]
public class PoolingBench
{
    Device host = null!;
    PoolingKernel kernel = null!;
    Tensor map = null!, leaf = null!, pooled = null!, gradPooled = null!, gradMap = null!;
    MapShape shape;

    [Params("64x2048x7x7", "32x512x28x28")]
    public string Shape { get; set; } = "";

    [Params(PoolingKind.Gem, PoolingKind.Spoc, PoolingKind.Mac)]
    public PoolingKind Kind { get; set; }

    [Params(3f, 2.5f)]
    public float Power { get; set; }

    /// <summary>Of ours and of torch; 0 means one per core.</summary>
    [Params(0)]
    public int Threads { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        int[] s = [.. Shape.Split('x').Select(int.Parse)];
        shape = new MapShape(s[0], s[1], s[2], s[3]);
        host = Device.Open("host", Threads);
        TorchRuntime.Configure(Threads, 1);
        kernel = new PoolingKernel(host, Kind);
        map = randn([s[0], s[1], s[2], s[3]]).relu_();
        leaf = map.clone().requires_grad_(true);
        pooled = zeros(s[0], s[1]);
        gradPooled = randn(s[0], s[1]);
        gradMap = zeros_like(map);
    }

    [Benchmark]
    public void Ours() => kernel.Forward(TensorMemory.Read(map), shape, Power, TensorMemory.Write(pooled));

    [Benchmark(Baseline = true)]
    public void Torch()
    {
        using DisposeScope scope = NewDisposeScope();
        using var plain = no_grad();
        Eager(map);
    }

    [Benchmark]
    public void OursBothWays()
    {
        Ours();
        kernel.Backward(
            TensorMemory.Read(map), shape, Power, TensorMemory.Read(pooled), TensorMemory.Read(gradPooled), TensorMemory.Write(gradMap), powerGradient: false);
    }

    [Benchmark]
    public void TorchBothWays()
    {
        using DisposeScope scope = NewDisposeScope();
        autograd.grad([Eager(leaf)], [leaf], [gradPooled]);
    }

    Tensor Eager(Tensor x) => Kind switch
    {
        PoolingKind.Gem => x.clamp_min(1e-6).pow(Power).mean([2, 3]).pow(1 / Power),
        PoolingKind.Spoc => x.mean([2, 3]),
        _ => x.amax([2, 3]),
    };

    [GlobalCleanup]
    public void Cleanup()
    {
        kernel.Dispose();
        host.Dispose();
    }
}
