using Osprey.Engine.Datasets;

namespace Osprey.Engine.Evaluation;

/// <summary>
/// Percentile bootstrap (Efron 1979): units are drawn with replacement as often as there are units, the statistic is taken again, and the
/// 2.5 % and 97.5 % points of many such draws bound a 95 % interval.
/// </summary>
/// <remarks>
/// The units are queries. They share the images they are compared with, so the interval speaks of other queries to this collection, not of
/// another collection. Same seed and number of samples, same interval.
/// </remarks>
public static class Bootstrap
{
    const double Tail = 0.025;

    /// <summary>The interval of a mean.</summary>
    /// <param name="values">One per query.</param>
    /// <param name="samples">Draws, 1 or more; 1000 settles the second digit.</param>
    /// <param name="seed">Of the draws.</param>
    public static Figure Mean(ReadOnlySpan<double> values, int samples, long seed)
    {
        double[] copy = values.ToArray();
        return Means(copy, 1, samples, seed)[0];
    }

    /// <summary>The mean of a − b over the same queries: a paired comparison, which the spread between easy and hard queries does not blur.</summary>
    public static Figure Difference(ReadOnlySpan<double> a, ReadOnlySpan<double> b, int samples, long seed)
    {
        if (a.Length != b.Length) throw new ArgumentException($"a paired difference needs the same queries on both sides; {a.Length} and {b.Length} were given");
        var difference = new double[a.Length];
        for (int i = 0; i < difference.Length; i++) difference[i] = a[i] - b[i];
        return Means(difference, 1, samples, seed)[0];
    }

    /// <summary>Several means over the same queries, resampled together.</summary>
    /// <param name="values">[queries, columns], row after row.</param>
    /// <param name="columns">Values per query, 1 or more.</param>
    /// <param name="samples">Draws, 1 or more.</param>
    /// <param name="seed">Of the draws.</param>
    public static Figure[] Means(ReadOnlySpan<double> values, int columns, int samples, long seed)
    {
        if (columns < 1 || values.Length % columns != 0) throw new ArgumentException($"{values.Length} values are no whole number of rows of {columns}");
        int rows = values.Length / columns;
        Check(rows, samples);
        var drawn = new double[columns][];
        for (int c = 0; c < columns; c++) drawn[c] = new double[samples];
        var sums = new double[columns];
        var random = new SeededRandom(seed, 1);
        for (int s = 0; s < samples; s++)
        {
            Array.Clear(sums);
            for (int r = 0; r < rows; r++)
            {
                ReadOnlySpan<double> row = values.Slice(random.Below(rows) * columns, columns);
                for (int c = 0; c < row.Length; c++) sums[c] += row[c];
            }
            for (int c = 0; c < columns; c++) drawn[c][s] = sums[c] / rows;
        }
        Array.Clear(sums);
        for (int r = 0; r < rows; r++)
            for (int c = 0; c < columns; c++) sums[c] += values[r * columns + c];
        return [.. sums.Select((sum, c) => Interval(sum / rows, drawn[c]))];
    }

    /// <summary>The interval of Σ hits / Σ trials over units that were tried a different number of times, such as images tested in several random splits.</summary>
    /// <param name="hits">Per unit.</param>
    /// <param name="trials">Per unit, 0 or more; not all 0.</param>
    /// <param name="samples">Draws, 1 or more.</param>
    /// <param name="seed">Of the draws.</param>
    public static Figure Ratio(ReadOnlySpan<int> hits, ReadOnlySpan<int> trials, int samples, long seed)
    {
        if (hits.Length != trials.Length) throw new ArgumentException($"{hits.Length} counts of hits were given for {trials.Length} of trials");
        var kept = new List<(int Hits, int Trials)>();
        for (int i = 0; i < hits.Length; i++)
            if (trials[i] > 0) kept.Add((hits[i], trials[i]));
        Check(kept.Count, samples);
        var drawn = new double[samples];
        var random = new SeededRandom(seed, 2);
        for (int s = 0; s < samples; s++)
        {
            long hit = 0, tried = 0;
            for (int i = 0; i < kept.Count; i++)
            {
                (int h, int t) = kept[random.Below(kept.Count)];
                hit += h;
                tried += t;
            }
            drawn[s] = (double)hit / tried;
        }
        return Interval((double)kept.Sum(k => (long)k.Hits) / kept.Sum(k => (long)k.Trials), drawn);
    }

    /// <summary>
    /// The interval of the mean over sets of each set's Σ amounts / Σ trials: units are drawn within each set, as often as it has any, so that every set keeps its weight.
    /// </summary>
    /// <param name="sets">Per set, per unit: an amount, of either sign, and trials, 0 or more, not all 0.</param>
    /// <param name="samples">Draws, 1 or more.</param>
    /// <param name="seed">Of the draws.</param>
    public static Figure MeanOfRatios(IReadOnlyList<(double[] Amounts, double[] Trials)> sets, int samples, long seed)
    {
        if (sets.Count == 0) throw new ArgumentException("there is nothing to resample: no set is given");
        var drawn = new double[samples];
        double value = 0;
        for (int set = 0; set < sets.Count; set++)
        {
            (double[] amounts, double[] trials) = sets[set];
            if (amounts.Length != trials.Length) throw new ArgumentException($"{amounts.Length} amounts were given for {trials.Length} counts of trials");
            int[] kept = [.. Enumerable.Range(0, trials.Length).Where(i => trials[i] > 0)];
            Check(kept.Length, samples);
            value += kept.Sum(i => amounts[i]) / kept.Sum(i => trials[i]) / sets.Count;
            var random = new SeededRandom(seed, 3, set);
            for (int s = 0; s < samples; s++)
            {
                double amount = 0, tried = 0;
                for (int i = 0; i < kept.Length; i++)
                {
                    int unit = kept[random.Below(kept.Length)];
                    amount += amounts[unit];
                    tried += trials[unit];
                }
                drawn[s] += amount / tried / sets.Count;
            }
        }
        return Interval(value, drawn);
    }

    static void Check(int units, int samples)
    {
        if (units == 0) throw new ArgumentException("there is nothing to resample: no query has a figure");
        if (samples < 1) throw new ArgumentException($"the number of bootstrap samples is {samples}; give 1 or more");
    }

    static Figure Interval(double value, double[] drawn)
    {
        Array.Sort(drawn);
        return new Figure(value, Quantile(drawn, Tail), Quantile(drawn, 1 - Tail));
    }

    /// <summary>Linear interpolation between order statistics, numpy's default.</summary>
    static double Quantile(double[] sorted, double q)
    {
        double at = q * (sorted.Length - 1);
        int low = (int)at;
        return low + 1 < sorted.Length ? sorted[low] + (at - low) * (sorted[low + 1] - sorted[low]) : sorted[low];
    }
}
