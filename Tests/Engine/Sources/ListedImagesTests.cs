using System.Text;
using NUnit.Framework;
using Osprey.Engine.Images;
using Osprey.Engine.Sources;
using Osprey.Tests.Engine.Images;
using Osprey.Tests.Interop;
using Osprey.Tests.Tools;

namespace Osprey.Tests.Engine.Sources;

/// <summary>Lists written by hand.</summary>
[TestFixture]
public class ListedImagesTests
{
    ScratchFolder scratch = new();

    [SetUp]
    public void MakeFolder()
    {
        scratch = new ScratchFolder();
        Directory.CreateDirectory(scratch["lists"]);
        Drawn.Files(scratch["photos"], classes: 2, perClass: 3, size: 8);
    }

    [TearDown]
    public void DeleteFolder() => scratch.Dispose();

    string List(string name, string text, bool mark = false)
    {
        File.WriteAllText(scratch[name], text, new UTF8Encoding(mark));
        return scratch[name];
    }

    static IImageSource Open(params string[] paths) => ImageSources.Open(paths, new DecodeOptions());

    static string[] Describe(IImageSource source) => [.. source.Images.Select(i => $"{i.Path}={source.Classes[i.Label]}")];

    static string[] Describe(params string[] paths)
    {
        using IImageSource source = Open(paths);
        return Describe(source);
    }

    [TestCase("\n", false)]
    [TestCase("\r\n", true)]
    public void Lines_of_text_are_paths(string end, bool mark)
    {
        string list = List("lists/a.txt", string.Join(end, "# chosen by hand", "../photos/class-1/2.png", "", "  ../photos/class-0/0.png  ", scratch["photos/class-0/1.png"], "gone.png", ""), mark);
        using IImageSource source = Open(list);
        Assert.That(Describe(source), Is.EqualTo(new[] { "../photos/class-1/2.png=unlabelled", "../photos/class-0/0.png=unlabelled", "../photos/class-0/1.png=unlabelled", "gone.png=unlabelled" }), "in the list's order");
        Assert.That(source.Root, Is.EqualTo(scratch["lists"]));
        Assert.That(source.Load(0).Image!.Pixels, Is.EqualTo(new ImageDecoder().Decode(Drawn.Png(1, 2, 8), "x").Pixels));
        Assert.That(() => source.Load(3), Throws.InstanceOf<IOException>());
    }

    [TestCase("\n", false)]
    [TestCase("\r\n", true)]
    public void Columns_of_a_csv_are_found_by_name(string end, bool mark)
    {
        scratch.Write("a, \"b\".png", Drawn.Png(3, 3, 8));
        string list = List("a.csv", string.Join(end, "id,class,path", "7,10,photos/class-1/2.png", "", "8,9,\"a, \"\"b\"\".png\"", "9,,photos/class-0/1.png"), mark);
        using IImageSource source = Open(list);
        Assert.That(Describe(source), Is.EqualTo(new[] { "photos/class-1/2.png=10", "a, \"b\".png=9", "photos/class-0/1.png=unlabelled" }));
        Assert.That(source.Load(1).Image!.Pixels, Is.EqualTo(new ImageDecoder().Decode(Drawn.Png(3, 3, 8), "x").Pixels));
        Assert.That(Describe(List("b.csv", "path\nphotos/class-1/2.png")), Is.EqualTo(new[] { "photos/class-1/2.png=unlabelled" }));
        using IImageSource numbers = Open(List("c.csv", "class,path\n10,1.png\n9,2.png"));
        Assert.That(numbers.Classes, Is.EqualTo(new[] { "9", "10" }), "by value, as of a Parquet file");
    }

    [Test]
    public void Tabs_separate_as_well() =>
        Assert.That(Describe(List("a.TSV", "path\tclass\r\nphotos/class-1/2.png\tbeach, sandy\r\n\"x\t1.png\"\tpier\r\n")), Is.EqualTo(new[] { "photos/class-1/2.png=beach, sandy", "x\t1.png=pier" }));

    [Test]
    public void A_list_of_data_split_is_one() =>
        Assert.That(Describe(List("photos/split.csv", "path,class,part\nclass-1/0.png,class-1,train\nclass-0/0.png,class-0,test\n")), Is.EqualTo(new[] { "class-1/0.png=class-1", "class-0/0.png=class-0" }));

