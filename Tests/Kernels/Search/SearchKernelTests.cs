using NUnit.Framework;
using Osprey.Kernels;
using Osprey.Kernels.Search;
using TorchSharp;

namespace Osprey.Tests.Kernels.Search;

[TestFixture]
public sealed class SearchKernelTests
{
    static readonly int[] HardSizes = [1, 2, 3, 15, 16, 17, 31, 33, 63, 65, 127, 257, 509];

    /// <summary>Names, for a public test cannot take the internal type.</summary>
    static readonly string[] Levels = Enum.GetNames<SimdLevel>();

    static SearchKernel Create(Device device, Similarity similarity, SimdLevel level = SimdLevel.Vector512) => new(device, similarity, level);

    [Test]
    public void A_case_computed_by_hand()
    {
        float[] rows = [1, 0, /**/ 0, 1, /**/ 3, 4, /**/ 1, 0];
        float[] queries = [1, 2];
        using Device device = Device.Open("host", 1);

        var product = new TopK(1, 3, Similarity.InnerProduct);
        using (var kernel = new SearchKernel(device, Similarity.InnerProduct)) kernel.Scan(rows, 4, 2, 100, queries, [], product);
        Assert.That(product.Ids(0).ToArray(), Is.EqualTo(new long[] { 102, 101, 100 }), "11, 2, 1 and again 1, whose id is higher");
        Assert.That(product.Scores(0).ToArray(), Is.EqualTo(new float[] { 11, 2, 1 }));

        var distance = new TopK(1, 5, Similarity.L2);
        using (var kernel = new SearchKernel(device, Similarity.L2)) kernel.Scan(rows, 4, 2, 0, queries, [3], distance);
        Assert.That(distance.Ids(0).ToArray(), Is.EqualTo(new long[] { 1, 0, 2, -1, -1 }), "row 3 is excluded, and k exceeds the rest");
        Assert.That(distance.Scores(0).ToArray(), Is.EqualTo(new[] { 2, 4, 8, float.PositiveInfinity, float.PositiveInfinity }));
    }

    [Test]
    public void Integer_vectors_rank_exactly_as_the_reference_ties_and_all([ValueSource(nameof(Levels))] string level, [Values] Similarity similarity)
    {
        using Device device = Device.Open("host", 2);
        using SearchKernel kernel = Create(device, similarity, Enum.Parse<SimdLevel>(level));
        var random = new Random(7);
        int Pick() => HardSizes[random.Next(HardSizes.Length)];
        // Every size on each axis once, the others drawn; then draws alone.
        foreach (int size in HardSizes)
        {
            foreach ((int n, int q, int d, int k) in new[]
                { (size, 5, Pick(), Pick()), (Pick(), Math.Min(size, 127), 7, Pick()), (Pick(), 3, size, Pick()), (Pick(), 4, Pick(), size), (Pick(), Pick() % 40 + 1, Pick(), Pick()) })
            {
                SearchCase c = SearchCase.Integers(n, q, d, k, similarity, seed: n + 1000 * d);
                c.AssertExact(c.Run(kernel));
            }
        }
    }

    [Test]
    public void Real_vectors_agree_with_double_precision([ValueSource(nameof(Levels))] string level, [Values] Similarity similarity)
    {
        using Device device = Device.Open("host", 2);
        using SearchKernel kernel = Create(device, similarity, Enum.Parse<SimdLevel>(level));
        foreach ((int n, int q, int d, int k) in new[] { (300, 13, 512, 10), (127, 1, 2048, 127), (65, 33, 255, 3), (33, 12, 256, 40), (31, 16, 257, 1), (509, 2, 769, 100) })
        {
            SearchCase c = SearchCase.Random(n, q, d, k, similarity, seed: d);
            c.AssertClose(c.Run(kernel));
        }
    }

    [Test]
    public void Huge_and_tiny_vectors_agree_with_double_precision([ValueSource(nameof(Levels))] string level, [Values] Similarity similarity)
    {
        using Device device = Device.Open("host", 2);
        using SearchKernel kernel = Create(device, similarity, Enum.Parse<SimdLevel>(level));
        foreach (float scale in new[] { 1e-15f, 1e17f })
        {
            SearchCase c = SearchCase.Random(101, 5, 61, 20, similarity, scale: scale);
            c.AssertClose(c.Run(kernel));
        }
    }

