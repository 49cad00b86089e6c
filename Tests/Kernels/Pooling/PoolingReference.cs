using Osprey.Kernels.Pooling;

namespace Osprey.Tests.Kernels.Pooling;

/// <summary>The definitions, in double, image by image. Maps are in the order N, C, h, w.</summary>
static class PoolingReference
{
    const double Epsilon = 1e-6;

    /// <param name="powers">One, or one per channel.</param>
    public static double[] Forward(PoolingKind kind, double[] map, MapShape shape, params double[] powers)
    {
        if (kind is PoolingKind.Rmac or PoolingKind.Crow) return [.. Images(map, shape).SelectMany(x => kind == PoolingKind.Rmac ? Rmac(x, shape) : Crow(x).Pooled)];
        return [.. Planes(map, shape).Select((x, row) => Pool(kind, x, Power(powers, shape, row)))];
    }

    static double Power(double[] powers, MapShape shape, int row) => powers[powers.Length > 1 ? row % shape.Channels : 0];

    static IEnumerable<double[]> Planes(double[] map, MapShape shape) => map.Chunk(shape.Plane);

    /// <summary>[N][C][h·w].</summary>
    static IEnumerable<double[][]> Images(double[] map, MapShape shape) => map.Chunk(shape.Plane).Chunk(shape.Channels);

    static double Pool(PoolingKind kind, double[] x, double p) => kind switch
    {
        PoolingKind.Mac => Largest(x),
        PoolingKind.Spoc => x.Average(),
        _ => Gem(x, p),
    };

    /// <summary>Enumerable.Max passes over a NaN.</summary>
    static double Largest(IEnumerable<double> x) => x.Any(double.IsNaN) ? double.NaN : x.Max();

    static double Gem(double[] x, double p)
    {
        double[] clamped = [.. x.Select(v => v < 1e-6 ? 1e-6 : v)];
        double largest = Largest(clamped);
        if (!double.IsFinite(largest)) return largest;
        return largest * Math.Pow(clamped.Average(v => Math.Pow(v / largest, p)), 1 / p);
    }

    /// <summary>Region by region, each with its positions by rows.</summary>
    public static List<int[]> Regions(int height, int width)
    {
        int w = Math.Min(height, width), longer = Math.Max(height, width), more = 0;
        if (w < longer) more = Enumerable.Range(1, 6).MinBy(d => Math.Abs((((double)w * w) - (w * (longer - w) / (double)d)) / ((double)w * w) - 0.4));
        var regions = new List<int[]> { Positions(0, 0, height, width) };
        for (int level = 1; level <= 3; level++)
        {
            int side = 2 * w / (level + 1), down = level + (height > width ? more : 0), across = level + (width > height ? more : 0);
            if (side == 0) continue;
            for (int i = 0; i < down; i++)
                for (int j = 0; j < across; j++)
                    regions.Add(Positions(down == 1 ? 0 : i * (height - side) / (down - 1), across == 1 ? 0 : j * (width - side) / (across - 1), side, side));
        }
        return regions;

        int[] Positions(int top, int left, int h, int wide) => [.. Enumerable.Range(0, h * wide).Select(k => ((top + (k / wide)) * width) + left + (k % wide))];
    }

    static double[] Rmac(double[][] x, MapShape shape)
    {
        var pooled = new double[x.Length];
        foreach (int[] region in Regions(shape.Height, shape.Width))
        {
            double[] maxima = [.. x.Select(plane => Largest(region.Select(i => plane[i])))];
            double norm = Math.Sqrt(maxima.Sum(m => m * m));
            for (int c = 0; c < x.Length; c++) pooled[c] += maxima[c] / (norm + Epsilon);
        }
        return pooled;
    }

