using BenchmarkDotNet.Attributes;
using Osprey.Interop.Torch;
using Osprey.Kernels.Normalization;
using TorchSharp;
using static TorchSharp.torch;
using Device = Osprey.Kernels.Device;

namespace Osprey.Bench;

/// <summary>Row normalisation on the host beside torch's eager operations, on the same memory.</summary>
[MemoryDiagnoser]
public class NormalizationBench
{
    Device host = null!;
    RowNormalization kernel = null!;
    Tensor rows = null!, leaf = null!, unit = null!, norms = null!, gradUnit = null!, gradRows = null!;

    [Params(64, 20_000)]
    public int Count { get; set; }

    [Params(512)]
    public int Dimension { get; set; }

    /// <summary>Of ours and of torch; 0 means one per core.</summary>
    [Params(0)]
    public int Threads { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        host = Device.Open("host", Threads);
        TorchRuntime.Configure(Threads, 1);
        kernel = new RowNormalization(host);
        rows = randn(Count, Dimension);
        leaf = rows.clone().requires_grad_(true);
        unit = zeros_like(rows);
        norms = zeros(Count);
        gradUnit = randn(Count, Dimension);
        gradRows = zeros_like(rows);
    }

    [Benchmark]
    public void Ours() => kernel.Forward(TensorMemory.Read(rows), Count, Dimension, TensorMemory.Write(unit), TensorMemory.Write(norms));

    [Benchmark(Baseline = true)]
    public void Torch()
    {
        using DisposeScope scope = NewDisposeScope();
        using var plain = no_grad();
        Eager(rows);
    }

    [Benchmark]
    public void OursBothWays()
    {
        Ours();
        kernel.Backward(TensorMemory.Read(unit), TensorMemory.Read(norms), TensorMemory.Read(gradUnit), Count, Dimension, TensorMemory.Write(gradRows));
    }

    [Benchmark]
    public void TorchBothWays()
    {
        using DisposeScope scope = NewDisposeScope();
        autograd.grad([Eager(leaf)], [leaf], [gradUnit]);
    }

    static Tensor Eager(Tensor x) => x / (x.norm(1, keepdim: true, p: 2) + 1e-6);

    [GlobalCleanup]
    public void Cleanup()
    {
        kernel.Dispose();
        host.Dispose();
    }
}
