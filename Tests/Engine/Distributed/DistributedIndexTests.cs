using System.Text.Json;
using NUnit.Framework;
using Osprey.Engine.Distributed;
using Osprey.Engine.Retrieval;
using Osprey.Kernels;
using Osprey.Tests.Interop.Mpi;

namespace Osprey.Tests.Engine.Distributed;

/// <summary>Any number of ranks answers as one process does, to the bit.</summary>
[TestFixture]
public sealed class DistributedIndexTests
{
    const int Dimension = 24;

    string folder = "";

    [SetUp]
    public void CreateFolder() => folder = Directory.CreateTempSubdirectory("osprey-ranks-").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(folder, recursive: true);

    /// <param name="rows">N.</param>
    /// <param name="distinct">Row i is that of i mod this: equal rows lie on different ranks, and their scores tie.</param>
    /// <param name="change">Of the values.</param>
    /// <param name="name">Of the store's folder.</param>
    DescriptorStore Store(int rows, int distinct, Action<float[]>? change = null, string name = "s")
    {
        var random = new Random(5);
        float[] values = [.. Enumerable.Range(0, distinct * Dimension).Select(_ => (float)(random.NextDouble() - 0.5))];
        float[] all = [.. Enumerable.Range(0, rows).SelectMany(i => values.AsSpan(i % distinct * Dimension, Dimension).ToArray())];
        change?.Invoke(all);
        string path = Path.Combine(folder, name);
        using var writer = DescriptorStoreWriter.Open(path, new StoreDescription
        {
            Embedder = JsonSerializer.SerializeToElement(new { }),
            WeightsSha256 = "",
            Preprocessing = "",
            Dimension = Dimension,
            Classes = ["a"],
            Images = rows,
            ImagesSha256 = "",
            PartImages = 700,
        });
        while (writer.NextPart is { Length: > 0 } part)
            writer.Append([.. Enumerable.Range((int)part.First, part.Length).Select(i => new StoreRow($"{i}", "a", 0, 1, 1))], all.AsSpan((int)part.First * Dimension, part.Length * Dimension), []);
        return writer.Finish();
    }

    static float[] Queries(int count, DescriptorStore store)
    {
        var random = new Random(6);
        float[] queries = [.. Enumerable.Range(0, count * Dimension).Select(_ => (float)(random.NextDouble() - 0.5))];
        // One of them is a row, so that its ties are at the very top.
        if (store.Rows > 0) store.ReadDescriptors().AsSpan(0, Dimension).CopyTo(queries);
        return queries;
    }

    static readonly TestCaseData[] Cases =
    [
        new TestCaseData(9000, 9000, 10).SetName("Codes_on_every_rank"),
        new TestCaseData(9000, 300, 100).SetName("Thirty_equal_rows_across_ranks"),
        new TestCaseData(100, 100, 60).SetName("More_neighbours_than_a_rank_has_rows"),
        new TestCaseData(100, 7, 150).SetName("More_neighbours_than_rows"),
        new TestCaseData(3, 3, 5).SetName("Fewer_rows_than_ranks"),
        new TestCaseData(1, 1, 1).SetName("One_row"),
        new TestCaseData(0, 1, 2).SetName("No_rows"),
    ];

