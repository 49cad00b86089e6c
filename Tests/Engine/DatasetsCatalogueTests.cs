using NUnit.Framework;
using Osprey.Engine.Datasets;

namespace Osprey.Tests.Engine;

public sealed class DatasetsCatalogueTests
{
    [TestCase("UC Merced Land Use", 2100, 21)]
    [TestCase("WHU-RS19", 1005, 19)]
    [TestCase("RSSCN7", 2800, 7)]
    [TestCase("SIRI-WHU", 2400, 12)]
    [TestCase("AID", 10000, 30)]
    [TestCase("NWPU-RESISC45", 31500, 45)]
    [TestCase("PatternNet", 30400, 38)]
    [TestCase("RSI-CB256", 24747, 35)]
    [TestCase("Brazilian Coffee Scenes", 2876, 2)]
    [TestCase("EuroSAT", 27000, 10)]
    public void Published_counts(string name, int images, int classes)
    {
        CatalogueEntry? entry = Catalogue.Find(name);
        Assert.That((entry?.Images, entry?.Classes, entry?.CountsVerified), Is.EqualTo((images, classes, true)));
    }

    [Test]
    public void Every_name_finds_its_own_set_and_unknown_ones_none()
    {
        foreach (CatalogueEntry entry in Catalogue.Sets)
            foreach (string name in (string[])[entry.Name, entry.FullName, .. entry.Aliases])
                Assert.That(Catalogue.Find(name), Is.SameAs(entry), name);
        Assert.That(Catalogue.Find("holiday pictures"), Is.Null);
        Assert.That(Catalogue.Find("--"), Is.Null);
        Assert.That(Catalogue.Find("sf300")!.CountsVerified, Is.False);
    }
}
