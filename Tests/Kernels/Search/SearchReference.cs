using NUnit.Framework;
using Osprey.Kernels;
using Osprey.Kernels.Search;

namespace Osprey.Tests.Kernels.Search;

/// <summary>One search, small enough to repeat in double precision by the definition.</summary>
sealed record SearchCase(int Rows, int Queries, int Dimension, int K, Similarity Similarity)
{
    public required float[] RowValues { get; init; }
    public required float[] QueryValues { get; init; }
    public long[] Excluded { get; init; } = [];

    /// <summary>Values uniform in ±<paramref name="scale"/>.</summary>
    public static SearchCase Random(int rows, int queries, int dimension, int k, Similarity similarity, int seed = 1, float scale = 1)
    {
        var random = new Random(seed);
        float Draw() => (2 * random.NextSingle() - 1) * scale;
        return new SearchCase(rows, queries, dimension, k, similarity)
        {
            RowValues = [.. Enumerable.Range(0, rows * dimension).Select(_ => Draw())],
            QueryValues = [.. Enumerable.Range(0, queries * dimension).Select(_ => Draw())],
        };
    }

    /// <summary>Integers in −2…2: every score is exact in fp32 and many are equal, so that the ranking is known to the last id.</summary>
    public static SearchCase Integers(int rows, int queries, int dimension, int k, Similarity similarity, int seed = 1)
    {
        var random = new Random(seed);
        return new SearchCase(rows, queries, dimension, k, similarity)
        {
            RowValues = [.. Enumerable.Range(0, rows * dimension).Select(_ => random.Next(-2, 3))],
            QueryValues = [.. Enumerable.Range(0, queries * dimension).Select(_ => random.Next(-2, 3))],
        };
    }

    /// <summary>The answer of <see cref="SearchKernel"/> on one thread, which a certified search must give bit for bit.</summary>
    public TopK Expected()
    {
        using Device device = Device.Open("host", 1);
        using var kernel = new SearchKernel(device, Similarity);
        return Run(kernel);
    }

    public TopK Run(CertifiedSearch search)
    {
        var results = new TopK(Queries, K, Similarity);
        search.Search(QueryValues, results, Excluded);
        return results;
    }

    public TopK Run(SearchKernel kernel, int slice = int.MaxValue)
    {
        var results = new TopK(Queries, K, Similarity);
        int first = 0;
        do
        {
            int count = Math.Min(slice, Rows - first);
            kernel.Scan(RowValues.AsSpan(first * Dimension, count * Dimension), count, Dimension, first, QueryValues, Excluded, results);
            first += count;
        }
        while (first < Rows);
        return results;
    }

    /// <summary>(score, id) of every eligible row in double precision, best first, ties to the lower id.</summary>
    public List<(double Score, long Id)> Reference(int q)
    {
        var all = new List<(double Score, long Id)>();
        for (int i = 0; i < Rows; i++)
        {
            if (Excluded.Length > 0 && Excluded[q] == i) continue;
            all.Add((Score(q, i), i));
        }
        all.Sort((a, b) => (Similarity == Similarity.InnerProduct ? b.Score.CompareTo(a.Score) : a.Score.CompareTo(b.Score)) is var c and not 0 ? c : a.Id.CompareTo(b.Id));
        return all;
    }

    public double Score(int q, long i)
    {
        double sum = 0;
        for (int d = 0; d < Dimension; d++)
        {
            double a = QueryValues[q * Dimension + d], b = RowValues[i * Dimension + d];
            sum += Similarity == Similarity.InnerProduct ? a * b : (a - b) * (a - b);
        }
        return sum;
    }

    /// <summary>Σ|q·x| or Σ(q−x)²: what rounding errors are relative to.</summary>
    double Magnitude(int q, long i)
    {
        double sum = 0;
        for (int d = 0; d < Dimension; d++)
        {
            double a = QueryValues[q * Dimension + d], b = RowValues[i * Dimension + d];
            sum += Similarity == Similarity.InnerProduct ? Math.Abs(a * b) : (a - b) * (a - b);
        }
        return sum;
    }

    /// <summary>Ids and scores are those of the reference, exactly: for inputs whose scores fp32 holds exactly.</summary>
    public void AssertExact(TopK results)
    {
        for (int q = 0; q < Queries; q++)
        {
            var expected = Reference(q).Take(K).ToList();
            Assert.That(results.Ids(q).ToArray(), Is.EqualTo(expected.Select(e => e.Id).Concat(Enumerable.Repeat(-1L, K - expected.Count))), $"ids of query {q} of {this}");
            Assert.That(results.Scores(q)[..expected.Count].ToArray(), Is.EqualTo(expected.Select(e => (float)e.Score)), $"scores of query {q} of {this}");
        }
    }

    /// <summary>Every score is its row's within rounding, and the score at every rank is the reference's at that rank; rows within rounding of each other may swap.</summary>
    public void AssertClose(TopK results)
    {
        for (int q = 0; q < Queries; q++)
        {
            var expected = Reference(q).Take(K).ToList();
            long[] ids = results.Ids(q).ToArray();
            float[] scores = results.Scores(q).ToArray();
            Assert.That(results.Found(q), Is.EqualTo(expected.Count), $"query {q} of {this}");
            Assert.That(ids[..expected.Count].Distinct().Count(), Is.EqualTo(expected.Count), $"ids repeat in query {q} of {this}");
            Assert.That(ids[expected.Count..], Is.All.EqualTo(-1));
            for (int r = 0; r < expected.Count; r++)
            {
                Assert.That(ids[r], Is.InRange(0, Rows - 1));
                if (Excluded.Length > 0) Assert.That(ids[r], Is.Not.EqualTo(Excluded[q]));
                double tolerance = 3e-6 * Math.Max(Magnitude(q, ids[r]), Magnitude(q, expected[r].Id)) + 1e-43;
                Assert.That((double)scores[r], Is.EqualTo(Score(q, ids[r])).Within(tolerance), $"score of row {ids[r]}, query {q} of {this}");
                Assert.That((double)scores[r], Is.EqualTo(expected[r].Score).Within(tolerance), $"score at rank {r}, query {q} of {this}");
            }
        }
    }

    public static void AssertSameBits(TopK actual, TopK expected, string what)
    {
        for (int q = 0; q < expected.Queries; q++)
        {
            Assert.That(actual.Ids(q).ToArray(), Is.EqualTo(expected.Ids(q).ToArray()), $"{what}: ids of query {q}");
            Assert.That(
                actual.Scores(q).ToArray().Select(BitConverter.SingleToInt32Bits), Is.EqualTo(expected.Scores(q).ToArray().Select(BitConverter.SingleToInt32Bits)), $"{what}: scores of query {q}");
        }
    }

    public override string ToString() => $"{Rows} rows × {Dimension}, {Queries} queries, k={K}, {Similarity}";
}
