using Osprey.Interop.Mpi;
using Osprey.Kernels.Normalization;
using TorchSharp;
using static TorchSharp.torch;

namespace Osprey.Interop.Torch;

/// <summary>
/// Batch normalisation in training whose batch may be shared out: each process has some of its rows, and mean, variance and gradients are those of all of them together. Our kernel
/// sums in float64, torch normalises. On the CPU. Its graph must be used before it is disposed; one call at a time.
/// </summary>
/// <param name="threads">1 or more.</param>
/// <param name="ranks">The processes. They add up once on the way forward and once on the way back, all of them in the same order.</param>
public sealed class SynchronizedNorm(int threads, ICommunicator ranks)
{
    readonly BatchStatistics statistics = new(threads);
    readonly ICommunicator ranks = ranks;

    // Of the call in progress; as long as the widest layer wanted them.
    double[] sums = [];
    float[] factors = [];

    static Span<T> Grown<T>(ref T[] values, int length)
    {
        if (values.Length < length) values = new T[length];
        return values.AsSpan(0, length);
    }

    /// <summary>(x − mean)/√(variance + ε)·weight + bias, channel by channel, mean and biased variance of all processes' rows.</summary>
    /// <param name="rows">[N,C] or [N,C,h,w], float32; a process may have none.</param>
    /// <param name="weight">[C].</param>
    /// <param name="bias">[C].</param>
    /// <param name="runningMean">[C]; momentum·mean is added to (1 − momentum) of it.</param>
    /// <param name="runningVariance">[C]; likewise, by the unbiased variance.</param>
    /// <returns>The same shape, with the channels side by side in memory.</returns>
    /// <exception cref="InvalidOperationException">All processes together have fewer than two values of a channel.</exception>
    public Tensor Apply(Tensor rows, Tensor weight, Tensor bias, Tensor runningMean, Tensor runningVariance, double momentum, double epsilon)
    {
        // What the function saves must live until it returns, and no longer: only the result leaves this scope.
        using DisposeScope scope = NewDisposeScope();
        Tensor dense = rows.dim() == 4 ? rows.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2) : rows.contiguous();
        var batch = Batch.Of(this, dense, epsilon);
        batch.Track(runningMean, runningVariance, momentum);
        return scope.MoveToOuter(is_grad_enabled() && (dense.requires_grad || weight.requires_grad) ? Function.apply(dense, weight, bias, batch) : batch.Normalize(dense, weight, bias));
    }

    /// <summary>The values as they lie, a row for each image or position: a view without a graph.</summary>
    static Tensor AsRows(Tensor dense) => dense.dim() == 4 ? dense.detach().permute(0, 2, 3, 1) : dense.detach();

    /// <summary>Mean, variance and what else the way back needs of one batch.</summary>
    /// <param name="Count">Rows of all processes.</param>
    sealed record Batch(SynchronizedNorm Norm, double Count, float[] Mean, double[] Variance, double Epsilon)
    {
        public static Batch Of(SynchronizedNorm norm, Tensor dense, double epsilon)
        {
            int channels = (int)dense.size(1), own = Rows(dense);
            Span<double> sums = Grown(ref norm.sums, (2 * channels) + 1);
            norm.statistics.Sum(TensorMemory.Read(AsRows(dense)), own, channels, sums[..^1]);
            sums[^1] = own;
            norm.ranks.AllReduceSum(sums);
            double count = sums[^1];
            if (count < 2) throw new InvalidOperationException($"batch normalisation over {count} values of a channel; it needs 2 or more");
            float[] mean = new float[channels];
            double[] variance = new double[channels];
            for (int c = 0; c < channels; c++)
            {
                double m = sums[c] / count;
                (mean[c], variance[c]) = ((float)m, Math.Max(0, (sums[channels + c] / count) - (m * m)));
            }
            return new Batch(norm, count, mean, variance, epsilon);
        }

        // A tensor's shape would be an array for each layer of each step.
        static int Rows(Tensor dense) => checked((int)(dense.numel() / dense.size(1)));

        public void Track(Tensor runningMean, Tensor runningVariance, double momentum)
        {
            using var frozen = no_grad();
            using Tensor mean = TensorMemory.FromSpan(Mean, Mean.Length), variance = Variances(Count / (Count - 1));
            runningMean.mul_(1 - momentum).add_(mean, alpha: momentum);
            runningVariance.mul_(1 - momentum).add_(variance, alpha: momentum);
        }

        public Tensor Normalize(Tensor dense, Tensor weight, Tensor bias)
        {
            using Tensor mean = TensorMemory.FromSpan(Mean, Mean.Length), variance = Variances(1);
            // Given as running statistics they are what evaluation normalises by, in one pass.
            return nn.functional.batch_norm(dense, mean, variance, weight, bias, training: false, 0, Epsilon);
        }

        /// <summary>The variances times a factor, [C].</summary>
        Tensor Variances(double factor)
        {
            Span<float> values = Grown(ref Norm.factors, Variance.Length);
            for (int c = 0; c < values.Length; c++) values[c] = (float)(Variance[c] * factor);
            return TensorMemory.FromSpan(values, values.Length);
        }

        /// <param name="gradient">As <paramref name="dense"/>; null where nothing flows back into this process's rows: the others wait for it all the same.</param>
        public (Tensor Rows, Tensor Weight, Tensor Bias) Backward(Tensor dense, Tensor weight, Tensor? gradient)
        {
            int channels = Mean.Length, rows = Rows(dense);
            Span<double> sums = Grown(ref Norm.sums, 2 * channels);
            Tensor x = AsRows(dense), g = gradient is null ? zeros_like(x) : AsRows(gradient).contiguous(), gradRows = empty_like(x);
            Norm.statistics.SumGradient(TensorMemory.Read(x), TensorMemory.Read(g), Mean, rows, channels, sums);
            // The parameters' gradients are this process's share, as all others that are added up later.
            Span<float> own = Grown(ref Norm.factors, channels);
            for (int c = 0; c < channels; c++) own[c] = (float)(sums[channels + c] * Inverse(c));
            Tensor gradWeight = TensorMemory.FromSpan(own, channels);
            for (int c = 0; c < channels; c++) own[c] = (float)sums[c];
            Tensor gradBias = TensorMemory.FromSpan(own, channels);
            Norm.ranks.AllReduceSum(sums);
            // w/σ · (g − mean g − (x − mean)·mean(g·(x − mean))/σ²).
            ReadOnlySpan<float> scale = TensorMemory.Read(weight);
            Span<float> factors = Grown(ref Norm.factors, 3 * channels);
            for (int c = 0; c < channels; c++)
            {
                double inverse = Inverse(c), a = scale[c] * inverse;
                (factors[c], factors[channels + c], factors[(2 * channels) + c]) =
                    ((float)a, (float)(-a * inverse * inverse * sums[channels + c] / Count), (float)(-a * sums[c] / Count));
            }
            Norm.statistics.Combine(TensorMemory.Read(x), TensorMemory.Read(g), Mean, factors, rows, channels, TensorMemory.Write(gradRows));
            return (dense.dim() == 4 ? gradRows.permute(0, 3, 1, 2) : gradRows, gradWeight, gradBias);
        }

        double Inverse(int channel) => 1 / Math.Sqrt(Variance[channel] + Epsilon);
    }

    sealed class Function : autograd.SingleTensorFunction<Function>
    {
        public override string Name => "OspreySynchronizedNorm";

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            var (dense, weight, bias, batch) = ((Tensor)vars[0], (Tensor)vars[1], (Tensor)vars[2], (Batch)vars[3]);
            ctx.save_for_backward([dense, weight]);
            ctx.set_materialize_grads(false);
            ctx.save_data(nameof(batch), batch);
            return batch.Normalize(dense, weight, bias);
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
        {
            using Tensor received = grad_output;
            using DisposeScope scope = NewDisposeScope();
            List<Tensor> saved = ctx.get_saved_variables();
            (Tensor rows, Tensor weight, Tensor bias) = ((Batch)ctx.get_data("batch")).Backward(saved[0], saved[1], received.IsInvalid ? null : received);
            List<Tensor> gradients = [scope.MoveToOuter(rows), scope.MoveToOuter(weight), scope.MoveToOuter(bias), null!];
            // libtorch reads them after this returns: until the graph goes, the collector may not have them.
            ctx.save_data(nameof(gradients), gradients);
            return gradients;
        }
    }
}
