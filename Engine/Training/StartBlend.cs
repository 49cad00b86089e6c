using Osprey.Engine.Model;
using TorchSharp;
using static TorchSharp.torch;

namespace Osprey.Engine.Training;

/// <summary>Weights between those that a run started from and those it has come to: k·θ₀ + (1−k)·θ. Wortsman et al. 2022, <i>Robust fine-tuning of zero-shot models</i>, whose α is 1−k.</summary>
/// <remarks>Running statistics as well, as averages of weights have them. Counters are those of θ.</remarks>
internal sealed class StartBlend : IDisposable
{
    readonly double share;
    readonly IReadOnlyDictionary<string, Tensor> start, blended;

    /// <param name="share">k, in [0, 1).</param>
    /// <param name="live">θ₀, copied.</param>
    public StartBlend(double share, IReadOnlyDictionary<string, Tensor> live)
    {
        this.share = share;
        start = ModuleTensors.Clone(live);
        blended = ModuleTensors.Clone(live);
    }

    /// <param name="weights">θ, by the names of θ₀.</param>
    /// <returns>Live, owned here, overwritten by the next call.</returns>
    public IReadOnlyDictionary<string, Tensor> With(IReadOnlyDictionary<string, Tensor> weights)
    {
        using DisposeScope scope = NewDisposeScope();
        using var frozen = no_grad();
        foreach ((string name, Tensor value) in blended)
        {
            value.copy_(weights[name]);
            if (value.is_floating_point()) value.mul_(1 - share).add_(start[name], alpha: share);
        }
        return blended;
    }

    public void Dispose()
    {
        foreach (Tensor value in start.Values.Concat(blended.Values)) value.Dispose();
    }
}
