using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Osprey.Engine.Training;

/// <param name="Name">Unique in the optimizer.</param>
/// <param name="Factor">Times the learning rate.</param>
public sealed record TrainedParameter(string Name, Parameter Value, double Factor);

/// <summary>Adam, AdamW or SGD with momentum, on tensors that are ours, so that a checkpoint holds all of its state, exactly.</summary>
public sealed class Optimizer : IDisposable
{
    /// <summary>Kingma and Ba's ε.</summary>
    const double Epsilon = 1e-8;

    readonly TrainConfig config;
    readonly IReadOnlyList<TrainedParameter> parameters;
    readonly Tensor[] first;
    readonly Tensor[] second;

    /// <param name="config">Read: the kind, its β or μ, the weight decay.</param>
    public Optimizer(TrainConfig config, IReadOnlyList<TrainedParameter> parameters)
    {
        this.config = config;
        this.parameters = parameters;
        first = [.. parameters.Select(p => zeros_like(p.Value, requires_grad: false).DetachFromDisposeScope())];
        second = config.Optimizer == OptimizerKind.Sgd ? [] : [.. parameters.Select(p => zeros_like(p.Value, requires_grad: false).DetachFromDisposeScope())];
    }

    /// <summary>Updates so far: Adam's t.</summary>
    public long Steps { get; private set; }

    /// <summary>The moments by name, <c>first.NAME</c> and <c>second.NAME</c>; live, owned here.</summary>
    public IReadOnlyDictionary<string, Tensor> State
    {
        get
        {
            var state = new Dictionary<string, Tensor>();
            for (int i = 0; i < first.Length; i++) state.Add("first." + parameters[i].Name, first[i]);
            for (int i = 0; i < second.Length; i++) state.Add("second." + parameters[i].Name, second[i]);
            return state;
        }
    }

    /// <summary>For resuming, after <see cref="State"/> was filled.</summary>
    public void Restore(long steps) => Steps = steps;

    public void ZeroGradients()
    {
        foreach (TrainedParameter p in parameters)
        {
            using Tensor? gradient = p.Value.grad;
            gradient?.zero_();
        }
    }

    /// <summary>Euclidean length of all gradients together; NaN or infinite where one of them is.</summary>
    public double GradientNorm()
    {
        using DisposeScope scope = NewDisposeScope();
        double sum = 0;
        foreach (TrainedParameter p in parameters)
        {
            if (p.Value.grad is not Tensor gradient) continue;
            double norm = linalg.norm(gradient).item<float>();
            sum += norm * norm;
        }
        return Math.Sqrt(sum);
    }

    /// <summary>One update by the gradients that stand in the parameters, first multiplied by <paramref name="gradientFactor"/>.</summary>
    /// <param name="gradientFactor">1, or what clips the gradient.</param>
    public void Step(double learningRate, double gradientFactor = 1)
    {
        using DisposeScope scope = NewDisposeScope();
        using var frozen = no_grad();
        Steps++;
        for (int i = 0; i < parameters.Count; i++)
        {
            TrainedParameter p = parameters[i];
            if (p.Value.grad is not Tensor gradient) continue;
            if (gradientFactor != 1) gradient = gradient * gradientFactor;

            double rate = learningRate * p.Factor;
            // A norm's scale, a bias and GeM's power are vectors and scalars; what should stay short are matrices and filters.
            double decay = p.Value.dim() > 1 ? config.WeightDecay : 0;
            if (decay > 0 && config.Optimizer == OptimizerKind.AdamW) p.Value.mul_(1 - rate * decay);
            else if (decay > 0) gradient = gradient + p.Value * decay;

            if (config.Optimizer == OptimizerKind.Sgd) Sgd(p.Value, gradient, first[i], rate);
            else Adam(p.Value, gradient, first[i], second[i], rate);
        }
    }

    void Sgd(Tensor value, Tensor gradient, Tensor velocity, double rate)
    {
        velocity.mul_(config.Momentum).add_(gradient);
        value.add_(velocity, alpha: -rate);
    }

    void Adam(Tensor value, Tensor gradient, Tensor mean, Tensor square, double rate)
    {
        mean.mul_(config.Beta1).add_(gradient, alpha: 1 - config.Beta1);
        square.mul_(config.Beta2).addcmul_(gradient, gradient, 1 - config.Beta2);
        Tensor root = square.sqrt().div_(Math.Sqrt(1 - Math.Pow(config.Beta2, Steps))).add_(Epsilon);
        value.addcdiv_(mean, root, -rate / (1 - Math.Pow(config.Beta1, Steps)));
    }

    public void Dispose()
    {
        foreach (Tensor t in first) t.Dispose();
        foreach (Tensor t in second) t.Dispose();
    }
}
