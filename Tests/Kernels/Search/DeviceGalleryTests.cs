using NUnit.Framework;
using Osprey.Kernels;
using Osprey.Kernels.Search;

namespace Osprey.Tests.Kernels.Search;

/// <summary>The two passes, on the simulator with the plain first pass and elsewhere on tensor cores, against the plain search of the host: the same bits.</summary>
[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.Names))]
public sealed class DeviceGalleryTests(string deviceName)
{
    Device device = null!, host = null!;

    [OneTimeSetUp]
    public void Open() => (device, host) = (TestDevices.Open(deviceName), Device.Open("host", 1));

    [OneTimeTearDown]
    public void Close()
    {
        device.Dispose();
        host.Dispose();
    }

    /// <summary>Sizes at which a few hundred rows go through all that a million would.</summary>
    static readonly GalleryLimits small = new(Bytes: 1 << 24, WorkBytes: 1 << 20, SampleRows: 128, LeastSurvivors: 64, MostSurvivors: 1 << 20, ChunkValues: 1 << 12);

    static readonly Similarity[] similarities = Enum.GetValues<Similarity>();

    TopK Expected(SearchCase c, long firstId = 0, ulong[]? allowed = null)
    {
        using var kernel = new SearchKernel(host, c.Similarity);
        var results = new TopK(c.Queries, c.K, c.Similarity);
        for (int i = 0; i < c.Rows; i++)
        {
            // The host's scan takes no filter: rows that are not allowed are left out.
            if (allowed is not null && (allowed[(firstId + i) / 64] >> (int)((firstId + i) % 64) & 1) == 0) continue;
            kernel.Scan(c.RowValues.AsSpan(i * c.Dimension, c.Dimension), 1, c.Dimension, firstId + i, c.QueryValues, c.Excluded, results);
        }
        return results;
    }

    DeviceGallery Create(SearchCase c, GalleryLimits limits, long firstId = 0)
    {
        var gallery = new DeviceGallery(device, c.Similarity, c.Dimension, limits, null);
        gallery.Add(c.RowValues, firstId);
        return gallery;
    }

    /// <summary>Searches, compares, and returns how many queries were repeated and exhausted.</summary>
    (long Repeated, long Exhausted) Check(SearchCase c, GalleryLimits limits)
    {
        using DeviceGallery gallery = Create(c, limits);
        var results = new TopK(c.Queries, c.K, c.Similarity);
        gallery.Search(c.QueryValues, results, c.Excluded);
        SearchCase.AssertSameBits(results, Expected(c), $"{c}");
        return (gallery.Repeated, gallery.Exhausted);
    }

    [Test]
    public void A_case_computed_by_hand()
    {
        // Row i is (i, 1): q·x = 2i − 3 and ‖q−x‖² = (i−2)² + 16.
        float[] rows = [.. Enumerable.Range(0, 20).SelectMany(i => new float[] { i, 1 })];
        using var product = new DeviceGallery(device, Similarity.InnerProduct, 2, small, null);
        product.Add(rows, 100);
        var best = new TopK(1, 2, Similarity.InnerProduct);
        product.Search([2, -3], best);
        Assert.That(best.Ids(0).ToArray(), Is.EqualTo(new long[] { 119, 118 }));
        Assert.That(best.Scores(0).ToArray(), Is.EqualTo(new float[] { 35, 33 }));

        using var distance = new DeviceGallery(device, Similarity.L2, 2, small, null);
        distance.Add(rows, 0);
        best = new TopK(1, 2, Similarity.L2);
        distance.Search([2, -3], best, [2]);
        Assert.That(best.Ids(0).ToArray(), Is.EqualTo(new long[] { 1, 3 }), "row 2 is excluded, and 1 and 3 are as near");
        Assert.That(best.Scores(0).ToArray(), Is.EqualTo(new float[] { 17, 17 }));
        Assert.That((product.Exhausted, distance.Exhausted), Is.EqualTo((0, 0)), "two passes found it");
    }

    [TestCase(8, 1, 1, 1)]
    [TestCase(127, 1, 3, 15)]
    [TestCase(128, 2, 63, 2)]
    [TestCase(257, 1, 64, 32)]
    [TestCase(131, 3, 65, 1)]
    [TestCase(97, 1, 513, 5)]
    [TestCase(64, 9, 5, 3)]
    public void Random_vectors_have_the_bits_of_the_plain_search(int rows, int queries, int dimension, int k)
    {
        foreach (Similarity similarity in similarities)
        {
            (_, long exhausted) = Check(SearchCase.Random(rows, queries, dimension, k, similarity, seed: rows), small with { LeastSurvivors = rows });
            Assert.That(exhausted, Is.Zero, "there is room for every row");
        }
    }

    [Test]
    public void Equal_scores_rank_by_id()
    {
        foreach (Similarity similarity in similarities) Check(SearchCase.Integers(300, 2, 3, 20, similarity), small);
    }

