using Osprey.Interop.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Osprey.Engine.Evaluation;

/// <summary>Descriptors on a plane: their coordinates on the first two principal axes (Pearson 1901; Hotelling 1933).</summary>
/// <param name="Points">A sample over the classes.</param>
/// <param name="First">Share of the sample's variance along x, 0…1.</param>
/// <param name="Second">Share along y.</param>
public sealed record DescriptorMap(IReadOnlyList<MapPoint> Points, double First, double Second)
{
    /// <summary>Descriptors shown; the matrix of their inner products is decomposed, at a cost that grows with the cube of this.</summary>
    const int Most = 600;

    /// <param name="set">Descriptors.</param>
    /// <param name="seed">Of the sample, where there are more than are shown.</param>
    internal static DescriptorMap Create(DescriptorSet set, long seed)
    {
        int[] shown = [.. ClassSample.Draw(set.Count, i => set.Labels[i], Most, seed, 20).Order()];
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGradient = no_grad();
        Tensor rows = TensorMemory.FromSpan(set.Rows(shown), shown.Length, set.Dimension).to(ScalarType.Float64);
        rows -= rows.mean([0L], keepdim: true);
        // G = X·Xᵀ has the eigenvectors of the coordinates, and needs no D×D matrix: coordinates are √λ·u.
        (Tensor values, Tensor vectors) = linalg.eigh(rows.matmul(rows.t()));
        float[] lambda = TensorMemory.Read(values.to(ScalarType.Float32)).ToArray(), u = TensorMemory.Read(vectors.to(ScalarType.Float32).contiguous()).ToArray();
        int n = shown.Length;
        double total = lambda.Sum(l => (double)l);
        (double[] x, double first) = Axis(n - 1);
        (double[] y, double second) = n > 1 ? Axis(n - 2) : (new double[n], 0);
        return new DescriptorMap([.. shown.Select((id, i) => new MapPoint(x[i], y[i], set.Labels[id]))], first, second);

        (double[], double) Axis(int k)
        {
            double length = Math.Sqrt(Math.Max(lambda[k], 0));
            double[] axis = [.. Enumerable.Range(0, n).Select(i => length * u[i * n + k])];
            // An eigenvector is as good the other way round; the farthest point is put on the positive side.
            double sign = Math.Sign(axis.MaxBy(Math.Abs)) < 0 ? -1 : 1;
            return ([.. axis.Select(a => sign * a)], total > 0 ? Math.Max(lambda[k], 0) / total : 0);
        }
    }
}

/// <param name="X">On the first axis, the mean at 0.</param>
/// <param name="Y">On the second.</param>
/// <param name="Label">Class.</param>
public readonly record struct MapPoint(double X, double Y, int Label);
