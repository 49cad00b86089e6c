using NUnit.Framework;
using Osprey.Engine.Evaluation;
using Osprey.Kernels;

namespace Osprey.Tests.Engine.Evaluation;

[TestFixture]
public class ClassifierTests
{
    static readonly DescriptorSet Clusters = Oracles.Clusters(150, 12, 5, 23);
    static readonly int[] Train = [.. Enumerable.Range(0, 150).Where(i => i % 3 != 0)], Test = [.. Enumerable.Range(0, 150).Where(i => i % 3 == 0)];

    [Test]
    public void Neighbours_vote_as_scikit_learns_do()
    {
        using Device host = Device.Open("host", 2);
        Oracles oracles = Oracles.Read();
        int[][] predicted = KNearest.Predict(Clusters, Train, Clusters.Rows(Test), [.. oracles.Neighbours.Select(o => o.K)], host);
        for (int i = 0; i < predicted.Length; i++) Assert.That(predicted[i], Is.EqualTo(oracles.Neighbours[i].Predicted), oracles.Neighbours[i].ToString());
    }

    [Test]
    public void Votes_by_hand()
    {
        Assert.That(KNearest.Vote([3], [-0.5f]), Is.EqualTo(3), "one neighbour decides, however far");
        Assert.That(KNearest.Vote([1, 2, 2], [0.9f, 0.5f, 0.41f]), Is.EqualTo(2), "0.91 beats 0.9");
        Assert.That(KNearest.Vote([1, 2, 2], [0.9f, 0.5f, 0.25f]), Is.EqualTo(1));
        Assert.That(KNearest.Vote([2, 1, 1], [0.5f, 0.25f, 0.25f]), Is.EqualTo(2), "a tie goes to the nearest");
        Assert.That(KNearest.Vote([4, 1, 1], [-0.1f, -0.2f, -0.3f]), Is.EqualTo(4), "no votes at all: the nearest");
    }

    [Test]
    public void More_neighbours_than_images_means_all_of_them_and_the_order_given_does_not_matter()
    {
        using Device host = Device.Open("host", 1);
        float[] query = Clusters.Rows([0, 1, 2]);
        int[] few = [9, 3, 5], sorted = [3, 5, 9];
        Assert.That(KNearest.Predict(Clusters, few, query, [100, 1], host), Is.EqualTo(KNearest.Predict(Clusters, sorted, query, [3, 1], host)));
    }

    [Test]
    public void Nearest_means_are_numpys() => Assert.That(NearestMean.Predict(Clusters, Train, Test), Is.EqualTo(Oracles.Read().NearestMean));

    [Test]
    public void Support_is_drawn_per_class_and_differs_by_seed()
    {
        int[] support = NearestMean.DrawSupport(Clusters, Train, 5, new(1));
        Assert.That(support.GroupBy(i => Clusters.Labels[i]).Select(g => g.Count()), Is.EqualTo(new[] { 5, 5, 5, 5, 5 }));
        Assert.That(support, Is.Unique.And.SubsetOf(Train));
        Assert.That(NearestMean.DrawSupport(Clusters, Train, 5, new(1)), Is.EqualTo(support));
        Assert.That(NearestMean.DrawSupport(Clusters, Train, 5, new(2)), Is.Not.EqualTo(support));
        Assert.That(NearestMean.DrawSupport(Clusters, Train, 1000, new(1)), Is.EquivalentTo(Train), "a class with fewer gives all it has");
    }

    static Oracles.LogisticCase[] LogisticCases() => Oracles.Read().Logistic;

    [TestCaseSource(nameof(LogisticCases))]
    public void The_linear_probe_is_scikit_learns_logistic_regression(Oracles.LogisticCase oracle)
    {
        DescriptorSet set = Oracles.Clusters(oracle.N, oracle.Dimension, oracle.Classes, 11);
        LinearProbe probe = LinearProbe.Fit(set.Values, set.Labels, set.Dimension, set.Classes, oracle.C, 2);
        Assert.That(probe.Outcome.Converged, Is.True);
        Assert.That(probe.Outcome.Value, Is.EqualTo(oracle.Objective).Within(1e-6).Percent);
        Assert.That(probe.Predict(set.Values), Is.EqualTo(oracle.Predicted));
    }

    [Test]
    public void The_number_of_threads_does_not_change_the_probe_by_a_bit()
    {
        DescriptorSet set = Oracles.Clusters(100, 9, 3, 4);
        Assert.That(LinearProbe.Fit(set.Values, set.Labels, 9, 3, 1, 3).Outcome, Is.EqualTo(LinearProbe.Fit(set.Values, set.Labels, 9, 3, 1, 1).Outcome));
    }

    [Test]
    public void The_minimiser_finds_the_bottom_of_rosenbrocks_valley()
    {
        double[] point = [-1.2, 1, -1.2, 1];
        Lbfgs.Outcome outcome = Lbfgs.Minimise((x, g) =>
        {
            double sum = 0;
            for (int i = 0; i < x.Length; i += 2)
            {
                double a = 1 - x[i], b = x[i + 1] - x[i] * x[i];
                sum += a * a + 100 * b * b;
                g[i] = -2 * a - 400 * x[i] * b;
                g[i + 1] = 200 * b;
            }
            return sum;
        }, point, 1e-8, 500);
        Assert.That(outcome.Converged, Is.True);
        Assert.That(point, Is.All.EqualTo(1).Within(1e-6));
        Assert.That(outcome.Iterations, Is.LessThan(100), "far fewer than gradient descent's thousands");
    }

    [Test]
    public void The_minimiser_says_when_it_ran_out_of_steps()
    {
        double[] point = [5];
        Lbfgs.Objective quartic = (x, g) =>
        {
            g[0] = 4 * Math.Pow(x[0], 3);
            return Math.Pow(x[0], 4);
        };
        Assert.That(Lbfgs.Minimise(quartic, point, 1e-12, 2).Converged, Is.False);
    }
}
