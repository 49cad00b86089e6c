using Osprey.Interop.Torch;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Osprey.Engine.Model;

/// <summary>One set of batch-normalisation parameters and running statistics, under torchvision's names.</summary>
sealed class BatchNormSet : nn.Module
{
    const double Epsilon = 1e-5;
    const double Momentum = 0.1;

    readonly Parameter bias;
    readonly Tensor runningMean, runningVar, batches;

    public BatchNormSet(long channels) : base(nameof(BatchNormSet))
    {
        Weight = new Parameter(ones(channels));
        bias = new Parameter(zeros(channels));
        runningMean = zeros(channels);
        runningVar = ones(channels);
        batches = zeros([], dtype: ScalarType.Int64);
        register_parameter("weight", Weight);
        register_parameter("bias", bias);
        register_buffer("running_mean", runningMean);
        register_buffer("running_var", runningVar);
        register_buffer("num_batches_tracked", batches);
    }

    public Parameter Weight { get; }

    public void CopyFrom(BatchNormSet other)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        Weight.copy_(other.Weight);
        bias.copy_(other.bias);
        runningMean.copy_(other.runningMean);
        runningVar.copy_(other.runningVar);
        batches.copy_(other.batches);
    }

    /// <summary>What it does in evaluation: y = scale·x + shift per channel, in float64.</summary>
    public (double[] Scale, double[] Shift) Affine()
    {
        float[] gamma = TensorMemory.ToArray(Weight), beta = TensorMemory.ToArray(bias), mean = TensorMemory.ToArray(runningMean), variance = TensorMemory.ToArray(runningVar);
        double[] scale = [.. gamma.Select((g, i) => g / Math.Sqrt(variance[i] + Epsilon))];
        return (scale, [.. beta.Select((b, i) => b - (mean[i] * scale[i]))]);
    }

    /// <param name="synchronized">What normalises in training; null: torch.</param>
    public Tensor Apply(Tensor input, bool training, SynchronizedNorm? synchronized)
    {
        if (training) batches.add_(1);
        if (training && synchronized is not null) return synchronized.Apply(input, Weight, bias, runningMean, runningVar, Momentum, Epsilon);
        return nn.functional.batch_norm(input, runningMean, runningVar, Weight, bias, training, Momentum, Epsilon);
    }
}
