using NUnit.Framework;
using Osprey.Engine.Images;
using Osprey.Engine.Sources;

namespace Osprey.Tests.Engine.Sources;

[TestFixture]
public sealed class SourceImageListTests
{
    /// <summary>Names lie in groups of 64.</summary>
    [Test]
    public void What_is_added_is_read([Values(0, 1, 2, 63, 64, 65, 131)] int count)
    {
        SourceImage[] images = [.. Enumerable.Range(0, count).Select(i => new SourceImage($"class {i / 10}/image-{i}.jpg", i % 7, i >= 70 && i % 2 == 0 ? new PixelWindow(i, 1, 2, 3) : null))];
        SourceImageList list = Of(images);
        Assert.That(list, Has.Count.EqualTo(count));
        Assert.That(list, Is.EqualTo(images), "in order");
        foreach (int i in Enumerable.Range(0, count).Reverse()) Assert.That(list[i], Is.EqualTo(images[i]), "and anywhere");
        Assert.That(() => list[count], Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => list[-1], Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void It_is_read_while_it_grows()
    {
        var list = new SourceImageList();
        for (int i = 0; i < 70; i++)
        {
            list.Add($"{i}", i);
            Assert.That(list[i], Is.EqualTo(new SourceImage($"{i}", i)));
            Assert.That(list[0].Path, Is.EqualTo("0"));
        }
    }

    /// <summary>Names that share all, nothing, or half a letter; and lengths of one, two and three bytes.</summary>
    [Test]
    public void Names_may_be_alike_or_not()
    {
        string[] names = ["a/ä.jpg", "a/ö.jpg", "a/ä.jpg", "a/ä", "", "b", "a/ä.jpg.jpg", "a/日本.tif", "a/日月.tif", "😀", "😁", new string('x', 127), new string('x', 128), new string('é', 20000), new string('é', 20001)];
        Assert.That(Of(names.Select(n => new SourceImage(n, 0))).Select(i => i.Path), Is.EqualTo(names));
        foreach (string first in names)
            Assert.That(Of(names.Prepend(first).Select(n => new SourceImage(n, 0))).Skip(1).Select(i => i.Path), Is.EqualTo(names), $"after {first[..Math.Min(9, first.Length)]}");
    }

    [Test]
    public void Labels_change_and_nothing_else()
    {
        SourceImageList list = Of([new("a", 0), new("b", 1, new PixelWindow(1, 2, 3, 4)), new("c", 0)]);
        list.Relabel([5, 2]);
        Assert.That(list, Is.EqualTo(new SourceImage[] { new("a", 5), new("b", 2, new PixelWindow(1, 2, 3, 4)), new("c", 5) }));
    }

    /// <summary>Against what the same list of objects takes. docs/scale.md tells the figure.</summary>
    [Test]
    public void It_takes_less_than_a_fifth_of_the_memory_of_objects()
    {
        const int Count = 100_000;
        IEnumerable<SourceImage> names = Enumerable.Range(0, Count).Select(i => new SourceImage($"residential/{i / 10_000}-residential_{i:0000000}.jpg", i / 4000));
        double compact = BytesEach(() => Of(names)), objects = BytesEach(() => names.ToList());
        TestContext.Out.WriteLine($"{compact:0.0} bytes an image, as objects {objects:0.0}");
        Assert.That(compact, Is.LessThan(objects / 5));

        static double BytesEach(Func<object> make)
        {
            long before = GC.GetTotalMemory(forceFullCollection: true);
            object made = make();
            double bytes = GC.GetTotalMemory(forceFullCollection: true) - before;
            GC.KeepAlive(made);
            return bytes / Count;
        }
    }

    static SourceImageList Of(IEnumerable<SourceImage> images)
    {
        var list = new SourceImageList();
        foreach (SourceImage image in images) list.Add(image.Path, image.Label, image.Window);
        return list;
    }
}
