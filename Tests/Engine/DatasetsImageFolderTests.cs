using NUnit.Framework;
using Osprey.Engine.Datasets;
using Osprey.Tests.House;

namespace Osprey.Tests.Engine;

public sealed class DatasetsImageFolderTests
{
    string _dir = "";

    [SetUp]
    public void CreateFolder() => _dir = Directory.CreateTempSubdirectory("osprey-folder-").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_dir, recursive: true);

    void Plant(params string[] paths)
    {
        foreach (string path in paths)
        {
            string file = Path.Combine(_dir, path);
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, path);
        }
    }

    static string[] Layout(ImageSet set) => [.. set.Images.Select(i => set.Classes[i.Label] + ":" + set.RelativePath(i))];

    [Test]
    public void One_folder_per_class_in_ordinal_order()
    {
        Plant("b/2.jpg", "b/10.jpg", "B/1.png", "a/x.tif", "a/y");
        ImageSet set = ImageFolder.Open(_dir);
        Assert.That(set.Classes, Is.EqualTo(new[] { "B", "a", "b" }));
        Assert.That(Layout(set), Is.EqualTo(new[] { "B:B/1.png", "a:a/x.tif", "a:a/y", "b:b/10.jpg", "b:b/2.jpg" }));
        Assert.That(set.Counts(), Is.EqualTo(new[] { 1, 2, 2 }));
        Assert.That(set.Name, Is.EqualTo(Path.GetFileName(_dir)));
    }

    [Test]
    public void Hidden_and_documentary_files_are_ignored_and_odd_names_are_left_to_the_decoder()
    {
        Plant("a/.hidden.jpg", "a/Thumbs.db", "a/labels.XML", "a/notes.txt", "a/1.jpeg", "a/2.dat", "a/3", "b/4.webp", ".cache/5.jpg", "__MACOSX/a/6.jpg", "list.csv", "docs/x.md");
        Assert.That(Layout(ImageFolder.Open(_dir)), Is.EqualTo(new[] { "a:a/1.jpeg", "a:a/2.dat", "a:a/3", "b:b/4.webp" }));
    }

    [Test]
    public void Wrappers_are_passed_through()
    {
        Plant("UCMerced_LandUse/readme.txt", "UCMerced_LandUse/Images/agricultural/agricultural00.tif", "UCMerced_LandUse/Images/airplane/airplane00.tif");
        ImageSet set = ImageFolder.Open(_dir);
        Assert.That(set.Root, Is.EqualTo(Path.Combine(_dir, "UCMerced_LandUse", "Images")));
        Assert.That(Layout(set), Is.EqualTo(new[] { "agricultural:agricultural/agricultural00.tif", "airplane:airplane/airplane00.tif" }));
        Assert.That(Catalogue.Find(set)?.Name, Is.EqualTo("ucm"));
    }

    [Test]
    public void A_single_class_folder_is_a_class_and_not_a_wrapper()
    {
        Plant("forest/1.jpg");
        Assert.That(Layout(ImageFolder.Open(_dir)), Is.EqualTo(new[] { "forest:forest/1.jpg" }));
    }

    [Test]
    public void The_innermost_folders_are_the_classes()
    {
        Plant("construction land/city_building/1.tif", "construction land/container/1.tif", "water area/river/1.tif");
        Assert.That(ImageFolder.Open(_dir).Classes, Is.EqualTo(new[] { "city_building", "container", "river" }));
    }

    [Test]
    public void Inner_folders_of_one_name_are_told_apart_by_their_paths()
    {
        Plant("city/park/1.tif", "country/park/1.tif");
        Assert.That(ImageFolder.Open(_dir).Classes, Is.EqualTo(new[] { "city/park", "country/park" }));
    }

    [Test]
    public void Folders_below_a_class_belong_to_it()
    {
        Plant("a/1.jpg", "a/more/2.jpg", "b/3.jpg");
        Assert.That(Layout(ImageFolder.Open(_dir)), Is.EqualTo(new[] { "a:a/1.jpg", "a:a/more/2.jpg", "b:b/3.jpg" }));
    }

    [Test]
    public void Train_and_test_folders_share_their_classes()
    {
        Plant("train/a/1.jpg", "train/b/2.jpg", "test/a/3.jpg", "test/b/4.jpg");
        Assert.That(Layout(ImageFolder.Open(_dir)), Is.EqualTo(new[] { "a:test/a/3.jpg", "a:train/a/1.jpg", "b:test/b/4.jpg", "b:train/b/2.jpg" }));
    }

    [Test]
    public void A_flat_folder_is_one_class()
    {
        Plant("2.jpg", "1.jpg", "readme.md");
        Assert.That(Layout(ImageFolder.Open(_dir)), Is.EqualTo(new[] { "unlabelled:1.jpg", "unlabelled:2.jpg" }));
    }

    [Test]
    public void A_preview_beside_the_classes_is_left_out_and_a_mixture_is_refused()
    {
        Plant("sheet.png", "a/1.jpg", "b/2.jpg");
        ImageSet set = ImageFolder.Open(_dir);
        Assert.That(Layout(set), Is.EqualTo(new[] { "a:a/1.jpg", "b:b/2.jpg" }));
        Assert.That(ImageFolder.Strays(_dir, set), Is.EqualTo(new[] { Path.Combine(_dir, "sheet.png") }));

        Plant("x.png", "y.png");
        Assert.That(Assert.Throws<InvalidDataException>(() => ImageFolder.Open(_dir))!.Message, Does.Contain("3 images directly and 2 in folders"));
    }

    [Test]
    public void Links_are_followed_but_not_in_a_circle()
    {
        Plant("real/1.jpg", "set/a/2.jpg");
        Directory.CreateSymbolicLink(Path.Combine(_dir, "set", "b"), Path.Combine(_dir, "real"));
        File.CreateSymbolicLink(Path.Combine(_dir, "set", "a", "3.jpg"), Path.Combine(_dir, "real", "1.jpg"));
        Directory.CreateSymbolicLink(Path.Combine(_dir, "set", "c"), Path.Combine(_dir, "set"));
        Assert.That(Layout(ImageFolder.Open(Path.Combine(_dir, "set"))), Is.EqualTo(new[] { "a:a/2.jpg", "a:a/3.jpg", "b:b/1.jpg" }));
    }

    [Test]
    public void Errors_say_what_to_give()
    {
        Assert.That(Assert.Throws<DirectoryNotFoundException>(() => ImageFolder.Open(Path.Combine(_dir, "none")))!.Message, Does.Contain("there is no folder").And.Contain("class folders"));
        Assert.That(Assert.Throws<InvalidDataException>(() => ImageFolder.Open(_dir))!.Message, Does.Contain("holds no images"));
        Plant("file.jpg");
        Assert.That(Assert.Throws<DirectoryNotFoundException>(() => ImageFolder.Open(Path.Combine(_dir, "file.jpg")))!.Message, Does.Contain("is a file"));
    }

    [Test]
    public void A_list_keeps_the_images_it_names()
    {
        Plant("a/1.jpg", "a/2.jpg", "b/3.tif");
        string list = Path.Combine(_dir, "list.txt");
        File.WriteAllText(list, "# chosen\r\nb/3\r\n./a/2.jpg\r\n\r\n");
        Assert.That(Layout(ImageFolder.Open(_dir, list)), Is.EqualTo(new[] { "a:a/2.jpg", "b:b/3.tif" }));
        File.WriteAllText(list, "a/1.jpg\na/9.jpg\n");
        Assert.That(Assert.Throws<InvalidDataException>(() => ImageFolder.Open(_dir, list))!.Message, Does.Contain("line 2").And.Contain("a/9.jpg"));
        Assert.Throws<FileNotFoundException>(() => ImageFolder.Open(_dir, Path.Combine(_dir, "none.txt")));
    }

    [TestCase("ucm", 21, 315)]
    [TestCase("eurosat", 10, 2000)]
    [TestCase("rsscn7", 7, 280)]
    [TestCase("aid", 30, 1800)]
    public void Real_sets_open(string name, int classes, int images)
    {
        ImageSet set = ImageFolder.Open(Shared.Data(name));
        Assert.That((set.Classes.Count, set.Images.Count), Is.EqualTo((classes, images)));
        Assert.That(Catalogue.Find(set)?.Classes, Is.EqualTo(classes));
    }
}
