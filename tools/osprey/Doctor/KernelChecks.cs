using Osprey.Kernels;
using Osprey.Kernels.Normalization;
using Osprey.Kernels.Perturbation;
using Osprey.Kernels.Pooling;
using Osprey.Kernels.Search;

namespace Osprey.Tool.Doctor;

/// <summary>A parity check for every kernel, on sizes that no vector width divides; small enough for the simulator.</summary>
static class KernelChecks
{
    const double Tolerance = 2e-5;

    /// <summary>A cube root of large powers: two roundings more than a sum.</summary>
    const double PowerTolerance = 1e-4;

    public static IEnumerable<Check> Run(Device device, long seed)
    {
        foreach (PoolingKind kind in Enum.GetValues<PoolingKind>())
            yield return new Check($"pooling, {kind.ToString().ToLowerInvariant()}, both ways", kind is PoolingKind.Rmac or PoolingKind.Crow ? PoolingOfImages(device, kind, seed) : Pooling(device, kind, seed), kind == PoolingKind.Gem ? PowerTolerance : Tolerance);
        yield return new Check("row normalisation, both ways", Normalization(device, seed), Tolerance);
        yield return new Check("whitening", Whiten(device, seed), Tolerance);
        foreach (PerturbationNorm norm in Enum.GetValues<PerturbationNorm>())
            yield return new Check($"perturbation, {norm.ToString().ToLowerInvariant()}, start and step", Perturbation(device, norm, seed), Tolerance);
        foreach (Similarity similarity in Enum.GetValues<Similarity>())
            yield return new Check($"exact search, {(similarity == Similarity.L2 ? "l2" : "inner product")}", Search(device, similarity, seed), Tolerance);
    }

    static double Pooling(Device device, PoolingKind kind, long seed)
    {
        var error = new ErrorMeter();
        var random = new Random((int)seed);
        var shape = new MapShape(2, 5, 7, 3);
        const int plane = 21, rows = 10;
        foreach (float power in kind == PoolingKind.Gem ? new[] { 3f, 2.7f } : [3f])
        {
            float[] map = Draw(random, rows * plane, -0.5, 2), gradient = Draw(random, rows, -1, 1), pooled = new float[rows], gradMap = new float[rows * plane];
            using var kernel = new PoolingKernel(device, kind);
            kernel.Forward(map, shape, power, pooled);
            float gradPower = kernel.Backward(map, shape, power, pooled, gradient, gradMap);
            double expectedGradPower = 0;
            for (int r = 0; r < rows; r++)
            {
                double[] x = [.. map.Skip(r * plane).Take(plane).Select(v => (double)v)];
                (double y, double[] slope, double powerSlope) = Reference.Pool(kind, x, power);
                error.Add(pooled[r], y);
                for (int i = 0; i < plane; i++) error.Add(gradMap[r * plane + i], slope[i] * gradient[r]);
                expectedGradPower += powerSlope * gradient[r];
            }
            error.Add(gradPower, expectedGradPower);
        }
        return error.Max;
    }

    static double PoolingOfImages(Device device, PoolingKind kind, long seed)
    {
        var error = new ErrorMeter();
        var random = new Random((int)seed);
        const int channels = 5, side = 6, plane = side * side;
        float[] map = Draw(random, channels * plane, 0.01, 2), gradient = Draw(random, channels, -1, 1), pooled = new float[channels], gradMap = new float[map.Length];
        for (int i = 0; i < plane; i += 3) map[i] = 0;
        using var kernel = new PoolingKernel(device, kind);
        var shape = new MapShape(1, channels, side, side);
        kernel.Forward(map, shape, 1, pooled);
        kernel.Backward(map, shape, 1, pooled, gradient, gradMap);
        double[][] x = [.. map.Select(v => (double)v).Chunk(plane)];
        double[] expected = Reference.PoolImage(kind, x, side);
        double[][] slope = Reference.PoolImageSlope(kind, x, side, gradient);
        for (int c = 0; c < channels; c++)
        {
            error.Add(pooled[c], expected[c]);
            // Where an activation is 0, a step away from it changes CroW's count of non-zeros: the formula has no slope there.
            for (int i = 0; i < plane; i++)
                if (x[c][i] != 0) error.Add(gradMap[(c * plane) + i], slope[c][i]);
        }
        return error.Max;
    }

