using CsCheck;
using NUnit.Framework;
using Osprey.Engine.Evaluation;

namespace Osprey.Tests.Engine.Evaluation;

[TestFixture]
public class RetrievalMetricsTests
{
    static readonly int[] Example = [1, 3, 10];

    [Test]
    public void The_worked_example_of_the_protocol()
    {
        // Standard: (1/2 + 2/4 + 3/11)/3. Trapezoid: ½[(0/1 + 1/2) + (1/3 + 2/4) + (2/10 + 3/11)]/3.
        Assert.That(RetrievalMetrics.AveragePrecision(Example), Is.EqualTo(0.424).Within(5e-4));
        Assert.That(RetrievalMetrics.AveragePrecision(Example), Is.EqualTo((0.5 + 0.5 + 3.0 / 11) / 3).Within(1e-15));
        Assert.That(RetrievalMetrics.TrapezoidAveragePrecision(Example), Is.EqualTo(0.301).Within(5e-4));
        Assert.That(RetrievalMetrics.TrapezoidAveragePrecision(Example), Is.EqualTo((0.5 + 5.0 / 6 + 0.2 + 3.0 / 11) / 6).Within(1e-15));
    }

    [Test]
    public void Cut_off_figures_by_hand()
    {
        Assert.That(RetrievalMetrics.PrecisionAt(Example, 1), Is.Zero);
        Assert.That(RetrievalMetrics.PrecisionAt(Example, 4), Is.EqualTo(0.5));
        Assert.That(RetrievalMetrics.PrecisionAt(Example, 10), Is.EqualTo(0.2), "rank 10 is the eleventh place");
        Assert.That(RetrievalMetrics.PrecisionAt(Example, 20), Is.EqualTo(0.15));
        Assert.That(RetrievalMetrics.RecallAt(Example, 1), Is.Zero);
        Assert.That(RetrievalMetrics.RecallAt(Example, 2), Is.EqualTo(1));
        Assert.That(RetrievalMetrics.RPrecision(Example), Is.EqualTo(1.0 / 3));
        Assert.That(RetrievalMetrics.AveragePrecisionAtR(Example), Is.EqualTo(0.5 / 3).Within(1e-15));
        Assert.That(RetrievalMetrics.AveragePrecisionAt(Example, 2), Is.EqualTo(0.25), "k < n: divided by k");
        Assert.That(RetrievalMetrics.AveragePrecisionAt(Example, 10), Is.EqualTo(1.0 / 3).Within(1e-15), "k > n: divided by n");
        Assert.That(RetrievalMetrics.AveragePrecisionAtOverK(Example, 10), Is.EqualTo(0.1).Within(1e-15));
    }

    [Test]
    public void Anmrr_by_hand()
    {
        // n = 3, as many as any query has: K = min(12, 6) = 6. 1-based ranks 2, 4, 11; the last lies beyond K.
        Assert.That(RetrievalMetrics.Nmrr(Example, 3), Is.EqualTo(((2 + 4 + 7) / 3.0 - 2) / (6.5 - 1.5)).Within(1e-15));
        Assert.That(RetrievalMetrics.NmrrManjunath(Example, 3), Is.EqualTo(((2 + 4 + 7.5) / 3 - 2) / (7.5 - 2)).Within(1e-15));
        // Another query has 10: K = min(12, 20) = 12, and every rank counts as it is.
        Assert.That(RetrievalMetrics.Nmrr(Example, 10), Is.EqualTo((17 / 3.0 - 2) / (12.5 - 1.5)).Within(1e-15));
        // A rank of exactly K still counts as itself.
        Assert.That(RetrievalMetrics.Nmrr([0, 1, 5], 3), Is.EqualTo((9 / 3.0 - 2) / 5).Within(1e-15));
        Assert.That(RetrievalMetrics.Nmrr([0, 1, 6], 3), Is.EqualTo((10 / 3.0 - 2) / 5).Within(1e-15));
    }

    [Test]
    public void The_precision_recall_curve_by_hand()
    {
        // Precision 1/2, 2/4, 3/11 at recall 1/3, 2/3, 1, made non-rising from the right.
        var curve = new double[4];
        RetrievalMetrics.AddPrecisionRecall(Example, curve);
        Assert.That(curve, Is.EqualTo(new[] { 0.5, 0.5, 0.5, 3.0 / 11 }).Within(1e-15));
        RetrievalMetrics.AddPrecisionRecall([0, 1, 2], curve);
        Assert.That(curve[3], Is.EqualTo(3.0 / 11 + 1).Within(1e-15), "it adds");
    }

    [TestCaseSource(nameof(ScikitCases))]
    public void Average_precision_is_scikit_learns(Oracles.AveragePrecisionCase oracle)
    {
        float[] scores = Oracles.Draw(oracle.N, (uint)oracle.Seed);
        bool[] relevant = new bool[oracle.N];
        for (int i = 0; i < oracle.Positives; i++) relevant[i * 7 % oracle.N] = true;
        int[] order = [.. Enumerable.Range(0, oracle.N).OrderByDescending(i => scores[i])];
        int[] ranks = [.. Enumerable.Range(0, oracle.N).Where(r => relevant[order[r]])];
        Assert.That(ranks, Has.Length.EqualTo(oracle.Positives));
        Assert.That(RetrievalMetrics.AveragePrecision(ranks), Is.EqualTo(oracle.Value).Within(1e-12));
    }

