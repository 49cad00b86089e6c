using System.Text.Json;
using NUnit.Framework;
using Osprey.Engine;
using Osprey.Engine.Evaluation;

namespace Osprey.Tests.Engine.Evaluation;

[TestFixture]
public class EvaluationResultTests
{
    SampleEvaluation sample = null!;

    [OneTimeSetUp]
    public void Measure() => sample = new SampleEvaluation();

    [OneTimeTearDown]
    public void Delete() => sample.Dispose();

    [Test]
    public void The_json_has_the_shape_of_osprey_eval()
    {
        JsonElement json = JsonDocument.Parse(JsonSerializer.Serialize(sample.Result, Json.Options)).RootElement;
        JsonElement[] results = [.. json.GetProperty("results").EnumerateArray()];
        Assert.That(results.Select(r => (r.GetProperty("data").GetString(), r.GetProperty("model").GetString())),
            Is.EqualTo(new[] { ("fields", "baseline"), ("fields", "robust"), ("coast", "baseline"), ("coast", "robust") }));
        JsonElement first = results[0], retrieval = first.GetProperty("retrieval"), classification = first.GetProperty("classification"), robust = first.GetProperty("robust")[1];
        Assert.That((first.GetProperty("images").GetInt32(), first.GetProperty("classes").GetInt32()), Is.EqualTo((32, 4)));
        foreach (string name in (string[])["map", "map_trapezoid", "anmrr", "anmrr_manjunath", "p_at_10", "r_at_10", "map_at_10", "map_at_10_over_k"])
        {
            Assert.That(retrieval.GetProperty(name).GetDouble(), Is.InRange(0, 1), name);
            Assert.That(retrieval.GetProperty(name + "_ci").GetArrayLength(), Is.EqualTo(2), name);
        }
        foreach (string name in (string[])["knn_1", "knn_5", "knn_20", "nearest_mean_1", "nearest_mean_5", "linear"])
            Assert.That(classification.GetProperty(name).GetDouble(), Is.InRange(0, 1), name);
        Assert.That(classification.GetProperty("train_fraction").GetDouble(), Is.EqualTo(0.5));
        Assert.That(first.GetProperty("classification_other_splits")[0].GetProperty("train_fraction").GetDouble(), Is.EqualTo(0.8));
        Assert.That(robust.GetProperty("norm").GetString(), Is.EqualTo("linf"));
        Assert.That(robust.GetProperty("epsilon").GetDouble(), Is.EqualTo(4.0 / 255));
        Assert.That(robust.GetProperty("map").GetDouble(), Is.LessThan(robust.GetProperty("clean_map").GetDouble()));
        Assert.That(robust.GetProperty("knn_1").GetDouble(), Is.InRange(0, 1));
        Assert.That(first.GetProperty("bad_files")[0].GetProperty("reason").GetString(), Is.EqualTo("the file is empty"));
        Assert.That(json.GetProperty("config").GetProperty("bootstrap_samples").GetInt32(), Is.EqualTo(50));
        JsonElement difference = json.GetProperty("differences")[0];
        Assert.That((difference.GetProperty("model").GetString(), difference.GetProperty("against").GetString()), Is.EqualTo(("robust", "baseline")));
        Assert.That(difference.GetProperty("map").GetDouble(), Is.EqualTo(results[1].GetProperty("retrieval").GetProperty("map").GetDouble() - retrieval.GetProperty("map").GetDouble()).Within(1e-12));
        Assert.That(difference.GetProperty("knn_1").GetDouble(), Is.EqualTo(results[1].GetProperty("classification").GetProperty("knn_1").GetDouble() - classification.GetProperty("knn_1").GetDouble()).Within(1e-12));
        Assert.That(difference.GetProperty("knn_1_ci").GetArrayLength(), Is.EqualTo(2));
        JsonElement mean = json.GetProperty("mean_differences")[0], matrix = json.GetProperty("matrix");
        Assert.That(mean.GetProperty("data_sets").GetInt32(), Is.EqualTo(2));
        foreach (string name in (string[])["map", "knn_1"])
            Assert.That(mean.GetProperty(name).GetDouble(), Is.EqualTo(json.GetProperty("differences").EnumerateArray().Average(d => d.GetProperty(name).GetDouble())).Within(1e-12), name);
        Assert.That(matrix.GetProperty("models").EnumerateArray().Select(m => m.GetString()), Is.EqualTo(new[] { "baseline", "robust" }));
        Assert.That(matrix.GetProperty("data").EnumerateArray().Select(m => m.GetString()), Is.EqualTo(new[] { "fields", "coast" }));
        Assert.That(matrix.GetProperty("map")[1][0].GetDouble(), Is.EqualTo(results[1].GetProperty("retrieval").GetProperty("map").GetDouble()));
        Assert.That(matrix.GetProperty("accuracy")[0][1].GetDouble(), Is.EqualTo(results[2].GetProperty("classification").GetProperty("knn_1").GetDouble()));
        JsonElement check = first.GetProperty("attack_checks")[0], haze = first.GetProperty("corruptions")[2];
        Assert.That((check.GetProperty("kind").GetString(), check.GetProperty("norm").GetString(), check.GetProperty("passed").GetBoolean()), Is.EqualTo(("larger_epsilon", "linf", true)));
        JsonElement sanity = json.GetProperty("attack_sanity"), failed = sanity.GetProperty("failed")[0];
        Assert.That((sanity.GetProperty("passed").GetBoolean(), sanity.GetProperty("checks").GetInt32(), sanity.GetProperty("failed").GetArrayLength()), Is.EqualTo((false, 8, 2)));
        Assert.That((failed.GetProperty("data").GetString(), failed.GetProperty("model").GetString(), failed.GetProperty("check").GetProperty("kind").GetString()), Is.EqualTo(("fields", "robust", "above_noise")));
        Assert.That((haze.GetProperty("kind").GetString(), haze.GetProperty("severity").GetInt32(), haze.GetProperty("amount").GetDouble()), Is.EqualTo(("haze", 3, 0.4)));
        Assert.That(haze.GetProperty("map").GetDouble(), Is.LessThan(haze.GetProperty("clean_map").GetDouble()));
    }

