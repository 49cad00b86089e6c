using NUnit.Framework;
using Osprey.Engine.Retrieval;
using Osprey.Kernels;

namespace Osprey.Tests.Engine.Retrieval;

[TestFixture]
public sealed class ExactIndexTests
{
    string folder = "";
    Device device = null!;

    [OneTimeSetUp]
    public void SetUp()
    {
        folder = Directory.CreateTempSubdirectory("osprey-index").FullName;
        device = Device.Open("host", 2);
    }

    [OneTimeTearDown]
    public void TearDown()
    {
        device.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    string At(string name) => Path.Combine(folder, name);

    static float[] Random(int rows, int dimension, int seed = 1, float scale = 1)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, rows * dimension).Select(_ => (2 * random.NextSingle() - 1) * scale)];
    }

    static double Score(Metric metric, ReadOnlySpan<float> q, ReadOnlySpan<float> x)
    {
        double product = 0, qq = 0, xx = 0;
        for (int d = 0; d < q.Length; d++)
        {
            product += (double)q[d] * x[d];
            qq += (double)q[d] * q[d];
            xx += (double)x[d] * x[d];
        }
        return metric switch
        {
            Metric.InnerProduct => product,
            Metric.Cosine => qq == 0 || xx == 0 ? 0 : product / Math.Sqrt(qq * xx),
            _ => qq + xx - 2 * product,
        };
    }

    static long[] Reference(Metric metric, float[] rows, ReadOnlySpan<float> query, int dimension, long excluded = -1)
    {
        var scored = new List<(double Cost, long Id)>();
        for (int i = 0; i < rows.Length / dimension; i++)
        {
            double score = Score(metric, query, rows.AsSpan(i * dimension, dimension));
            if (i != excluded) scored.Add((metric == Metric.L2 ? score : -score, i));
        }
        return [.. scored.Order().Select(s => s.Id)];
    }

    static void AssertSame(Ranking actual, Ranking expected)
    {
        Assert.That((actual.Queries, actual.K), Is.EqualTo((expected.Queries, expected.K)));
        for (int q = 0; q < expected.Queries; q++)
        {
            Assert.That(actual.Ids(q).ToArray(), Is.EqualTo(expected.Ids(q).ToArray()));
            Assert.That(actual.Scores(q).ToArray(), Is.EqualTo(expected.Scores(q).ToArray()));
        }
    }

    [Test]
    public void Every_metric_agrees_with_its_definition([Values] Metric metric)
    {
        const int Rows = 211, D = 16;
        // Rows and queries of many lengths, so that the three metrics differ.
        float[] rows = Random(Rows, D), queries = Random(9, D, seed: 2, scale: 3);
        for (int i = 0; i < rows.Length; i++) rows[i] *= 1 + i / D % 5;
        using var index = new ExactIndex(rows, D, device, metric);
        Ranking ranking = index.Search(queries, 20);
        for (int q = 0; q < 9; q++)
        {
            ReadOnlySpan<float> query = queries.AsSpan(q * D, D);
            Assert.That(ranking.Ids(q).ToArray(), Is.EqualTo(Reference(metric, rows, query, D)[..20]), $"query {q}");
            for (int r = 0; r < 20; r++)
            {
                double expected = Score(metric, query, rows.AsSpan((int)ranking.Ids(q)[r] * D, D));
                Assert.That((double)ranking.Scores(q)[r], Is.EqualTo(expected).Within(1e-5 * Math.Max(1, Math.Abs(expected))));
            }
        }
    }

    [Test]
    public void The_cosine_knows_no_length_and_takes_zero_vectors()
    {
        float[] rows = [1e-18f, 0, /**/ 0, 0, /**/ 1e18f, 1e18f, /**/ -3, 0];
        float[] kept = [.. rows];
        using var index = new ExactIndex(rows, 2, device);
        Ranking ranking = index.Search([1e15f, 0, /**/ 0, 0], 4);
        Assert.That(ranking.Ids(0).ToArray(), Is.EqualTo(new long[] { 0, 2, 1, 3 }));
        Assert.That(ranking.Scores(0).ToArray(), Is.EqualTo(new[] { 1, MathF.Sqrt(0.5f), 0, -1 }).Within(1e-6f));
        Assert.That(ranking.Scores(1).ToArray(), Is.All.Zero);
        Assert.That(rows, Is.EqualTo(kept), "the caller's array is not written to");
    }

    [Test]
    public void Unit_rows_are_searched_as_they_are()
    {
        // Of length 1 − 1e-6, as normalisation with an epsilon leaves them: the score shows it.
        float[] rows = [1 - 1e-6f, 0];
        using var index = new ExactIndex(rows, 2, device);
        Assert.That(index.Search([1, 0], 1).Scores(0)[0], Is.EqualTo(1 - 1e-6f));
    }

    [Test]
    public void A_search_with_exclusions_and_more_ranks_than_rows()
    {
        float[] rows = Random(5, 3);
        using var index = new ExactIndex(rows, 3, device);
        Ranking ranking = index.Search(rows, 7, [0, -1, 2, 3, 4]);
        Assert.That(ranking.Ids(0).ToArray(), Is.EqualTo([.. Reference(Metric.Cosine, rows, rows.AsSpan(0, 3), 3, 0), -1, -1, -1]));
        Assert.That(ranking.Ids(1)[0], Is.EqualTo(1));
        Assert.That(ranking.Ids(1)[5], Is.EqualTo(-1));
    }

    [Test]
    public void Many_queries_in_batches_are_the_queries_one_by_one()
    {
        float[] rows = Random(300, 4), queries = Random(2500, 4, seed: 3);
        using var index = new ExactIndex(rows, 4, device);
        Ranking all = index.Search(queries, 3);
        foreach (int q in new[] { 0, 1023, 1024, 2047, 2048, 2499 })
        {
            Ranking one = index.Search(queries.AsSpan(q * 4, 4), 3);
            Assert.That(all.Ids(q).ToArray(), Is.EqualTo(one.Ids(0).ToArray()), $"query {q}");
            Assert.That(all.Scores(q).ToArray(), Is.EqualTo(one.Scores(0).ToArray()), $"query {q}");
        }
    }

    [Test]
    public void Every_row_against_all_the_others([Values(0, 1, 7, 1000)] int batch)
    {
        const int Rows = 61, D = 6;
        float[] rows = Random(Rows, D);
        using var index = new ExactIndex(rows, D, device);
        long next = 0;
        foreach (RankingBatch step in index.SearchSelf(Rows - 1, batch))
        {
            Assert.That(step.First, Is.EqualTo(next));
            for (int q = 0; q < step.Ranking.Queries; q++, next++)
                Assert.That(step.Ranking.Ids(q).ToArray(), Is.EqualTo(Reference(Metric.Cosine, rows, rows.AsSpan((int)next * D, D), D, next)), $"query {next}");
        }
        Assert.That(next, Is.EqualTo(Rows));
    }

    [Test]
    public void A_store_is_searched_part_by_part_as_one_array()
    {
        DescriptorStore store = StoreSample.Make(At("store"));
        float[] all = store.ReadDescriptors();
        using var index = new ExactIndex(store, device, Metric.L2);
        using var whole = new ExactIndex(all, store.Dimension, device, Metric.L2);
        AssertSame(index.Search(all, 20), whole.Search(all, 20));
        Assert.That(index.SearchSelf(19).SelectMany(b => Enumerable.Range(0, b.Ranking.Queries).Select(q => b.First + q)), Is.EqualTo(Enumerable.Range(0, 20)));
        index.EnsureMadeFrom(store);
        Assert.That(() => whole.EnsureMadeFrom(store), Throws.TypeOf<InvalidDataException>().With.Message.Contains("osprey index"));
    }

    [Test]
    public void A_saved_index_answers_the_same([Values] Metric metric, [Values(0, 1, 211)] int rows)
    {
        const int D = 7;
        float[] queries = Random(5, D, seed: 2);
        using var index = new ExactIndex(Random(rows, D), D, device, metric);
        index.Save(At("saved"));
        using ExactIndex opened = ExactIndex.Open(At("saved"), device);
        Assert.That((opened.Rows, opened.Dimension, opened.Metric), Is.EqualTo(((long)rows, D, metric)));
        AssertSame(opened.Search(queries, 10), index.Search(queries, 10));
        index.Save(At("again"));
        Assert.That(File.ReadAllBytes(At("again")), Is.EqualTo(File.ReadAllBytes(At("saved"))));
        Assert.That(File.Exists(At("saved.tmp")), Is.False);
    }

    [Test]
    public void The_store_an_index_was_made_from_is_remembered()
    {
        DescriptorStore store = StoreSample.Make(At("remembered"));
        using (var index = new ExactIndex(store, device)) index.Save(At("remembered.index"));
        using ExactIndex opened = ExactIndex.Open(At("remembered.index"), device);
        opened.EnsureMadeFrom(store);
        DescriptorStore other = StoreSample.Make(At("other"), StoreSample.Describe(images: 22));
        Assert.That(() => opened.EnsureMadeFrom(other), Throws.TypeOf<InvalidDataException>());
    }

    [Test]
    public void Built_from_a_store_without_holding_it_the_file_is_the_same([Values] Metric metric, [Values(0, 30, 2500)] int rows)
    {
        DescriptorStore store = StoreSample.Make(At($"built-{metric}-{rows}"), StoreSample.Describe(images: rows, partImages: 1000));
        using (var index = new ExactIndex(store, device, metric)) index.Save(At("held.index"));
        ExactIndex.Build(store, At("built.index"), device, metric);
        Assert.That(File.ReadAllBytes(At("built.index")), Is.EqualTo(File.ReadAllBytes(At("held.index"))));
        Assert.That(File.Exists(At("built.index.tmp")), Is.False);
    }

    [Test]
    public void A_damaged_index_is_refused()
    {
        using (var index = new ExactIndex(Random(50, 8), 8, device)) index.Save(At("sound"));
        byte[] sound = File.ReadAllBytes(At("sound"));
        void Refused(byte[] bytes, string says)
        {
            File.WriteAllBytes(At("damaged"), bytes);
            Assert.That(() => ExactIndex.Open(At("damaged"), device), Throws.TypeOf<InvalidDataException>().With.Message.Contains(says).And.Message.Contains("damaged"));
        }
        Refused([], "OSPREYIX");
        Refused(sound[..^1], "truncated");
        Refused(sound[..60], "sections");
        byte[] With(int at, byte value)
        {
            byte[] bytes = [.. sound];
            bytes[at] = value;
            return bytes;
        }
        Refused(With(0, (byte)'X'), "OSPREYIX");
        Refused(With(8, 9), "version 9");
        Refused(With(12, 200), "200 sections");
        Refused(With(16, (byte)'m'), "no section META");
        Refused(With(sound.Length - 5, (byte)(sound[^5] ^ 1)), "ROWS");
        Refused(With(4097, (byte)(sound[4097] ^ 1)), "META");
    }

    [Test]
    public void A_section_that_is_not_known_is_passed_over()
    {
        // As a later version might write: a third section. It goes where the padding is.
        using (var index = new ExactIndex(Random(50, 8), 8, device)) index.Save(At("extended"));
        byte[] bytes = File.ReadAllBytes(At("extended"));
        bytes[12] = 3;
        "LATER"u8.CopyTo(bytes.AsSpan(16 + 2 * 56));
        BitConverter.GetBytes(200L).CopyTo(bytes, 16 + 2 * 56 + 8);
        BitConverter.GetBytes(100L).CopyTo(bytes, 16 + 2 * 56 + 16);
        File.WriteAllBytes(At("extended"), bytes);
        using ExactIndex opened = ExactIndex.Open(At("extended"), device);
        Assert.That(opened.Rows, Is.EqualTo(50));
    }

    [Test]
    public void A_large_index_keeps_its_codes_in_the_file([Values] Metric metric)
    {
        const int Rows = 3001, D = 24;
        float[] rows = Random(Rows, D), queries = Random(40, D, seed: 2);
        using var index = new ExactIndex(rows, D, device, metric);
        Assert.That(index.CodeBytes, Is.Positive);
        index.Save(At("coded"));
        using ExactIndex opened = ExactIndex.Open(At("coded"), device);
        Assert.That(opened.CodeBytes, Is.EqualTo(index.CodeBytes));
        Ranking ranking = index.Search(queries, 10);
        AssertSame(opened.Search(queries, 10), ranking);
        for (int q = 0; q < 5; q++) Assert.That(ranking.Ids(q).ToArray(), Is.EqualTo(Reference(metric, rows, queries.AsSpan(q * D, D), D)[..10]), $"query {q}");
        opened.Save(At("coded again"));
        Assert.That(File.ReadAllBytes(At("coded again")), Is.EqualTo(File.ReadAllBytes(At("coded"))));
        // The same file without its codes, as an older version wrote it: the section is renamed.
        byte[] bytes = File.ReadAllBytes(At("coded"));
        bytes[16 + (2 * 56)] = (byte)'X';
        File.WriteAllBytes(At("without"), bytes);
        using ExactIndex without = ExactIndex.Open(At("without"), device);
        AssertSame(without.Search(queries, 10), ranking);
        bytes = File.ReadAllBytes(At("coded"));
        bytes[^100] ^= 1;
        File.WriteAllBytes(At("coded damaged"), bytes);
        Assert.That(() => ExactIndex.Open(At("coded damaged"), device), Throws.TypeOf<InvalidDataException>().With.Message.Contains("CODES"));
    }

    [Test]
    public void A_filter_and_a_radius_choose_rows([Values] Metric metric, [Values(50, 3000)] int count)
    {
        const int D = 9;
        float[] rows = Random(count, D), queries = Random(3, D, seed: 2);
        using var index = new ExactIndex(rows, D, device, metric);
        var filter = new RowFilter(count);
        for (int i = 1; i < count; i += 3) filter.Allow(i);
        filter.Allow(1);
        Assert.That(filter.Count, Is.EqualTo((count + 1) / 3));
        Ranking all = index.Search(queries, count), some = index.Search(queries, 7, default, filter);
        RangeRanking near = index.SearchRange(queries, all.Scores(1)[5]), nearOfSome = index.SearchRange(queries, all.Scores(1)[5], filter);
        for (int q = 0; q < 3; q++) Assert.That(some.Ids(q).ToArray(), Is.EqualTo(all.Ids(q).ToArray().Where(i => i % 3 == 1).Take(7)));
        Assert.That((near.Queries, near.Ids(1).Length), Is.EqualTo((3, 6)));
        Assert.That(near.Ids(1).ToArray(), Is.EqualTo(all.Ids(1)[..6].ToArray()));
        Assert.That(near.Scores(1).ToArray(), Is.EqualTo(all.Scores(1)[..6].ToArray()));
        Assert.That(nearOfSome.Ids(1).ToArray(), Is.EqualTo(all.Ids(1)[..6].ToArray().Where(i => i % 3 == 1)));
        Assert.That(() => index.Search(queries, 1, default, new RowFilter(7)), Throws.ArgumentException.With.Message.Contains("7 rows"));
        Assert.That(() => filter.Allow(count), Throws.ArgumentException.With.Message.Contains($"{count}"));
    }

    [Test]
    public void Another_device_gives_the_same_ids_and_takes_filters_and_radii([Values] Metric metric)
    {
        float[] rows = Random(90, 8), queries = Random(2, 8, seed: 2);
        using Device simulator = Device.Open("simulator");
        using var simulated = new ExactIndex(rows, 8, simulator, metric);
        using var index = new ExactIndex(rows, 8, device, metric);
        var filter = new RowFilter(90);
        for (int i = 0; i < 90; i += 2) filter.Allow(i);
        Ranking expected = index.Search(queries, 5, [3, -1], filter), actual = simulated.Search(queries, 5, [3, -1], filter);
        for (int q = 0; q < 2; q++) Assert.That(actual.Ids(q).ToArray(), Is.EqualTo(expected.Ids(q).ToArray()));
        Assert.That(simulated.SearchRange(queries, expected.Scores(0)[2], filter).Ids(0).ToArray(), Is.EqualTo(index.SearchRange(queries, expected.Scores(0)[2], filter).Ids(0).ToArray()));
    }

    [Test]
    public void What_is_not_finite_is_refused_and_named()
    {
        float[] rows = Random(50, 4);
        rows[4 * 31] = float.NaN;
        Assert.That(() => new ExactIndex(rows, 4, device, Metric.L2), Throws.ArgumentException.With.Message.Contains("row 31"));
        using var index = new ExactIndex(Random(50, 4), 4, device, Metric.L2);
        Assert.That(() => index.Search([0, 0, 0, float.NaN], 1), Throws.ArgumentException.With.Message.Contains("query 0"));
    }

    [Test]
    public void Sizes_that_do_not_fit_are_refused_with_both_numbers()
    {
        Assert.That(() => new ExactIndex(new float[7], 2, device), Throws.ArgumentException.With.Message.Contains("7").And.Message.Contains("2"));
        using var index = new ExactIndex(new float[8], 2, device);
        Assert.That(() => index.Search(new float[3], 1), Throws.ArgumentException.With.Message.Contains("3 values"));
        Assert.That(() => index.Search(new float[2], 0), Throws.ArgumentException.With.Message.Contains("k is 0"));
        Assert.That(() => index.Search(new float[4], 1, [1]), Throws.ArgumentException.With.Message.Contains("1 ids for 2"));
        Assert.That(() => index.SearchSelf(0), Throws.ArgumentException);
    }
}