    static double Whiten(Device device, long seed)
    {
        var error = new ErrorMeter();
        var random = new Random((int)seed + 4);
        const int count = 5, dimension = 67, outputs = 6;
        float[] rows = Draw(random, count * dimension, -1, 1), weights = Draw(random, outputs * dimension, -1, 1), bias = Draw(random, outputs, -1, 1), whitened = new float[count * outputs];
        using var kernel = new Whitening(device);
        kernel.Apply(rows, count, dimension, weights, bias, outputs, whitened, unitRows: false);
        for (int r = 0; r < count; r++)
            for (int o = 0; o < outputs; o++)
                error.Add(whitened[(r * outputs) + o], bias[o] + Enumerable.Range(0, dimension).Sum(i => (double)rows[(r * dimension) + i] * weights[(o * dimension) + i]));
        return error.Max;
    }

    static double Normalization(Device device, long seed)
    {
        var error = new ErrorMeter();
        var random = new Random((int)seed + 1);
        const int count = 5, dimension = 67;
        float[] rows = Draw(random, count * dimension, -1, 1), gradient = Draw(random, count * dimension, -1, 1);
        float[] unit = new float[rows.Length], norms = new float[count], gradRows = new float[rows.Length];
        using var kernel = new RowNormalization(device);
        kernel.Forward(rows, count, dimension, unit, norms);
        kernel.Backward(unit, norms, gradient, count, dimension, gradRows);
        for (int r = 0; r < count; r++)
        {
            (double[] y, double[] slope) = Reference.Normalize(rows.AsSpan(r * dimension, dimension), gradient.AsSpan(r * dimension, dimension));
            error.Add(unit.AsSpan(r * dimension, dimension), y);
            error.Add(gradRows.AsSpan(r * dimension, dimension), slope);
        }
        return error.Max;
    }

    static double Perturbation(Device device, PerturbationNorm norm, long seed)
    {
        var error = new ErrorMeter();
        var random = new Random((int)seed + 2);
        const int images = 3, values = 131;
        float step = norm == PerturbationNorm.LInf ? 0.02f : 0.3f, epsilon = norm == PerturbationNorm.LInf ? 0.03f : 0.5f;
        float[] clean = Draw(random, images * values, 0, 1), gradient = Draw(random, images * values, -1, 1), perturbed = new float[clean.Length];
        using var kernel = new PerturbationKernel(device, norm);
        kernel.Start(clean, images, values, epsilon, (ulong)seed + 7, perturbed);
        bool moved = false;
        for (int n = 0; n < images; n++)
        {
            ReadOnlySpan<float> before = clean.AsSpan(n * values, values), started = perturbed.AsSpan(n * values, values);
            error.Add(Reference.Outside(before, started, norm, epsilon), 0);
            moved |= !before.SequenceEqual(started);
        }
        if (!moved) return double.NaN;
        float[] from = [.. perturbed];
        kernel.Step(clean, gradient, images, values, step, epsilon, perturbed);
        for (int n = 0; n < images; n++)
        {
            double[] expected = Reference.Step(clean.AsSpan(n * values, values), from.AsSpan(n * values, values), gradient.AsSpan(n * values, values), norm, step, epsilon);
            error.Add(perturbed.AsSpan(n * values, values), expected);
        }
        return error.Max;
    }

    static double Search(Device device, Similarity similarity, long seed)
    {
        var error = new ErrorMeter();
        var random = new Random((int)seed + 3);
        const int count = 203, dimension = 37, queries = 5, k = 7;
        float[] rows = Draw(random, count * dimension, -1, 1), asked = Draw(random, queries * dimension, -1, 1);
        var results = new TopK(queries, k, similarity);
        using var kernel = new SearchKernel(device, similarity);
        kernel.Scan(rows, count, dimension, 0, asked, [], results);
        for (int q = 0; q < queries; q++)
        {
            double[] scores = [.. Enumerable.Range(0, count).Select(i => Reference.Score(asked.AsSpan(q * dimension, dimension), rows.AsSpan(i * dimension, dimension), similarity))];
            double[] best = [.. similarity == Similarity.L2 ? scores.Order().Take(k) : scores.OrderDescending().Take(k)];
            ReadOnlySpan<long> ids = results.Ids(q);
            ReadOnlySpan<float> found = results.Scores(q);
            for (int r = 0; r < k; r++)
            {
                error.Add(found[r], best[r]);
                // The id must own that score too.
                error.Add(ids[r] >= 0 && ids[r] < count ? scores[ids[r]] : double.NaN, best[r]);
            }
        }
        return error.Max;
    }

    static float[] Draw(Random random, int count, double low, double high) => [.. Enumerable.Range(0, count).Select(_ => (float)(low + (high - low) * random.NextDouble()))];
}
