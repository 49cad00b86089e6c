using Osprey.Engine.Datasets;
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
    /// <summary>Ours (docs/results.md); 1 in the paper.</summary>
    public const double DefaultShare = 0.5;

    readonly Embedder start;
    readonly int turns;
    readonly double share;

    /// <param name="embedder">f before the first step; copied.</param>
    /// <param name="turns">Over which f₀ is averaged, 1, 2 or 4.</param>
    /// <param name="share">Of the batch that is attacked, in (0, 1]; the rest is held to f₀ as it is.</param>
    public Fare(Device device, Threat threat, Embedder embedder, int turns, double share = 1)
        : base(device, threat)
    {
        this.turns = turns;
        this.share = share;
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
        Tensor learned, rest;
        if (share < 1)
        {
            // Each image a class by itself, so that any may be taken.
            var random = new SeededRandom((long)seed);
            var part = new AttackedPart(Share, tensor([.. Share.PlacesOf(pixels.shape[0]).Select(p => (long)p)]), share, random);
            (Tensor attacked, rest) = (target.index_select(0, part.Indices), pixels.index_select(0, part.Rest));
            learned = Attacked(embedder, NormBranch.Main, pixels.index_select(0, part.Indices), unit => Distance(unit, attacked), random.NextBits(), part.Places);
            target = cat([attacked, target.index_select(0, part.Rest)]);
        }
        else
        {
            rest = pixels.narrow(0, 0, 0);
            learned = Attacked(embedder, NormBranch.Main, pixels, unit => Distance(unit, target), seed);
        }
        embedder.eval();
        Tensor distances = Distance(embedder.Describe(cat([learned, rest])), target);
        Tensor value = Share.Gather(distances).mean();
        value.backward();
        double distance = value.item<float>();
        return share < 1
            ? new StepLoss(distance, Mean(distances.narrow(0, learned.shape[0], rest.shape[0])), Mean(distances.narrow(0, 0, learned.shape[0])))
            : new StepLoss(distance, null, distance);
    }

    double Mean(Tensor own) => Share.Gather(own.detach()).mean().item<float>();

    static Tensor Distance(Tensor unit, Tensor target) => (unit - target).square().sum(1);

    /// <summary>f₀ of the images: the mean over their turns, at unit length.</summary>
    Tensor Target(Tensor pixels)
    {
        Tensor sum = QuarterTurns.Of(pixels, turns).Select(Start).Aggregate((a, b) => a + b);
        return turns == 1 ? sum : nn.functional.normalize(sum);
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
