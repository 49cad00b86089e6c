using NUnit.Framework;
using Osprey.Kernels;
using Osprey.Kernels.Normalization;

namespace Osprey.Tests.Kernels.Normalization;

[TestFixture]
public class WhiteningTests
{
    [Test]
    public void A_case_by_hand()
    {
        using Device host = Device.Open("host");
        using var whitening = new Whitening(host);
        float[] whitened = new float[4];
        // [1 2]·[[1 1] [0 1]]ᵀ + [0 2] = [3 4]; the zero row gives the bias.
        whitening.Apply([1, 2, 0, 0], 2, 2, [1, 1, 0, 1], [0, 2], 2, whitened, unitRows: false);
        Assert.That(whitened, Is.EqualTo(new float[] { 3, 4, 0, 2 }));
        whitening.Apply([1, 2, 0, 0], 2, 2, [1, 1, 0, 1], [0, 2], 2, whitened, unitRows: true);
        Assert.That(whitened, Is.EqualTo(new[] { 0.6f, 0.8f, 0, 1 }).Within(1e-6f));
    }

    [TestCaseSource(typeof(TestDevices), nameof(TestDevices.All))]
    public void It_follows_the_definition(string device)
    {
        using Device opened = TestDevices.Open(device, 2);
        using var whitening = new Whitening(opened);
        int[] counts = device == "host" ? [0, 1, 3, 4, 5, 32, 33, 67] : [0, 1, 3], sizes = device == "host" ? [1, 3, 4, 15, 16, 17, 31, 257, 521] : [1, 33], widths = device == "host" ? [1, 2, 4, 5, 37] : [1, 3];
        foreach (int count in counts)
            foreach (int dimension in sizes)
                foreach (int outputs in widths)
                    foreach (bool unitRows in (bool[])[false, true])
                        Check(whitening, count, dimension, outputs, unitRows);
    }

    static void Check(Whitening whitening, int count, int dimension, int outputs, bool unitRows)
    {
        float[] rows = Close.Random(1, count * dimension, -1, 1), weights = Close.Random(2, outputs * dimension, -1, 1), bias = unitRows ? [] : Close.Random(3, outputs, -1, 1);
        var whitened = new float[count * outputs];
        Array.Fill(whitened, float.NaN);
        whitening.Apply(rows, count, dimension, weights, bias, outputs, whitened, unitRows);
        for (int row = 0; row < count; row++)
        {
            double[] want = new double[outputs], size = new double[outputs];
            for (int o = 0; o < outputs; o++)
            {
                want[o] = bias.Length > 0 ? bias[o] : 0;
                for (int i = 0; i < dimension; i++)
                {
                    double product = (double)rows[(row * dimension) + i] * weights[(o * dimension) + i];
                    want[o] += product;
                    size[o] += Math.Abs(product);
                }
            }
            double norm = unitRows ? Math.Sqrt(want.Sum(v => v * v)) + 1e-6 : 1;
            for (int o = 0; o < outputs; o++)
                Assert.That(whitened[(row * outputs) + o], Is.EqualTo(want[o] / norm).Within(4e-7 * (1 + size.Max()) / norm), $"{count} x {dimension} -> {outputs}, unit rows {unitRows}, row {row}, output {o}");
        }
    }

    [Test]
    public void The_number_of_threads_changes_no_bit_and_nothing_is_allocated_once_warm()
    {
        float[] rows = Close.Random(1, 131 * 300, -1, 1), weights = Close.Random(2, 70 * 300, -1, 1), bias = Close.Random(3, 70, -1, 1);
        float[][] results = [.. ((int[])[1, 2, 3]).Select(threads =>
        {
            using Device host = Device.Open("host", threads);
            using var whitening = new Whitening(host);
            var whitened = new float[131 * 70];
            Allocations.AssertNoneOnceWarm(() => whitening.Apply(rows, 131, 300, weights, bias, 70, whitened, unitRows: true));
            return whitened;
        })];
        foreach (float[] other in results[1..]) Assert.That(other, Is.EqualTo(results[0]));
    }

    [Test]
    public void A_NaN_stays_in_its_row()
    {
        using Device host = Device.Open("host");
        using var whitening = new Whitening(host);
        float[] rows = Close.Random(1, 6 * 20, -1, 1), whitened = new float[6 * 5];
        rows[(2 * 20) + 3] = float.NaN;
        whitening.Apply(rows, 6, 20, Close.Random(2, 5 * 20, -1, 1), [], 5, whitened, unitRows: true);
        Assert.That(whitened[10..15], Is.All.NaN);
        Assert.That(whitened[..10].Concat(whitened[15..]), Is.All.Not.NaN);
    }

    [Test]
    public void Misuse_is_named()
    {
        using Device host = Device.Open("host");
        using var whitening = new Whitening(host);
        Assert.That(() => whitening.Apply(new float[5], 2, 3, new float[6], [], 2, new float[4], false), Throws.ArgumentException.With.Message.Contains("rows has 5"));
        Assert.That(() => whitening.Apply(new float[6], 2, 3, new float[5], [], 2, new float[4], false), Throws.ArgumentException.With.Message.Contains("weights"));
        Assert.That(() => whitening.Apply(new float[6], 2, 3, new float[6], [1], 2, new float[4], false), Throws.ArgumentException.With.Message.Contains("bias"));
        Assert.That(() => whitening.Apply([], 0, 0, [], [], 2, [], false), Throws.ArgumentException);
    }
}
