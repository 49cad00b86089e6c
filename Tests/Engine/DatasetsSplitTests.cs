using CsCheck;
using NUnit.Framework;
using Osprey.Engine.Datasets;

namespace Osprey.Tests.Engine;

public sealed class DatasetsSplitTests
{
    static readonly Gen<int[]> Labels = Gen.Int[0, 6].Array[1, 80];

    [Test]
    public void By_lot_the_share_is_of_all_images_and_every_image_may_go_either_way()
    {
        foreach ((int count, double fraction, int expected) in new[] { (10, 0.5, 5), (11, 0.5, 6), (3, 0.01, 1), (3, 0.99, 2) })
        {
            Split split = Split.Random(count, fraction, 4);
            Assert.That(split.Train, Has.Length.EqualTo(expected).And.Ordered);
            Assert.That(split.Train.Concat(split.Test), Is.EquivalentTo(Enumerable.Range(0, count)));
        }
        int[] times = new int[20];
        for (int seed = 0; seed < 400; seed++)
            foreach (int i in Split.Random(20, 0.5, seed).Train) times[i]++;
        Assert.That(times, Is.All.InRange(160, 240), "400 fair draws, four standard deviations of 10");
        int[] once = Split.Random(20, 0.5, 3).Train;
        Assert.That(Split.Random(20, 0.5, 3).Train, Is.EqualTo(once));
        Assert.That(() => Split.Random(1, 0.5, 0), Throws.ArgumentException);
        Assert.That(() => Split.Random(5, 1, 0), Throws.ArgumentException);
    }

    [Test]
    public void Every_image_lies_on_one_side_and_every_class_of_two_on_both() =>
        Gen.Select(Labels, Gen.Double[0.01, 0.99], Gen.Long).Sample((labels, fraction, seed) =>
        {
            Split split = Split.Stratified(labels, fraction, seed);
            Assert.That(split.Train.Concat(split.Test).Order(), Is.EqualTo(Enumerable.Range(0, labels.Length)));
            Assert.That(split.Train, Is.Ordered);
            Assert.That(split.Test, Is.Ordered);
            foreach (int c in labels.Distinct())
            {
                int n = labels.Count(l => l == c), training = split.Train.Count(i => labels[i] == c);
                int expected = n == 1 ? 1 : Math.Clamp((int)Math.Floor(n * fraction + 0.5), 1, n - 1);
                Assert.That(training, Is.EqualTo(expected), $"class {c} of {n}");
            }
        }, iter: 200);

    [Test]
    public void Groups_are_never_parted() =>
        Gen.Select(Labels, Gen.Int[1, 40], Gen.Double[0.05, 0.95], Gen.Long).Sample((labels, groupCount, fraction, seed) =>
        {
            int[] groups = [.. Enumerable.Range(0, labels.Length).Select(i => (i * 7919 + (int)(seed & 15)) % groupCount)];
            Split split = Split.Stratified(labels, fraction, seed, groups);
            Assert.That(split.Train.Concat(split.Test).Order(), Is.EqualTo(Enumerable.Range(0, labels.Length)));
            Assert.That(split.Train.Select(i => groups[i]).Intersect(split.Test.Select(i => groups[i])), Is.Empty);
            if (labels.Distinct().Count() == 1 && groups.Distinct().Count() > 1) Assert.That(split.Test, Is.Not.Empty);
        }, iter: 300);

    [Test]
    public void Groups_of_one_class_leave_something_on_each_side_and_near_the_share() =>
        Gen.Select(Gen.Int[2, 30], Gen.Int[1, 4], Gen.Double[0.1, 0.9], Gen.Long).Sample((count, size, fraction, seed) =>
        {
            int[] labels = new int[count * size], groups = [.. Enumerable.Range(0, count * size).Select(i => i / size)];
            Split split = Split.Stratified(labels, fraction, seed, groups);
            Assert.That(split.Train, Is.Not.Empty);
            Assert.That(split.Test, Is.Not.Empty);
            Assert.That(split.Train.Length, Is.EqualTo(labels.Length * fraction).Within(size + 0.5));
        }, iter: 200);

