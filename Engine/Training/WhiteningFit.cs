using Osprey.Engine.Model;
using Osprey.Interop.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Osprey.Engine.Training;

/// <summary>Whitenings fitted to descriptors, in float64 by LAPACK's decompositions.</summary>
/// <remarks>
/// Where an eigenvector's sign is free, its largest component is made positive. The covariance to invert is shrunk: <see cref="LedoitWolf"/>. The public code
/// (cnnimageretrieval-pytorch, <c>whiten.py</c>) adds 1e-10, 1e-9, … to its diagonal until it can be inverted, which keeps the noise of directions that the
/// samples hardly show at full length.
/// </remarks>
public static class WhiteningFit
{
    /// <summary>An eigenvalue below this share of the largest is one of rounding: descriptors are float32.</summary>
    const double Tolerance = 1e-10;

    /// <summary>P = Λ^(−1/2) Eᵀ of the covariance about the mean: whitened descriptors have covariance I, in the order of falling variance (Jégou and Chum 2012).</summary>
    /// <param name="descriptors">[N, C], N 2 or more.</param>
    /// <param name="dimension">C.</param>
    /// <param name="size">D, 1…C: the directions kept.</param>
    /// <param name="shrinkage">δ in 0…1, or null for Ledoit and Wolf's.</param>
    /// <exception cref="ArgumentException">Sizes do not fit, or fewer than D directions have any variance; the message says how many have.</exception>
    public static FittedWhitening Pca(float[] descriptors, int dimension, int size, double? shrinkage = null)
    {
        Scatter scatter = Check(descriptors, dimension, size);
        using DisposeScope scope = NewDisposeScope();
        int[] one = new int[scatter.Count];
        double[] weights = Equal(scatter.Count);
        double[,] mean = scatter.Centres(one, weights, 1);
        (Tensor shrunk, double share) = Shrunk(scatter, mean, one, weights, shrinkage);
        (Tensor values, Tensor vectors) = Descending(shrunk);
        Require(values, size, $"the covariance of {scatter.Count} descriptors");
        return Result(mean, vectors.narrow(1, 0, size).t() / values.narrow(0, 0, size).sqrt().unsqueeze(1), share);
    }

    /// <summary>
    /// P = Eᵀ P₀ with P₀ = chol(S)⁻¹, S = mean of (q − p)(q − p)ᵀ over all ordered pairs (q, p) of two images of one class, E the eigenvectors of the projected
    /// scatter P₀ Σ(x − m)(x − m)ᵀ P₀ᵀ, largest first, m the mean of q over the pairs (Mikolajczyk and Matas 2007; Radenović et al. 2018, §3.3).
    /// </summary>
    /// <remarks>
    /// The public code takes pairs that somebody has matched. Here every pair of a class is one, so a class of n images counts n(n−1) pairs; the sum over
    /// them is 2n times the scatter about the class's mean, and no pair is drawn.
    /// </remarks>
    /// <param name="descriptors">[N, C].</param>
    /// <param name="dimension">C.</param>
    /// <param name="labels">[N], 0 or more.</param>
    /// <param name="size">D, 1…C: the directions kept.</param>
    /// <param name="shrinkage">δ in 0…1 of S, or null for Ledoit and Wolf's.</param>
    /// <exception cref="ArgumentException">Sizes do not fit, no class has two images, or S is singular; the message says what to do.</exception>
    public static FittedWhitening Learned(float[] descriptors, int dimension, int[] labels, int size, double? shrinkage = null)
    {
        Scatter scatter = Check(descriptors, dimension, size);
        if (labels.Length != scatter.Count) throw new ArgumentException($"{labels.Length} labels were given for {scatter.Count} descriptors");
        int classes = labels.Max() + 1;
        double pairs = Pairs(labels);
        if (pairs == 0) throw new ArgumentException("no class has two images, so no two match; give labelled images, a folder per class, or use pca");
        var counts = new int[classes];
        foreach (int label in labels) counts[label]++;

        using DisposeScope scope = NewDisposeScope();
        double[] all = Equal(scatter.Count), within = [.. labels.Select(l => counts[l] > 1 ? 2 * counts[l] / pairs : 0)];
        double[,] mean = scatter.Centres(new int[scatter.Count], [.. labels.Select(l => counts[l] - 1.0)], 1);
        (Tensor matching, double share) = Shrunk(scatter, scatter.Centres(labels, all, classes), labels, within, shrinkage);
        Require(Descending(matching).Values, dimension, $"the differences of {pairs:0} matching pairs");
        Tensor first = linalg.solve_triangular(linalg.cholesky(matching), eye(dimension, dtype: float64), upper: false);
        Tensor spread = scatter.Moments(mean, new int[scatter.Count], all).Second;
        (_, Tensor vectors) = Descending(first.mm(spread).mm(first.t()));
        return Result(mean, vectors.narrow(1, 0, size).t().mm(first), share);
    }

