using NUnit.Framework;
using Osprey.Kernels;
using Osprey.Kernels.Normalization;

namespace Osprey.Tests.Kernels.Normalization;

[TestFixture]
public class RowNormalizationTests
{
    const double Tolerance = 8.0 / (1 << 23);

    static readonly int[] dimensions = [1, 2, 3, 7, 15, 16, 17, 31, 33, 49, 63, 64, 65, 127, 512, 2053];

    [Test]
    public void A_case_by_hand()
    {
        using Device host = Device.Open("host");
        using var normalization = new RowNormalization(host);
        float[] unit = new float[4], norms = new float[2], gradient = new float[4];
        normalization.Forward([3, 4, 0, 0], 2, 2, unit, norms);
        Assert.That(unit, Is.EqualTo(new[] { 0.6f, 0.8f, 0, 0 }).Within(3e-7f));
        Assert.That(norms, Is.EqualTo(new float[] { 5, 0 }));
        normalization.Backward(unit, norms, [1, 0, 1, 2], 2, 2, gradient);
        // (1 − 0.6·0.6)/5 and −0.6·0.8/5; a zero row has slope 1/ε.
        Assert.That(gradient[0], Is.EqualTo(0.128f).Within(1e-6f));
        Assert.That(gradient[1], Is.EqualTo(-0.096f).Within(1e-6f));
        Assert.That(gradient[2], Is.EqualTo(1e6f).Within(1f));
        Assert.That(gradient[3], Is.EqualTo(2e6f).Within(1f));
    }

    [Test]
    public void Host_follows_the_definition_on_hard_shapes()
    {
        using Device host = Device.Open("host", 2);
        using var normalization = new RowNormalization(host);
        foreach (int count in (int[])[0, 1, 3, 17])
            foreach (int dimension in dimensions)
                Check(normalization, count, dimension);
    }

    [Test]
    public void Cuda_follows_the_definition([ValueSource(typeof(TestDevices), nameof(TestDevices.Names))] string name)
    {
        using Device device = TestDevices.Open(name);
        using var normalization = new RowNormalization(device);
        foreach ((int count, int dimension) in ((int, int)[])[(0, 4), (1, 1), (3, 7), (4, 32), (5, 33), (3, 129)]) Check(normalization, count, dimension);
    }

    static void Check(RowNormalization normalization, int count, int dimension)
    {
        string what = $"{count} x {dimension}:";
        float[] rows = Close.Random(count + dimension, count * dimension, -3, 3), g = Close.Random(1, count * dimension, -1, 1);
        // One row of zeros, and one so short that ε counts.
        if (count > 1) rows.AsSpan(dimension, dimension).Clear();
        if (count > 2) rows.AsSpan(2 * dimension, dimension).Fill(1e-7f);
        float[] unit = new float[rows.Length], norms = new float[count], gradient = new float[rows.Length];
        Array.Fill(unit, float.NaN);
        Array.Fill(gradient, float.NaN);
        normalization.Forward(rows, count, dimension, unit, norms);
        normalization.Backward(unit, norms, g, count, dimension, gradient);

        double[] wantUnit = new double[rows.Length], wantNorms = new double[count], wantGradient = new double[rows.Length], size = new double[rows.Length];
        for (int row = 0; row < count; row++)
        {
            int at = row * dimension;
            double norm = 0, dot = 0;
            for (int i = at; i < at + dimension; i++) norm += (double)rows[i] * rows[i];
            wantNorms[row] = norm = Math.Sqrt(norm);
            for (int i = at; i < at + dimension; i++)
            {
                wantUnit[i] = rows[i] / (norm + 1e-6);
                dot += wantUnit[i] * g[i];
            }
            for (int i = at; i < at + dimension; i++)
            {
                wantGradient[i] = (g[i] / (norm + 1e-6)) - (norm == 0 ? 0 : dot * wantUnit[i] / norm);
                size[i] = (1 + Math.Abs(dot)) / (norm + 1e-6);
            }
        }
        Close.Assert(unit, wantUnit, Tolerance, 0, what);
        Close.Assert(norms, wantNorms, Tolerance, 0, what);
        for (int i = 0; i < rows.Length; i++) Assert.That(gradient[i], Is.EqualTo(wantGradient[i]).Within(4 * Tolerance * size[i]), what);
    }

    [Test]
    public void Unit_rows_are_units_and_a_NaN_stays_in_its_row()
    {
        using Device host = Device.Open("host");
        using var normalization = new RowNormalization(host);
        float[] rows = Close.Random(1, 3 * 100, -1, 1), unit = new float[300], norms = new float[3];
        rows[150] = float.NaN;
        normalization.Forward(rows, 3, 100, unit, norms);
        Assert.That(unit[..100].Sum(v => (double)v * v), Is.EqualTo(1).Within(1e-5));
        Assert.That(unit[100..200], Is.All.NaN);
        Assert.That(unit[200..].Sum(v => (double)v * v), Is.EqualTo(1).Within(1e-5));
    }

    [Test]
    public void The_number_of_threads_changes_no_bit()
    {
        float[] rows = Close.Random(1, 300 * 517, -1, 1);
        float[][] results = [.. ((int[])[1, 2, 3]).Select(threads =>
        {
            using Device host = Device.Open("host", threads);
            using var normalization = new RowNormalization(host);
            float[] unit = new float[rows.Length], norms = new float[300], gradient = new float[rows.Length];
            normalization.Forward(rows, 300, 517, unit, norms);
            normalization.Backward(unit, norms, rows, 300, 517, gradient);
            return (float[])[.. unit, .. norms, .. gradient];
        })];
        Assert.That(results[1], Is.EqualTo(results[0]));
        Assert.That(results[2], Is.EqualTo(results[0]));
    }

    [Test]
    public void Misuse_is_named()
    {
        using Device host = Device.Open("host");
        using var normalization = new RowNormalization(host);
        Assert.That(() => normalization.Forward(new float[5], 2, 3, new float[6], new float[2]), Throws.ArgumentException.With.Message.Contains("rows has 5"));
        Assert.That(() => normalization.Forward(new float[6], 2, 3, new float[6], new float[1]), Throws.ArgumentException.With.Message.Contains("norms"));
        Assert.That(() => normalization.Forward([], 0, 0, [], []), Throws.ArgumentException);
    }
}
