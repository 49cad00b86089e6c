using NUnit.Framework;
using Osprey.Engine.Model;
using Osprey.Engine.Training;
using Osprey.Tests.Engine.Evaluation;

namespace Osprey.Tests.Engine.Training;

/// <summary>
/// Constants: numpy 1.24.2 and scikit-learn 1.2.1, from <c>lcg(n, seed)</c> of Evaluation/oracles/make.py, the numbers of <see cref="Oracles.Draw"/>. A row's sign is
/// the one that makes its largest value positive. The functions are those of cnnimageretrieval-pytorch, whiten.py:
/// <code>
/// x = lcg(36, 7).reshape(12, 3).astype(np.float64); labels = np.arange(12) % 5; X = x.T
/// def pcawhitenlearn(X):
///     m = X.mean(axis=1, keepdims=True); Xc = X - m
///     val, vec = np.linalg.eigh(Xc @ Xc.T / X.shape[1]); o = val.argsort()[::-1]
///     return m, np.diag(val[o] ** -0.5) @ vec[:, o].T
/// def whitenlearn(X, q, p):
///     m = X[:, q].mean(axis=1, keepdims=True); df = X[:, q] - X[:, p]
///     P = np.linalg.inv(np.linalg.cholesky(df @ df.T / df.shape[1])); df = P @ (X - m)
///     val, vec = np.linalg.eigh(df @ df.T)
///     return m, vec[:, val.argsort()[::-1]].T @ P
/// q, p = np.where((labels[:, None] == labels) &amp; ~np.eye(12, dtype=bool))     # 18 pairs
/// ledoit_wolf_shrinkage(lcg(60, 7).reshape(6, 10)); ledoit_wolf_shrinkage(lcg(120, 7).reshape(30, 4) / (1 + np.arange(4)))
/// </code>
/// </summary>
[TestFixture]
public class WhiteningFitTests
{
    static readonly int[] Labels = [.. Enumerable.Range(0, 12).Select(i => i % 5)];

    [Test]
    public void Pca_agrees_with_the_public_code()
    {
        FittedWhitening fitted = WhiteningFit.Pca(Oracles.Draw(36, 7), 3, 3, shrinkage: 0);
        Assert.That(fitted.Mean, Is.EqualTo(new[] { 0.132455, -0.031542, -0.080398 }).Within(2e-6));
        Assert.That(fitted.Projection, Is.EqualTo(new[] { -0.228117, 2.769871, -0.053959, 2.364418, 0.24943, 2.808173, 3.360643, 0.221265, -2.849239 }).Within(2e-6));
    }

    [Test]
    public void Learned_agrees_with_the_public_code_given_every_pair_of_a_class()
    {
        Assert.That(WhiteningFit.Pairs(Labels), Is.EqualTo(18));
        FittedWhitening fitted = WhiteningFit.Learned(Oracles.Draw(36, 7), 3, Labels, 3, shrinkage: 0);
        Assert.That(fitted.Mean, Is.EqualTo(new[] { 0.115815, 0.005396, -0.0843 }).Within(2e-6));
        Assert.That(fitted.Projection, Is.EqualTo(new[] { 3.057361, 1.519471, -0.616333, 1.326321, -1.276823, -0.285467, 0.076568, 0.001607, 2.159187 }).Within(2e-6));
    }

    [TestCase(6, 10, 1, 0.5268626363744229)]
    [TestCase(30, 4, 4, 0.10362273105173356)]
    public void Shrinkage_agrees_with_scikit_learn(int count, int dimension, int unequal, double expected)
    {
        float[] rows = Oracles.Draw(count * dimension, 7);
        if (unequal > 1)
            for (int i = 0; i < rows.Length; i++) rows[i] /= 1 + i % dimension;
        Assert.That(WhiteningFit.Pca(rows, dimension, 1).Shrinkage, Is.EqualTo(expected).Within(1e-6));
    }

