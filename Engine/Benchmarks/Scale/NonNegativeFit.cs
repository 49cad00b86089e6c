namespace Osprey.Engine.Benchmarks.Scale;

/// <summary>Linear least squares of relative errors with coefficients of 0 or more: a cost cannot be negative, and a run of a minute must not drown one of a millisecond.</summary>
public static class NonNegativeFit
{
    /// <summary>Every subset of the terms is tried: of few terms that is exact, and short.</summary>
    const int MostTerms = 8;

    /// <summary>Coefficients c ≥ 0 for the least Σᵢ ((Σⱼ cⱼ·termsᵢⱼ − valuesᵢ) / valuesᵢ)².</summary>
    /// <param name="terms">A row of terms for each value; up to 8 terms.</param>
    /// <param name="values">Above 0.</param>
    /// <exception cref="ArgumentException">Sizes differ, there is nothing to fit, or a value is not above 0.</exception>
    public static double[] Solve(IReadOnlyList<double[]> terms, IReadOnlyList<double> values)
    {
        if (terms.Count != values.Count || values.Count == 0) throw new ArgumentException($"{terms.Count} rows of terms for {values.Count} values; give as many, and one at least");
        int count = terms[0].Length;
        if (count is < 1 or > MostTerms || terms.Any(t => t.Length != count)) throw new ArgumentException($"there are {count} terms; give 1 to {MostTerms}, the same number for each value");
        if (values.FirstOrDefault(v => !(v > 0), 1) is var wrong and not 1) throw new ArgumentException($"a measured value is {wrong}; give values above 0");
        double[][] relative = [.. terms.Select((row, i) => row.Select(t => t / values[i]).ToArray())];
        double[] best = new double[count];
        double least = double.PositiveInfinity;
        for (int subset = 1; subset < 1 << count; subset++)
        {
            int[] chosen = [.. Enumerable.Range(0, count).Where(j => (subset >> j & 1) != 0)];
            if (Subset(relative, chosen) is not { } found || found.Any(c => c < 0)) continue;
            double[] all = new double[count];
            for (int j = 0; j < chosen.Length; j++) all[chosen[j]] = found[j];
            double error = relative.Sum(row => Square(row.Select((t, j) => t * all[j]).Sum() - 1));
            if (error < least * (1 - 1e-12)) (best, least) = (all, error);
        }
        return best;
    }

    static double Square(double x) => x * x;

    /// <summary>The normal equations by Gauss and Jordan, terms scaled to length 1; null where they are singular.</summary>
    static double[]? Subset(double[][] rows, int[] chosen)
    {
        int n = chosen.Length;
        double[] length = [.. chosen.Select(j => Math.Sqrt(rows.Sum(r => Square(r[j]))))];
        if (length.Any(l => l == 0) || n > rows.Length) return null;
        double[,] a = new double[n, n + 1];
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j < n; j++) a[i, j] = rows.Sum(r => r[chosen[i]] * r[chosen[j]]) / length[i] / length[j];
            a[i, n] = rows.Sum(r => r[chosen[i]]) / length[i];
        }
        for (int i = 0; i < n; i++)
        {
            int pivot = Enumerable.Range(i, n - i).MaxBy(r => Math.Abs(a[r, i]));
            if (Math.Abs(a[pivot, i]) < 1e-10) return null;
            for (int j = 0; j <= n; j++) (a[i, j], a[pivot, j]) = (a[pivot, j], a[i, j]);
            for (int r = 0; r < n; r++)
            {
                double factor = r == i ? 0 : a[r, i] / a[i, i];
                for (int j = i; j <= n && factor != 0; j++) a[r, j] -= factor * a[i, j];
            }
        }
        return [.. Enumerable.Range(0, n).Select(i => a[i, n] / a[i, i] / length[i])];
    }
}
