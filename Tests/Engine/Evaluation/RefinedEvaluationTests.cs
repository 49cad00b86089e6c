using System.Text.Json;
using NUnit.Framework;
using Osprey.Engine;
using Osprey.Engine.Evaluation;
using Osprey.Engine.Retrieval;
using Osprey.Kernels;

namespace Osprey.Tests.Engine.Evaluation;

/// <summary>Each query by itself against a gallery that it is not in, by plain loops: what the evaluation of all at once must equal.</summary>
[TestFixture]
public class RefinedEvaluationTests
{
    const int Count = 60, D = 6;

    static readonly EvalConfig Config = new() { BootstrapSamples = 20, Expansion = new QueryExpansion { Neighbours = 4 }, ReRanking = new ReRanking { K1 = 6, K2 = 3 } };

    readonly Device device = Device.Open("host", 2);
    readonly DescriptorSet set = Oracles.Clusters(Count, D, 5, 31);

    [OneTimeTearDown]
    public void Close() => device.Dispose();

    IReadOnlyList<RefinedReport> Run(EvalConfig config) => RefinedEvaluation.Run(set, RetrievalEvaluation.Run(set, config, 2), config, device);

    /// <summary>AP of a query's ranking of the others by a score for each.</summary>
    double AveragePrecision(int query, Func<int, double> score)
    {
        int[] order = [.. Enumerable.Range(0, Count).Where(i => i != query).OrderByDescending(score).ThenBy(i => i)];
        return RetrievalMetrics.AveragePrecision([.. Enumerable.Range(0, order.Length).Where(r => set.Labels[order[r]] == set.Labels[query])]);
    }

    double Dot(ReadOnlySpan<float> a, int i)
    {
        double sum = 0;
        for (int d = 0; d < D; d++) sum += (double)a[d] * set.Row(i)[d];
        return sum;
    }

    float[] Others(int query) => set.Rows([.. Enumerable.Range(0, Count).Where(i => i != query)]);

    [Test]
    public void An_expansion_is_that_by_a_gallery_without_the_query()
    {
        RefinedReport report = Run(Config).Single(r => r.Kind == RefinementKind.QueryExpansion);
        for (int q = 0; q < Count; q++)
        {
            using var gallery = new ExactIndex(Others(q), D, device);
            float[] expanded = Config.Expansion!.Expand(gallery, set.Row(q));
            Assert.That(report.Retrieval.AveragePrecisions[q], Is.EqualTo(AveragePrecision(q, i => Dot(expanded, i))).Within(1e-9), $"query {q}");
        }
    }

    [Test]
    public void A_re_ranking_is_that_of_the_query_and_a_gallery_without_it()
    {
        RefinedReport report = Run(Config).Single(r => r.Kind == RefinementKind.ReRanking);
        for (int q = 0; q < Count; q++)
        {
            using var gallery = new ExactIndex(Others(q), D, device);
            Ranking ranking = Config.ReRanking!.Apply(gallery, set.Row(q), gallery.Search(set.Row(q), Count), device);
            var score = new Dictionary<int, double>();
            for (int r = 0; r < Count - 1; r++)
            {
                int id = (int)ranking.Ids(0)[r];
                score[id < q ? id : id + 1] = ranking.Scores(0)[r];
            }
            Assert.That(report.Retrieval.AveragePrecisions[q], Is.EqualTo(AveragePrecision(q, i => score[i])).Within(1e-9), $"query {q}");
        }
    }

    [Test]
    public void Gains_are_paired_with_the_plain_ranking()
    {
        RetrievalReport plain = RetrievalEvaluation.Run(set, Config, 2);
        foreach (RefinedReport report in Run(Config))
        {
            Assert.That(report.MapGain, Is.EqualTo(report.Retrieval.Map.Value - plain.Map.Value).Within(1e-12));
            Assert.That(report.MapGain, Is.InRange(report.MapGainCi[0], report.MapGainCi[1]), $"{report.Kind}");
        }
    }

    [Test]
    public void Only_what_is_asked_for_is_measured_and_written()
    {
        Assert.That(Run(Config with { Expansion = null }).Select(r => r.Kind), Is.EqualTo(new[] { RefinementKind.ReRanking }));
        Assert.That(Run(Config with { ReRanking = null }).Select(r => r.Kind), Is.EqualTo(new[] { RefinementKind.QueryExpansion }));
        using JsonDocument json = JsonDocument.Parse(JsonSerializer.Serialize(Run(Config), Json.Options));
        Assert.That(json.RootElement.EnumerateArray().Select(r => r.GetProperty("kind").GetString()), Is.EqualTo(new[] { "query_expansion", "re_ranking" }));
        Assert.That(json.RootElement[0].GetProperty("retrieval").GetProperty("map").GetDouble(), Is.Positive);
        Assert.That(json.RootElement[0].GetProperty("map_gain_ci").GetArrayLength(), Is.EqualTo(2));
    }
}