    /// <summary>Two points along each axis: the covariance about their mean, 0, is diag(16, 1)/2, so that P divides by √8 and √½.</summary>
    [Test]
    public void Pca_by_hand()
    {
        FittedWhitening fitted = WhiteningFit.Pca([0, 1, 4, 0, 0, -1, -4, 0], 2, 2, shrinkage: 0);
        Assert.That(fitted.Mean, Is.All.Zero);
        Assert.That(fitted.Projection, Is.EqualTo(new[] { 1 / Math.Sqrt(8), 0, 0, Math.Sqrt(2) }).Within(1e-6));
        // Drawn half way to μ = (8 + ½)/2 = 4.25: variances 6.125 and 2.375.
        Assert.That(WhiteningFit.Pca([0, 1, 4, 0, 0, -1, -4, 0], 2, 2, shrinkage: 0.5).Projection, Is.EqualTo(new[] { 1 / Math.Sqrt(6.125), 0, 0, 1 / Math.Sqrt(2.375) }).Within(1e-6));
    }

    /// <summary>
    /// Three classes of two images that differ by (2, 0), (2, 0) and (0, 4): in both orders S = diag(8, 16)/3, and P₀ = diag(√(3/8), √(3/16)). About their mean, 0, the
    /// images are (±1, 9), (±1, −9) and (0, ±2): no covariance between the axes, and more spread along the second, so that E only changes their places.
    /// </summary>
    [Test]
    public void Learned_by_hand()
    {
        FittedWhitening fitted = WhiteningFit.Learned([-1, 9, 1, 9, -1, -9, 1, -9, 0, -2, 0, 2], 2, [0, 0, 1, 1, 2, 2], 2, shrinkage: 0);
        Assert.That(fitted.Mean, Is.All.Zero);
        Assert.That(fitted.Projection, Is.EqualTo(new[] { 0, Math.Sqrt(3 / 16.0), Math.Sqrt(3 / 8.0), 0 }).Within(1e-6));
    }

    [TestCase(1)]
    [TestCase(5)]
    [TestCase(9)]
    public void Pca_leaves_the_covariance_of_identity(int size)
    {
        DescriptorSetOf(200, 9, out float[] rows, out _);
        double[,] y = Apply(WhiteningFit.Pca(rows, 9, size, shrinkage: 0), rows);
        for (int i = 0; i < size; i++)
            for (int j = 0; j < size; j++)
            {
                double sum = 0;
                for (int r = 0; r < 200; r++) sum += y[r, i] * y[r, j];
                Assert.That(sum / 200, Is.EqualTo(i == j ? 1 : 0).Within(1e-4), $"{i}, {j}");
            }
    }

    [Test]
    public void Learned_makes_differences_of_matching_images_of_identity_and_the_rest_uncorrelated()
    {
        DescriptorSetOf(60, 7, out float[] rows, out int[] labels);
        double[,] y = Apply(WhiteningFit.Learned(rows, 7, labels, 7, shrinkage: 0), rows);
        for (int i = 0; i < 7; i++)
            for (int j = 0; j < 7; j++)
            {
                double within = 0, total = 0;
                int pairs = 0;
                for (int q = 0; q < 60; q++)
                {
                    total += y[q, i] * y[q, j];
                    for (int p = 0; p < 60; p++)
                    {
                        if (p == q || labels[p] != labels[q]) continue;
                        pairs++;
                        within += (y[q, i] - y[p, i]) * (y[q, j] - y[p, j]);
                    }
                }
                Assert.That(within / pairs, Is.EqualTo(i == j ? 1 : 0).Within(1e-4), $"{i}, {j}");
                if (i != j) Assert.That(total / 60, Is.Zero.Within(1e-4), $"{i}, {j}");
                else if (i > 0) Assert.That(total, Is.LessThanOrEqualTo(Spread(y, i - 1) + 1e-4), "directions in the order of their spread");
            }
        static double Spread(double[,] y, int i) => Enumerable.Range(0, 60).Sum(r => y[r, i] * y[r, i]);
    }