    static double[][] RmacBack(double[][] x, MapShape shape, double[] g)
    {
        double[][] gradient = [.. x.Select(plane => new double[plane.Length])];
        foreach (int[] region in Regions(shape.Height, shape.Width))
        {
            double[] maxima = [.. x.Select(plane => Largest(region.Select(i => plane[i])))];
            double norm = Math.Sqrt(maxima.Sum(m => m * m)), dot = maxima.Zip(g, (m, v) => m * v).Sum();
            for (int c = 0; c < x.Length; c++)
            {
                double pull = norm == 0 ? 0 : maxima[c] * dot / (norm * (norm + Epsilon) * (norm + Epsilon));
                gradient[c][region.First(i => x[c][i].Equals(maxima[c]))] += (g[c] / (norm + Epsilon)) - pull;
            }
        }
        return gradient;
    }

    static (double[] Pooled, double[] Sums, double[] Spatial, double[] Channel) Crow(double[][] x)
    {
        int plane = x[0].Length;
        double[] sums = [.. Enumerable.Range(0, plane).Select(i => x.Sum(p => p[i]))];
        double norm = Math.Sqrt(sums.Sum(s => s * s));
        double[] spatial = [.. sums.Select(s => s <= 0 ? 0 : Math.Sqrt(s / norm))];
        double[] shares = [.. x.Select(p => p.Count(v => v != 0) / (double)plane)];
        double[] channel = [.. shares.Select(q => q > 0 ? Math.Log(shares.Sum() / q) : 0)];
        return ([.. x.Select((p, c) => channel[c] * p.Zip(spatial, (v, s) => v * s).Sum())], sums, spatial, channel);
    }

    static double[][] CrowBack(double[][] x, double[] g)
    {
        (_, double[] sums, double[] spatial, double[] channel) = Crow(x);
        double square = sums.Sum(s => s * s);
        double[] a = [.. sums.Select((_, i) => x.Select((p, c) => g[c] * channel[c] * p[i]).Sum())];
        double along = a.Zip(spatial, (v, s) => v * s).Sum();
        double[] slopes = [.. sums.Select((s, i) => (s <= 0 ? 0 : a[i] * spatial[i] / (2 * s)) - (square == 0 ? 0 : s * along / (2 * square)))];
        return [.. x.Select((p, c) => p.Select((_, i) => (g[c] * channel[c] * spatial[i]) + slopes[i]).ToArray())];
    }

    /// <summary>∂L/∂map and ∂L/∂p for L = Σ g·pooled, written out from the definition.</summary>
    public static (double[] Map, double[] Powers) Backward(PoolingKind kind, double[] map, MapShape shape, double[] powers, ReadOnlySpan<float> gradPooled)
    {
        double[] g = [.. gradPooled.ToArray().Select(v => (double)v)], gradPowers = new double[powers.Length];
        if (kind == PoolingKind.Rmac) return ([.. Images(map, shape).Zip(g.Chunk(shape.Channels), (x, v) => RmacBack(x, shape, v)).SelectMany(x => x).SelectMany(x => x)], gradPowers);
        if (kind == PoolingKind.Crow) return ([.. Images(map, shape).Zip(g.Chunk(shape.Channels), CrowBack).SelectMany(x => x).SelectMany(x => x)], gradPowers);
        var gradMap = new double[shape.Length];
        int n = shape.Plane, row = 0;
        foreach (double[] x in Planes(map, shape))
        {
            double p = Power(powers, shape, row), y = Pool(kind, x, p), terms = 0;
            for (int i = 0; i < n && kind != PoolingKind.Mac; i++)
            {
                double t = (x[i] < 1e-6 ? 1e-6 : x[i]) / y;
                gradMap[(row * n) + i] = kind == PoolingKind.Spoc ? g[row] / n : x[i] < 1e-6 ? 0 : g[row] * Math.Pow(t, p - 1) / n;
                terms += Math.Pow(t, p) * Math.Log(t);
            }
            if (kind == PoolingKind.Mac) gradMap[(row * n) + (double.IsNaN(y) ? Array.FindIndex(x, double.IsNaN) : Array.IndexOf(x, y))] = g[row];
            if (kind == PoolingKind.Gem) gradPowers[powers.Length > 1 ? row % shape.Channels : 0] += g[row] * y / p * terms / n;
            row++;
        }
        return (gradMap, gradPowers);
    }
}