    [TestCaseSource(nameof(Cases))]
    public void Ranks_answer_as_one_process(int rows, int distinct, int k)
    {
        DescriptorStore store = Store(rows, distinct);
        float[] queries = Queries(7, store);
        RowFilter odd = new(rows);
        for (int i = 1; i < rows; i += 2) odd.Allow(i);
        foreach (Metric metric in Enum.GetValues<Metric>())
        {
            using Device device = Device.Open("host", 1);
            using var whole = new ExactIndex(store, device, metric);
            foreach (RowFilter? filter in new[] { null, odd })
            {
                Ranking expected = whole.Search(queries, k, default, filter);
                float radius = rows == 0 ? 0 : expected.Scores(0)[Math.Min(k, 2) - 1];
                RangeRanking within = whole.SearchRange(queries, radius, filter);
                for (int size = 1; size <= 4; size++)
                {
                    (Ranking? Nearest, RangeRanking? Within)[] answers = ThreadTeam.Run(size, ranks =>
                    {
                        using Device own = Device.Open("host", 1);
                        using DistributedIndex index = DistributedIndex.Open(ranks, store, own, metric);
                        // What the others give must not matter.
                        bool root = ranks.Rank == 0;
                        return (index.Search(root ? queries : [], k, root ? filter : null), index.SearchRange(root ? queries : [1], radius, root ? filter : null));
                    });
                    Assert.That(answers.Skip(1).All(a => a is (null, null)), Is.True, "only rank 0 has the answer");
                    for (int q = 0; q < 7; q++)
                    {
                        string where = $"{metric}, {size} ranks, query {q}";
                        Assert.That(answers[0].Nearest!.Ids(q).ToArray(), Is.EqualTo(expected.Ids(q).ToArray()), where);
                        Assert.That(answers[0].Nearest!.Scores(q).ToArray().Select(BitConverter.SingleToInt32Bits), Is.EqualTo(expected.Scores(q).ToArray().Select(BitConverter.SingleToInt32Bits)), where);
                        Assert.That(answers[0].Within!.Ids(q).ToArray(), Is.EqualTo(within.Ids(q).ToArray()), where);
                        Assert.That(answers[0].Within!.Scores(q).ToArray().Select(BitConverter.SingleToInt32Bits), Is.EqualTo(within.Scores(q).ToArray().Select(BitConverter.SingleToInt32Bits)), where);
                    }
                }
            }
        }
    }

    [Test]
    public void Many_queries_go_in_steps_and_none_is_lost()
    {
        DescriptorStore store = Store(50, 50);
        float[] queries = Queries(1500, store);
        using Device device = Device.Open("host", 1);
        using var whole = new ExactIndex(store, device);
        Ranking expected = whole.Search(queries, 3), found = ThreadTeam.Run(3, ranks =>
        {
            using Device own = Device.Open("host", 1);
            using DistributedIndex index = DistributedIndex.Open(ranks, store, own);
            return index.Search(queries, 3);
        })[0]!;
        for (int q = 0; q < 1500; q++) Assert.That(found.Ids(q).ToArray(), Is.EqualTo(expected.Ids(q).ToArray()), $"query {q}");
    }

    /// <summary>A wide radius finds every row, more than is sent and merged at once here; the real limit is past what a test can hold.</summary>
    [TestCase(1)]
    [TestCase(7)]
    [TestCase(250)]
    public void What_is_found_may_be_more_than_goes_at_once(int rowsAtOnce)
    {
        DescriptorStore store = Store(101, 50);
        float[] queries = Queries(70, store);
        using Device device = Device.Open("host", 1);
        using var whole = new ExactIndex(store, device);
        (Ranking nearest, RangeRanking within) = (whole.Search(queries, 60), whole.SearchRange(queries, -1.1f));
        RangeRanking some = whole.SearchRange(queries, 0.3f);
        (Ranking? Nearest, RangeRanking? Within, RangeRanking? Some) found = ThreadTeam.Run(3, ranks =>
        {
            using Device own = Device.Open("host", 1);
            using DistributedIndex index = DistributedIndex.Open(ranks, store, own);
            index.RowsAtOnce = rowsAtOnce;
            return (index.Search(queries, 60), index.SearchRange(queries, -1.1f), index.SearchRange(queries, 0.3f));
        })[0];
        for (int q = 0; q < 70; q++)
        {
            Assert.That(found.Nearest!.Ids(q).ToArray(), Is.EqualTo(nearest.Ids(q).ToArray()), $"query {q}");
            Assert.That(found.Within!.Ids(q).ToArray(), Has.Length.EqualTo(101).And.EqualTo(within.Ids(q).ToArray()), $"query {q}");
            Assert.That(found.Within!.Scores(q).ToArray(), Is.EqualTo(within.Scores(q).ToArray()), $"query {q}");
            Assert.That(found.Some!.Ids(q).ToArray(), Is.EqualTo(some.Ids(q).ToArray()), $"query {q}");
        }
    }

