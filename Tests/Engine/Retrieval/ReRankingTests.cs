using NUnit.Framework;
using Osprey.Engine.Retrieval;
using Osprey.Kernels;
using Osprey.Tests.Engine.Evaluation;

namespace Osprey.Tests.Engine.Retrieval;

/// <summary>
/// Constants: numpy 1.24.2, from <c>lcg</c> of Evaluation/oracles/make.py, by the steps of the authors' re_ranking.py (zhunzhong07/person-re-ranking); here every row is
/// query and gallery at once, as it is there for the rows of one query and its gallery, and a row is its own first neighbour:
/// <code>
/// y = lcg(56, 3).reshape(14, 4).astype(np.float64); y /= np.linalg.norm(y, axis=1, keepdims=True)
/// def rerank(x, k1, k2, lam):
///     d = 2 - 2 * x @ x.T; np.fill_diagonal(d, 0); d = (d / d.max(axis=0)).T; V = np.zeros_like(d)
///     own = d.copy(); np.fill_diagonal(own, -1); rank = np.argsort(own, kind="stable")
///     for i in range(len(x)):
///         f = rank[i, :k1 + 1]; R = E = f[np.where(rank[f, :k1 + 1] == i)[0]]
///         for j in R:
///             h = int(np.around(k1 / 2.)) + 1; fj = rank[j, :h]; Rj = fj[np.where(rank[fj, :h] == j)[0]]
///             if len(np.intersect1d(Rj, R)) > 2. / 3 * len(Rj): E = np.append(E, Rj)
///         E = np.unique(E); w = np.exp(-d[i, E]); V[i, E] = w / w.sum()
///     if k2 != 1: V = np.stack([V[rank[i, :k2]].mean(0) for i in range(len(x))])
///     t = np.array([[np.minimum(a, b).sum() for b in V] for a in V])
///     return (1 - t / (2 - t)) * (1 - lam) + d * lam
/// rerank(y, k1, k2, lam)[2]
/// </code>
/// </summary>
[TestFixture]
public class ReRankingTests
{
    const int Rows = 14, D = 4;

    readonly Device device = Device.Open("host", 2);

    [OneTimeTearDown]
    public void Close() => device.Dispose();

    static float[] Unit(float[] rows, int dimension)
    {
        for (int i = 0; i < rows.Length; i += dimension)
        {
            double length = Math.Sqrt(rows.AsSpan(i, dimension).ToArray().Sum(v => (double)v * v));
            for (int d = 0; d < dimension; d++) rows[i + d] = (float)(rows[i + d] / length);
        }
        return rows;
    }

    static float[] Cosines(float[] rows, int dimension, int of) =>
        [.. Enumerable.Range(0, rows.Length / dimension).Select(i => (float)Enumerable.Range(0, dimension).Sum(d => (double)rows[of * dimension + d] * rows[i * dimension + d]))];

    [TestCase(5, 3, 0.3, 0.650677, 0.592654, 0.0, 0.70084, 0.681409, 0.904361, 0.693235, 0.648911, 0.728602, 0.735938, 0.368739, 0.8879, 0.594124, 0.282085)]
    [TestCase(4, 1, 0.0, 0.907343, 0.864446, 0.0, 1.0, 0.74594, 1.0, 0.907648, 0.864446, 0.891855, 0.891855, 0.680352, 1.0, 0.894202, 0.714174)]
    [TestCase(20, 6, 0.3, 0.306996, 0.255875, 0.0, 0.301293, 0.204806, 0.43029, 0.286902, 0.271922, 0.254436, 0.263468, 0.121116, 0.39799, 0.243657, 0.126662)]
    public void Agrees_with_the_authors_code(int k1, int k2, double lambda, params double[] distances)
    {
        float[] rows = Unit(Oracles.Draw(Rows * D, 3), D), scores = Cosines(rows, D, 2);
        ReciprocalPool.Create(rows, D, new ReRanking { K1 = k1, K2 = k2, Lambda = lambda }, device).Blend(2, scores);
        Assert.That(scores.Select(s => 1 - s), Is.EqualTo(distances).Within(2e-6));
    }

