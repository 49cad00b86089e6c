using System.Numerics;
using System.Runtime.InteropServices;

namespace Osprey.Engine.Evaluation;

/// <summary>Few-shot classification by a Mahalanobis distance of its own for each class: Simple CNAPS, Bateni et al. 2020, on frozen descriptors.</summary>
/// <remarks>
/// An image takes the class k of smallest (x − μ_k)ᵀ Q_k (x − μ_k), Q_k = (λ_k Σ_k + (1 − λ_k) Σ + I)⁻¹, λ_k = n_k/(n_k + 1), where μ_k and Σ_k are mean and
/// covariance (divisor n_k − 1; 0 for a single image, as in the paper) of the class's n_k support descriptors, and Σ is the covariance of all support
/// descriptors about their common mean (divisor n − 1). The descriptors are unit rows, as everywhere here: their covariances are small beside I, so the
/// answers stay close to those of the nearest mean. All arithmetic is in fp64.
/// <para>
/// No D×D matrix is formed. Support rows span at most n dimensions; outside of that span Q_k is I and every mean 0, so the distance there is the same for all
/// classes and is left out. Within it the part that classes with equally many images share is whitened once, A = (1 − λ) Σ + I = L·Lᵀ, and a class adds
/// its n_k own directions to A by the Woodbury identity.
/// </para>
/// </remarks>
public sealed class SimpleCnaps
{
    /// <summary>A support row whose part outside of the span of those before it is shorter is taken to lie in it; rows have length 1.</summary>
    const double Dependent = 1e-9;

    readonly int dimension;
    readonly Shared[] shared;
    readonly Member[] members;

    SimpleCnaps(int dimension, Shared[] shared, Member[] members)
    {
        this.dimension = dimension;
        this.shared = shared;
        this.members = members;
    }

    /// <summary>What classes with the same number of support images have in common.</summary>
    /// <param name="Whitening">[m, D]: L⁻¹·B, B an orthonormal basis of the support's span.</param>
    sealed record Shared(double[] Whitening);

    /// <param name="Class">Its number.</param>
    /// <param name="Shared">Position of what it shares.</param>
    /// <param name="Mean">[m]: its mean, whitened.</param>
    /// <param name="Own">[n_k, m]: C⁻¹·Uᵀ with U the whitened deviations of its own images, I + UᵀU = C·Cᵀ; empty for a single image.</param>
    sealed record Member(int Class, int Shared, double[] Mean, double[] Own);

    /// <param name="set">Descriptors and labels.</param>
    /// <param name="support">Ids of the images whose labels are known; a class without any is never predicted.</param>
    /// <exception cref="ArgumentException">There is no support image.</exception>
    public static SimpleCnaps Fit(DescriptorSet set, ReadOnlySpan<int> support)
    {
        if (support.IsEmpty) throw new ArgumentException("no support image is given, so no class has a mean");
        int dimension = set.Dimension;
        double[][] rows = [.. support.ToArray().Select(i => Array.ConvertAll(set.Row(i).ToArray(), v => (double)v))];
        double[][] basis = Basis(rows);
        int m = basis.Length;
        double[][] points = [.. rows.Select(r => basis.Select(b => Dot(b, r)).ToArray())];
        int[] labels = [.. support.ToArray().Select(i => set.Labels[i])];
        int[][] classes = [.. Enumerable.Range(0, rows.Length).GroupBy(i => labels[i]).OrderBy(g => g.Key).Select(g => g.ToArray())];
        double[] centre = Mean(points, [.. Enumerable.Range(0, points.Length)], m);

        int[] sizes = [.. classes.Select(c => c.Length).Distinct()];
        var shared = new Shared[sizes.Length];
        var members = new List<Member>();
        for (int s = 0; s < sizes.Length; s++)
        {
            double lambda = sizes[s] / (sizes[s] + 1.0);
            double[,] a = Covariance(points, centre, points.Length > 1 ? (1 - lambda) / (points.Length - 1) : 0);
            for (int i = 0; i < m; i++) a[i, i] += 1;
            Factorise(a);
            shared[s] = new Shared(Whiten(a, basis, dimension));
            foreach (int[] own in classes.Where(c => c.Length == sizes[s])) members.Add(Create(labels[own[0]], s, points, own, a, lambda));
        }
        return new SimpleCnaps(dimension, shared, [.. members.OrderBy(k => k.Class)]);
    }

    static Member Create(int label, int shared, double[][] points, int[] own, double[,] l, double lambda)
    {
        int m = l.GetLength(0), n = own.Length;
        double[] mean = Mean(points, own, m), whitened = Solve(l, mean);
        if (n == 1) return new Member(label, shared, whitened, []);
        double scale = Math.Sqrt(lambda / (n - 1));
        double[][] u = [.. own.Select(i => Solve(l, [.. points[i].Select((v, d) => scale * (v - mean[d]))]))];
        var inner = new double[n, n];
        for (int i = 0; i < n; i++)
            for (int j = 0; j <= i; j++) inner[i, j] = inner[j, i] = Dot(u[i], u[j]) + (i == j ? 1 : 0);
        Factorise(inner);
        var directions = new double[n * m];
        for (int d = 0; d < m; d++)
        {
            double[] column = Solve(inner, [.. u.Select(v => v[d])]);
            for (int i = 0; i < n; i++) directions[i * m + d] = column[i];
        }
        return new Member(label, shared, whitened, directions);
    }

