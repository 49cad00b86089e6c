using TorchSharp;
using static TorchSharp.torch;

namespace Osprey.Engine.Training;

/// <summary>
/// 1 − mean over queries q of (1/|P|) Σ_{i∈P} (1 + Σ_{j∈P} σ(D_ij/τ)) / (1 + Σ_j σ(D_ij/τ)), D_ij = s_j − s_i with s the similarity to q,
/// P the others of q's class, and j over all but q and i: one minus mean average precision with its steps made smooth. Brown et al. 2020.
/// </summary>
/// <remarks>
/// As in the paper, the query itself is not ranked; the public code after it counts it as one more positive. A query without a positive
/// does not count; a batch without any other query gives 0, and so does a batch of one class. Holds N³ values.
/// </remarks>
/// <param name="temperature">τ, above 0: the smaller, the nearer to average precision, and the fewer pairs have a gradient.</param>
public sealed class SmoothAP(double temperature) : MetricLoss
{
    /// <inheritdoc/>
    public override Tensor Compute(Tensor unit, Tensor labels)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor similarity = Pairs.Similarities(unit), positive = Pairs.SameClass(labels), others = Pairs.Others(unit.shape[0]);
        // [q,i,j]: how far j stands before i for q; neither q nor i is before i.
        Tensor before = ((similarity.unsqueeze(1) - similarity.unsqueeze(2)) / temperature).sigmoid() * others.unsqueeze(1) * others.unsqueeze(0);
        Tensor rank = 1 + before.sum(2), rankAmongPositives = 1 + (before * positive.unsqueeze(1)).sum(2);
        Tensor positives = positive.sum(1), queries = positives.clamp_max(1);
        Tensor precision = (positive * rankAmongPositives / rank).sum(1) / positives.clamp_min(1);
        return ((queries - precision).sum() / queries.sum().clamp_min(1)).MoveToOuterDisposeScope();
    }
}
