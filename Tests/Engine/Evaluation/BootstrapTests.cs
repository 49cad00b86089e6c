using NUnit.Framework;
using Osprey.Engine.Evaluation;

namespace Osprey.Tests.Engine.Evaluation;

[TestFixture]
public class BootstrapTests
{
    static double[] Noise(int count, uint seed) => [.. Oracles.Draw(count, seed).Select(v => (double)v)];

    [Test]
    public void The_interval_of_a_mean_is_that_of_the_normal_law()
    {
        // Uniform noise of standard deviation √(1/12): mean ± 1.96·σ/√n for n = 1000.
        double[] values = Noise(1000, 3);
        Figure figure = Bootstrap.Mean(values, 4000, 1);
        double mean = values.Average(), half = 1.96 * Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / 1000) / Math.Sqrt(1000);
        Assert.That(figure.Value, Is.EqualTo(mean).Within(1e-12));
        Assert.That(figure.Low, Is.EqualTo(mean - half).Within(0.1 * half));
        Assert.That(figure.High, Is.EqualTo(mean + half).Within(0.1 * half));
    }

    [Test]
    public void It_covers_the_truth_about_95_times_in_100()
    {
        // The truth is 0. 300 trials of 60 values: 95 % ± 4 standard errors of 1.3 %, a little lower for the small sample.
        int covered = Enumerable.Range(0, 300).Count(t =>
        {
            Figure f = Bootstrap.Mean(Noise(60, (uint)(1000 + 7919 * t)), 300, t);
            return f.Low <= 0 && 0 <= f.High;
        });
        Assert.That(covered, Is.InRange(267, 299));
    }

    [Test]
    public void A_paired_difference_sees_what_two_intervals_hide()
    {
        double[] hard = Noise(200, 5), a = [.. hard.Select(v => v + 0.02)], b = [.. hard.Select((v, i) => v + (i % 2 == 0 ? 0.005 : -0.005))];
        Figure difference = Bootstrap.Difference(a, b, 1000, 0), first = Bootstrap.Mean(a, 1000, 0), second = Bootstrap.Mean(b, 1000, 0);
        Assert.That(difference.Value, Is.EqualTo(0.02).Within(1e-3));
        Assert.That(difference.Low, Is.Positive);
        Assert.That(first.Low, Is.LessThan(second.High), "the intervals of the two overlap");
    }

    [Test]
    public void Columns_are_resampled_together_and_keep_their_means()
    {
        double[] rows = [1, 10, 2, 20, 4, 40];
        Figure[] figures = Bootstrap.Means(rows, 2, 500, 9);
        Assert.That(figures[1].Low, Is.EqualTo(10 * figures[0].Low).Within(1e-12));
        Assert.That(figures[0].Value, Is.EqualTo(7.0 / 3).Within(1e-12));
        Assert.That(figures[0].Low, Is.GreaterThanOrEqualTo(1));
        Assert.That(figures[0].High, Is.LessThanOrEqualTo(4));
    }

    [Test]
    public void A_ratio_weighs_by_trials_and_forgets_the_untried()
    {
        Figure figure = Bootstrap.Ratio([1, 0, 3, 0], [1, 1, 4, 0], 200, 0);
        Assert.That(figure.Value, Is.EqualTo(4.0 / 6));
        Assert.That(Bootstrap.Ratio([1, 0, 3], [1, 1, 4], 200, 0), Is.EqualTo(figure));
    }

    [Test]
    public void A_mean_over_sets_gives_each_set_the_same_weight()
    {
        // (1 − 1 + 2)/4 = ½ and −¼: their mean, whatever the sizes.
        (double[], double[]) small = ([1, -1, 2], [1, 1, 2]), large = ([.. Enumerable.Repeat(-0.25, 50)], [.. Enumerable.Repeat(1.0, 50)]);
        Figure figure = Bootstrap.MeanOfRatios([small, large], 400, 3);
        Assert.That(figure.Value, Is.EqualTo(0.125).Within(1e-12));
        // The large set does not vary: the bounds are half of the small set's, whose ratios lie between −1 and 1.
        Assert.That(figure.Low, Is.InRange((-1 - 0.25) / 2, 0.125));
        Assert.That(figure.High, Is.EqualTo((1 - 0.25) / 2).Within(1e-12));
        Assert.That(Bootstrap.MeanOfRatios([small, large], 400, 3), Is.EqualTo(figure));
    }

    [Test]
    public void A_ratio_over_one_set_is_that_of_the_counts()
    {
        Figure amounts = Bootstrap.MeanOfRatios([([1, 0, 3, 0], [1, 1, 4, 0])], 2000, 0), counts = Bootstrap.Ratio([1, 0, 3, 0], [1, 1, 4, 0], 2000, 0);
        Assert.That(amounts.Value, Is.EqualTo(counts.Value).Within(1e-12));
        Assert.That((amounts.Low, amounts.High), Is.EqualTo((counts.Low, counts.High)), "three units: the ends of both are the same draws");
    }

    [Test]
    public void Same_seed_same_interval()
    {
        double[] values = Noise(50, 1);
        Figure first = Bootstrap.Mean(values, 100, 7);
        Assert.That(Bootstrap.Mean(values, 100, 7), Is.EqualTo(first));
        Assert.That(first, Is.Not.EqualTo(Bootstrap.Mean(values, 100, 8)));
    }

    [Test]
    public void Nothing_to_resample_is_refused()
    {
        Assert.That(() => Bootstrap.Mean([], 10, 0), Throws.ArgumentException);
        Assert.That(() => Bootstrap.Mean([1], 0, 0), Throws.ArgumentException);
        Assert.That(() => Bootstrap.Difference([1], [1, 2], 10, 0), Throws.ArgumentException);
    }
}
