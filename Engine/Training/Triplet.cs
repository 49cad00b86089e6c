using TorchSharp;
using static TorchSharp.torch;

namespace Osprey.Engine.Training;

/// <summary>
/// max(0, ‖a−p‖² − ‖a−n‖² + m), p the farthest image of the anchor's class in the batch and n the nearest of another; the mean over the
/// anchors. Schroff et al. 2015, with the batch-hard mining of Hermans et al. 2017.
/// </summary>
/// <remarks>An anchor without a positive or without a negative does not count; a batch without any other anchor gives 0.</remarks>
/// <param name="margin">m, above 0; squared distances of unit descriptors are at most 4.</param>
public sealed class Triplet(double margin) : MetricLoss
{
    /// <inheritdoc/>
    public override Tensor Compute(Tensor unit, Tensor labels)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor squared = Pairs.SquaredDistances(unit), same = Pairs.SameClass(labels), other = Pairs.OtherClass(labels);
        Tensor farthest = squared.masked_fill(same.eq(0), 0).amax([1]);
        Tensor nearest = squared.masked_fill(other.eq(0), float.PositiveInfinity).amin([1]);
        Tensor anchors = same.amax([1]) * other.amax([1]);
        // Without a negative the nearest is infinitely far; 0 · ∞ would be no number.
        Tensor costs = (farthest - nearest.masked_fill(anchors.eq(0), 0) + margin).clamp_min(0) * anchors;
        return (costs.sum() / anchors.sum().clamp_min(1)).MoveToOuterDisposeScope();
    }
}