    static Oracles.AveragePrecisionCase[] ScikitCases() => Oracles.Read().AveragePrecision;

    static readonly Gen<(int[] Ranks, int Most)> Rankings =
        from size in Gen.Int[1, 60]
        from places in Gen.Int[0, 400].HashSet[size]
        from more in Gen.Int[0, 50]
        select (places.Order().ToArray(), size + more);

    [Test]
    public void Figures_stay_between_0_and_1_and_keep_their_order() => Rankings.Sample(r =>
    {
        double standard = RetrievalMetrics.AveragePrecision(r.Ranks), trapezoid = RetrievalMetrics.TrapezoidAveragePrecision(r.Ranks);
        double iso = RetrievalMetrics.Nmrr(r.Ranks, r.Most), manjunath = RetrievalMetrics.NmrrManjunath(r.Ranks, r.Most);
        Assert.That(standard, Is.InRange(0, 1));
        Assert.That(trapezoid, Is.InRange(0, standard + 1e-12));
        Assert.That(iso, Is.InRange(-1e-12, 1 + 1e-12));
        Assert.That(manjunath, Is.InRange(-1e-12, 1 + 1e-12));
        Assert.That(RetrievalMetrics.AveragePrecisionAt(r.Ranks, 1000), Is.EqualTo(standard).Within(1e-12));
        Assert.That(RetrievalMetrics.AveragePrecisionAtR(r.Ranks), Is.LessThanOrEqualTo(RetrievalMetrics.RPrecision(r.Ranks) + 1e-12));
        var curve = new double[11];
        RetrievalMetrics.AddPrecisionRecall(r.Ranks, curve);
        Assert.That(curve, Is.Ordered.Descending);
        Assert.That(curve[0], Is.GreaterThanOrEqualTo(standard - 1e-12));
    }, iter: 500);

    [Test]
    public void Moving_a_positive_up_never_hurts() => Rankings.Sample(r =>
    {
        int free = Enumerable.Range(0, 401 + r.Ranks.Length).First(p => !r.Ranks.Contains(p));
        int[] better = [.. r.Ranks[..^1].Append(Math.Min(free, r.Ranks[^1])).Order()];
        Assert.That(RetrievalMetrics.AveragePrecision(better), Is.GreaterThanOrEqualTo(RetrievalMetrics.AveragePrecision(r.Ranks) - 1e-12));
        Assert.That(RetrievalMetrics.Nmrr(better, r.Most), Is.LessThanOrEqualTo(RetrievalMetrics.Nmrr(r.Ranks, r.Most) + 1e-12));
    }, iter: 500);

    [Test]
    public void A_perfect_ranking_has_the_best_of_everything() => Gen.Int[1, 200].Sample(n =>
    {
        int[] ranks = [.. Enumerable.Range(0, n)];
        Assert.That(RetrievalMetrics.AveragePrecision(ranks), Is.EqualTo(1).Within(1e-12));
        Assert.That(RetrievalMetrics.TrapezoidAveragePrecision(ranks), Is.EqualTo(1).Within(1e-12));
        Assert.That(RetrievalMetrics.AveragePrecisionAtR(ranks), Is.EqualTo(1).Within(1e-12));
        Assert.That(RetrievalMetrics.RPrecision(ranks), Is.EqualTo(1));
        Assert.That(RetrievalMetrics.Nmrr(ranks, n), Is.EqualTo(0).Within(1e-12));
        Assert.That(RetrievalMetrics.NmrrManjunath(ranks, n + 7), Is.EqualTo(0).Within(1e-12));
    }, iter: 100);

    [Test]
    public void The_worst_ranking_has_anmrr_1() => Gen.Int[1, 200].Sample(n =>
    {
        int[] ranks = [.. Enumerable.Range(10_000, n)];
        Assert.That(RetrievalMetrics.Nmrr(ranks, n), Is.EqualTo(1).Within(1e-12));
        Assert.That(RetrievalMetrics.NmrrManjunath(ranks, n), Is.EqualTo(1).Within(1e-12));
    }, iter: 100);

    [Test]
    public void What_cannot_be_a_list_of_ranks_is_refused()
    {
        Assert.That(() => RetrievalMetrics.AveragePrecision([]), Throws.ArgumentException.With.Message.Contains("without positives"));
        Assert.That(() => RetrievalMetrics.AveragePrecision([3, 3]), Throws.ArgumentException.With.Message.Contains("3 follows 3"));
        Assert.That(() => RetrievalMetrics.AveragePrecision([-1]), Throws.ArgumentException);
        Assert.That(() => RetrievalMetrics.PrecisionAt([1], 0), Throws.ArgumentException.With.Message.Contains("k is 0"));
        Assert.That(() => RetrievalMetrics.Nmrr([1, 2], 1), Throws.ArgumentException);
    }
}
