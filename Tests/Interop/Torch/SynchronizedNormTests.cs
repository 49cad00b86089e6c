using NUnit.Framework;
using Osprey.Engine.Distributed;
using Osprey.Interop.Mpi;
using Osprey.Interop.Torch;
using Osprey.Tests.Interop.Mpi;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Osprey.Tests.Interop.Torch;

[TestFixture]
public class SynchronizedNormTests
{
    /// <summary>Rows of each rank, of one channels' count and map: also ranks with none, and rows [N,C].</summary>
    [TestCase(new[] { 3, 2 }, 16, 5)]
    [TestCase(new[] { 1, 4, 0 }, 7, 3)]
    [TestCase(new[] { 2, 3, 4 }, 33, 0)]
    [TestCase(new[] { 1, 0, 1 }, 1, 0)]
    public void All_ranks_together_normalise_as_torch_does_the_whole(int[] rows, int channels, int side)
    {
        long count = rows.Sum();
        long[] shape = side == 0 ? [count, channels] : [count, channels, side, side];
        using var scope = NewDisposeScope();
        // Far from zero: what is left of squares less the mean's square must not be lost.
        Tensor x = (randn(shape, generator: new Generator(1)) * 3 + 20).to_type(ScalarType.Float32), towards = randn(shape, generator: new Generator(2)).to_type(ScalarType.Float32);
        float[] whole = [], gradX, gradWeight, gradBias, mean, variance;
        using (Parameter input = new(x.clone()), weight = Weight(channels), bias = new(zeros(channels)))
        {
            Tensor runningMean = ones(channels), runningVariance = ones(channels) * 2;
            Tensor y = nn.functional.batch_norm(input, runningMean, runningVariance, weight, bias, training: true, 0.1, 1e-5);
            (y * towards).sum().backward();
            whole = TensorMemory.ToArray(y);
            (gradX, gradWeight, gradBias) = (TensorMemory.ToArray(input.grad!), TensorMemory.ToArray(weight.grad!), TensorMemory.ToArray(bias.grad!));
            (mean, variance) = (TensorMemory.ToArray(runningMean), TensorMemory.ToArray(runningVariance));
        }

        int[] firsts = [.. rows.Select((_, r) => rows.Take(r).Sum())];
        float[][][] parts = ThreadTeam.Run(rows.Length, ranks =>
        {
            using var inner = NewDisposeScope();
            var norm = new SynchronizedNorm(1, ranks);
            using Parameter input = new(x.narrow(0, firsts[ranks.Rank], rows[ranks.Rank]).clone()), weight = Weight(channels), bias = new(zeros(channels));
            Tensor runningMean = ones(channels), runningVariance = ones(channels) * 2;
            Tensor y = norm.Apply(input, weight, bias, runningMean, runningVariance, 0.1, 1e-5);
            (y * towards.narrow(0, firsts[ranks.Rank], rows[ranks.Rank])).sum().backward();
            return (float[][])[.. new[] { y, input.grad!, weight.grad!, bias.grad!, runningMean, runningVariance }.Select(TensorMemory.ToArray)];
        });

        Assert.That(parts.SelectMany(p => p[0]), Is.EqualTo(whole).Within(2e-5));
        Assert.That(parts.SelectMany(p => p[1]), Is.EqualTo(gradX).Within(2e-5));
        Assert.That(Sum(parts, 2), Is.EqualTo(gradWeight).Within(2e-4));
        Assert.That(Sum(parts, 3), Is.EqualTo(gradBias).Within(2e-4));
        foreach (float[][] part in parts)
        {
            Assert.That(part[4], Is.EqualTo(mean).Within(1e-5));
            Assert.That(part[5], Is.EqualTo(variance).Within(1e-5));
        }
    }

    [Test]
    public void One_value_of_a_channel_is_too_few()
    {
        using var scope = NewDisposeScope();
        var norm = new SynchronizedNorm(1, SingleProcess.Alone);
        Assert.That(() => norm.Apply(ones(1, 3), ones(3), zeros(3), zeros(3), ones(3), 0.1, 1e-5), Throws.InvalidOperationException.With.Message.Contains("2 or more"));
    }

    [Test]
    public void Gathered_rows_have_the_gradients_of_the_whole([Values(1, 3)] int size)
    {
        using var scope = NewDisposeScope();
        Tensor rows = randn([6, 4], generator: new Generator(3)).to_type(ScalarType.Float32);
        static Tensor Compare(Tensor all) => nn.functional.linear(all, all).tanh().square().sum();
        using Parameter whole = new(rows.clone());
        Compare(whole).backward();
        int[] counts = size == 1 ? [6] : [2, 0, 4];
        float[][] parts = ThreadTeam.Run(size, ranks =>
        {
            using var inner = NewDisposeScope();
            using var background = new BackgroundCommunicator(ranks);
            var share = new BatchShare(background);
            using Parameter own = new(rows.narrow(0, counts.Take(ranks.Rank).Sum(), counts[ranks.Rank]).clone());
            Compare(share.Gather(own)).backward();
            return TensorMemory.ToArray(own.grad!);
        });
        Assert.That(parts.SelectMany(p => p), Is.EqualTo(TensorMemory.ToArray(whole.grad!)).Within(1e-5));
    }

    static Parameter Weight(int channels) => new(arange(1, channels + 1, dtype: ScalarType.Float32) / 2);

    static float[] Sum(float[][][] parts, int which) => [.. Enumerable.Range(0, parts[0][which].Length).Select(c => parts.Sum(p => p[which][c]))];
}