    /// <summary>Ordered pairs of two images of one class.</summary>
    public static long Pairs(int[] labels) => labels.GroupBy(l => l).Sum(g => g.LongCount() * (g.LongCount() - 1));

    static Scatter Check(float[] descriptors, int dimension, int size)
    {
        if (dimension < 1 || descriptors.Length % dimension != 0) throw new ArgumentException($"{descriptors.Length} values are no whole number of descriptors of {dimension}");
        if (descriptors.Length / dimension < 2) throw new ArgumentException($"{descriptors.Length / dimension} descriptors have no covariance; give 2 or more, better many more than the {dimension} values of each");
        if (size < 1 || size > dimension) throw new ArgumentException($"the whitened size is {size}, and descriptors have {dimension} values; give 1 to {dimension}");
        return new Scatter(descriptors, dimension);
    }

    static double[] Equal(int count) => [.. Enumerable.Repeat(1.0 / count, count)];

    /// <summary>(1 − δ)·S + δ·(tr S / C)·I, S = Σ w r rᵀ, and δ.</summary>
    static (Tensor, double) Shrunk(Scatter scatter, double[,] centres, int[] groups, double[] weights, double? shrinkage)
    {
        using DisposeScope scope = NewDisposeScope();
        (Tensor second, Tensor squared, double fourth) = scatter.Moments(centres, groups, weights);
        double sum = weights.Sum(), share = shrinkage ?? LedoitWolf.Shrinkage(second / sum, squared / (sum * sum), fourth / (sum * sum), weights.Sum(w => w * w) / (sum * sum));
        long dimension = second.shape[0];
        Tensor shrunk = second * (1 - share) + eye(dimension, dtype: float64) * (second.trace() * (share / dimension));
        return (scope.MoveToOuter(shrunk), share);
    }

    /// <summary>Eigenvalues [C] of a symmetric matrix, largest first, and beside them eigenvectors, the columns of [C, C].</summary>
    static (Tensor Values, Tensor Vectors) Descending(Tensor symmetric)
    {
        using DisposeScope scope = NewDisposeScope();
        (Tensor values, Tensor vectors) = linalg.eigh((symmetric + symmetric.t()) / 2);
        return (scope.MoveToOuter(values.flip(0)), scope.MoveToOuter(vectors.flip(1)));
    }

    static void Require(Tensor values, int size, string what)
    {
        double largest = values[0].item<double>();
        long rank = (values > Math.Max(largest * Tolerance, double.Epsilon)).sum().item<long>();
        if (rank < size)
            throw new ArgumentException($"{what} has {rank} of the {size} directions that are needed; give more images{(rank > 0 ? ", a shrinkage above 0" : "")}, or with pca a size of {Math.Max(1, rank)} or less");
    }

    static FittedWhitening Result(double[,] mean, Tensor projection, double share)
    {
        Tensor largest = projection.gather(1, projection.abs().argmax(1, keepdim: true));
        Tensor signed = projection * largest.sign();
        return new FittedWhitening([.. mean.Cast<double>().Select(v => (float)v)], TensorMemory.ToArray(signed.to(float32)), share);
    }
}
