using BenchmarkDotNet.Attributes;
using Osprey.Interop.Torch;
using Osprey.Kernels.Perturbation;
using TorchSharp;
using static TorchSharp.torch;
using Device = Osprey.Kernels.Device;

namespace Osprey.Bench;

/// <summary>One attack step on the host beside torch's eager operations, on the same memory.</summary>
[MemoryDiagnoser]
public class PerturbationBench
{
    const double Epsilon = 8 / 255.0, StepSize = 2 / 255.0, L2Epsilon = 2, L2StepSize = 0.5;

    Device host = null!;
    TorchPerturbation perturbation = null!;
    Tensor clean = null!, gradient = null!, ours = null!, theirs = null!;

    [Params(PerturbationNorm.LInf, PerturbationNorm.L2)]
    public PerturbationNorm Norm { get; set; }

    [Params(64)]
    public int Images { get; set; }

    [Params(128, 224)]
    public int Side { get; set; }

    /// <summary>Of ours and of torch; 0 means one per core.</summary>
    [Params(0)]
    public int Threads { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        host = Device.Open("host", Threads);
        TorchRuntime.Configure(Threads, 1);
        perturbation = new TorchPerturbation(host, Norm);
        clean = rand(Images, 3, Side, Side);
        gradient = randn(Images, 3, Side, Side);
        ours = clean.clone();
        theirs = clean.clone();
    }

    [Benchmark]
    public void OursStart() => perturbation.Start(clean, Norm == PerturbationNorm.LInf ? Epsilon : L2Epsilon, 1, ours);

    [Benchmark]
    public void Ours() =>
        perturbation.Step(clean, gradient, Norm == PerturbationNorm.LInf ? StepSize : L2StepSize, Norm == PerturbationNorm.LInf ? Epsilon : L2Epsilon, ours);

    [Benchmark(Baseline = true)]
    public void Torch()
    {
        using DisposeScope scope = NewDisposeScope();
        using var plain = no_grad();
        if (Norm == PerturbationNorm.LInf)
        {
            theirs.copy_((theirs + (StepSize * gradient.sign())).maximum(clean - Epsilon).minimum(clean + Epsilon).clamp(0, 1));
            return;
        }
        Tensor z = theirs + (L2StepSize * gradient / (Length(gradient) + 1e-10)) - clean;
        theirs.copy_((clean + (z * (L2Epsilon / Length(z)).clamp_max(1))).clamp(0, 1));
    }

    static Tensor Length(Tensor x) => x.flatten(1).norm(1, keepdim: false, p: 2).view(-1, 1, 1, 1);

    [GlobalCleanup]
    public void Cleanup()
    {
        perturbation.Dispose();
        host.Dispose();
    }
}
