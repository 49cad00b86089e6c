using NUnit.Framework;
using Osprey.Engine.Images;
using Osprey.Engine.Sources;
using Osprey.Tests.Engine.Images;
using Osprey.Tests.Interop;

namespace Osprey.Tests.Engine.Sources;

[TestFixture]
public class FileSourceTests
{
    ScratchFolder scratch = new();

    [SetUp]
    public void MakeFolder() => scratch = new ScratchFolder();

    [TearDown]
    public void DeleteFolder() => scratch.Dispose();

    static HandTiff Tiff(int side, int bands) => new HandTiff(side, side, bands, 8).Segment([.. Enumerable.Range(0, side * side * bands).Select(i => (byte)(i * 7))]);

    static byte[] Inks(int side) => Tiff(side, 4).Tag(262, 3, 5).ToArray();

    static byte[] Turned(int side) => Tiff(side, 3).Tag(274, 3, 6).ToArray();

    /// <summary>What is not read in windows need not be where one window holds all of it.</summary>
    [TestCase(0)]
    [TestCase(1)]
    public void Small_tiffs_of_every_kind_are_one_image(int overview)
    {
        string[] files = [scratch.Write("inks.tif", Inks(16)), scratch.Write("plain.tif", Tiff(16, 3).ToArray()), scratch.Write("turned.tif", Turned(16))];
        using IImageSource source = ImageSources.Open(files, new DecodeOptions(), new WindowGrid { Size = 16, Stride = 16, Overview = overview });
        Assert.That(source.Images, Is.EqualTo(new SourceImage[] { new("inks.tif", 0), new("plain.tif", 0), new("turned.tif", 0) }));
        for (int i = 0; i < 3; i++) Assert.That(source.Load(i).Image!.Pixels, Is.EqualTo(new ImageDecoder().Decode(files[i]).Pixels), files[i]);
    }

    [Test]
    public void Of_what_is_larger_than_a_window_it_is_said_why_it_is_not_read()
    {
        string[] files = [scratch.Write("1.tif", Inks(17)), scratch.Write("2.tif", Turned(17)), scratch.Write("3.tif", Inks(16)[..100])];
        using IImageSource source = ImageSources.Open(files, new DecodeOptions(), new WindowGrid { Size = 16, Stride = 16 });
        Assert.That(() => source.Load(0), Throws.TypeOf<InvalidDataException>().With.Message.Contains("photometric 5"));
        Assert.That(() => source.Load(1), Throws.TypeOf<InvalidDataException>().With.Message.Contains("orientation 6"));
        Assert.That(() => source.Load(2), Throws.TypeOf<InvalidDataException>().With.Message.Contains("cut short"));
        using IImageSource plain = ImageSources.Open([scratch.Write("4.tif", Tiff(17, 3).ToArray())], new DecodeOptions(), new WindowGrid { Size = 16, Stride = 16, Overview = 1 });
        Assert.That(() => plain.Load(0), Throws.TypeOf<InvalidDataException>().With.Message.Contains("overview 1 was asked for, and the scene has none"));
    }
}
