using TorchSharp;
using static TorchSharp.torch;

namespace Osprey.Engine.Training;

/// <summary>½y·d² + ½(1−y)·max(0, m−d)², d the distance of two images and y 1 where they share a class, else 0; the mean over all pairs of the batch. Hadsell, Chopra and LeCun 2006.</summary>
/// <remarks>
/// A batch without pairs of one class only pushes apart, one of a single class only pulls together, and one image alone gives 0. Two
/// images of two classes on one spot have no direction to part in: they cost ½m² and have no gradient.
/// </remarks>
/// <param name="margin">m, above 0; unit descriptors are at most 2 apart.</param>
public sealed class Contrastive(double margin) : MetricLoss
{
    /// <summary>A squared distance under this counts as none: the root's slope there is beyond float32.</summary>
    const double Nothing = 1e-12;

    /// <inheritdoc/>
    public override Tensor Compute(Tensor unit, Tensor labels)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor squared = Pairs.SquaredDistances(unit);
        Tensor gap = (margin - squared.clamp_min(Nothing).sqrt()).clamp_min(0);
        Tensor costs = 0.5 * (Pairs.SameClass(labels) * squared + Pairs.OtherClass(labels) * gap.square());
        // Each pair stands twice in the square, on both sides of the diagonal.
        long images = unit.shape[0];
        return (costs.sum() / Math.Max(1, images * (images - 1))).MoveToOuterDisposeScope();
    }
}