    [Test]
    public void Fewer_images_than_dimensions_are_whitened_with_shrinkage_and_refused_without()
    {
        float[] rows = Oracles.Draw(6 * 10, 7);
        int[] labels = [0, 0, 1, 1, 2, 2];
        FittedWhitening pca = WhiteningFit.Pca(rows, 10, 10), learned = WhiteningFit.Learned(rows, 10, labels, 10);
        Assert.That(pca.Projection.Concat(learned.Projection).All(float.IsFinite));
        Assert.That(new[] { pca.Shrinkage, learned.Shrinkage }, Is.All.GreaterThan(0.01));
        Assert.That(() => WhiteningFit.Pca(rows, 10, 6, 0), Throws.ArgumentException.With.Message.Contains("has 5 of the 6 directions").And.Message.Contains("shrinkage above 0"));
        Assert.That(() => WhiteningFit.Pca(rows, 10, 5, 0), Throws.Nothing, "six rows about their mean span five directions");
        Assert.That(() => WhiteningFit.Learned(rows, 10, labels, 2, 0), Throws.ArgumentException.With.Message.Contains("6 matching pairs has 3 of the 10 directions"));
    }

    /// <summary>All of the shrinkage leaves nothing but a rotation and one scale.</summary>
    [Test]
    public void Full_shrinkage_keeps_angles()
    {
        DescriptorSetOf(40, 6, out float[] rows, out int[] labels);
        double[,] y = Apply(WhiteningFit.Learned(rows, 6, labels, 6, shrinkage: 1), rows);
        double ratio = Squared(y, 0, 1) / Plain(0, 1);
        for (int i = 0; i < 40; i++)
            for (int j = 0; j < i; j++) Assert.That(Squared(y, i, j), Is.EqualTo(ratio * Plain(i, j)).Within(1e-4 * ratio));

        static double Squared(double[,] y, int i, int j) => Enumerable.Range(0, 6).Sum(d => Math.Pow(y[i, d] - y[j, d], 2));
        double Plain(int i, int j) => Enumerable.Range(0, 6).Sum(d => Math.Pow((double)rows[6 * i + d] - rows[6 * j + d], 2));
    }

    [Test]
    public void Wrong_use_is_refused()
    {
        float[] rows = Oracles.Draw(12, 7);
        Assert.That(() => WhiteningFit.Pca(rows, 5, 2), Throws.ArgumentException.With.Message.Contains("12 values"));
        Assert.That(() => WhiteningFit.Pca(rows, 12, 2), Throws.ArgumentException.With.Message.Contains("1 descriptors have no covariance"));
        Assert.That(() => WhiteningFit.Pca(rows, 3, 4), Throws.ArgumentException.With.Message.Contains("give 1 to 3"));
        Assert.That(() => WhiteningFit.Learned(rows, 3, [0, 1, 2, 3], 2), Throws.ArgumentException.With.Message.Contains("no class has two images"));
        Assert.That(() => WhiteningFit.Learned(rows, 3, [0, 0], 2), Throws.ArgumentException.With.Message.Contains("2 labels were given for 4"));
        Assert.That(() => WhiteningFit.Pca([1, 2, 1, 2, 1, 2], 2, 1), Throws.ArgumentException.With.Message.Contains("has 0 of the 1 directions"), "images that are all alike");
        Assert.That(() => new WhiteningConfig { Shrinkage = 1.1 }.Validate(), Throws.ArgumentException.With.Message.Contains("1.1"));
        Assert.That(() => new WhiteningConfig { Size = 0 }.Validate(), Throws.ArgumentException);
    }

    static void DescriptorSetOf(int count, int dimension, out float[] rows, out int[] labels)
    {
        var set = Oracles.Clusters(count, dimension, 5, 19);
        (rows, labels) = (set.Values, set.Labels);
    }

    /// <summary>P(x − m) by plain loops.</summary>
    static double[,] Apply(FittedWhitening fitted, float[] rows)
    {
        int channels = fitted.Channels, count = rows.Length / channels;
        var y = new double[count, fitted.Size];
        for (int i = 0; i < count; i++)
            for (int o = 0; o < fitted.Size; o++)
                for (int c = 0; c < channels; c++) y[i, o] += (double)fitted.Projection[o * channels + c] * ((double)rows[i * channels + c] - fitted.Mean[c]);
        return y;
    }
}
