using System.Text.Json;
using NUnit.Framework;

namespace Osprey.Tests.Tools;

[TestFixture]
public class DataVerbTests
{
    string dir = "";

    [SetUp]
    public void MakeFolder() => dir = Directory.CreateTempSubdirectory("osprey-data-").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(dir, recursive: true);

    [Test]
    public void List_has_the_nine_sets_and_two_more()
    {
        JsonElement sets = Cli.Done("data", "list", "--json").Json.GetProperty("sets");
        Assert.That(sets.GetArrayLength(), Is.EqualTo(11));
        Assert.That(sets[0].GetProperty("name").GetString(), Is.EqualTo("ucm"));
        Assert.That(Cli.Done("data", "list").Out, Does.Contain("UC Merced Land Use").And.Contain("2,100"));
    }

    [Test]
    public void Split_divides_every_class_and_says_how()
    {
        Drawn.Files(dir, classes: 2, perClass: 5);
        string csv = Path.Combine(dir, "split.csv");
        JsonElement answer = Cli.Done("data", "split", dir, "--train", "0.6", "--seed", "7", "--out", csv, "--json").Json;
        Assert.That((answer.GetProperty("train").GetInt32(), answer.GetProperty("test").GetInt32(), answer.GetProperty("seed").GetInt64()), Is.EqualTo((6, 4, 7L)));
        Assert.That(File.ReadAllLines(csv), Has.Length.EqualTo(11));
    }

    [TestCase("/no/such/folder", "there is no folder")]
    [TestCase(".", "holds no images")]
    public void A_missing_or_empty_folder_fails_in_one_line(string name, string message)
    {
        Cli.Answer answer = Cli.Run("data", "split", Path.Combine(dir, name), "--out", Path.Combine(dir, "x.csv"));
        Assert.That(answer.Code, Is.EqualTo(1));
        Assert.That(answer.Error, Does.StartWith("osprey data split: ").And.Contain(message).And.Not.Contain("   at "));
        Assert.That(answer.Error.TrimEnd().Split('\n'), Has.Length.EqualTo(1));
    }
}
