using Osprey.Engine.Model;
using TorchSharp;
using static TorchSharp.torch;

namespace Osprey.Engine.Training;

/// <summary>An exponential moving average of weights and running statistics: θ̄ ← β·θ̄ + (1−β)·θ after each update. Polyak and Juditsky 1992; as a teacher, Tarvainen and Valpola 2017.</summary>
/// <remarks>Begins at the starting weights with a β of min(β, (1+t)/(10+t)) at update t, as TensorFlow's ExponentialMovingAverage does, so that a short run is not an average of its start. Counters are those of the last update.</remarks>
internal sealed class WeightAverage : IDisposable
{
    readonly double decay;
    readonly IReadOnlyDictionary<string, Tensor> live;

    /// <param name="decay">β, in (0, 1).</param>
    /// <param name="live">What is averaged; the caller's.</param>
    public WeightAverage(double decay, IReadOnlyDictionary<string, Tensor> live)
    {
        this.decay = decay;
        this.live = live;
        Values = ModuleTensors.Clone(live);
    }

    /// <summary>The average by name; live, owned here.</summary>
    public IReadOnlyDictionary<string, Tensor> Values { get; }

    /// <param name="updates">Those done, this one included.</param>
    public void Update(long updates)
    {
        using DisposeScope scope = NewDisposeScope();
        using var frozen = no_grad();
        double kept = Math.Min(decay, (1.0 + updates) / (10 + updates));
        foreach ((string name, Tensor value) in Values)
        {
            if (value.is_floating_point()) value.mul_(kept).add_(live[name], alpha: 1 - kept);
            else value.copy_(live[name]);
        }
    }

    public void Dispose()
    {
        foreach (Tensor value in Values.Values) value.Dispose();
    }
}
