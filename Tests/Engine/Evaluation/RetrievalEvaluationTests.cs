using System.Text.Json;
using NUnit.Framework;
using Osprey.Engine;
using Osprey.Engine.Evaluation;

namespace Osprey.Tests.Engine.Evaluation;

[TestFixture]
public class RetrievalEvaluationTests
{
    [Test]
    public void Classes_on_their_own_axes_are_found_perfectly()
    {
        int[] labels = [0, 1, 2, 0, 1, 2, 0];
        var set = new DescriptorSet([.. labels.SelectMany(l => Enumerable.Range(0, 3).Select(d => d == l ? 1f : 0f))], 3, labels, 3);
        RetrievalReport report = RetrievalEvaluation.Run(set, new EvalConfig(), 1);
        Assert.That(report.Map, Is.EqualTo(new Figure(1, 1, 1)));
        Assert.That(report.Figures["anmrr"].Value, Is.Zero);
        Assert.That(report.Figures["p_at_1"].Value, Is.EqualTo(1));
        Assert.That(report.PrecisionRecall, Is.EqualTo(Enumerable.Repeat(1.0, 101)));
        Assert.That((report.Queries, report.LeftOut), Is.EqualTo((7, 0)));
    }

    [Test]
    public void The_means_are_those_of_the_queries()
    {
        DescriptorSet set = Oracles.Clusters(90, 8, 4, 31);
        RetrievalReport report = RetrievalEvaluation.Run(set, new EvalConfig { CutOffs = [3] }, 2);
        var ranks = new int[90][];
        PositiveRanks.ForEach(set, 1, (q, r) => ranks[q] = r.ToArray());
        int most = ranks.Max(r => r.Length);
        (string, Func<int[], double>)[] expected =
        [
            ("map", r => RetrievalMetrics.AveragePrecision(r)), ("map_trapezoid", r => RetrievalMetrics.TrapezoidAveragePrecision(r)),
            ("map_at_r", r => RetrievalMetrics.AveragePrecisionAtR(r)), ("r_precision", r => RetrievalMetrics.RPrecision(r)),
            ("anmrr", r => RetrievalMetrics.Nmrr(r, most)), ("anmrr_manjunath", r => RetrievalMetrics.NmrrManjunath(r, most)),
            ("p_at_3", r => RetrievalMetrics.PrecisionAt(r, 3)), ("r_at_3", r => RetrievalMetrics.RecallAt(r, 3)),
            ("map_at_3", r => RetrievalMetrics.AveragePrecisionAt(r, 3)), ("map_at_3_over_k", r => RetrievalMetrics.AveragePrecisionAtOverK(r, 3)),
        ];
        Assert.That(report.Figures.Keys, Is.EquivalentTo(expected.Select(e => e.Item1)));
        foreach ((string name, Func<int[], double> metric) in expected)
        {
            Figure figure = report.Figures[name];
            Assert.That(figure.Value, Is.EqualTo(ranks.Average(metric)).Within(1e-12), name);
            Assert.That(figure.Value, Is.InRange(figure.Low, figure.High), name);
        }
        Assert.That(report.AveragePrecisions, Is.EqualTo(ranks.Select(r => RetrievalMetrics.AveragePrecision(r))).Within(1e-12));
    }

    [Test]
    public void A_query_without_positives_is_left_out_and_counted()
    {
        // Class 2 has one image, nearest to all: it is ranked, yet asks nothing.
        var set = new DescriptorSet([1, 0, 0.8f, 0.6f, 0, 1, 0.6f, 0.8f, 0.7f, 0.7f], 2, [0, 0, 1, 1, 2], 4);
        RetrievalReport report = RetrievalEvaluation.Run(set, new EvalConfig(), 1);
        Assert.That((report.Queries, report.LeftOut), Is.EqualTo((4, 1)));
        Assert.That(report.QueryIds, Is.EqualTo(new[] { 0, 1, 2, 3 }));
        var alone = new DescriptorSet([1, 0, 0, 1], 2, [0, 1], 2);
        Assert.That(() => RetrievalEvaluation.Run(alone, new EvalConfig(), 1), Throws.ArgumentException.With.Message.Contains("no class has two images"));
    }

    [Test]
    public void Same_seed_same_report_and_another_seed_another_interval()
    {
        DescriptorSet set = Oracles.Clusters(80, 8, 4, 31);
        static string Text(RetrievalReport r) => JsonSerializer.Serialize(r, Json.Options);
        string first = Text(RetrievalEvaluation.Run(set, new EvalConfig { Seed = 4 }, 1));
        Assert.That(Text(RetrievalEvaluation.Run(set, new EvalConfig { Seed = 4 }, 3)), Is.EqualTo(first));
        Assert.That(Text(RetrievalEvaluation.Run(set, new EvalConfig { Seed = 5 }, 1)), Is.Not.EqualTo(first));
    }
}