    [Test]
    public void One_seed_gives_one_split_for_ever()
    {
        int[] labels = [.. Enumerable.Range(0, 20).Select(i => i / 10)];
        // Worked out apart, in Python, from SplitMix64's published constants and Fisher–Yates.
        Assert.That(Split.Stratified(labels, 0.8, 7).Test, Is.EqualTo(Expected));
        Assert.That(Enumerable.Range(8, 10).Any(s => !Split.Stratified(labels, 0.8, s).Test.SequenceEqual(Expected)), Is.True);
    }

    static readonly int[] Expected = [1, 9, 10, 12];

    [Test]
    public void A_class_is_divided_alike_whatever_stands_beside_it()
    {
        int[] alone = [.. Enumerable.Repeat(1, 12)], beside = [.. Enumerable.Repeat(0, 5), .. alone];
        Assert.That(Split.Stratified(beside, 0.5, 3).Test.Where(i => i >= 5).Select(i => i - 5), Is.EqualTo(Split.Stratified(alone, 0.5, 3).Test));
    }

    [Test]
    public void Bad_values_are_refused()
    {
        foreach (double fraction in (double[])[0, 1, -0.5, double.NaN])
            Assert.That(Assert.Throws<ArgumentException>(() => Split.Stratified([0, 0], fraction, 1))!.Message, Does.Contain("between 0 and 1"));
        Assert.Throws<ArgumentException>(() => Split.Stratified([], 0.5, 1));
        Assert.Throws<ArgumentException>(() => Split.Stratified([0, 0], 0.5, 1, [0]));
    }

    static ImageSet Set(params string[] paths) => new("set", "/set", ["a", "b,\"c\""], [.. paths.Select((p, i) => new LabelledImage("/set/" + p, i % 2))]);

    [Test]
    public void Csv_and_lists_come_back_as_they_were()
    {
        ImageSet set = Set("a/1 .jpg", "b,\"c\"/2.jpg", "a/3.jpg", "b,\"c\"/4.jpg");
        string dir = Directory.CreateTempSubdirectory("osprey-split-").FullName;
        try
        {
            Split split = Split.Stratified(set.Labels(), 0.5, 11);
            string csv = Path.Combine(dir, "split.csv"), train = Path.Combine(dir, "train.txt"), test = Path.Combine(dir, "test.txt");
            split.Save(csv, set);
            split.SaveLists(train, test, set);
            Assert.That(File.ReadLines(csv).First(), Is.EqualTo("path,class,part"));
            foreach (Split read in (Split[])[Split.Open(csv, set), Split.OpenLists(train, test, set), Split.Open(train, set)])
            {
                Assert.That(read.Train, Is.EqualTo(split.Train));
                Assert.That(read.Test, Is.EqualTo(split.Test));
                Assert.That(read.Seed, Is.Null);
            }

            byte[] first = File.ReadAllBytes(csv);
            split.Save(csv, set);
            Assert.That(File.ReadAllBytes(csv), Is.EqualTo(first));

            string Fault(params string[] lines)
            {
                File.WriteAllLines(csv, lines);
                return Assert.Throws<InvalidDataException>(() => Split.Open(csv, set))!.Message;
            }
            Assert.That(Fault("path,class,part", "a/3.jpg,a,train", "a/3.jpg,a,test"), Does.Contain("line 3").And.Contain("leak"));
            Assert.That(Fault("path,class,part", "a/3.jpg,a,valid"), Does.Contain("valid"));
            Assert.That(Fault("path,class,part", "a/3.jpg,train"), Does.Contain("2 columns"));
            Assert.That(Fault("path,class,part", "a/3.jpg,a,train"), Does.Contain("0 test images"));
            Assert.That(Fault("no/such.jpg"), Does.Contain("no/such.jpg"));
        }
        finally
        {
            Directory.Delete(dir, recursive: true);
        }
    }

    /// <summary>Names as Linux allows them: all but NUL and the slash; short, of characters that formats trip over.</summary>
    static readonly Gen<string> FileName =
        Gen.Select(Gen.Int[0, 6].Select(i => new[] { "", "#", " ", "\"", "\\", "-", "\uFEFF" }[i]), Gen.Char["ab#,\"'\\\n\r\t .;é—\uFEFF\u2028"].Array[0, 6], (start, rest) => start + new string(rest));

