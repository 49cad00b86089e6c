using System.Numerics;
using System.Runtime.InteropServices;

namespace Osprey.Engine.Evaluation;

/// <summary>Multinomial logistic regression on frozen descriptors, fitted to convergence.</summary>
/// <remarks>
/// Minimises Σ_i cross-entropy(W·x_i + b, y_i) + ‖W‖²/(2C) with the intercepts b free, as scikit-learn's LogisticRegression does, in fp64.
/// The problem is strictly convex in W: the answer does not depend on the start. Rows are summed in a fixed number of parts, so it does not
/// depend on the number of threads either.
/// </remarks>
public sealed class LinearProbe
{
    const int Parts = 16, RowTile = 4;

    /// <summary>[D + 1, width]: weights by input, intercepts last; width is the number of classes rounded up to whole vectors.</summary>
    readonly double[] weights;
    readonly int dimension, classes, width;

    LinearProbe(double[] weights, int dimension, int classes, int width, Lbfgs.Outcome outcome)
    {
        this.weights = weights;
        this.dimension = dimension;
        this.classes = classes;
        this.width = width;
        Outcome = outcome;
    }

    /// <summary>How the fit ended; its value is the sum above.</summary>
    public Lbfgs.Outcome Outcome { get; }

    /// <param name="rows">[n, D].</param>
    /// <param name="labels">[n], each in 0…<paramref name="classes"/>−1; a class without rows is never predicted in practice, its intercept falls.</param>
    /// <param name="dimension">D.</param>
    /// <param name="classes">2 or more.</param>
    /// <param name="c">Inverse of the L2 penalty, more than 0.</param>
    /// <param name="threads">Host threads.</param>
    /// <param name="cancellation">Checked at every step.</param>
    public static LinearProbe Fit(float[] rows, int[] labels, int dimension, int classes, double c, int threads, CancellationToken cancellation = default)
    {
        if (rows.LongLength != (long)labels.Length * dimension || labels.Length == 0)
            throw new ArgumentException($"{rows.LongLength} values were given for {labels.Length} rows of {dimension}");
        if (!(c > 0)) throw new ArgumentException($"C is {c}; give more than 0");
        int lanes = Vector<double>.Count, width = (classes + lanes - 1) / lanes * lanes;
        var weights = new double[(dimension + 1) * width];
        var partial = new double[Parts][];
        for (int p = 0; p < Parts; p++) partial[p] = new double[weights.Length];
        var losses = new double[Parts];
        var options = new ParallelOptions { MaxDegreeOfParallelism = threads };
        // Bound of the gradient's largest component, for a sum over n rows: relative to n it is scikit-learn's default of 1e-4 and stricter.
        Lbfgs.Outcome outcome = Lbfgs.Minimise((point, gradient) =>
        {
            double[] at = point.ToArray();
            Parallel.For(0, Parts, options, p =>
            {
                int from = (int)((long)labels.Length * p / Parts), to = (int)((long)labels.Length * (p + 1) / Parts);
                losses[p] = Accumulate(rows, labels, from, to, dimension, classes, width, at, partial[p]);
            });
            double loss = 0;
            gradient.Clear();
            for (int p = 0; p < Parts; p++)
            {
                loss += losses[p];
                for (int i = 0; i < gradient.Length; i++) gradient[i] += partial[p][i];
            }
            for (int i = 0; i < dimension * width; i++)
            {
                loss += at[i] * at[i] / (2 * c);
                gradient[i] += at[i] / c;
            }
            return loss;
        }, weights, 1e-5 * Math.Max(1, Math.Sqrt(labels.Length)), 5000, cancellation);
        return new LinearProbe(weights, dimension, classes, width, outcome);
    }

    /// <summary>The class of largest logit for each row; the lower class where two are equal.</summary>
    public int[] Predict(ReadOnlySpan<float> rows)
    {
        var predicted = new int[rows.Length / dimension];
        var logits = new double[RowTile * width];
        for (int i = 0; i < predicted.Length; i += RowTile)
        {
            int count = Math.Min(RowTile, predicted.Length - i);
            Logits(rows, i, count, dimension, width, weights, logits);
            for (int r = 0; r < count; r++)
            {
                int best = 0;
                for (int k = 1; k < classes; k++)
                    if (logits[r * width + k] > logits[r * width + best]) best = k;
                predicted[i + r] = best;
            }
        }
        return predicted;
    }

    /// <summary>Sum of the cross-entropies of some rows; writes the sum of their gradients.</summary>
    static double Accumulate(float[] rows, int[] labels, int from, int to, int dimension, int classes, int width, double[] weights, double[] gradient)
    {
        Array.Clear(gradient);
        var delta = new double[RowTile * width];
        double loss = 0;
        for (int i = from; i < to; i += RowTile)
        {
            int count = Math.Min(RowTile, to - i);
            Logits(rows, i, count, dimension, width, weights, delta);
            for (int r = 0; r < RowTile; r++)
            {
                Span<double> row = delta.AsSpan(r * width, width);
                if (r < count) loss += SoftmaxLoss(row, classes, labels[i + r]);
                else row.Clear();
            }
            AddOuter(rows, i, count, dimension, width, delta, gradient);
        }
        return loss;
    }

