using NUnit.Framework;
using Osprey.Engine.Images;
using Osprey.Engine.Sources;
using Osprey.Tests.Interop;
using Osprey.Tests.Tools;

namespace Osprey.Tests.Engine.Sources;

[TestFixture]
public class ImageSourcesTests
{
    ScratchFolder scratch = new();

    [SetUp]
    public void MakeFolder()
    {
        scratch = new ScratchFolder();
        Drawn.Files(scratch["photos"], classes: 2, perClass: 2, size: 8);
        scratch.Write("a.tar", Shards.Tar(("1.png", Drawn.Png(0, 1, 8)), ("2.png", Drawn.Png(0, 2, 8))));
        scratch.Write("loose.png", Drawn.Png(0, 0, 8));
    }

    [TearDown]
    public void DeleteFolder() => scratch.Dispose();

    string[] Paths(params string[] places)
    {
        using IImageSource source = ImageSources.Open([.. places.Select(p => scratch[p])], new DecodeOptions());
        return [.. source.Images.Select(i => i.Path)];
    }

    static readonly string[] photos = ["class-0/0.png", "class-0/1.png", "class-1/0.png", "class-1/1.png"];

    [Test]
    public void What_is_named_twice_is_there_once()
    {
        Assert.That(Paths("photos", "photos/"), Is.EqualTo(photos));
        Assert.That(Paths("photos", "photos/../photos"), Is.EqualTo(photos));
        Assert.That(Paths("a.tar", "a.tar"), Is.EqualTo(new[] { "a.tar/1.png", "a.tar/2.png" }));
        Assert.That(Paths("*.tar", "a.tar"), Is.EqualTo(new[] { "a.tar/1.png", "a.tar/2.png" }));
        Assert.That(Paths("loose.png", "loose.png"), Is.EqualTo(new[] { "loose.png" }));
        Assert.That(() => ImageSources.Open([""], new DecodeOptions()), Throws.TypeOf<DirectoryNotFoundException>(), "a variable of the shell that is not set");
    }

    [Test]
    public void A_folder_inside_another_adds_nothing_or_is_refused()
    {
        Drawn.Files(scratch["set/train"], classes: 2, perClass: 1, size: 8);
        Drawn.Files(scratch["set/test"], classes: 2, perClass: 1, size: 8);
        Assert.That(Paths("set", "set/train"), Has.Length.EqualTo(4));
        Assert.That(() => Paths("photos", "photos/class-1"), Throws.TypeOf<InvalidDataException>().With.Message.Contains(Path.Combine("class-1", "0.png") + " is named twice, in class class-1 and in class unlabelled"));
        Assert.That(() => Paths("photos/class-0/1.png", "photos"), Throws.TypeOf<InvalidDataException>().With.Message.Contains("is named twice, in class class-0 and in class unlabelled"));
    }
}