    [Test]
    public void A_csv_brings_any_file_name_back() =>
        Gen.Select(FileName, FileName).Array[2, 8].Sample(names =>
        {
            string dir = Directory.CreateTempSubdirectory("osprey-split-").FullName;
            try
            {
                // The class is a folder; the number keeps names apart and from being . or ..
                ImageSet set = new("set", "/set", ["a", "#b,\"c\"\n"], [.. names.Select((n, i) => new LabelledImage($"/set/{n.Item1}{i}/{n.Item2}{i}", i % 2))]);
                var split = new Split { Train = [.. Enumerable.Range(0, names.Length / 2)], Test = [.. Enumerable.Range(names.Length / 2, names.Length - names.Length / 2)] };
                string csv = Path.Combine(dir, "split.csv"), train = Path.Combine(dir, "train.txt"), test = Path.Combine(dir, "test.txt");
                split.Save(csv, set);
                Split read = Split.Open(csv, set);
                Assert.That(read.Train, Is.EqualTo(split.Train));
                Assert.That(read.Test, Is.EqualTo(split.Test));

                if (set.Images.Any(i => i.Path.AsSpan().IndexOfAny('\r', '\n') >= 0))
                {
                    Assert.Throws<ArgumentException>(() => split.SaveLists(train, test, set));
                    return;
                }
                split.SaveLists(train, test, set);
                Assert.That(Split.OpenLists(train, test, set).Train, Is.EqualTo(split.Train));
            }
            finally
            {
                Directory.Delete(dir, recursive: true);
            }
        }, iter: 300);

    [Test]
    public void Comments_stand_above_the_header_and_records_below_it_are_none()
    {
        ImageSet set = Set("#1.jpg", "2.jpg", "3.jpg");
        string csv = Path.GetTempFileName();
        File.WriteAllText(csv, "# drawn by hand\r\n\r\n#\r\npath,class,part\r\n#1.jpg,a,train\r\n\r\n\"2.jpg\",\"b,\"\"c\"\"\",test\r\n3.jpg,a,train");
        Split split = Split.Open(csv, set);
        Assert.That((split.Train, split.Test), Is.EqualTo((new[] { 0, 2 }, new[] { 1 })));

        string Fault(string text)
        {
            File.WriteAllText(csv, text);
            return Assert.Throws<InvalidDataException>(() => Split.Open(csv, set))!.Message;
        }
        Assert.That(Fault("path,class,part\n\"a\nb\",a,train\nno.jpg,a,test\n"), Does.Contain("line 2"));
        Assert.That(Fault("path,class,part\n\"2.jpg\",\"b\nc\",train\nno.jpg,a,test\n"), Does.Contain("line 4"));
        Assert.That(Fault("path,class,part\n2.jpg,a,train\n\"1.jpg,a,test\n"), Does.Contain("line 3").And.Contain("closing"));
        Assert.That(Fault("path,class,part\n\"2.jpg\"x,a,train\n"), Does.Contain("line 2").And.Contain("'x' follows"));
        File.Delete(csv);
    }

    [Test]
    public void Official_lists_may_be_written_from_a_folder_above()
    {
        ImageSet set = Set("a/1.jpg", "b/2.jpg");
        string list = Path.GetTempFileName();
        File.WriteAllText(list, "UCMerced/Images/a/1\n");
        Assert.That(Split.Open(list, set).Train, Is.EqualTo(new[] { 0 }));
        File.Delete(list);
    }

    [Test]
    public void Equal_files_are_one_group()
    {
        string dir = Directory.CreateTempSubdirectory("osprey-groups-").FullName;
        string[] contents = ["one", "two", "one", "three", "one", "four"];
        List<LabelledImage> images = [.. contents.Select((c, i) => new LabelledImage(Path.Combine(dir, $"{i}.jpg"), i % 2))];
        for (int i = 0; i < contents.Length; i++) File.WriteAllText(images[i].Path, contents[i]);
        images.Add(new LabelledImage(Path.Combine(dir, "gone.jpg"), 0));
        Assert.That(ContentHash.Groups(images), Is.EqualTo(new[] { 0, 1, 0, 3, 0, 5, 6 }));
        Directory.Delete(dir, recursive: true);
    }
}
