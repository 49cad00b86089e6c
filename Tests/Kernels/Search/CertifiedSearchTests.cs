using CsCheck;
using NUnit.Framework;
using Osprey.Kernels;
using Osprey.Kernels.Search;

namespace Osprey.Tests.Kernels.Search;

/// <summary>The certified search against the plain scan: the same ids and the same bits, for every level, thread count and hard set.</summary>
[TestFixture]
public sealed class CertifiedSearchTests
{
    static readonly int[] Threads = [1, 2, 3];

    /// <summary>Names, for a public test cannot take the internal type.</summary>
    static IEnumerable<string> Levels => CodeScan.All.Select(s => s.Name);

    static CodeScan Level(string name) => CodeScan.All.Single(s => s.Name == name);

    static readonly string[] Sets =
    [
        "uniform", "near duplicates", "few values", "mixed norms", "denormals", "constant rows", "one hot", "all zero", "all equal", "spiky", "far from the origin", "clusters", "zero queries", "outlier",
    ];

    /// <summary>Codes even where the rows are few.</summary>
    static CertifiedSearch Create(Device device, SearchCase c, CodeScan level, double boldness = 4, ulong seed = 0, int blocks = 1)
    {
        int perBlock = Math.Max(1, (c.Rows + blocks - 1) / blocks);
        var parts = new List<ReadOnlyMemory<float>>();
        for (int first = 0; first < c.Rows; first += perBlock) parts.Add(c.RowValues.AsMemory(first * c.Dimension, Math.Min(perBlock, c.Rows - first) * c.Dimension));
        return new CertifiedSearch(device, c.Similarity, parts, c.Dimension, level, seed, leastRows: 1, boldness);
    }

    /// <summary>A set on which a careless bound fails; queries are near rows, rows themselves, or neither.</summary>
    static SearchCase Hard(string set, int rows, int queries, int dimension, int k, Similarity similarity, int seed = 1)
    {
        SearchCase c = SearchCase.Random(rows, queries, dimension, k, similarity, seed);
        var random = new Random(seed + 77);
        float[] x = c.RowValues, q = c.QueryValues;
        Span<float> Row(int i) => x.AsSpan(i * dimension, dimension);
        switch (set)
        {
            case "near duplicates":
                for (int i = 1; i < rows; i++)
                {
                    Row(i % 5).CopyTo(Row(i));
                    Row(i)[random.Next(dimension)] *= 1 + (random.Next(-3, 4) * 1.2e-7f);
                }
                break;
            case "few values":
                foreach (ref float v in x.AsSpan()) v = MathF.Round(v);
                foreach (ref float v in q.AsSpan()) v = MathF.Round(2 * v);
                break;
            case "mixed norms":
                for (int i = 0; i < rows; i++)
                    foreach (ref float v in Row(i)) v *= MathF.Pow(10, (i % 25) - 12);
                break;
            case "denormals":
                foreach (ref float v in x.AsSpan()) v *= 1e-39f;
                for (int i = 0; i < q.Length; i += 3) q[i] *= 1e-20f;
                break;
            case "constant rows":
                for (int i = 0; i < rows; i++) Row(i).Fill((i % 7) - 3);
                break;
            case "one hot":
                Array.Clear(x);
                for (int i = 0; i < rows; i++) Row(i)[i % dimension] = 1 + (i % 3);
                break;
            case "all zero":
                Array.Clear(x);
                break;
            case "all equal":
                for (int i = 1; i < rows; i++) Row(0).CopyTo(Row(i));
                break;
            case "spiky":
                for (int i = 0; i < rows; i++) Row(i)[random.Next(dimension)] *= 60;
                break;
            case "far from the origin":
                foreach (ref float v in x.AsSpan()) v = (v * 0.01f) + 100;
                foreach (ref float v in q.AsSpan()) v = (v * 0.01f) + 100;
                break;
            case "clusters":
                for (int i = 11; i < rows; i++)
                    for (int d = 0; d < dimension; d++) Row(i)[d] = Row(i % 11)[d] + (0.01f * Row(i)[d]);
                break;
            case "zero queries":
                Array.Clear(q);
                break;
            case "outlier":
                foreach (ref float v in Row(rows / 2)) v *= 1e9f;
                break;
        }
        // Some queries are rows.
        if (set != "zero queries")
            for (int i = 0; i < queries; i += 3) Row(i * 7 % rows).CopyTo(q.AsSpan(i * dimension, dimension));
        return c;
    }

