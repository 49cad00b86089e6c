using Osprey.Kernels.Perturbation;
using Osprey.Kernels.Pooling;
using Osprey.Kernels.Search;

namespace Osprey.Tool.Doctor;

/// <summary>The kernels' definitions, written out in 64-bit arithmetic.</summary>
static class Reference
{
    /// <returns>The pooled value, its slope in every activation, and its slope in the power.</returns>
    public static (double Value, double[] Slope, double PowerSlope) Pool(PoolingKind kind, double[] x, double power)
    {
        int n = x.Length;
        switch (kind)
        {
            case PoolingKind.Spoc:
                return (x.Average(), [.. x.Select(_ => 1.0 / n)], 0);
            case PoolingKind.Mac:
                int largest = Array.IndexOf(x, x.Max());
                return (x[largest], [.. x.Select((_, i) => i == largest ? 1.0 : 0.0)], 0);
            default:
                double[] floored = [.. x.Select(v => Math.Max(v, PoolingKernel.Floor))];
                double mean = floored.Average(v => Math.Pow(v, power)), y = Math.Pow(mean, 1 / power);
                double powerSlope = y / power * floored.Average(v => Math.Pow(v / y, power) * Math.Log(v / y));
                return (y, [.. x.Select(v => v < PoolingKernel.Floor ? 0 : Math.Pow(v / y, power - 1) / n)], powerSlope);
        }
    }

    /// <summary>R-MAC and CroW, which mix the channels.</summary>
    /// <param name="x">[channels][side·side], not negative.</param>
    public static double[] PoolImage(PoolingKind kind, double[][] x, int side) => kind == PoolingKind.Rmac ? Rmac(x, side) : Crow(x);

    /// <returns>What <paramref name="gradient"/> in the pooled values gives in each activation: a central difference.</returns>
    public static double[][] PoolImageSlope(PoolingKind kind, double[][] x, int side, ReadOnlySpan<float> gradient)
    {
        const double step = 1e-6;
        double[][] slope = [.. x.Select(plane => new double[plane.Length])];
        for (int c = 0; c < x.Length; c++)
        {
            for (int i = 0; i < x[c].Length; i++)
            {
                double at = x[c][i];
                x[c][i] = at + step;
                double[] above = PoolImage(kind, x, side);
                x[c][i] = at - step;
                double[] below = PoolImage(kind, x, side);
                x[c][i] = at;
                for (int j = 0; j < x.Length; j++) slope[c][i] += gradient[j] * (above[j] - below[j]) / (2 * step);
            }
        }
        return slope;
    }

    static double[] Rmac(double[][] x, int side)
    {
        var pooled = new double[x.Length];
        Add(0, 0, side);
        for (int level = 1; level <= 3; level++)
        {
            int width = 2 * side / (level + 1), free = side - width, steps = Math.Max(1, level - 1);
            for (int i = 0; i < level; i++)
                for (int j = 0; j < level; j++) Add(i * free / steps, j * free / steps, width);
        }
        return pooled;

        void Add(int top, int left, int width)
        {
            double[] largest = [.. x.Select(plane => Enumerable.Range(0, width * width).Max(k => plane[((top + k / width) * side) + left + k % width]))];
            double norm = Math.Sqrt(largest.Sum(v => v * v)) + 1e-6;
            for (int c = 0; c < pooled.Length; c++) pooled[c] += largest[c] / norm;
        }
    }

    static double[] Crow(double[][] x)
    {
        double[] sums = [.. Enumerable.Range(0, x[0].Length).Select(i => x.Sum(plane => plane[i]))];
        double norm = Math.Sqrt(sums.Sum(s => s * s));
        double[] shares = [.. x.Select(plane => plane.Count(v => v != 0) / (double)plane.Length)];
        return [.. x.Select((plane, c) => Math.Log(shares.Sum() / shares[c]) * plane.Select((v, i) => v * Math.Sqrt(sums[i] / norm)).Sum())];
    }

    /// <returns>x/(‖x‖ + ε), and the gradient in x that <paramref name="gradient"/> in it gives.</returns>
    public static (double[] Unit, double[] Slope) Normalize(ReadOnlySpan<float> x, ReadOnlySpan<float> gradient)
    {
        const double epsilon = 1e-6;
        double squares = 0, dot = 0;
        for (int i = 0; i < x.Length; i++)
        {
            squares += (double)x[i] * x[i];
            dot += (double)x[i] * gradient[i];
        }
        double norm = Math.Sqrt(squares), whole = norm + epsilon;
        double[] unit = new double[x.Length], slope = new double[x.Length];
        for (int i = 0; i < x.Length; i++)
        {
            unit[i] = x[i] / whole;
            slope[i] = gradient[i] / whole - x[i] * dot / (norm * whole * whole);
        }
        return (unit, slope);
    }

    /// <summary>One ascent step, back into the ball and into [0,1].</summary>
    public static double[] Step(ReadOnlySpan<float> clean, ReadOnlySpan<float> x, ReadOnlySpan<float> gradient, PerturbationNorm norm, float step, float epsilon)
    {
        double[] moved = new double[x.Length];
        double gradientNorm = 0, distance = 0;
        foreach (float g in gradient) gradientNorm += (double)g * g;
        gradientNorm = Math.Sqrt(gradientNorm) + 1e-10;
        for (int i = 0; i < x.Length; i++)
        {
            moved[i] = x[i] - clean[i] + step * (norm == PerturbationNorm.LInf ? Math.Sign(gradient[i]) : gradient[i] / gradientNorm);
            distance += moved[i] * moved[i];
        }
        double shrink = Math.Min(1, epsilon / Math.Max(Math.Sqrt(distance), 1e-30));
        for (int i = 0; i < x.Length; i++)
        {
            double change = norm == PerturbationNorm.LInf ? Math.Clamp(moved[i], -epsilon, epsilon) : moved[i] * shrink;
            moved[i] = Math.Clamp(clean[i] + change, 0, 1);
        }
        return moved;
    }

    /// <summary>How far a perturbed image lies outside the ball or the pixel range; 0 inside.</summary>
    public static double Outside(ReadOnlySpan<float> clean, ReadOnlySpan<float> perturbed, PerturbationNorm norm, float epsilon)
    {
        double largest = 0, squares = 0, range = 0;
        for (int i = 0; i < clean.Length; i++)
        {
            double change = (double)perturbed[i] - clean[i];
            largest = Math.Max(largest, Math.Abs(change));
            squares += change * change;
            range = Math.Max(range, Math.Max(-perturbed[i], perturbed[i] - 1.0));
        }
        return Math.Max(range, Math.Max(0, (norm == PerturbationNorm.LInf ? largest : Math.Sqrt(squares)) - epsilon));
    }

    public static double Score(ReadOnlySpan<float> a, ReadOnlySpan<float> b, Similarity similarity)
    {
        double score = 0;
        for (int i = 0; i < a.Length; i++) score += similarity == Similarity.L2 ? ((double)a[i] - b[i]) * ((double)a[i] - b[i]) : (double)a[i] * b[i];
        return score;
    }
}