    [Test]
    public void The_distance_of_close_long_vectors_keeps_its_digits()
    {
        // ‖q‖² = 2⁴⁰·4; the distance is 1: the expanded form would lose it altogether.
        float[] query = [1 << 20, 1 << 20, 1 << 20, 1 << 20], row = [(1 << 20) + 1, 1 << 20, 1 << 20, 1 << 20];
        using Device device = Device.Open("host", 1);
        using SearchKernel kernel = Create(device, Similarity.L2);
        var results = new TopK(1, 2, Similarity.L2);
        kernel.Scan([.. row, .. query], 2, 4, 0, query, [], results);
        Assert.That(results.Ids(0).ToArray(), Is.EqualTo(new long[] { 1, 0 }));
        Assert.That(results.Scores(0).ToArray(), Is.EqualTo(new float[] { 0, 1 }));
    }

    [Test]
    public void The_same_bits_for_any_threads_width_slices_and_batch([Values] Similarity similarity)
    {
        SearchCase c = SearchCase.Random(1009, 29, 300, 17, similarity) with { Excluded = [.. Enumerable.Range(0, 29).Select(q => q % 3 == 0 ? -1L : 7 * q)] };
        using Device one = Device.Open("host", 1);
        using SearchKernel reference = Create(one, similarity);
        TopK expected = c.Run(reference);
        c.AssertClose(expected);
        foreach (int threads in new[] { 1, 2, 3, 8 })
        {
            using Device device = Device.Open("host", threads);
            foreach (SimdLevel level in Enum.GetValues<SimdLevel>())
            {
                using SearchKernel kernel = Create(device, similarity, level);
                foreach (int slice in new[] { 1009, 500, 37 })
                    SearchCase.AssertSameBits(c.Run(kernel, slice), expected, $"{threads} threads, {level}, slices of {slice}");
            }
        }

        for (int q = 0; q < c.Queries; q++)
        {
            var alone = new TopK(1, c.K, similarity);
            reference.Scan(c.RowValues, c.Rows, c.Dimension, 0, c.QueryValues.AsSpan(q * c.Dimension, c.Dimension), [c.Excluded[q]], alone);
            Assert.That(alone.Ids(0).ToArray(), Is.EqualTo(expected.Ids(q).ToArray()), $"query {q} alone");
            Assert.That(alone.Scores(0).ToArray(), Is.EqualTo(expected.Scores(q).ToArray()), $"query {q} alone");
        }
    }

    [Test]
    public void Slices_may_come_in_any_order()
    {
        SearchCase c = SearchCase.Integers(400, 6, 9, 33, Similarity.InnerProduct);
        using Device device = Device.Open("host", 2);
        using SearchKernel kernel = Create(device, c.Similarity);
        var results = new TopK(c.Queries, c.K, c.Similarity);
        foreach (int first in new[] { 300, 0, 200, 100 })
        {
            kernel.Scan(c.RowValues.AsSpan(first * 9, 900), 100, 9, first, c.QueryValues, [], results);
            Assert.That(results.Ids(0)[0], Is.InRange(0, 399), "reading between scans changes nothing");
        }
        c.AssertExact(results);
    }

    [Test]
    public void Every_row_against_all_the_others_is_a_full_ranking([Values] Similarity similarity)
    {
        SearchCase c = SearchCase.Integers(257, 257, 5, 256, similarity);
        c = c with { QueryValues = c.RowValues, Excluded = [.. Enumerable.Range(0, 257).Select(i => (long)i)] };
        using Device device = Device.Open("host", 2);
        using SearchKernel kernel = Create(device, similarity);
        c.AssertExact(c.Run(kernel));
    }

    [Test]
    public void Equal_rows_rank_by_id([Values(1, 5, 64, 200, 2100)] int k)
    {
        const int Rows = 2050;
        var c = new SearchCase(Rows, 3, 4, k, Similarity.InnerProduct)
        {
            RowValues = [.. Enumerable.Repeat(0.5f, Rows * 4)],
            QueryValues = [.. Enumerable.Repeat(-1f, 12)],
            Excluded = [0, 2, -1],
        };
        using Device device = Device.Open("host", 3);
        using SearchKernel kernel = Create(device, c.Similarity);
        c.AssertExact(c.Run(kernel));
    }

    [Test]
    public void Both_zeros_are_one_score()
    {
        using Device device = Device.Open("host", 1);
        using SearchKernel kernel = Create(device, Similarity.InnerProduct);
        var results = new TopK(1, 3, Similarity.InnerProduct);
        kernel.Scan([-0f, 0f, -0f], 3, 1, 0, [1f], [], results);
        Assert.That(results.Ids(0).ToArray(), Is.EqualTo(new long[] { 0, 1, 2 }));
        Assert.That(results.Scores(0).ToArray().Select(float.IsNegative), Is.All.False);
    }