    [Test]
    public void A_case_computed_by_hand()
    {
        var c = new SearchCase(4, 1, 2, 3, Similarity.L2) { RowValues = [1, 0, /**/ 0, 1, /**/ 3, 4, /**/ 1, 0], QueryValues = [1, 2], Excluded = [3] };
        using Device device = Device.Open("host", 1);
        using CertifiedSearch search = Create(device, c, CodeScan.Best);
        TopK results = c.Run(search);
        Assert.That(results.Ids(0).ToArray(), Is.EqualTo(new long[] { 1, 0, 2 }));
        Assert.That(results.Scores(0).ToArray(), Is.EqualTo(new float[] { 2, 4, 8 }));
    }

    [Test]
    public void Hard_sets_are_answered_to_the_bit([ValueSource(nameof(Levels))] string level, [ValueSource(nameof(Sets))] string set, [Values] Similarity similarity)
    {
        foreach (int dimension in new[] { 67, 130 })
        {
            SearchCase c = Hard(set, 1201, 14, dimension, 10, similarity, seed: dimension);
            TopK expected = c.Expected();
            foreach (int threads in Threads)
            {
                using Device device = Device.Open("host", threads);
                using CertifiedSearch search = Create(device, c, Level(level), blocks: threads);
                SearchCase.AssertSameBits(c.Run(search), expected, $"{set}, {threads} threads, {c}");
            }
        }
    }

    [TestCase(1, 1, 1)]
    [TestCase(15, 1, 1)]
    [TestCase(16, 2, 2)]
    [TestCase(17, 2, 17)]
    [TestCase(33, 3, 40)]
    [TestCase(300, 4, 1)]
    [TestCase(300, 5, 300)]
    [TestCase(257, 1, 3)]
    [TestCase(800, 3, 99)]
    [TestCase(900, 255, 5)]
    [TestCase(900, 513, 7)]
    [TestCase(700, 1030, 11)]
    [TestCase(500, 2048, 2)]
    public void Odd_sizes_are_answered_to_the_bit(int rows, int dimension, int k)
    {
        using Device device = Device.Open("host", 2);
        foreach (CodeScan level in CodeScan.All)
        {
            foreach (Similarity similarity in Enum.GetValues<Similarity>())
            {
                SearchCase c = SearchCase.Random(rows, 13, dimension, k, similarity) with { Excluded = [.. Enumerable.Range(0, 13).Select(q => q % 4 == 0 ? -1L : q % rows)] };
                using CertifiedSearch search = Create(device, c, level);
                SearchCase.AssertSameBits(c.Run(search), c.Expected(), $"{level.Name}, {c}");
            }
        }
    }

    [Test]
    public void Random_cases_are_answered_to_the_bit()
    {
        using Device device = Device.Open("host", 2);
        var cases = Gen.Select(Gen.Int[0, Sets.Length - 1], Gen.Int[1, 700], Gen.Int[1, 30], Gen.Int[1, 200], Gen.Int[1, 60], Gen.Int[0, 999], Gen.Bool);
        cases.Sample(
            (which, rows, queries, dimension, k, seed, distance) =>
            {
                string set = Sets[which];
                SearchCase c = Hard(set, rows, queries, dimension, k, distance ? Similarity.L2 : Similarity.InnerProduct, seed);
                using CertifiedSearch search = Create(device, c, CodeScan.All[seed % CodeScan.All.Count], boldness: seed % 5, seed: (ulong)seed);
                SearchCase.AssertSameBits(c.Run(search), c.Expected(), $"{set}, {c}");
            },
            iter: 150, threads: 1);
    }

