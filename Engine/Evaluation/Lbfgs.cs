namespace Osprey.Engine.Evaluation;

/// <summary>Minimises a smooth function of many variables: limited-memory BFGS (Nocedal 1980) with a weak-Wolfe line search by bisection (Lewis and Overton 2013).</summary>
public static class Lbfgs
{
    const int Memory = 10, LineSearchSteps = 40;
    const double Decrease = 1e-4, Curvature = 0.9;

    /// <summary>Writes the gradient at <paramref name="point"/> and returns the value there.</summary>
    public delegate double Objective(ReadOnlySpan<double> point, Span<double> gradient);

    /// <summary>What a minimisation ended with.</summary>
    /// <param name="Value">The function at the end.</param>
    /// <param name="GradientNorm">Largest absolute component there.</param>
    /// <param name="Iterations">Steps taken.</param>
    /// <param name="Converged">Whether <paramref name="GradientNorm"/> came under the tolerance.</param>
    public readonly record struct Outcome(double Value, double GradientNorm, int Iterations, bool Converged);

    /// <param name="objective">The function.</param>
    /// <param name="point">The start; the minimiser at the end.</param>
    /// <param name="tolerance">On the largest absolute component of the gradient.</param>
    /// <param name="iterations">At most this many steps.</param>
    /// <param name="cancellation">Checked before each step.</param>
    public static Outcome Minimise(Objective objective, double[] point, double tolerance, int iterations, CancellationToken cancellation = default)
    {
        int n = point.Length;
        double[] gradient = new double[n], trial = new double[n], trialGradient = new double[n], direction = new double[n];
        var pairs = new LinkedList<(double[] Step, double[] Change, double Product)>();
        double value = objective(point, gradient);
        int done = 0;
        while (Largest(gradient) > tolerance && done < iterations)
        {
            cancellation.ThrowIfCancellationRequested();
            Descend(gradient, pairs, direction);
            double slope = Dot(gradient, direction), step = pairs.Count == 0 ? Math.Min(1, 1 / Math.Sqrt(Dot(gradient, gradient))) : 1;
            double low = 0, high = double.PositiveInfinity;
            bool found = false;
            double trialValue = value;
            for (int s = 0; s < LineSearchSteps && !found; s++)
            {
                for (int i = 0; i < n; i++) trial[i] = point[i] + step * direction[i];
                trialValue = objective(trial, trialGradient);
                // Written so that a NaN shortens the step.
                if (!(trialValue <= value + Decrease * step * slope)) high = step;
                else if (Dot(trialGradient, direction) < Curvature * slope) low = step;
                else found = true;
                if (!found) step = double.IsPositiveInfinity(high) ? 2 * low : 0.5 * (low + high);
            }
            // No step improves on the value: it is exact to rounding.
            if (!found && !(trialValue < value)) break;
            Remember(pairs, point, trial, gradient, trialGradient);
            trial.CopyTo(point, 0);
            trialGradient.CopyTo(gradient, 0);
            value = trialValue;
            done++;
        }
        double norm = Largest(gradient);
        return new Outcome(value, norm, done, norm <= tolerance);
    }

    /// <summary>direction = −H·gradient by the two loops of Nocedal.</summary>
    static void Descend(double[] gradient, LinkedList<(double[] Step, double[] Change, double Product)> pairs, double[] direction)
    {
        for (int i = 0; i < direction.Length; i++) direction[i] = -gradient[i];
        var weights = new Stack<double>();
        for (var pair = pairs.Last; pair is not null; pair = pair.Previous)
        {
            double weight = Dot(pair.Value.Step, direction) / pair.Value.Product;
            weights.Push(weight);
            Add(direction, -weight, pair.Value.Change);
        }
        if (pairs.Last is { } latest)
        {
            double scale = latest.Value.Product / Dot(latest.Value.Change, latest.Value.Change);
            for (int i = 0; i < direction.Length; i++) direction[i] *= scale;
        }
        foreach (var (step, change, product) in pairs)
            Add(direction, weights.Pop() - Dot(change, direction) / product, step);
    }

    static void Remember(LinkedList<(double[] Step, double[] Change, double Product)> pairs, double[] from, double[] to, double[] gradientFrom, double[] gradientTo)
    {
        double[] step = new double[from.Length], change = new double[from.Length];
        for (int i = 0; i < step.Length; i++)
        {
            step[i] = to[i] - from[i];
            change[i] = gradientTo[i] - gradientFrom[i];
        }
        double product = Dot(step, change);
        if (!(product > 0)) return;
        pairs.AddLast((step, change, product));
        if (pairs.Count > Memory) pairs.RemoveFirst();
    }

    static double Dot(double[] a, double[] b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++) sum += a[i] * b[i];
        return sum;
    }

    static void Add(double[] to, double scale, double[] what)
    {
        for (int i = 0; i < to.Length; i++) to[i] += scale * what[i];
    }

    static double Largest(double[] values)
    {
        double largest = 0;
        foreach (double v in values) largest = Math.Max(largest, Math.Abs(v));
        return largest;
    }
}