    static RankFailedException[] Failures(int size, Action<Osprey.Interop.Mpi.ICommunicator> work) => ThreadTeam.Run(size, ranks => Assert.Throws<RankFailedException>(() => work(ranks))!);

    [Test]
    public void A_value_that_is_not_finite_on_one_rank_ends_all()
    {
        DescriptorStore store = Store(100, 100, v => v[80 * Dimension] = float.NaN);
        foreach (RankFailedException e in Failures(4, ranks =>
        {
            using Device own = Device.Open("host", 1);
            DistributedIndex.Open(ranks, store, own).Dispose();
        }))
            Assert.That(e.Message, Does.StartWith("rank 3: ").And.Contain("row 5").And.Contain("counted from row 75"));
    }

    /// <summary>Where each node has a copy of the store: of another state, of other rows, or with an index of another metric.</summary>
    [Test]
    public void Copies_that_differ_end_all()
    {
        DescriptorStore store = Store(100, 100), changed = Store(100, 100, v => v[3]++, "changed"), longer = Store(101, 100, name: "longer");
        void Differ(DescriptorStore there, Metric metric, string message)
        {
            foreach (RankFailedException e in Failures(3, ranks =>
            {
                using Device own = Device.Open("host", 1);
                DistributedIndex.Open(ranks, ranks.Rank == 1 ? there : store, own, ranks.Rank == 1 ? metric : Metric.L2).Dispose();
            }))
                Assert.That(e.Message, Does.StartWith($"rank 1: the ranks would search different things: {message}").And.EndsWith($"; give every rank the same {there.Path}, and the same index in it"));
        }
        Differ(store, Metric.Cosine, "metric is \"l2\" on rank 0 and \"cosine\" here;");
        Differ(longer, Metric.L2, "rows is 100 on rank 0 and 101 here; store_sha256 is ");
        Differ(changed, Metric.L2, $"store_sha256 is \"{store.Sha256}\" on rank 0 and \"{changed.Sha256}\" here;");
    }

    [Test]
    public void A_part_that_one_rank_cannot_read_ends_all()
    {
        DescriptorStore store = Store(2000, 100);
        File.Delete(Path.Combine(store.Path, "part-00002.npy"));
        foreach (RankFailedException e in Failures(3, ranks =>
        {
            using Device own = Device.Open("host", 1);
            DistributedIndex.Open(ranks, store, own).Dispose();
        }))
            Assert.That(e.Message, Does.StartWith("rank 2: ").And.Contain("part-00002.npy is missing"));
    }

    [Test]
    public void Wrong_queries_end_all()
    {
        DescriptorStore store = Store(100, 100);
        void Search(Osprey.Interop.Mpi.ICommunicator ranks, float[] queries, int k)
        {
            using Device own = Device.Open("host", 1);
            using DistributedIndex index = DistributedIndex.Open(ranks, store, own);
            index.Search(queries, k);
        }
        float[] nan = new float[Dimension];
        nan[3] = float.NaN;
        foreach (RankFailedException e in Failures(2, ranks => Search(ranks, nan, 1))) Assert.That(e.Message, Does.Contain("NaN"));
        foreach (RankFailedException e in Failures(2, ranks => Search(ranks, new float[5], 1))) Assert.That(e.Message, Does.Contain("5 values are no whole number"));
        foreach (RankFailedException e in Failures(2, ranks => Search(ranks, new float[Dimension], 0))) Assert.That(e.Message, Does.Contain("k is 0"));
    }
}