    [Test]
    public void No_name_is_camel_case_and_no_number_is_not_one()
    {
        string text = JsonSerializer.Serialize(sample.Result, Json.Options);
        Assert.That(text, Does.Not.Match("\"[a-z_0-9]*[A-Z][A-Za-z]*\"\\s*:").And.Not.Contain("NaN"));
    }

    [Test]
    public void The_configuration_survives_a_round_trip()
    {
        string text = JsonSerializer.Serialize(SampleEvaluation.Config, Json.Options);
        Assert.That(JsonSerializer.Serialize(JsonSerializer.Deserialize<EvalConfig>(text, Json.Options), Json.Options), Is.EqualTo(text));
    }

    [Test]
    public void The_gallery_shows_what_the_ranking_found()
    {
        Gallery gallery = sample.Result.Galleries[0];
        ModelResult[] models = [.. sample.Result.Results.Where(r => r.Data == gallery.Data)];
        Assert.That(gallery.Models, Is.EqualTo(new[] { "baseline", "robust" }));
        Assert.That(gallery.Rows.Count(r => r.Reason == GalleryReason.Sample), Is.EqualTo(3));
        Assert.That(gallery.Rows.Where(r => r.Reason == GalleryReason.Sample).Select(r => r.Query.Label), Is.Unique, "one of each class before a second of any");
        double best = gallery.Rows.Where(r => r.Reason == GalleryReason.Best).Min(r => r.Answers[1].AveragePrecision);
        Assert.That(models[1].Retrieval.AveragePrecisions.Count(ap => ap > best), Is.LessThan(3));
        Assert.That(gallery.Rows.First(r => r.Reason == GalleryReason.Worst).Answers[1].AveragePrecision, Is.EqualTo(models[1].Retrieval.AveragePrecisions.Min()));
        Assert.That(gallery.Rows.Where(r => r.Reason == GalleryReason.Gained).Select(r => r.Answers[1].AveragePrecision - r.Answers[0].AveragePrecision), Is.Ordered.Descending.And.All.Positive);
        foreach (GalleryRow row in gallery.Rows)
            foreach (GalleryAnswer answer in row.Answers)
            {
                Assert.That(answer.Neighbours, Has.Count.EqualTo(Gallery.Neighbours));
                Assert.That(answer.Neighbours.Select(n => n.Image), Does.Not.Contain(row.Query).And.Unique);
                Assert.That(answer.Neighbours.Select(n => n.Score), Is.Ordered.Descending);
                Assert.That(answer.Neighbours.Select(n => n.Right), Is.EqualTo(answer.Neighbours.Select(n => n.Image.Label == row.Query.Label)));
            }
    }

    [TestCase("""{"check_attack":true}""", "no attack to check")]
    [TestCase("""{"severities":[4]}""", "severity of a corruption is 4")]
    [TestCase("""{"severities":[]}""", "no severity is given")]
    [TestCase("""{"cut_offs":[0]}""", "cut-off k is 0")]
    [TestCase("""{"train_fractions":[1]}""", "train fraction is 1")]
    [TestCase("""{"neighbours":[]}""", "no number of neighbours k")]
    [TestCase("""{"image_size":3}""", "image size is 3")]
    [TestCase("""{"bootstrap_samples":0}""", "bootstrap samples is 0")]
    [TestCase("""{"threats":[{"random_start":false}]}""", "needs a random start")]
    [TestCase("""{"threats":[{"epsilon":-1}]}""", "epsilon is -1")]
    public void A_configuration_out_of_range_is_refused(string json, string message) =>
        Assert.That(() => JsonSerializer.Deserialize<EvalConfig>(json, Json.Options)!.Validate(), Throws.ArgumentException.With.Message.Contains(message));
}