    [Test]
    public void Large_batches_over_many_tiles_are_answered_to_the_bit([Values] Similarity similarity)
    {
        SearchCase c = SearchCase.Random(20_011, 101, 96, 100, similarity);
        using Device device = Device.Open("host", 2);
        using CertifiedSearch search = Create(device, c, CodeScan.Best);
        TopK expected = c.Expected();
        SearchCase.AssertSameBits(c.Run(search), expected, "first");
        SearchCase.AssertSameBits(c.Run(search), expected, "second, with memory that was used before");
        SearchCase few = c with { Queries = 2, K = 3, QueryValues = c.QueryValues[..(2 * 96)] };
        SearchCase.AssertSameBits(few.Run(search), few.Expected(), "a smaller call after a larger one");
    }

    [Test]
    public void A_guess_that_was_too_bold_costs_a_second_scan_and_no_answer([Values] Similarity similarity)
    {
        SearchCase c = SearchCase.Random(5000, 40, 64, 20, similarity);
        using Device device = Device.Open("host", 2);
        using CertifiedSearch search = Create(device, c, CodeScan.Best, boldness: -4);
        SearchCase.AssertSameBits(c.Run(search), c.Expected(), "bold");
        Assert.That(search.Repeated, Is.Positive);
    }

    [Test]
    public void The_bound_holds_for_every_row([ValueSource(nameof(Levels))] string level, [ValueSource(nameof(Sets))] string set, [Values] Similarity similarity)
    {
        SearchCase c = Hard(set, 200, 7, 70, 1, similarity);
        AssertBounds(c, Level(level));
    }

    /// <summary>sum/(s·b) + q₁·residual + q₂·norm against p·y in double precision, the query's codes within their limit; and the sum reaches the threshold that the row's own fp32 score makes.</summary>
    static unsafe void AssertBounds(SearchCase c, CodeScan level)
    {
        using var source = new PinnedRows([c.RowValues], c.Dimension);
        using CodedRows? rows = CodedBuild.Create(source, c.Similarity, new Osprey.Kernels.Arithmetic.HostTeam(1), 1, seed: 5);
        Assert.That(rows, Is.Not.Null);
        using var queries = new CodedQueries(c.Dimension, rows, level);
        queries.Begin([.. Enumerable.Range(0, c.Queries)], withCodes: true);
        double[] p = new double[c.Dimension], y = new double[c.Dimension];
        fixed (float* at = c.QueryValues)
            for (int panel = 0; panel < queries.Panels; panel++) queries.Prepare(panel, at, p);
        var all = new TopK(c.Queries, c.Rows, c.Similarity);
        using (Device device = Device.Open("host", 1))
        using (var kernel = new SearchKernel(device, c.Similarity)) kernel.Scan(c.RowValues, c.Rows, c.Dimension, 0, c.QueryValues, [], all);
        for (int slot = 0; slot < c.Queries; slot++)
        {
            int panel = 0;
            while (slot >= queries.FirstSlot(panel) + queries.SlotsOf(panel)) panel++;
            int q = slot - queries.FirstSlot(panel), inPanel = queries.SlotsOf(panel);
            var score = new float[c.Rows];
            for (int i = 0; i < c.Rows; i++) score[all.Ids(slot)[i]] = all.Scores(slot)[i];
            for (int d = 0; d < c.Dimension; d++) p[d] = c.QueryValues[(slot * c.Dimension) + d] - (c.Similarity == Similarity.L2 ? (double)rows!.Centre[d] : 0);
            rows!.Rotation?.Apply(p);
            for (int place = 0; place < rows.Blocks * 16; place++)
            {
                uint id = rows.Ids[place];
                if (id == CodedRows.NoRow) continue;
                for (int d = 0; d < c.Dimension; d++) y[d] = (double)c.RowValues[(id * c.Dimension) + d] - rows.Centre[d];
                rows.Rotation?.Apply(y);
                CodedBlock block = rows.BlockBounds[place / 16];
                long sum = 0;
                double product = 0;
                for (int d = 0; d < c.Dimension; d++)
                {
                    int code = rows.Codes[((long)(place / 16) * rows.BlockBytes) + (d / 4 * 64) + (place % 16 * 4) + (d % 4)] - 128;
                    int queryCode = queries.Panel(panel)[(d / 4 * inPanel * 4) + (q * 4) + (d % 4)];
                    Assert.That(Math.Abs(queryCode), Is.LessThanOrEqualTo(level.QueryLimit));
                    sum += code * queryCode;
                    product += p[d] * y[d];
                }
                double unit = 1 / ((double)block.Scale * queries.Scale(panel)[q]);
                double slack = (queries.ResidualShare(panel)[q] * (double)block.Residual) + (queries.NormShare(panel)[q] * (double)block.Norm);
                Assert.That((sum * unit) + slack, Is.GreaterThanOrEqualTo(product - (1e-13 * slack)), $"row {id}, query {slot} of {c}");
                double least = (queries.Threshold(slot, score[id]) + block.Offset - slack) / unit;
                Assert.That((double)sum, Is.GreaterThanOrEqualTo(least - (1e-5 * Math.Abs(least))), $"threshold of row {id}, query {slot} of {c}");
            }
        }
    }

