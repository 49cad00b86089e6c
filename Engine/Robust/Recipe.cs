using Osprey.Engine.Distributed;
using Osprey.Engine.Model;
using Osprey.Engine.Training;
using static TorchSharp.torch;
using Device = Osprey.Kernels.Device;

namespace Osprey.Engine.Robust;

/// <summary>The values of one step's loss, before the update.</summary>
/// <param name="Total">What was minimised.</param>
/// <param name="Clean">On the images as they are, where the recipe has that part.</param>
/// <param name="Adversarial">The recipe's part on the attacked images, where it has one.</param>
public readonly record struct StepLoss(double Total, double? Clean, double? Adversarial)
{
    /// <summary>Of the batches of one update, all by one recipe.</summary>
    internal static StepLoss Mean(IReadOnlyList<StepLoss> batches) =>
        new(batches.Average(b => b.Total), batches.Average(b => b.Clean), batches.Average(b => b.Adversarial));
}

/// <summary>
/// How one batch becomes gradients: what an attack increases, what the step decreases, and which norms each part runs through.
/// A recipe is these three, and what it keeps between steps.
/// </summary>
public abstract class Recipe : IDisposable
{
    /// <summary>Whether the embedder needs the auxiliary set of norms before training.</summary>
    public abstract bool SplitsNorms { get; }

    /// <summary>Whether the step reads the loss and the labels.</summary>
    public virtual bool UsesLoss => true;

    /// <summary>Times that one batch's gradients pass the network on their way to the parameters.</summary>
    public virtual int Passes => 1;

    /// <summary>What this process has of every batch.</summary>
    private protected BatchShare Share { get; private set; } = BatchShare.Whole;

    /// <summary>Adds the gradients of this batch's loss to those that stand in the parameters, part by part, so that one graph is held at a time.</summary>
    /// <param name="embedder">In training mode on the main norms, and left so.</param>
    /// <param name="loss">Of the whole batch, of which this process may have a share.</param>
    /// <param name="pixels">[N,3,S,S] in 0..1; this process's.</param>
    /// <param name="labels">[N] int64.</param>
    /// <param name="seed">Of whatever is random in this step.</param>
    public abstract StepLoss Backward(Embedder embedder, MetricLoss loss, Tensor pixels, Tensor labels, ulong seed);

    /// <param name="embedder">Before the first step.</param>
    /// <param name="share">What this process has of every batch; null: all.</param>
    public static Recipe Create(TrainConfig config, Embedder embedder, Device device, BatchShare? share = null)
    {
        Recipe recipe = Of(config, embedder, device);
        if (share is not null) recipe.Share = share;
        return recipe;
    }

    static Recipe Of(TrainConfig config, Embedder embedder, Device device) => config.Recipe switch
    {
        RecipeKind.None => new PlainRecipe(),
        RecipeKind.AdvProp => new AdvProp(device, config.Threat, config.AdversarialWeight, config.EffectiveAttackedShare, config.SplitsNorms),
        RecipeKind.FastAdvProp => new FastAdvProp(device, config.Threat, config.EffectiveAttackedShare, config.SplitsNorms),
        RecipeKind.Est => new Est(device, config.Threat),
        RecipeKind.Ses => new Ses(device, config.Threat, config.ShiftWeight),
        RecipeKind.Fare => new Fare(device, config.Threat, embedder, config.TargetTurns, config.EffectiveAttackedShare),
        _ => throw new ArgumentException($"the recipe is {config.Recipe}; give none, advprop, fast-advprop, est, ses or fare"),
    };

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
    }
}
