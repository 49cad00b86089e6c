using NUnit.Framework;
using static TorchSharp.torch;

namespace Osprey.Tests.Engine.Training;

/// <summary>Random descriptors for tests of losses, and what a gradient is held against.</summary>
static class UnitRows
{
    public static double[] Draw(int seed, int n, int d)
    {
        var random = new Random(seed);
        double[] rows = [.. Enumerable.Range(0, n * d).Select(_ => random.NextDouble() * 2 - 1)];
        for (int i = 0; i < n; i++) Normalise(rows.AsSpan(i * d, d));
        return rows;
    }

    public static void Normalise(Span<double> row)
    {
        double norm = 0;
        foreach (double v in row) norm += v * v;
        norm = Math.Sqrt(norm);
        for (int i = 0; i < row.Length; i++) row[i] /= norm;
    }

    public static void AssertGradient(Tensor gradient, double[] at, Func<double[], double> f)
    {
        float[] ours = [.. gradient.data<float>()];
        double magnitude = ours.Max(v => Math.Abs((double)v));
        for (int i = 0; i < at.Length; i++)
        {
            const double Step = 1e-6;
            double[] up = [.. at], down = [.. at];
            up[i] += Step;
            down[i] -= Step;
            Assert.That(ours[i], Is.EqualTo((f(up) - f(down)) / (2 * Step)).Within(1e-3 * magnitude + 1e-5), $"at {i}");
        }
    }
}
