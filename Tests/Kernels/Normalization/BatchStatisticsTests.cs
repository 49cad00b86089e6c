using NUnit.Framework;
using Osprey.Kernels.Normalization;

namespace Osprey.Tests.Kernels.Normalization;

[TestFixture]
public class BatchStatisticsTests
{
    [Test]
    public void A_case_by_hand()
    {
        var statistics = new BatchStatistics(1);
        double[] sums = new double[4];
        statistics.Sum([1, 2, 3, 4], 2, 2, sums);
        Assert.That(sums, Is.EqualTo(new double[] { 4, 6, 10, 20 }));
        statistics.SumGradient([1, 2, 3, 4], [1, 0, 5, 2], [2, 3], 2, 2, sums);
        Assert.That(sums, Is.EqualTo(new double[] { 6, 2, 4, 2 }));
        float[] output = new float[4];
        statistics.Combine([1, 2, 3, 4], [1, 0, 5, 2], [2, 3], [10, 20, 2, 3, 100, 200], 2, 2, output);
        Assert.That(output, Is.EqualTo(new float[] { 108, 197, 152, 243 }));
    }

    [Test]
    public void Any_shape_on_any_threads_follows_the_definition()
    {
        var random = new Random(4);
        foreach (int count in (int[])[0, 1, 2, 130, 9001])
        {
            foreach (int channels in (int[])[1, 7, 8, 9, 16, 17, 31, 64])
            {
                float[] Draw(int length) => [.. Enumerable.Range(0, length).Select(_ => (float)(random.NextDouble() * 4 - 1))];
                float[] x = Draw(count * channels), g = Draw(count * channels), mean = Draw(channels), factors = Draw(3 * channels);
                double[] sums = new double[2 * channels], gradientSums = new double[2 * channels], again = new double[2 * channels];
                float[] output = new float[x.Length];
                var one = new BatchStatistics(1);
                one.Sum(x, count, channels, sums);
                one.SumGradient(x, g, mean, count, channels, gradientSums);
                one.Combine(x, g, mean, factors, count, channels, output);
                double[] expected = new double[2 * channels], expectedGradient = new double[2 * channels];
                for (int i = 0; i < x.Length; i++)
                {
                    int c = i % channels;
                    double value = x[i], gradient = g[i];
                    expected[c] += value;
                    expected[channels + c] += value * value;
                    expectedGradient[c] += gradient;
                    expectedGradient[channels + c] += gradient * (value - mean[c]);
                    Assert.That(output[i], Is.EqualTo(factors[c] * gradient + factors[channels + c] * (value - mean[c]) + factors[(2 * channels) + c]).Within(1e-5));
                }
                Assert.That(sums, Is.EqualTo(expected).Within(1e-9 * Math.Max(1, count)));
                Assert.That(gradientSums, Is.EqualTo(expectedGradient).Within(1e-9 * Math.Max(1, count)));
                new BatchStatistics(3).Sum(x, count, channels, again);
                Assert.That(again, Is.EqualTo(sums), "the same bits on several threads");
            }
        }
    }

    [Test]
    public void Wrong_sizes_are_told()
    {
        var statistics = new BatchStatistics(1);
        Assert.That(() => statistics.Sum(new float[6], 2, 2, new double[4]), Throws.ArgumentException.With.Message.Contains("6 values"));
        Assert.That(() => statistics.Sum(new float[4], 2, 2, new double[3]), Throws.ArgumentException);
        Assert.That(() => statistics.SumGradient(new float[4], new float[3], new float[2], 2, 2, new double[4]), Throws.ArgumentException);
        Assert.That(() => statistics.Combine(new float[4], new float[4], new float[2], new float[5], 2, 2, new float[4]), Throws.ArgumentException);
        Assert.That(() => new BatchStatistics(0), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }
}