    [Test]
    public void Lists_are_joined_with_folders_files_and_archives()
    {
        scratch.Write("a.tar", Shards.Tar(("1.png", Drawn.Png(0, 1, 8)), ("1.cls", Shards.Text("beach"))));
        scratch.Write("loose.png", Drawn.Png(0, 0, 8));
        Drawn.Files(scratch["more"], classes: 1, perClass: 1, size: 8);
        string[] lists = [List("b.csv", "path,class\nphotos/class-1/1.png,beach\n"), List("lists/a.txt", "../photos/class-1/0.png\n")];
        Assert.That(Describe([.. lists, scratch["a.tar"], scratch["more"], scratch["loose.png"]]), Is.EqualTo(new[]
        {
            "more/class-0/0.png=class-0", "loose.png=unlabelled", "photos/class-1/1.png=beach", "photos/class-1/0.png=unlabelled", "a.tar/1.png=beach",
        }));
    }

    [Test]
    public void Large_tiffs_are_cut_into_windows()
    {
        byte[] tiff = new HandTiff(20, 10, 3, 8).Segment(new byte[600]).ToArray();
        scratch.Write("large.tif", tiff);
        scratch.Write("small.tif", new HandTiff(5, 5, 3, 8).Segment(new byte[75]).ToArray());
        using IImageSource source = ImageSources.Open([List("a.txt", "small.tif\nlarge.tif\ngone.tif\n")], new DecodeOptions(), new WindowGrid { Size = 10, Stride = 10 });
        Assert.That(source.Images, Is.EqualTo(new SourceImage[] { new("small.tif", 0), new("large.tif", 0, new PixelWindow(0, 0, 10, 10)), new("large.tif", 0, new PixelWindow(10, 0, 10, 10)), new("gone.tif", 0) }));
        Assert.That(source.Load(2).Width, Is.EqualTo(10));
        Assert.That(() => source.Load(3), Throws.TypeOf<InvalidDataException>().With.Message.Contains("gone.tif"));
    }

    [TestCase("a.txt", "", "a.txt names no image")]
    [TestCase("a.txt", "# none\n\n", "a.txt names no image")]
    [TestCase("a.csv", "path,class\n", "a.csv names no image")]
    [TestCase("a.csv", "file,class\n1.png,x\n", "a.csv has no column 'path' in its first line; give a header such as path,class")]
    [TestCase("a.tsv", "path,class\n1.png,x\n", "a.tsv has no column 'path' in its first line; give a header such as path\tclass")]
    [TestCase("a.csv", "path,class\n1.png,x\n2.png\n", "a.csv, line 3: 1 columns where the header has 2")]
    [TestCase("a.csv", "path,class\n1.png,x\n,y\n", "a.csv, line 3: the path is empty")]
    [TestCase("a.csv", "path,class\n\"1.png,x\n", "a.csv, line 2: a cell begins with a quote")]
    [TestCase("a.tsv", "path\n\"1\".png\n", "a tab or the line's end was expected")]
    [TestCase("a.txt", "1.png\n\n2.png\n./1.png\n", "a.txt, line 4: ./1.png is named already, on line 1 of ")]
    [TestCase("a.csv", "path,class\n1.png,x\n1.png,y\n", "a.csv, line 3: 1.png is named already, on line 2 of ")]
    [TestCase("a.txt", "1.png\nx\0y\n", "a.txt, line 2: there is a byte 0 in it")]
    public void A_broken_list_is_refused_with_its_line(string name, string text, string message) =>
        Assert.That(() => Open(List(name, text)), Throws.TypeOf<InvalidDataException>().With.Message.Contains(message));

    [Test]
    public void An_image_of_two_places_is_refused()
    {
        Assert.That(() => Open(List("a.txt", "1.png\n"), List("b.txt", "2.png\n1.png\n")), Throws.TypeOf<InvalidDataException>().With.Message.Contains("b.txt, line 2: 1.png is named already, on line 1 of ").And.Message.Contains("a.txt"));
        Assert.That(() => Open(scratch["photos"], List("c.txt", "9.png\nphotos/class-0/1.png\n")), Throws.TypeOf<InvalidDataException>().With.Message.Contains("c.txt, line 2: photos/class-0/1.png is named already, by another place beside the list"));
    }
}