    /// <param name="queries">[Q, D].</param>
    /// <param name="threads">Host threads, 1 or more; the answer does not depend on them.</param>
    /// <returns>[Q] classes; of two equal distances the lower class wins.</returns>
    public int[] Predict(ReadOnlySpan<float> queries, int threads)
    {
        if (queries.Length % dimension != 0) throw new ArgumentException($"{queries.Length} values are no whole number of rows of {dimension}");
        float[] rows = queries.ToArray();
        var predicted = new int[rows.Length / dimension];
        int m = members[0].Mean.Length;
        var options = new ParallelOptions { MaxDegreeOfParallelism = threads };
        Parallel.For(0, predicted.Length, options, () => new double[dimension + (shared.Length + 1) * m], (q, _, scratch) =>
        {
            Span<double> row = scratch.AsSpan(0, dimension), whitened = scratch.AsSpan(dimension, shared.Length * m), off = scratch.AsSpan(dimension + shared.Length * m, m);
            for (int d = 0; d < dimension; d++) row[d] = rows[q * dimension + d];
            for (int s = 0; s < shared.Length; s++)
                for (int i = 0; i < m; i++) whitened[s * m + i] = Dot(shared[s].Whitening.AsSpan(i * dimension, dimension), row);
            double least = double.PositiveInfinity;
            foreach (Member k in members)
            {
                ReadOnlySpan<double> at = whitened.Slice(k.Shared * m, m);
                for (int i = 0; i < m; i++) off[i] = at[i] - k.Mean[i];
                double distance = Dot(off, off);
                for (int i = 0; i < k.Own.Length; i += m)
                {
                    double along = Dot(k.Own.AsSpan(i, m), off);
                    distance -= along * along;
                }
                if (distance < least) (least, predicted[q]) = (distance, k.Class);
            }
            return scratch;
        }, _ => { });
        return predicted;
    }

    /// <summary>An orthonormal basis of the rows' span: Gram–Schmidt, each row freed of the others twice, which is enough (Giraud et al. 2005).</summary>
    static double[][] Basis(double[][] rows)
    {
        var basis = new List<double[]>();
        foreach (double[] row in rows)
        {
            double[] rest = [.. row];
            for (int pass = 0; pass < 2; pass++)
                foreach (double[] b in basis)
                {
                    double along = Dot(b, rest);
                    for (int d = 0; d < rest.Length; d++) rest[d] -= along * b[d];
                }
            double length = Math.Sqrt(Dot(rest, rest));
            if (length > Dependent) basis.Add([.. rest.Select(v => v / length)]);
        }
        return [.. basis];
    }

    static double[] Mean(double[][] points, int[] of, int m)
    {
        var mean = new double[m];
        foreach (int i in of)
            for (int d = 0; d < m; d++) mean[d] += points[i][d] / of.Length;
        return mean;
    }

    /// <summary>factor · Σ (p − centre)(p − centre)ᵀ.</summary>
    static double[,] Covariance(double[][] points, double[] centre, double factor)
    {
        int m = centre.Length;
        var sum = new double[m, m];
        var off = new double[m];
        foreach (double[] p in points)
        {
            for (int i = 0; i < m; i++) off[i] = p[i] - centre[i];
            for (int i = 0; i < m; i++)
                for (int j = 0; j < m; j++) sum[i, j] += factor * off[i] * off[j];
        }
        return sum;
    }

    /// <summary>Cholesky's lower factor in place of a symmetric positive definite matrix; what is above the diagonal is not read afterwards.</summary>
    static void Factorise(double[,] a)
    {
        int m = a.GetLength(0);
        for (int j = 0; j < m; j++)
        {
            for (int i = j; i < m; i++)
            {
                double sum = a[i, j];
                for (int k = 0; k < j; k++) sum -= a[i, k] * a[j, k];
                a[i, j] = i == j ? Math.Sqrt(sum) : sum / a[j, j];
            }
        }
    }

    /// <summary>L⁻¹·b.</summary>
    static double[] Solve(double[,] l, double[] b)
    {
        var x = new double[b.Length];
        for (int i = 0; i < x.Length; i++)
        {
            double sum = b[i];
            for (int k = 0; k < i; k++) sum -= l[i, k] * x[k];
            x[i] = sum / l[i, i];
        }
        return x;
    }

    /// <summary>L⁻¹·B, row by row as B is solved for all of its columns at once.</summary>
    static double[] Whiten(double[,] l, double[][] basis, int dimension)
    {
        int m = basis.Length;
        var whitening = new double[m * dimension];
        for (int i = 0; i < m; i++)
        {
            Span<double> row = whitening.AsSpan(i * dimension, dimension);
            basis[i].CopyTo(row);
            for (int k = 0; k < i; k++)
            {
                ReadOnlySpan<double> done = whitening.AsSpan(k * dimension, dimension);
                double factor = l[i, k];
                for (int d = 0; d < dimension; d++) row[d] -= factor * done[d];
            }
            for (int d = 0; d < dimension; d++) row[d] /= l[i, i];
        }
        return whitening;
    }

    static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        ReadOnlySpan<Vector<double>> va = MemoryMarshal.Cast<double, Vector<double>>(a), vb = MemoryMarshal.Cast<double, Vector<double>>(b)[..va.Length];
        Vector<double> first = default, second = default;
        int v = 0;
        for (; v + 1 < va.Length; v += 2)
        {
            first = Vector.FusedMultiplyAdd(va[v], vb[v], first);
            second = Vector.FusedMultiplyAdd(va[v + 1], vb[v + 1], second);
        }
        if (v < va.Length) first = Vector.FusedMultiplyAdd(va[v], vb[v], first);
        double sum = Vector.Sum(first + second);
        for (int i = va.Length * Vector<double>.Count; i < a.Length; i++) sum += a[i] * b[i];
        return sum;
    }
}
