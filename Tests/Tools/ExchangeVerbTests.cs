using System.Text.Json;
using NUnit.Framework;
using Osprey.Interop.Formats;

namespace Osprey.Tests.Tools;

/// <summary>export and import through the tool.</summary>
[TestFixture]
public class ExchangeVerbTests
{
    string dir = "";

    string At(string name) => Path.Combine(dir, name);

    [OneTimeSetUp]
    public void MakeStore()
    {
        dir = Directory.CreateTempSubdirectory("osprey-exchange-").FullName;
        UntrainedModel.Save(At("model"));
        Drawn.Files(At("data"), classes: 2, perClass: 4);
        Cli.Done("embed", "--data", At("data"), "--model", At("model"), "--out", At("store"), "--part", "5");
    }

    [OneTimeTearDown]
    public void DeleteFolder() => Directory.Delete(dir, recursive: true);

    [Test]
    public void An_image_is_searched_in_what_came_back_as_in_the_store()
    {
        JsonElement written = Cli.Done("export", At("store"), "--to", At("a.faiss"), "--json").Json;
        Assert.That((written.GetProperty("format").GetString(), written.GetProperty("metric").GetString(), written.GetProperty("rows").GetInt32(), written.GetProperty("row_list").GetString()), Is.EqualTo(("faiss", "cosine", 8, At("a.faiss.csv"))));
        Cli.Done("import", At("a.faiss"), "--like", At("store"), "--out", At("back"));
        string[] query = ["--query", Path.Combine(At("data"), "class-1", "2.png"), "-k", "4", "--json"];
        Assert.That(Cli.Done(["search", At("back"), .. query]).Out, Is.EqualTo(Cli.Done(["search", At("store"), .. query]).Out));
    }

    [Test]
    public void Without_a_model_only_vectors_are_searched_with()
    {
        Npy.Write(At("x.npy"), [1, 0, 0, 1, 0.6f, 0.8f], 3, 2);
        JsonElement made = Cli.Done("import", At("x.npy"), "--out", At("x"), "--json").Json;
        Assert.That((made.GetProperty("rows").GetInt32(), made.GetProperty("dimension").GetInt32()), Is.EqualTo((3, 2)));
        Assert.That(Cli.Done("search", At("x"), "--vectors", At("x.npy"), "-k", "2", "--json").Json.GetProperty("results")[1].GetProperty("paths").EnumerateArray().Select(p => p.GetString()), Is.EqualTo(new[] { "row-1", "row-2" }));
        Cli.Answer refused = Cli.Run("search", At("x"), "--query", Path.Combine(At("data"), "class-1", "2.png"));
        Assert.That((refused.Code, refused.Error), Is.EqualTo((1, $"osprey search: {At("x")} was imported, and the model of its descriptors is unknown; search with --vectors, or import it --like a store of that model\n")));
    }

    [Test]
    public void For_postgres_the_table_is_named()
    {
        Cli.Answer answer = Cli.Done("export", At("store"), "--to", At("a.pgcopy"));
        Assert.That(answer.Error, Does.Contain("embedding vector(128)").And.Contain($"FROM '{At("a.pgcopy")}' WITH (FORMAT binary)"));
    }

    [TestCase(2, "embedding vector(2)", "hnsw (embedding vector_cosine_ops)")]
    [TestCase(2001, "embedding halfvec(2001)", "hnsw (embedding halfvec_cosine_ops)")]
    [TestCase(4000, "embedding halfvec(4000)", "hnsw (embedding halfvec_cosine_ops)")]
    [TestCase(4001, "embedding halfvec(4001)", "no index of more than 4000 dimensions")]
    public void For_postgres_the_index_is_named_that_there_is(int dimension, string column, string index)
    {
        Npy.Write(At($"wide-{dimension}.npy"), new float[dimension], 1, dimension);
        Cli.Done("import", At($"wide-{dimension}.npy"), "--out", At($"wide-{dimension}"));
        Cli.Answer answer = Cli.Done("export", At($"wide-{dimension}"), "--to", At($"o'{dimension}.pgcopy"));
        Assert.That(answer.Error, Does.Contain(column).And.Contain(index).And.Contain($"FROM '{At($"o''{dimension}.pgcopy")}' WITH"));
        Assert.That(answer.Error.Contains("CREATE INDEX", StringComparison.Ordinal), Is.EqualTo(dimension <= 4000));
    }

    [TestCase("l2", "l2", "--metric l2'")]
    [TestCase("cosine", "inner_product", "--metric inner_product'")]
    public void The_metric_of_a_flat_index_is_told(string metric, string told, string advice)
    {
        string file = At($"{metric}.faiss");
        Cli.Done("export", At("store"), "--to", file, "--metric", metric);
        Cli.Answer answer = Cli.Done("import", file, "--out", At($"told-{metric}"));
        Assert.That(answer.Error, Does.Contain($"{file} is an index of the metric {told}").And.Contain($"run 'osprey index {At($"told-{metric}")} {advice}"));
        Assert.That(Cli.Done("import", file, "--out", At($"json-{metric}"), "--json").Json.GetProperty("metric").GetString(), Is.EqualTo(told));
    }

    [TestCase("export", "nowhere", "--to", "a.npy", 1, "is no descriptor store")]
    [TestCase("export", "store", "--to", "a.txt", 2, "names no format")]
    [TestCase("import", "none.npy", "--out", "b", 1, "there is no file")]
    public void Wrong_words_end_in_a_line(string verb, string from, string flag, string to, int code, string message)
    {
        Cli.Answer answer = Cli.Run(verb, At(from), flag, At(to));
        Assert.That(answer.Code, Is.EqualTo(code));
        Assert.That(answer.Error, Does.Contain(message));
    }
}