    [Test]
    public void Near_duplicates_are_told_apart()
    {
        foreach (Similarity similarity in similarities)
        {
            // Rows that differ from one another, and from a query, in a last bit here and there: no code sees it.
            SearchCase c = SearchCase.Random(200, 2, 33, 7, similarity);
            var random = new Random(3);
            for (int i = 0; i < c.RowValues.Length; i++)
                c.RowValues[i] = random.Next(8) == 0 ? MathF.BitIncrement(c.QueryValues[i % 33]) : c.QueryValues[i % 33];
            Check(c, small);
        }
    }

    [Test]
    public void Rows_that_all_survive_are_all_scored()
    {
        foreach (Similarity similarity in similarities)
        {
            SearchCase c = SearchCase.Random(200, 1, 4, 5, similarity);
            for (int i = 4; i < c.RowValues.Length; i++) c.RowValues[i] = c.RowValues[i % 4];
            Assert.That(Check(c, small with { MostSurvivors = 64 }), Is.EqualTo((1, 1)), "200 survivors do not fit into 64 places, however often they are searched");
        }
    }

    [Test]
    public void A_guess_that_is_too_bold_is_seen_and_the_query_searched_again()
    {
        // Every eighth row is in the sample, and the best 16 rows all are: the 11th best of the sample is the guess, and 20 are wanted. The others come
        // so near that no code tells them from the guess, so all survive, and the 20th best misses it.
        SearchCase c = SearchCase.Random(256, 1, 6, 20, Similarity.InnerProduct);
        for (int d = 0; d < 6; d++) c.QueryValues[d] = d == 0 ? 1 : 0.4f;
        for (int i = 0; i < 256; i++) c.RowValues[i * 6] = 1 + 1e-6f * i + (i % 8 == 0 && i < 16 * 8 ? 1e-2f : 0);
        for (int i = 0; i < 256; i++)
            for (int d = 1; d < 6; d++)
                c.RowValues[i * 6 + d] = c.RowValues[d];
        Assert.That(Check(c, small with { LeastSurvivors = 256 }), Is.EqualTo((1, 0)));
    }

    [Test]
    public void Values_of_any_size_and_values_that_are_none()
    {
        float inf = float.PositiveInfinity;
        foreach (Similarity similarity in similarities)
        {
            SearchCase c = SearchCase.Random(160, 4, 5, 9, similarity);
            float[] scales = [1, 1e-20f, 1e-38f, 1e-44f, 1e15f, 3e18f, 1e30f, 3e38f, 0];
            for (int i = 0; i < 160; i++)
                for (int d = 0; d < 5; d++)
                    c.RowValues[i * 5 + d] *= scales[i % scales.Length];
            // One-hot, constant, and not finite.
            for (int d = 0; d < 5; d++) (c.RowValues[10 * 5 + d], c.RowValues[11 * 5 + d]) = (d == 3 ? 1 : 0, 0.25f);
            (c.RowValues[20 * 5], c.RowValues[21 * 5], c.RowValues[22 * 5 + 4], c.RowValues[23 * 5 + 1]) = (float.NaN, inf, -inf, float.NaN);
            for (int d = 0; d < 5; d++)
            {
                c.QueryValues[5 + d] *= 1e-30f;
                c.QueryValues[10 + d] *= 1e18f;
                c.QueryValues[15 + d] *= 1e30f;
            }
            Check(c, small with { LeastSurvivors = 160 });
        }
    }

    [Test]
    public void A_query_that_is_not_a_number_finds_nothing()
    {
        SearchCase c = SearchCase.Random(100, 2, 3, 4, Similarity.InnerProduct);
        c.QueryValues[4] = float.NaN;
        using DeviceGallery gallery = Create(c, small);
        var results = new TopK(2, 4, Similarity.InnerProduct);
        gallery.Search(c.QueryValues, results);
        Assert.That(results.Ids(1).ToArray(), Is.All.EqualTo(-1));
        Assert.That(results.Found(0), Is.EqualTo(4));
    }

    [Test]
    public void Filters_and_exclusions_hold_in_every_pass([Values(2, 3, 40)] int share)
    {
        // Ids 70 … 269; 2: half of them, at random; 40: five, fewer than k; k = 30 scores every row.
        var random = new Random(share);
        var allowed = new ulong[(270 + 63) / 64];
        for (int id = 0; id < 270; id++) if (random.Next(share) == 0) allowed[id / 64] |= 1UL << (id % 64);
        foreach (int k in new[] { 6, 30 })
        {
            foreach (Similarity similarity in similarities)
            {
                SearchCase c = SearchCase.Random(200, 3, 7, k, similarity) with { Excluded = [75, -1, 269] };
                using DeviceGallery gallery = Create(c, small with { LeastSurvivors = 200 }, firstId: 70);
                var results = new TopK(3, k, similarity);
                gallery.Search(c.QueryValues, results, c.Excluded, allowed);
                SearchCase.AssertSameBits(results, Expected(c, 70, allowed), $"{c}, one in {share} allowed");
                Assert.That(gallery.Exhausted, Is.EqualTo(k == 30 ? 3 : 0));
            }
        }
    }