    /// <summary>Logits in, gradient out: softmax − one-hot; 0 in the padding. Returns the cross-entropy.</summary>
    static double SoftmaxLoss(Span<double> logits, int classes, int label)
    {
        double largest = double.NegativeInfinity, sum = 0, target = logits[label];
        for (int k = 0; k < classes; k++) largest = Math.Max(largest, logits[k]);
        for (int k = 0; k < classes; k++)
        {
            logits[k] = Math.Exp(logits[k] - largest);
            sum += logits[k];
        }
        for (int k = 0; k < classes; k++) logits[k] /= sum;
        logits[classes..].Clear();
        logits[label] -= 1;
        return Math.Log(sum) + largest - target;
    }

    /// <summary>logits[r, :] = Σ_d x[first + r, d]·W[d, :] + b; four rows share each load of W.</summary>
    static void Logits(ReadOnlySpan<float> rows, int first, int count, int dimension, int width, ReadOnlySpan<double> weights, Span<double> logits)
    {
        int vectors = width / Vector<double>.Count;
        ReadOnlySpan<Vector<double>> w = MemoryMarshal.Cast<double, Vector<double>>(weights);
        Span<Vector<double>> y = MemoryMarshal.Cast<double, Vector<double>>(logits);
        ReadOnlySpan<Vector<double>> intercepts = w.Slice(dimension * vectors, vectors);
        for (int r = 0; r < RowTile; r++) intercepts.CopyTo(y[(r * vectors)..]);
        Span<Vector<double>> y0 = y[..vectors], y1 = y.Slice(vectors, vectors), y2 = y.Slice(2 * vectors, vectors), y3 = y.Slice(3 * vectors, vectors);
        for (int d = 0; d < dimension; d++)
        {
            (Vector<double> x0, Vector<double> x1, Vector<double> x2, Vector<double> x3) = Inputs(rows, first, count, dimension, d);
            ReadOnlySpan<Vector<double>> row = w.Slice(d * vectors, vectors);
            for (int v = 0; v < row.Length; v++)
            {
                Vector<double> weight = row[v];
                y0[v] = Vector.FusedMultiplyAdd(x0, weight, y0[v]);
                y1[v] = Vector.FusedMultiplyAdd(x1, weight, y1[v]);
                y2[v] = Vector.FusedMultiplyAdd(x2, weight, y2[v]);
                y3[v] = Vector.FusedMultiplyAdd(x3, weight, y3[v]);
            }
        }
    }

    /// <summary>gradient[d, :] += Σ_r x[first + r, d]·delta[r, :], and the intercepts' Σ_r delta[r, :].</summary>
    static void AddOuter(ReadOnlySpan<float> rows, int first, int count, int dimension, int width, ReadOnlySpan<double> delta, Span<double> gradient)
    {
        int vectors = width / Vector<double>.Count;
        ReadOnlySpan<Vector<double>> e = MemoryMarshal.Cast<double, Vector<double>>(delta);
        ReadOnlySpan<Vector<double>> e0 = e[..vectors], e1 = e.Slice(vectors, vectors), e2 = e.Slice(2 * vectors, vectors), e3 = e.Slice(3 * vectors, vectors);
        Span<Vector<double>> g = MemoryMarshal.Cast<double, Vector<double>>(gradient);
        for (int d = 0; d < dimension; d++)
        {
            (Vector<double> x0, Vector<double> x1, Vector<double> x2, Vector<double> x3) = Inputs(rows, first, count, dimension, d);
            Span<Vector<double>> row = g.Slice(d * vectors, vectors);
            for (int v = 0; v < row.Length; v++)
            {
                Vector<double> sum = Vector.FusedMultiplyAdd(x0, e0[v], row[v]);
                sum = Vector.FusedMultiplyAdd(x1, e1[v], sum);
                sum = Vector.FusedMultiplyAdd(x2, e2[v], sum);
                row[v] = Vector.FusedMultiplyAdd(x3, e3[v], sum);
            }
        }
        Span<Vector<double>> intercepts = g.Slice(dimension * vectors, vectors);
        for (int v = 0; v < intercepts.Length; v++) intercepts[v] += e0[v] + e1[v] + e2[v] + e3[v];
    }

    /// <summary>One input of four rows, each in every lane; rows past the last count repeat it, their results are not used.</summary>
    static (Vector<double>, Vector<double>, Vector<double>, Vector<double>) Inputs(ReadOnlySpan<float> rows, int first, int count, int dimension, int d)
    {
        int last = first + count - 1;
        return (new(rows[first * dimension + d]), new(rows[Math.Min(first + 1, last) * dimension + d]),
            new(rows[Math.Min(first + 2, last) * dimension + d]), new(rows[Math.Min(first + 3, last) * dimension + d]));
    }
}
