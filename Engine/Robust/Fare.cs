using Osprey.Engine.Model;
using Osprey.Engine.Training;
using Osprey.Interop.Torch;
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
    readonly int turns;

    /// <param name="embedder">f before the first step; copied.</param>
    /// <param name="turns">1, 2 or 4.</param>
    public Fare(Device device, Threat threat, Embedder embedder, int turns = 1)
        : base(device, threat)
    {
        this.turns = turns;
        start = Embedder.Create(embedder.Config with { Precision = null }, device, seed: 0);
        start.LoadState(embedder.State(includeAuxiliary: false), "the starting network");
        start.eval();
        start.Fold();
    }

    /// <inheritdoc/>
    public override bool SplitsNorms => false;

    /// <inheritdoc/>
    public override bool UsesLoss => false;

    private protected override StepLoss Step(Embedder embedder, MetricLoss loss, Tensor pixels, Tensor labels, ulong seed)
    {
        Tensor target = Target(pixels);
        Tensor Distance(Tensor unit) => (unit - target).square().sum(1);
        Tensor adversarial = Attacked(embedder, NormBranch.Main, pixels, Distance, seed);
        embedder.eval();
        Tensor value = Share.Gather(Distance(embedder.Describe(adversarial))).mean();
        value.backward();
        double distance = value.item<float>();
        return new StepLoss(distance, null, distance);
    }

    /// <summary>f₀ of the images: the mean over their turns, at unit length.</summary>
    Tensor Target(Tensor pixels)
    {
        Tensor sum = Start(pixels);
        if (turns == 1) return sum;
        for (int turn = 1; turn < turns; turn++) sum += Start(pixels.rot90(turn * 4 / turns, (2, 3)).contiguous());
        return nn.functional.normalize(sum);
    }

    /// <summary>f₀ of the images as they lie.</summary>
    Tensor Start(Tensor pixels)
    {
        int images = (int)pixels.shape[0];
        float[] unit = new float[images * start.Dimension];
        start.Embed(TensorMemory.Read(pixels), images, (int)pixels.shape[3], unit);
        return TensorMemory.FromSpan(unit, images, start.Dimension);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) start.Dispose();
        base.Dispose(disposing);
    }
}
