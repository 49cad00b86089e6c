using NUnit.Framework;
using Osprey.Engine.Evaluation;

namespace Osprey.Tests.Engine.Evaluation;

[TestFixture]
public class SimpleCnapsTests
{
    /// <summary>
    /// Two classes of two on the axes of the plane. Class 0: (2,1), (2,−1), so μ = (2,0), Σ₀ = diag(0,2). Class 1: (−1,0), (1,0), so μ = (0,0), Σ₁ = diag(2,0). All
    /// four: mean (1,0), Σ = diag(6/3, 2/3). λ = 2/3, so Q₀⁻¹ = diag(2/3 + 1, 4/3 + 2/9 + 1) = diag(5/3, 23/9) and Q₁⁻¹ = diag(4/3 + 2/3 + 1, 2/9 + 1) = diag(3, 11/9).
    /// On the line y = 0 the border is where (2 − x)²/(5/3) = x²/3, (2 − x)·√1.8 = x, x = 1.1459.
    /// At (1, 2): 1/(5/3) + 4/(23/9) = 2.17 is less than 1/3 + 4/(11/9) = 3.61: along y the class with its spread along y is the nearer.
    /// </summary>
    [TestCase(1.14f, 0f, 1)]
    [TestCase(1.15f, 0f, 0)]
    [TestCase(1f, 0.3f, 1)]
    [TestCase(1f, 2f, 0)]
    public void By_hand(float x, float y, int expected)
    {
        var set = new DescriptorSet([2, 1, 2, -1, -1, 0, 1, 0], 2, [0, 0, 1, 1], 2);
        Assert.That(SimpleCnaps.Fit(set, [0, 1, 2, 3]).Predict([x, y], 1), Is.EqualTo(new[] { expected }));
        Assert.That((x - 2) * (x - 2) / (5.0 / 3) + y * y / (23.0 / 9) < x * x / 3 + y * y / (11.0 / 9), Is.EqualTo(expected == 0));
    }

    [TestCase(5, 4, 4, TestName = "Rows enough to span all dimensions")]
    [TestCase(8, 3, 3, TestName = "More rows than dimensions")]
    [TestCase(40, 5, 1, TestName = "One image of each class")]
    [TestCase(40, 5, 5, TestName = "Five of each class")]
    [TestCase(7, 6, 13, TestName = "Classes of unequal size")]
    public void Answers_are_those_of_the_formula_with_whole_matrices(int dimension, int classes, int perClass)
    {
        DescriptorSet set = Oracles.Clusters(classes * 30, dimension, classes, 41, 0.3);
        // Class c has perClass images, but every second class two fewer, if it can.
        int[] support = [.. Enumerable.Range(0, classes * perClass).Where(i => (i % classes) % 2 == 0 || i / classes < Math.Max(1, perClass - 2))];
        int[] test = [.. Enumerable.Range(classes * perClass, set.Count - classes * perClass)];
        SimpleCnaps cnaps = SimpleCnaps.Fit(set, support);
        int[] predicted = cnaps.Predict(set.Rows(test), 2);
        double[][,] q = [.. Enumerable.Range(0, classes).Select(k => Precision(set, support, k))];
        double[][] means = [.. Enumerable.Range(0, classes).Select(k => Mean(set, [.. support.Where(i => set.Labels[i] == k)]))];
        for (int t = 0; t < test.Length; t++)
        {
            double[] distances = [.. Enumerable.Range(0, classes).Select(k => Distance(set.Row(test[t]), means[k], q[k]))];
            Assert.That(distances[predicted[t]], Is.EqualTo(distances.Min()).Within(1e-10), $"image {test[t]}");
        }
        Assert.That(cnaps.Predict(set.Rows(test), 1), Is.EqualTo(predicted), "threads");
    }

