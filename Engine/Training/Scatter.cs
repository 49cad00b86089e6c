using Osprey.Interop.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Osprey.Engine.Training;

/// <summary>Weighted sums over descriptors, in float64, a part of the rows at a time.</summary>
/// <param name="rows">[N, C].</param>
/// <param name="dimension">C.</param>
sealed class Scatter(float[] rows, int dimension)
{
    /// <summary>Rows turned to float64 at once: 64 MB of 2,048 values each.</summary>
    const int RowsAtOnce = 4096;

    public int Count => rows.Length / dimension;

    /// <summary>For each group g its centre Σ w x / Σ w, [groups, C]; a group without weight has 0.</summary>
    /// <param name="groups">[N], the group of each row.</param>
    /// <param name="weights">[N], 0 or more.</param>
    /// <param name="count">Number of groups.</param>
    public double[,] Centres(int[] groups, double[] weights, int count)
    {
        var centres = new double[count, dimension];
        var sums = new double[count];
        for (int i = 0; i < Count; i++)
        {
            sums[groups[i]] += weights[i];
            for (int c = 0; c < dimension; c++) centres[groups[i], c] += weights[i] * rows[i * dimension + c];
        }
        for (int g = 0; g < count; g++)
            for (int c = 0; c < dimension; c++) centres[g, c] /= sums[g] > 0 ? sums[g] : 1;
        return centres;
    }

    /// <summary>Σ w r rᵀ and Σ w² r rᵀ, each [C, C], and Σ w² ‖r‖⁴, of the residuals r = x − centre of the row's group.</summary>
    public (Tensor Second, Tensor Squared, double Fourth) Moments(double[,] centres, int[] groups, double[] weights)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor second = zeros(dimension, dimension, float64), squared = zeros(dimension, dimension, float64), allCentres = tensor(centres);
        double fourth = 0;
        for (int first = 0; first < Count; first += RowsAtOnce)
        {
            using DisposeScope part = NewDisposeScope();
            int count = Math.Min(RowsAtOnce, Count - first);
            Tensor x = TensorMemory.FromSpan(rows.AsSpan(first * dimension, count * dimension), count, dimension).to(float64);
            Tensor r = x - allCentres.index_select(0, tensor(groups[first..(first + count)], int64));
            Tensor w = tensor(weights[first..(first + count)]).unsqueeze(1);
            second.add_((r * w).t().mm(r));
            squared.add_((r * w.square()).t().mm(r));
            fourth += (r.square().sum(1, keepdim: true).square() * w.square()).sum().item<double>();
        }
        return (scope.MoveToOuter(second), scope.MoveToOuter(squared), fourth);
    }
}