    [Test]
    public void A_row_whose_score_is_not_a_number_is_never_returned([Values] Similarity similarity, [Values] bool simulated)
    {
        using Device device = Device.Open(simulated ? "simulator" : "host", 1);
        using var kernel = new SearchKernel(device, similarity);
        float inf = float.PositiveInfinity;
        float[] rows = [1, 1, /**/ float.NaN, 1, /**/ inf, 0, /**/ -inf, 0, /**/ inf, -inf];
        var results = new TopK(2, 5, similarity);
        kernel.Scan(rows, 5, 2, 0, [1, 1, /**/ float.NaN, 0], [], results);
        // Row 4 scores ∞−∞ as a product, ∞ as a distance.
        long[] expected = similarity == Similarity.InnerProduct ? [2, 0, 3, -1, -1] : [0, 2, 3, 4, -1];
        Assert.That(results.Ids(0).ToArray(), Is.EqualTo(expected));
        Assert.That(results.Ids(1).ToArray(), Is.All.EqualTo(-1), "a query that is not a number finds nothing");
        Assert.That(results.Found(1), Is.Zero);
    }

    [Test]
    public void No_rows_or_no_queries_is_an_empty_answer()
    {
        using Device device = Device.Open("host", 2);
        using SearchKernel kernel = Create(device, Similarity.InnerProduct);
        var results = new TopK(2, 3, Similarity.InnerProduct);
        kernel.Scan([], 0, 4, 0, new float[8], [], results);
        Assert.That(results.Ids(1).ToArray(), Is.EqualTo(new long[] { -1, -1, -1 }));
        Assert.That(results.Scores(1).ToArray(), Is.All.EqualTo(float.NegativeInfinity));
        Assert.That(() => kernel.Scan(new float[8], 2, 4, 0, [], [], new TopK(0, 3, Similarity.InnerProduct)), Throws.Nothing);
    }

    [Test]
    public void Cleared_results_start_afresh()
    {
        SearchCase c = SearchCase.Integers(200, 4, 8, 5, Similarity.L2);
        using Device device = Device.Open("host", 1);
        using SearchKernel kernel = Create(device, c.Similarity);
        TopK results = c.Run(kernel);
        results.Clear();
        Assert.That(results.Ids(0).ToArray(), Is.All.EqualTo(-1));
        kernel.Scan(c.RowValues, c.Rows, c.Dimension, 0, c.QueryValues, [], results);
        c.AssertExact(results);
    }

    [Test]
    public void Sizes_that_do_not_fit_are_refused_with_both_numbers()
    {
        using Device device = Device.Open("host", 1);
        using SearchKernel kernel = Create(device, Similarity.L2);
        var results = new TopK(2, 3, Similarity.L2);
        Assert.That(() => kernel.Scan(new float[7], 2, 4, 0, new float[8], [], results), Throws.ArgumentException.With.Message.Contains("7").And.Message.Contains("8"));
        Assert.That(() => kernel.Scan(new float[8], 2, 4, 0, new float[9], [], results), Throws.ArgumentException.With.Message.Contains("9").And.Message.Contains("8"));
        Assert.That(() => kernel.Scan(new float[8], 2, 4, 0, new float[8], [1], results), Throws.ArgumentException.With.Message.Contains("1 ids for 2"));
        Assert.That(() => kernel.Scan(new float[8], 2, 4, uint.MaxValue, new float[8], [], results), Throws.ArgumentException.With.Message.Contains("4294967295"));
        Assert.That(() => kernel.Scan(new float[8], 2, 4, 0, new float[8], [], new TopK(2, 3, Similarity.InnerProduct)), Throws.ArgumentException.With.Message.Contains("InnerProduct"));
        Assert.That(() => new TopK(1, 0, Similarity.L2), Throws.ArgumentException.With.Message.Contains("k is 0"));
    }

    [Test]
    public void Torch_matmul_and_topk_give_the_same([Values(1, 10, 100)] int k)
    {
        SearchCase c = SearchCase.Random(2000, 50, 128, k, Similarity.InnerProduct);
        using Device device = Device.Open("host", 2);
        using SearchKernel kernel = Create(device, c.Similarity);
        TopK ours = c.Run(kernel);
        using var scope = torch.NewDisposeScope();
        torch.Tensor product = torch.tensor(c.QueryValues, 50, 128).matmul(torch.tensor(c.RowValues, 2000, 128).t());
        (torch.Tensor values, torch.Tensor indexes) = product.topk(k);
        float[] scores = values.data<float>().ToArray();
        long[] ids = indexes.data<long>().ToArray();
        int same = 0;
        for (int q = 0; q < 50; q++)
        {
            for (int r = 0; r < k; r++)
            {
                Assert.That(ours.Scores(q)[r], Is.EqualTo(scores[q * k + r]).Within(1e-4), $"query {q}, rank {r}");
                if (ours.Ids(q)[r] == ids[q * k + r]) same++;
            }
        }
        Assert.That(same, Is.GreaterThanOrEqualTo(50 * k - 4), "ids differ only where two scores are within rounding");
    }
}
