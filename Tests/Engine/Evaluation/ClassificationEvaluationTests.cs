using System.Text.Json;
using NUnit.Framework;
using Osprey.Engine;
using Osprey.Engine.Datasets;
using Osprey.Engine.Evaluation;
using Osprey.Kernels;

namespace Osprey.Tests.Engine.Evaluation;

[TestFixture]
public class ClassificationEvaluationTests
{
    static readonly string[] Names = ["river", "forest", "harbour", "runway", "empty"];

    static ClassificationReport Report(DescriptorSet set, EvalConfig config, double fraction = 0.5)
    {
        using Device host = Device.Open("host", 2);
        return ClassificationEvaluation.Run(set, Names, fraction, config, host);
    }

    static DescriptorSet Four(double pull)
    {
        DescriptorSet four = Oracles.Clusters(80, 10, 4, 6, pull);
        return new DescriptorSet(four.Values, 10, four.Labels, 5);
    }

    [Test]
    public void Classes_far_apart_are_all_recognised_by_every_classifier()
    {
        ClassificationReport report = Report(Four(pull: 20), new EvalConfig { SplitRuns = 2 });
        Assert.That(report.Figures.Keys, Is.EqualTo(new[] { "knn_1", "knn_5", "knn_20", "nearest_mean_1", "simple_cnaps_1", "nearest_mean_5", "simple_cnaps_5", "linear" }));
        Assert.That(report.Figures.Values.Select(f => (f.Value, f.Low, f.High, f.Deviation)), Is.All.EqualTo((1, 1, 1, 0)));
        Assert.That((report.TrainImages, report.TestImages), Is.EqualTo((40, 40)));
        Assert.That(report.PerClass.Keys, Is.EqualTo(Names[..4]), "a class without images is absent");
    }

    [Test]
    public void Noise_is_recognised_by_chance_only()
    {
        ClassificationReport report = Report(Four(pull: 0), new EvalConfig());
        foreach (Figure f in report.Figures.Values) Assert.That(f.Value, Is.EqualTo(0.25).Within(0.15));
    }

    [Test]
    public void The_figures_agree_with_the_confusion_matrix()
    {
        ClassificationReport report = Report(Four(pull: 0.7), new EvalConfig { SplitRuns = 3 }, 0.8);
        foreach ((string name, ConfusionMatrix confusion) in report.Confusions)
        {
            int right = Enumerable.Range(0, 5).Sum(c => confusion[c, c]), all = Enumerable.Range(0, 5).Sum(confusion.Tested);
            Assert.That(report.Figures[name].Value, Is.EqualTo((double)right / all).Within(1e-12), name);
            Assert.That(all, Is.EqualTo(name.StartsWith("nearest", StringComparison.Ordinal) || name.StartsWith("simple", StringComparison.Ordinal) ? 3 * 5 * 16 : 3 * 16), name);
        }
        Assert.That(report.PerClass["river"], Is.EqualTo(report.Confusions["knn_1"].Recall(0)));
        Assert.That(report.Confusions["knn_1"].Recall(4), Is.NaN);
    }

    [Test]
    public void The_json_is_flat_and_repeats_itself()
    {
        static string Text() => JsonSerializer.Serialize(Report(Four(0.7), new EvalConfig { SplitRuns = 2, Seed = 3 }), Json.Options);
        string text = Text();
        Assert.That(Text(), Is.EqualTo(text));
        JsonElement json = JsonDocument.Parse(text).RootElement;
        Assert.That(json.GetProperty("train_fraction").GetDouble(), Is.EqualTo(0.5));
        Assert.That(json.GetProperty("knn_1").GetDouble(), Is.InRange(0, 1));
        Assert.That(json.GetProperty("knn_1_ci").GetArrayLength(), Is.EqualTo(2));
        Assert.That(json.GetProperty("nearest_mean_5_std").GetDouble(), Is.Positive);
        Assert.That(json.GetProperty("details_of").GetString(), Is.EqualTo("knn_1"));
        Assert.That(json.GetProperty("confusion").GetArrayLength(), Is.EqualTo(5));
    }

    [Test]
    public void The_probe_can_be_left_out() =>
        Assert.That(Report(Four(1), new EvalConfig { LinearProbe = false, SplitRuns = 1 }).Figures.Keys, Does.Not.Contain("linear"));

    /// <summary>Of 80 images in four classes a fair lot draws other than ten of each class into the test half nearly always.</summary>
    [Test]
    public void Splits_are_alike_in_every_class_or_by_lot()
    {
        int[] Tested(SplitKind kind) => [.. Enumerable.Range(0, 4).Select(Report(Four(1), new EvalConfig { Splits = kind, SplitRuns = 1, LinearProbe = false }).Confusions["knn_1"].Tested)];
        Assert.That(Tested(SplitKind.Stratified), Is.All.EqualTo(10));
        int[] random = Tested(SplitKind.Random);
        Assert.That(random.Sum(), Is.EqualTo(40));
        Assert.That(random, Is.Not.All.EqualTo(10));
    }

    /// <summary>The mean over random halves of the share of images whose nearest image of the other half shares their class, by plain loops.</summary>
    [Test]
    public void One_nearest_neighbour_by_random_halves_is_that_of_a_plain_loop()
    {
        DescriptorSet set = Four(0.5);
        var config = new EvalConfig { Splits = SplitKind.Random, SplitRuns = 4, LinearProbe = false, Seed = 9 };
        double sum = 0;
        for (int run = 0; run < 4; run++)
        {
            Split split = Split.Random(80, 0.5, 9 + run);
            int right = split.Test.Count(t => set.Labels[split.Train.MaxBy(i => Enumerable.Range(0, 10).Sum(d => (double)set.Row(t)[d] * set.Row(i)[d]))] == set.Labels[t]);
            sum += right / 40.0;
        }
        Assert.That(Report(set, config).Figures["knn_1"].Value, Is.EqualTo(sum / 4).Within(1e-12).And.InRange(0.3, 0.95));
    }

    [Test]
    public void A_probe_that_converged_is_not_mentioned()
    {
        ClassificationReport report = Report(Four(0.7), new EvalConfig { SplitRuns = 2 });
        Assert.That(report.LinearUnconverged, Is.Null);
        Assert.That(JsonSerializer.Serialize(report, Json.Options), Does.Not.Contain("linear_unconverged").And.Contain("\"splits\": \"stratified\""));
    }

    [Test]
    public void One_class_is_no_classification()
    {
        Assert.That(ClassificationEvaluation.IsPossible(new DescriptorSet([1, 0], 1, [0, 0], 1)), Is.False);
        Assert.That(ClassificationEvaluation.IsPossible(new DescriptorSet([1, 0, 1], 1, [0, 0, 1], 2)), Is.False);
        Assert.That(ClassificationEvaluation.IsPossible(Four(1)), Is.True);
    }
}