    [Test]
    public void Slices_on_the_host_and_small_batches_change_nothing([Values(3, 40)] int k)
    {
        SearchCase c = SearchCase.Random(150, 5, 12, k, Similarity.L2);
        // A row takes 128 bytes, 48 of them its values. 480 rows fit: slices of 30, all of which stay. Seven rows fit: a row to a slice, of which five
        // stay and two take turns. Batches of two queries or so.
        using DeviceGallery gallery = Create(c, small with { Bytes = 480 * 128, WorkBytes = 2 * (8 * 64 + 8 * k + 4 * 32 + 200), ChunkValues = 100 });
        using DeviceGallery tight = new(device, Similarity.L2, 12, small with { Bytes = 1000 }, null);
        var results = new TopK(5, k, Similarity.L2);
        gallery.Search(c.QueryValues, results);
        TopK expected = Expected(c);
        SearchCase.AssertSameBits(results, expected, "slices");
        Assert.That(gallery.ResidentRows, Is.EqualTo(150));
        tight.Add(c.RowValues.AsSpan(0, 12 * 8), 0);
        tight.Add(c.RowValues.AsSpan(12 * 8, 12 * 4), 8);
        tight.Search(c.QueryValues, results);
        SearchCase.AssertSameBits(results, Expected(c with { Rows = 12 }), "a row to a slice");
        Assert.That(tight.ResidentRows, Is.LessThan(12));
        Assert.That(tight.Rows, Is.EqualTo(12));
    }

    [Test]
    public void One_gallery_serves_searches_of_every_size()
    {
        SearchCase c = SearchCase.Random(130, 4, 6, 8, Similarity.InnerProduct);
        using DeviceGallery gallery = Create(c, small);
        foreach ((int queries, int k) in new[] { (1, 3), (4, 16), (2, 200), (3, 1) })
        {
            SearchCase part = c with { Queries = queries, K = k, QueryValues = c.QueryValues[..(queries * 6)] };
            var results = new TopK(queries, k, c.Similarity);
            gallery.Search(part.QueryValues, results);
            gallery.Search(part.QueryValues, results);
            SearchCase.AssertSameBits(results, Expected(part), $"{part}");
        }
    }

    [Test]
    public void No_rows_or_no_queries_is_an_empty_answer()
    {
        using var gallery = new DeviceGallery(device, Similarity.L2, 3);
        var results = new TopK(1, 2, Similarity.L2);
        gallery.Search([1, 2, 3], results);
        Assert.That(results.Ids(0).ToArray(), Is.All.EqualTo(-1));
        gallery.Add([], 5);
        gallery.Add([1, 1, 1], 7);
        gallery.Search([], new TopK(0, 2, Similarity.L2));
        gallery.Search([1, 2, 3], results);
        Assert.That(results.Ids(0).ToArray(), Is.EqualTo(new long[] { 7, -1 }));
    }

    [Test]
    public void Sizes_that_do_not_fit_are_refused_with_both_numbers()
    {
        using var gallery = new DeviceGallery(device, Similarity.L2, 4);
        gallery.Add(new float[8], 62);
        var results = new TopK(2, 3, Similarity.L2);
        Assert.That(() => gallery.Add(new float[7], 0), Throws.ArgumentException.With.Message.Contains("7").And.Message.Contains("4"));
        Assert.That(() => gallery.Add(new float[8], uint.MaxValue), Throws.ArgumentException.With.Message.Contains("4294967295"));
        Assert.That(() => gallery.Search(new float[9], results), Throws.ArgumentException.With.Message.Contains("9").And.Message.Contains("8"));
        Assert.That(() => gallery.Search(new float[8], results, [1]), Throws.ArgumentException.With.Message.Contains("1 ids for 2"));
        Assert.That(() => gallery.Search(new float[8], results, [], [1, 2]), Throws.ArgumentException.With.Message.Contains("2 words").And.Message.Contains("need 1"));
        Assert.That(() => gallery.Search(new float[8], new TopK(2, 3, Similarity.InnerProduct)), Throws.ArgumentException.With.Message.Contains("InnerProduct"));
        Assert.That(() => new DeviceGallery(device, Similarity.L2, 0), Throws.ArgumentException.With.Message.Contains("dimension is 0"));
        Assert.That(() => new DeviceGallery(device, Similarity.L2, 1, -5), Throws.ArgumentException.With.Message.Contains("-5"));
        Assert.That(() => new DeviceGallery(host, Similarity.L2, 1), Throws.ArgumentException.With.Message.Contains("host"));
    }
}
