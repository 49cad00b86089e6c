using Osprey.Kernels.Pooling;

namespace Osprey.Tests.Kernels.Pooling;

/// <summary>The definitions, in double, plane by plane.</summary>
static class PoolingReference
{
    public static double[] Forward(PoolingKind kind, ReadOnlySpan<float> map, MapShape shape, double p)
    {
        var pooled = new double[shape.Rows];
        for (int row = 0; row < shape.Rows; row++) pooled[row] = Pool(kind, [.. map.Slice(row * shape.Plane, shape.Plane).ToArray().Select(v => (double)v)], p);
        return pooled;
    }

    public static double Pool(PoolingKind kind, double[] x, double p) => kind switch
    {
        // Enumerable.Max passes over a NaN.
        PoolingKind.Mac => x.Any(double.IsNaN) ? double.NaN : x.Max(),
        PoolingKind.Spoc => x.Average(),
        _ => Gem(x, p),
    };

    static double Gem(double[] x, double p)
    {
        double[] clamped = [.. x.Select(v => v < 1e-6 ? 1e-6 : v)];
        double largest = clamped.Any(double.IsNaN) ? double.NaN : clamped.Max();
        if (!double.IsFinite(largest)) return largest;
        return largest * Math.Pow(clamped.Average(v => Math.Pow(v / largest, p)), 1 / p);
    }

    /// <summary>∂L/∂map and ∂L/∂p for L = Σ g·pooled, written out from the definition.</summary>
    public static (double[] Map, double Power) Backward(PoolingKind kind, ReadOnlySpan<float> map, MapShape shape, double p, ReadOnlySpan<float> g)
    {
        var gradMap = new double[shape.Length];
        double gradPower = 0;
        int n = shape.Plane;
        for (int row = 0; row < shape.Rows; row++)
        {
            double[] x = [.. map.Slice(row * n, n).ToArray().Select(v => (double)v)];
            double y = Pool(kind, x, p);
            if (kind == PoolingKind.Mac)
            {
                int first = double.IsNaN(y) ? Array.FindIndex(x, double.IsNaN) : Array.IndexOf(x, y);
                gradMap[(row * n) + first] = g[row];
                continue;
            }
            double terms = 0;
            for (int i = 0; i < n; i++)
            {
                double t = (x[i] < 1e-6 ? 1e-6 : x[i]) / y;
                gradMap[(row * n) + i] = kind == PoolingKind.Spoc ? g[row] / (double)n : x[i] < 1e-6 ? 0 : g[row] * Math.Pow(t, p - 1) / n;
                terms += Math.Pow(t, p) * Math.Log(t);
            }
            if (kind == PoolingKind.Gem) gradPower += g[row] * y / p * terms / n;
        }
        return (gradMap, gradPower);
    }
}