    /// <summary>
    /// Three rows at 0°, 60° and 180°, k1 = 1, k2 = 1. Squared distances: 1 between the first two, 3 and 4 to the third. N(0) = {0, 1}, N(1) = {1, 0}, N(2) = {2, 1}, so R(0) = R(1) =
    /// {0, 1} and R(2) = {2}; half of k1 rounds to 0, and nothing is added. V_0 ∝ (1, e^(−1/4), 0), V_1 ∝ (e^(−1/3), 1, 0), V_2 = (0, 0, 1).
    /// </summary>
    [Test]
    public void By_hand()
    {
        float[] rows = [1, 0, 0.5f, (float)Math.Sqrt(0.75), -1, 0], scores = Cosines(rows, 2, 0);
        ReciprocalPool.Create(rows, 2, new ReRanking { K1 = 1, K2 = 1, Lambda = 0.5 }, device).Blend(0, scores);
        double a = 1 / (1 + Math.Exp(-0.25)), b = 1 / (1 + Math.Exp(-1 / 3.0)), shared = Math.Min(a, 1 - b) + Math.Min(1 - a, b);
        Assert.That(scores, Is.EqualTo(new[] { 1, 0.5 * shared / (2 - shared) + 0.5 * (1 - 0.25), 0 }).Within(1e-6));
    }

    [Test]
    public void All_of_lambda_is_the_order_of_the_cosine_and_scores_stay_within_0_and_1()
    {
        float[] rows = Oracles.Clusters(120, 8, 6, 4).Values;
        foreach (double lambda in new[] { 0, 0.3, 1 })
        {
            ReciprocalPool pool = ReciprocalPool.Create(rows, 8, new ReRanking { Lambda = lambda }, device);
            for (int q = 0; q < 120; q += 17)
            {
                float[] cosines = Cosines(rows, 8, q), scores = [.. cosines];
                pool.Blend(q, scores);
                Assert.That(scores, Is.All.InRange(0f, 1.0001f));
                Assert.That(scores[q], Is.EqualTo(1).Within(1e-6), "a row is at distance 0 from itself");
                if (lambda == 1) Assert.That(scores.Select((s, i) => (s, i)).OrderBy(p => cosines[p.i]).Select(p => p.s), Is.Ordered);
            }
        }
    }

    /// <summary>With as many candidates as there are rows the pool of a search is the whole set: a query that is not among them, by plain encodings of all.</summary>
    [Test]
    public void A_search_orders_its_candidates_by_the_pool_of_query_and_candidates()
    {
        float[] all = Unit(Oracles.Draw(Rows * D, 3), D), gallery = [.. all[..(2 * D)], .. all[(3 * D)..]], query = all[(2 * D)..(3 * D)];
        var config = new ReRanking { K1 = 5, K2 = 3 };
        float[] scores = Cosines(all, D, 2);
        ReciprocalPool.Create(all, D, config, device).Blend(2, scores);
        using var index = new ExactIndex(gallery, D, device);
        Ranking ranking = config.Apply(index, query, index.Search(query, 20), device);
        (long Id, float Score)[] expected = [.. scores.Where((_, i) => i != 2).Select((s, i) => ((long)i, s)).OrderByDescending(e => e.s)];
        Assert.That(ranking.Ids(0)[..13].ToArray(), Is.EqualTo(expected.Select(e => e.Id)));
        Assert.That(ranking.Scores(0)[..13].ToArray(), Is.EqualTo(expected.Select(e => e.Score)).Within(1e-6));
        Assert.That(ranking.Ids(0)[13..].ToArray(), Is.All.EqualTo(-1));
        Ranking first = ranking.First(3);
        Assert.That((first.K, first.Ids(0).ToArray()), Is.EqualTo((3, expected.Take(3).Select(e => e.Id).ToArray())));

        Ranking few = index.Search(query, 4);
        Assert.That(config.Apply(index, query, few, device).Ids(0).ToArray(), Is.EquivalentTo(few.Ids(0).ToArray()), "re-ranking finds nothing new");
    }

    [TestCase(1)]
    [TestCase(2)]
    [TestCase(3)]
    public void Small_pools_and_equal_rows_do_no_harm(int count)
    {
        float[] rows = [.. Enumerable.Repeat(new[] { 0.6f, 0.8f }, count).SelectMany(r => r)], scores = Cosines(rows, 2, 0);
        ReciprocalPool.Create(rows, 2, new ReRanking(), device).Blend(0, scores);
        Assert.That(scores, Is.All.EqualTo(1).Within(1e-5));
    }

    [Test]
    public void Wrong_use_is_refused()
    {
        using var index = new ExactIndex([1, 0, 0, 1], 2, device, Metric.InnerProduct);
        Assert.That(() => new ReRanking().Apply(index, [1, 0], index.Search([1, 0], 1), device), Throws.ArgumentException.With.Message.Contains("InnerProduct"));
        Assert.That(() => new ReRanking { K1 = 0 }.Validate(), Throws.ArgumentException.With.Message.Contains("k1"));
        Assert.That(() => new ReRanking { K2 = 0 }.Validate(), Throws.ArgumentException.With.Message.Contains("k2"));
        Assert.That(() => new ReRanking { Lambda = 1.5 }.Validate(), Throws.ArgumentException.With.Message.Contains("1.5"));
    }
}