    [Test]
    public void A_radius_at_a_rows_own_score_finds_the_row([ValueSource(nameof(Sets))] string set, [Values] Similarity similarity)
    {
        SearchCase c = Hard(set, 300, 6, 66, 300, similarity);
        TopK all = c.Expected();
        using Device device = Device.Open("host", 2);
        using CertifiedSearch search = Create(device, c, CodeScan.Best);
        foreach (int rank in new[] { 0, 1, 50, 150, 299 })
        {
            for (int q = 0; q < c.Queries; q++)
            {
                float radius = all.Scores(q)[rank];
                var hits = new RangeHits(1, radius, similarity);
                search.SearchRange(c.QueryValues.AsSpan(q * c.Dimension, c.Dimension), hits);
                int expected = all.Scores(q).ToArray().Count(s => similarity == Similarity.L2 ? s <= radius : s >= radius);
                Assert.That(hits.Found(0), Is.EqualTo(expected), $"{set}, query {q}, the score of rank {rank}");
                long[] ids = new long[expected];
                float[] scores = new float[expected];
                hits.Read(0, ids, scores);
                Assert.That(ids, Is.EqualTo(all.Ids(q)[..expected].ToArray()));
                Assert.That(scores, Is.EqualTo(all.Scores(q)[..expected].ToArray()));
            }
        }
    }

    [Test]
    public void A_filter_leaves_only_rows_it_allows([Values(2, 5, 40, 700)] int every, [Values] Similarity similarity)
    {
        SearchCase c = SearchCase.Random(4003, 17, 72, 9, similarity) with { Excluded = [.. Enumerable.Range(0, 17).Select(q => q % 2 == 0 ? (long)q * every : -1)] };
        var allowed = new ulong[(c.Rows + 63) / 64];
        var kept = new List<int>();
        for (int i = 0; i < c.Rows; i += every)
        {
            allowed[i / 64] |= 1UL << (i % 64);
            kept.Add(i);
        }
        // Bits past the last row mean nothing.
        allowed[^1] |= ulong.MaxValue << (c.Rows % 64);
        var part = c with
        {
            Rows = kept.Count,
            RowValues = [.. kept.SelectMany(i => c.RowValues[(i * c.Dimension)..((i + 1) * c.Dimension)])],
            Excluded = [.. c.Excluded.Select(e => e < 0 ? -1 : e / every)],
        };
        TopK expected = part.Expected();
        using Device device = Device.Open("host", 2);
        using CertifiedSearch search = Create(device, c, CodeScan.Best);
        var results = new TopK(c.Queries, c.K, similarity);
        search.Search(c.QueryValues, results, c.Excluded, allowed);
        for (int q = 0; q < c.Queries; q++)
        {
            Assert.That(results.Ids(q).ToArray(), Is.EqualTo(expected.Ids(q).ToArray().Select(i => i < 0 ? -1 : i * every)), $"query {q}");
            Assert.That(results.Scores(q).ToArray(), Is.EqualTo(expected.Scores(q).ToArray()));
        }
        var hits = new RangeHits(c.Queries, expected.Scores(3)[2], similarity);
        search.SearchRange(c.QueryValues, hits, c.Excluded, allowed);
        Assert.That(hits.Found(3), Is.EqualTo(3));
    }

