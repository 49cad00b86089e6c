using NUnit.Framework;
using Osprey.Engine.Retrieval;
using Osprey.Kernels;
using Osprey.Tests.Engine.Evaluation;

namespace Osprey.Tests.Engine.Retrieval;

[TestFixture]
public class QueryExpansionTests
{
    readonly Device device = Device.Open("host", 2);

    [OneTimeTearDown]
    public void Close() => device.Dispose();

    /// <summary>Cosines 0.8 and 0.6 with the query, α = 2: (1, 0) + 0.64·(0.8, 0.6) + 0.36·(0.6, −0.8) = (1.728, 0.096).</summary>
    [Test]
    public void By_hand()
    {
        using var index = new ExactIndex([0.8f, 0.6f, 0.6f, -0.8f, -1, 0], 2, device);
        float[] expanded = new QueryExpansion { Neighbours = 2, Alpha = 2 }.Expand(index, [1, 0]);
        double length = Math.Sqrt(1.728 * 1.728 + 0.096 * 0.096);
        Assert.That(expanded, Is.EqualTo(new[] { 1.728 / length, 0.096 / length }).Within(1e-6));
    }

    [TestCase(0)]
    [TestCase(3)]
    [TestCase(0.5)]
    public void Agrees_with_a_plain_loop(double alpha)
    {
        const int Rows = 50, D = 6, N = 4;
        float[] rows = Oracles.Clusters(Rows, D, 5, 3).Values;
        using var index = new ExactIndex(rows, D, device);
        float[] expanded = new QueryExpansion { Neighbours = N, Alpha = alpha }.Expand(index, rows, [.. Enumerable.Range(0, Rows).Select(i => (long)i)]);
        for (int q = 0; q < Rows; q++)
        {
            double Cosine(int i) => Enumerable.Range(0, D).Sum(d => (double)rows[q * D + d] * rows[i * D + d]);
            int[] nearest = [.. Enumerable.Range(0, Rows).Where(i => i != q).OrderByDescending(Cosine).Take(N)];
            double[] sum = [.. Enumerable.Range(0, D).Select(d => rows[q * D + d] + nearest.Sum(i => Math.Pow(Math.Max(0, Cosine(i)), alpha) * rows[i * D + d]))];
            double length = Math.Sqrt(sum.Sum(s => s * s));
            Assert.That(expanded[(q * D)..((q + 1) * D)], Is.EqualTo(sum.Select(s => s / length)).Within(2e-6), $"query {q}");
        }
    }

    [Test]
    public void Rows_at_right_angles_and_beyond_have_no_say_and_neither_have_excluded_or_filtered_ones()
    {
        using var index = new ExactIndex([0, 1, -1, 0, 1, 0, 0.6f, 0.8f], 2, device);
        float[] all = new QueryExpansion { Neighbours = 99 }.Expand(index, [1, 0]);
        var filter = new RowFilter(4);
        for (int i = 0; i < 3; i++) filter.Allow(i);
        Assert.That(all[1], Is.GreaterThan(0.05f), "the last row pulls");
        Assert.That(new QueryExpansion { Neighbours = 99 }.Expand(index, [1, 0], default, filter), Is.EqualTo(new[] { 1f, 0 }));
        Assert.That(new QueryExpansion { Neighbours = 1 }.Expand(index, [3, 0]), Is.EqualTo(new[] { 1f, 0 }), "its nearest is itself");
        Assert.That(new QueryExpansion { Neighbours = 1 }.Expand(index, [3, 0], [2])[1], Is.GreaterThan(0.05f), "which an exclusion keeps out");
    }

    [Test]
    public void Wrong_use_is_refused()
    {
        using var index = new ExactIndex([1, 0, 0, 1], 2, device, Metric.L2);
        Assert.That(() => new QueryExpansion().Expand(index, [1, 0]), Throws.ArgumentException.With.Message.Contains("L2"));
        Assert.That(() => new QueryExpansion { Neighbours = 0 }.Validate(), Throws.ArgumentException.With.Message.Contains("1 or more"));
        Assert.That(() => new QueryExpansion { Alpha = -1 }.Validate(), Throws.ArgumentException.With.Message.Contains("-1"));
        Assert.That(() => new QueryExpansion { Alpha = double.NaN }.Validate(), Throws.ArgumentException);
    }
}
