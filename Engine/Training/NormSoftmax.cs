using Osprey.Engine.Datasets;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Osprey.Engine.Training;

/// <summary>Cross-entropy of s·cosθ, θ the angle between a descriptor and a learned direction per class. Zhai and Wu 2019.</summary>
public class NormSoftmax : MetricLoss
{
    readonly Parameter weights;
    readonly double scale;

    /// <summary>Class directions start uniform in ±√(6/(K+D)), Xavier's range. Glorot and Bengio 2010.</summary>
    /// <param name="classes">K, at least 1.</param>
    /// <param name="dimension">D, at least 1.</param>
    /// <param name="scale">s.</param>
    public NormSoftmax(int classes, int dimension, double scale, long seed)
    {
        if (classes < 1 || dimension < 1) throw new ArgumentException($"a loss over {classes} classes of {dimension}-D descriptors; give at least 1 of each");
        this.scale = scale;
        var random = new SeededRandom(seed, Purpose.ClassWeights);
        double bound = Math.Sqrt(6.0 / (classes + dimension));
        var values = new float[classes * dimension];
        for (int i = 0; i < values.Length; i++) values[i] = random.Range(-bound, bound);
        weights = new Parameter(tensor(values, [classes, dimension]));
    }

    public override IReadOnlyList<(string Name, Parameter Value)> Parameters => [("weight", weights)];

    /// <inheritdoc/>
    public override Tensor Compute(Tensor unit, Tensor labels)
    {
        using DisposeScope scope = NewDisposeScope();
        // Not matmul: TorchSharp 0.107 does not catch its C++ exception, and a wrong shape would end the process.
        Tensor cosine = nn.functional.linear(unit, nn.functional.normalize(weights, p: 2, dim: 1));
        Tensor index = labels.unsqueeze(1);
        Tensor target = WithMargin(cosine.gather(1, index));
        return nn.functional.cross_entropy(cosine.scatter(1, index, target) * scale, labels).MoveToOuterDisposeScope();
    }

    /// <summary>What stands for cosθ of the true class, [N,1].</summary>
    private protected virtual Tensor WithMargin(Tensor cosine) => cosine;
}
