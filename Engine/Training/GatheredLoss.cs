using Osprey.Engine.Distributed;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Osprey.Engine.Training;

/// <summary>A loss of the batch that the ranks share: each computes it of all descriptors, and has the gradient of its own.</summary>
/// <param name="loss">Owned.</param>
internal sealed class GatheredLoss(MetricLoss loss, BatchShare share) : MetricLoss
{
    public override IReadOnlyList<(string Name, Parameter Value)> Parameters => loss.Parameters;

    /// <param name="unit">This rank's rows; none if it has none of this part of the batch.</param>
    /// <param name="labels">Of these.</param>
    public override Tensor Compute(Tensor unit, Tensor labels)
    {
        using DisposeScope scope = NewDisposeScope();
        // Class numbers are exact in float32 up to 2²⁴.
        Tensor all = share.Gather(labels.to_type(ScalarType.Float32)).to_type(ScalarType.Int64);
        return loss.Compute(share.Gather(unit), all).MoveToOuterDisposeScope();
    }
}
