using NUnit.Framework;
using Osprey.Engine.Evaluation;

namespace Osprey.Tests.Engine.Evaluation;

[TestFixture]
public class DescriptorMapTests
{
    [Test]
    public void A_hand_computed_cross_lies_on_its_axes()
    {
        // Mean (1, 1, 1); ±2 along the third axis and ±1 along the first: variances 8 and 2 of 10.
        float[] rows = [1, 1, 3, 1, 1, -1, 2, 1, 1, 0, 1, 1];
        DescriptorMap map = DescriptorMap.Create(new DescriptorSet(rows, 3, [0, 0, 1, 1], 2), seed: 0);
        Assert.That((map.First, map.Second), Is.EqualTo((0.8, 0.2)).Using<(double, double)>((a, b) => Math.Abs(a.Item1 - b.Item1) < 1e-6 && Math.Abs(a.Item2 - b.Item2) < 1e-6));
        double[][] expected = [[2, 0], [-2, 0], [0, 1], [0, -1]];
        // Which end of an axis is positive is a convention: the farthest point's, and two are equally far.
        double sx = Math.Sign(map.Points[0].X), sy = Math.Sign(map.Points[2].Y);
        for (int i = 0; i < 4; i++)
        {
            Assert.That(sx * map.Points[i].X, Is.EqualTo(expected[i][0]).Within(1e-6), $"x of {i}");
            Assert.That(sy * map.Points[i].Y, Is.EqualTo(expected[i][1]).Within(1e-6), $"y of {i}");
        }
        Assert.That(map.Points.Select(p => p.Label), Is.EqualTo(new[] { 0, 0, 1, 1 }));
    }

    /// <summary>Power iteration on the D×D covariance in 64 bits: another matrix and another method than the one under test.</summary>
    [Test]
    public void It_agrees_with_power_iteration_on_the_covariance()
    {
        DescriptorSet set = Oracles.Clusters(60, 7, 3, 11, 0.8);
        DescriptorMap map = DescriptorMap.Create(set, seed: 0);
        double[][] x = [.. Enumerable.Range(0, set.Count).Select(i => set.Row(i).ToArray().Select(v => (double)v).ToArray())];
        for (int d = 0; d < 7; d++)
        {
            double mean = x.Average(r => r[d]);
            foreach (double[] row in x) row[d] -= mean;
        }
        double total = x.Sum(r => r.Sum(v => v * v));
        (double[] first, double lambda) = Dominant(x);
        Assert.That(map.First, Is.EqualTo(lambda / total).Within(1e-6));
        Compare(x, first, [.. map.Points.Select(p => p.X)]);
        foreach (double[] row in x)
        {
            double along = row.Zip(first, (a, b) => a * b).Sum();
            for (int d = 0; d < 7; d++) row[d] -= along * first[d];
        }
        (double[] second, double next) = Dominant(x);
        Assert.That(map.Second, Is.EqualTo(next / total).Within(1e-6));
        Compare(x, second, [.. map.Points.Select(p => p.Y)]);
    }

    static (double[] Axis, double Lambda) Dominant(double[][] x)
    {
        double[] v = [1, 0.7, -0.3, 0.4, 0.2, -0.6, 0.1];
        double length = 0;
        for (int step = 0; step < 3000; step++)
        {
            double[] next = new double[v.Length];
            foreach (double[] row in x)
            {
                double dot = row.Zip(v, (a, b) => a * b).Sum();
                for (int d = 0; d < v.Length; d++) next[d] += dot * row[d];
            }
            length = Math.Sqrt(next.Sum(n => n * n));
            v = [.. next.Select(n => n / length)];
        }
        return (v, length);
    }

    static void Compare(double[][] x, double[] axis, double[] got)
    {
        double[] expected = [.. x.Select(row => row.Zip(axis, (a, b) => a * b).Sum())];
        double sign = Math.Sign(expected.Zip(got, (a, b) => a * b).Sum());
        for (int i = 0; i < got.Length; i++) Assert.That(got[i], Is.EqualTo(sign * expected[i]).Within(1e-5), $"point {i}");
    }

    [Test]
    public void Large_sets_are_sampled_over_all_classes_and_the_seed_says_which()
    {
        DescriptorSet set = Oracles.Clusters(900, 4, 5, 2, 0.5);
        DescriptorMap map = DescriptorMap.Create(set, seed: 1);
        Assert.That(map.Points, Has.Count.EqualTo(600));
        Assert.That(map.Points.GroupBy(p => p.Label).Select(g => g.Count()), Is.All.EqualTo(120));
        Assert.That(DescriptorMap.Create(set, seed: 1).Points, Is.EqualTo(map.Points));
        Assert.That(DescriptorMap.Create(set, seed: 2).Points, Is.Not.EqualTo(map.Points));
    }

    [Test]
    public void Equal_descriptors_and_a_single_one_lie_at_the_middle([Values(1, 3)] int count)
    {
        DescriptorMap map = DescriptorMap.Create(new DescriptorSet([.. Enumerable.Repeat(0.5f, 4 * count)], 4, new int[count], 1), seed: 0);
        Assert.That(map.Points.SelectMany(p => new[] { p.X, p.Y }), Is.All.EqualTo(0).Within(1e-6));
        Assert.That((map.First, map.Second), Is.EqualTo((0.0, 0.0)));
    }
}
