using CsCheck;
using NUnit.Framework;
using Osprey.Engine.Evaluation;

namespace Osprey.Tests.Engine.Evaluation;

[TestFixture]
public class PositiveRanksTests
{
    /// <summary>Sorts everything: the definition.</summary>
    static int[] BySorting(DescriptorSet set, ReadOnlySpan<float> query, int self)
    {
        var scores = new double[set.Count];
        for (int i = 0; i < set.Count; i++)
            for (int d = 0; d < set.Dimension; d++) scores[i] += (double)query[d] * set.Row(i)[d];
        int[] order = [.. Enumerable.Range(0, set.Count).Where(i => i != self).OrderByDescending(i => scores[i]).ThenBy(i => i)];
        return [.. Enumerable.Range(0, order.Length).Where(r => set.Labels[order[r]] == set.Labels[self])];
    }

    static int[][] All(DescriptorSet set, int threads)
    {
        var ranks = new int[set.Count][];
        PositiveRanks.ForEach(set, threads, (q, r) => ranks[q] = r.ToArray());
        return ranks;
    }

    // Sizes around the tile of 4 rows, the block of 16 queries and every vector width.
    [TestCase(1, 1, 1)]
    [TestCase(2, 3, 1)]
    [TestCase(5, 7, 2)]
    [TestCase(16, 8, 3)]
    [TestCase(17, 16, 3)]
    [TestCase(67, 33, 5)]
    [TestCase(131, 130, 11)]
    public void Ranks_are_those_of_a_full_sort(int n, int dimension, int classes)
    {
        DescriptorSet set = Oracles.Clusters(n, dimension, classes, 5);
        int[][] ranks = All(set, 2);
        for (int q = 0; q < n; q++) Assert.That(ranks[q], Is.EqualTo(BySorting(set, set.Row(q), q)), $"query {q}");
    }

    [Test]
    public void Equal_scores_go_to_the_lower_id()
    {
        // Small integers: products are exact, ties are many.
        Gen.Select(Gen.Int[0, 2].Array[24], Gen.Int[0, 2].Array[12]).Sample((values, labels) =>
        {
            var set = new DescriptorSet([.. values.Select(v => (float)(v - 1))], 2, labels, 3);
            int[][] ranks = All(set, 1);
            for (int q = 0; q < set.Count; q++) Assert.That(ranks[q], Is.EqualTo(BySorting(set, set.Row(q), q)));
        }, iter: 300);
    }

    [Test]
    public void Equal_images_tie_to_the_bit_wherever_they_stand()
    {
        // Irregular values whose products round; copies at ids that fall into different tiles and blocks.
        float[] row = Oracles.Draw(131, 9), other = Oracles.Draw(131, 10);
        const int n = 37;
        var set = new DescriptorSet([.. Enumerable.Range(0, n).SelectMany(i => i % 2 == 0 ? row : other)], 131, [.. Enumerable.Range(0, n).Select(i => i % 4 < 2 ? 0 : 1)], 2);
        int[][] ranks = All(set, 2);
        for (int q = 0; q < n; q++) Assert.That(ranks[q], Is.EqualTo(BySorting(set, set.Row(q), q)));
    }

    [Test]
    public void The_number_of_threads_changes_nothing() =>
        Assert.That(All(Oracles.Clusters(100, 20, 4, 3), 1), Is.EqualTo(All(Oracles.Clusters(100, 20, 4, 3), 4)));

    [Test]
    public void The_order_of_the_images_changes_no_average_precision()
    {
        DescriptorSet set = Oracles.Clusters(60, 9, 4, 17);
        int[] shuffled = [.. Enumerable.Range(0, 60).OrderBy(i => i * 37 % 61)];
        var other = new DescriptorSet(set.Rows(shuffled), 9, [.. shuffled.Select(i => set.Labels[i])], 4);
        int[][] before = All(set, 2), after = All(other, 2);
        for (int i = 0; i < shuffled.Length; i++) Assert.That(after[i], Is.EqualTo(before[shuffled[i]]));
    }

    [Test]
    public void A_query_that_is_no_row_still_leaves_its_own_image_out()
    {
        DescriptorSet set = Oracles.Clusters(30, 6, 3, 2);
        float[] queries = Oracles.Draw(2 * 6, 99);
        var ranks = new int[2][];
        PositiveRanks.ForEach(set, queries, [7, 20], 1, (q, r) => ranks[q] = r.ToArray());
        Assert.That(ranks[0], Is.EqualTo(BySorting(set, queries.AsSpan(0, 6), 7)));
        Assert.That(ranks[1], Is.EqualTo(BySorting(set, queries.AsSpan(6, 6), 20)));
    }

    [Test]
    public void A_descriptor_that_is_not_finite_is_named() =>
        Assert.That(() => new DescriptorSet([1, 0, float.NaN, 1], 2, [0, 0], 1), Throws.InstanceOf<InvalidDataException>().With.Message.Contains("image 1"));
}
