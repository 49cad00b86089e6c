using Osprey.Engine.Model;
using Osprey.Engine.Training;
using TorchSharp.Modules;
using static TorchSharp.torch;
using Device = Osprey.Kernels.Device;

namespace Osprey.Engine.Robust;

/// <summary>
/// Schlarmann et al. 2024: the attack increases ‖f(x_adv) − f₀(x)‖², the step decreases its mean, f₀ the network before the first step,
/// frozen. No loss, no labels: what the descriptor says stays, and attacks move it less.
/// </summary>
/// <remarks>
/// The paper's networks have no batch normalisation. Ours: f is in evaluation mode throughout, so the main norms' running statistics stay
/// those of f₀ and only their scales and biases learn; by batch statistics f would differ from f₀ before anything is attacked.
/// </remarks>
public sealed class Fare : AdversarialRecipe
{
    readonly Embedder start;

    /// <param name="embedder">f before the first step; copied.</param>
    public Fare(Device device, Threat threat, Embedder embedder)
        : base(device, threat)
    {
        start = Embedder.Create(embedder.Config, device, seed: 0);
        start.LoadState(embedder.State(includeAuxiliary: false), "the starting network");
        foreach (Parameter parameter in start.parameters()) parameter.requires_grad = false;
        start.eval();
    }

    /// <inheritdoc/>
    public override bool SplitsNorms => false;

    /// <inheritdoc/>
    public override bool UsesLoss => false;

    private protected override StepLoss Step(Embedder embedder, MetricLoss loss, Tensor pixels, Tensor labels, ulong seed)
    {
        Tensor target = Settled(start, pixels);
        Tensor Distance(Tensor unit) => (unit - target).square().sum(1);
        Tensor adversarial = Attacked(embedder, NormBranch.Main, pixels, Distance, seed);
        embedder.eval();
        Tensor value = Share.Gather(Distance(embedder.Describe(adversarial))).mean();
        value.backward();
        double distance = value.item<float>();
        return new StepLoss(distance, null, distance);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) start.Dispose();
        base.Dispose(disposing);
    }
}
