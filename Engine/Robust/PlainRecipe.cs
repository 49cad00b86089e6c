using Osprey.Engine.Model;
using Osprey.Engine.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Osprey.Engine.Robust;

/// <summary>No attack; minimises L(x) through the main norms.</summary>
public sealed class PlainRecipe : Recipe
{
    /// <inheritdoc/>
    public override bool SplitsNorms => false;

    /// <inheritdoc/>
    public override StepLoss Backward(Embedder embedder, MetricLoss loss, Tensor pixels, Tensor labels, ulong seed)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor value = loss.Compute(embedder.Describe(pixels), labels);
        value.backward();
        double total = value.item<float>();
        return new StepLoss(total, total, null);
    }
}