    [Test]
    public void It_differs_from_the_nearest_mean_where_the_spread_of_classes_does()
    {
        DescriptorSet set = Oracles.Clusters(400, 4, 4, 5, 0.4);
        int[] support = [.. Enumerable.Range(0, 80)], test = [.. Enumerable.Range(80, 320)];
        Assert.That(SimpleCnaps.Fit(set, support).Predict(set.Rows(test), 1), Is.Not.EqualTo(NearestMean.Predict(set, support, test)));
    }

    [Test]
    public void Equal_images_in_the_support_and_classes_without_any_are_no_obstacle()
    {
        var set = new DescriptorSet([1, 0, 1, 0, 0, 1, 0, 1], 2, [0, 0, 2, 2], 4);
        Assert.That(SimpleCnaps.Fit(set, [0, 1, 2, 3]).Predict([0.9f, 0.1f, 0.1f, 0.9f], 1), Is.EqualTo(new[] { 0, 2 }));
        Assert.That(SimpleCnaps.Fit(set, [2]).Predict([0.9f, 0.1f], 1), Is.EqualTo(new[] { 2 }), "one image is all there is");
        Assert.That(() => SimpleCnaps.Fit(set, []), Throws.ArgumentException.With.Message.Contains("no support"));
        Assert.That(() => SimpleCnaps.Fit(set, [0]).Predict([1f, 2f, 3f], 1), Throws.ArgumentException);
    }

    /// <summary>(λ_k Σ_k + (1 − λ_k) Σ + I)⁻¹, D×D, by plain loops.</summary>
    static double[,] Precision(DescriptorSet set, int[] support, int k)
    {
        int[] own = [.. support.Where(i => set.Labels[i] == k)];
        double lambda = own.Length / (own.Length + 1.0);
        double[,] mine = Covariance(set, own), all = Covariance(set, support), sum = new double[set.Dimension, set.Dimension];
        for (int i = 0; i < set.Dimension; i++)
            for (int j = 0; j < set.Dimension; j++) sum[i, j] = lambda * mine[i, j] + (1 - lambda) * all[i, j] + (i == j ? 1 : 0);
        return Inverse(sum);
    }

    static double[] Mean(DescriptorSet set, int[] of)
    {
        var mean = new double[set.Dimension];
        foreach (int i in of)
            for (int d = 0; d < mean.Length; d++) mean[d] += (double)set.Row(i)[d] / of.Length;
        return mean;
    }

    static double[,] Covariance(DescriptorSet set, int[] of)
    {
        var covariance = new double[set.Dimension, set.Dimension];
        if (of.Length == 1) return covariance;
        double[] mean = Mean(set, of);
        foreach (int n in of)
            for (int i = 0; i < set.Dimension; i++)
                for (int j = 0; j < set.Dimension; j++) covariance[i, j] += (set.Row(n)[i] - mean[i]) * (set.Row(n)[j] - mean[j]) / (of.Length - 1);
        return covariance;
    }

    /// <summary>Gauss–Jordan; the matrix is at least I, so its pivots are.</summary>
    static double[,] Inverse(double[,] a)
    {
        int n = a.GetLength(0);
        var inverse = new double[n, n];
        for (int i = 0; i < n; i++) inverse[i, i] = 1;
        for (int p = 0; p < n; p++)
        {
            double pivot = a[p, p];
            for (int j = 0; j < n; j++)
            {
                a[p, j] /= pivot;
                inverse[p, j] /= pivot;
            }
            for (int i = 0; i < n; i++)
            {
                if (i == p) continue;
                double factor = a[i, p];
                for (int j = 0; j < n; j++)
                {
                    a[i, j] -= factor * a[p, j];
                    inverse[i, j] -= factor * inverse[p, j];
                }
            }
        }
        return inverse;
    }

    static double Distance(ReadOnlySpan<float> x, double[] mean, double[,] q)
    {
        double sum = 0;
        for (int i = 0; i < x.Length; i++)
            for (int j = 0; j < x.Length; j++) sum += (x[i] - mean[i]) * q[i, j] * (x[j] - mean[j]);
        return sum;
    }
}