    [Test]
    public void A_value_that_is_not_finite_is_refused_and_its_row_named([Values(float.NaN, float.PositiveInfinity, float.NegativeInfinity)] float value, [Values(100, 3000)] int rows)
    {
        SearchCase c = SearchCase.Random(rows, 1, 33, 1, Similarity.L2);
        c.RowValues[(77 * 33) + 32] = value;
        using Device device = Device.Open("host", 2);
        Assert.That(() => new CertifiedSearch(device, Similarity.L2, [c.RowValues], 33), Throws.ArgumentException.With.Message.Contains("row 77"));
    }

    [Test]
    public void Values_too_large_for_bounds_are_searched_without_codes([Values] Similarity similarity, [Values(1e16f, 1e17f, 1e36f)] float scale)
    {
        SearchCase c = SearchCase.Random(500, 5, 40, 7, similarity, scale: scale);
        using Device device = Device.Open("host", 2);
        using CertifiedSearch search = Create(device, c, CodeScan.Best);
        Assert.That(search.CodeBytes, Is.Zero);
        SearchCase.AssertSameBits(c.Run(search), c.Expected(), "large rows");
        SearchCase query = SearchCase.Random(500, 5, 40, 7, similarity);
        for (int i = 0; i < 80; i++) query.QueryValues[i] *= scale;
        query.QueryValues[90] = float.PositiveInfinity;
        using CertifiedSearch coded = Create(device, query, CodeScan.Best);
        Assert.That(coded.CodeBytes, Is.Positive);
        SearchCase.AssertSameBits(query.Run(coded), query.Expected(), "large queries among others");
    }

    [Test]
    public void Codes_take_about_a_quarter_of_the_rows()
    {
        using Device device = Device.Open("host", 2);
        foreach (int dimension in new[] { 128, 512 })
        {
            SearchCase c = SearchCase.Random(4096, 1, dimension, 1, Similarity.InnerProduct);
            using var search = new CertifiedSearch(device, c.Similarity, [c.RowValues], dimension);
            Assert.That(search.CodeBytes, Is.LessThanOrEqualTo(0.27 * 4 * 4096 * dimension));
        }
    }

    [Test]
    public void Nothing_is_allocated_once_warm([Values] Similarity similarity)
    {
        SearchCase c = SearchCase.Random(4000, 30, 64, 10, similarity);
        using Device device = Device.Open("host", 2);
        using CertifiedSearch search = Create(device, c, CodeScan.Best);
        var results = new TopK(c.Queries, c.K, similarity);
        search.Search(c.QueryValues, results);
        Allocations.AssertNoneOnceWarm(() => search.Search(c.QueryValues, results));
    }

    [Test]
    public void Sizes_and_values_that_do_not_fit_are_refused()
    {
        using Device device = Device.Open("host", 1);
        Assert.That(() => new CertifiedSearch(device, Similarity.L2, [new float[7]], 2), Throws.ArgumentException.With.Message.Contains("7 values"));
        Assert.That(() => new CertifiedSearch(device, Similarity.L2, [new float[8]], 0), Throws.ArgumentException.With.Message.Contains("dimension is 0"));
        using var search = new CertifiedSearch(device, Similarity.L2, [new float[8]], 2);
        var results = new TopK(2, 3, Similarity.L2);
        Assert.That(() => search.Search(new float[3], results), Throws.ArgumentException.With.Message.Contains("3 values"));
        Assert.That(() => search.Search(new float[4], results, [1]), Throws.ArgumentException.With.Message.Contains("1 ids for 2"));
        Assert.That(() => search.Search(new float[4], results, default, new ulong[2]), Throws.ArgumentException.With.Message.Contains("2 words"));
        Assert.That(() => search.Search([0, 0, 0, float.NaN], results), Throws.ArgumentException.With.Message.Contains("query 1").And.Message.Contains("dimension 1"));
        Assert.That(() => search.Search(new float[4], new TopK(2, 3, Similarity.InnerProduct)), Throws.ArgumentException.With.Message.Contains("InnerProduct"));
        Assert.That(() => new RangeHits(1, float.NaN, Similarity.L2), Throws.ArgumentException);
        Assert.That(() => search.SearchRange(new float[2], new RangeHits(1, 1, Similarity.L2)), Throws.Nothing);
    }
}
