using System.Formats.Tar;
using NUnit.Framework;
using Osprey.Engine.Images;
using Osprey.Engine.Sources;
using Osprey.Tests.Engine.Images;
using Osprey.Tests.Interop;
using Osprey.Tests.Tools;

namespace Osprey.Tests.Engine.Sources;

[TestFixture]
public class TarSourceTests
{
    ScratchFolder scratch = new();

    [SetUp]
    public void MakeFolder() => scratch = new ScratchFolder();

    [TearDown]
    public void DeleteFolder() => scratch.Dispose();

    static byte[] Picture(int number) => Drawn.Png(number % 4, number, 8);

    static string[] Describe(IImageSource source) => [.. source.Images.Select(i => $"{i.Path}={source.Classes[i.Label]}")];

    TarSource Open(params string[] names) => new([.. names.Select(n => scratch[n])], new DecodeOptions());

    [Test]
    public void Every_format_of_tar_is_read([Values] TarEntryFormat format)
    {
        if (format == TarEntryFormat.Unknown) return;
        string deep = format is TarEntryFormat.Pax or TarEntryFormat.Gnu ? new string('d', 120) + "/größe" : "d/e";
        scratch.Write("a.tar", Shards.Tar(format, ("d/", []), (deep + ".png", Picture(1)), ("empty.txt", []), ("2.png", Picture(2)), ("2.cls", Shards.Text("x"))));
        using TarSource source = Open("a.tar");
        Assert.That(Describe(source), Is.EqualTo(new[] { $"a.tar/{deep}.png={(deep.Length > 3 ? new string('d', 120) : "d")}", "a.tar/2.png=x" }));
        foreach (int i in new[] { 1, 0 })
            Assert.That(source.Load(i).Image!.Pixels, Is.EqualTo(new ImageDecoder().Decode(Picture(i + 1), "x").Pixels));
    }

    [Test]
    public void A_sample_is_what_shares_a_key()
    {
        byte[] jpeg = Pictures.Encode(Pictures.Smooth(8, 8), SkiaSharp.SKEncodedImageFormat.Jpeg);
        scratch.Write("0.tar", Shards.Tar(
            ("./000.cls", Shards.Text(" 10\n")), ("./000.png", Picture(0)), // the label first
            ("001.png", Picture(1)), ("001.jpg", jpeg), ("001.seg.png", Picture(9)), ("001.cls", Shards.Text("9")), // a mask and a part
            ("._001.jpg", jpeg), (".DS_Store", [1]), ("readme.txt", [1]), ("only.cls", Shards.Text("100")), // no images
            ("b/002.json", Shards.Text("""{"label": 2, "caption": "a field"}""")), ("b/002.PNG", Picture(2))));
        scratch.Write("1.tar", Shards.Tar(("000.png", Picture(3)), ("000.cls", Shards.Text("2")), ("b/003.png", Picture(4)), ("b/003.json", Shards.Text("[1]")), ("b/003.cls", Shards.Text("10"))));
        using TarSource source = Open("0.tar", "1.tar");
        Assert.That(source.Classes, Is.EqualTo(new[] { "2", "9", "10" }), "numbers by value");
        Assert.That(Describe(source), Is.EqualTo(new[] { "0.tar/000.png=10", "0.tar/001.jpg=9", "0.tar/b/002.PNG=2", "1.tar/000.png=2", "1.tar/b/003.png=10" }));
        Assert.That(source.Load(1).Image!.Pixels, Is.EqualTo(new ImageDecoder().Decode(jpeg, "x").Pixels));
    }

    [Test]
    public void Without_labels_the_folder_is_the_class_and_else_none()
    {
        scratch.Write("a.tar", Shards.Tar(("set/beach/1.png", Picture(1)), ("2.png", Picture(2)), ("set/forest/1.png", Picture(3))));
        using TarSource source = Open("a.tar");
        Assert.That(Describe(source), Is.EqualTo(new[] { "a.tar/set/beach/1.png=beach", "a.tar/2.png=unlabelled", "a.tar/set/forest/1.png=forest" }));
    }

    [Test]
    public void Broken_members_are_told_when_they_are_read()
    {
        scratch.Write("a.tar", Shards.Tar(
            ("1.png", Shards.Text("no picture")), ("2.png", []), ("3.png", Picture(3)), ("3.png", Picture(4)), ("4.png", Picture(5)), ("4.json", Shards.Text("{")), ("5.png", Picture(6)), ("5.cls", []), ("6.png", Picture(7))));
        using TarSource source = Open("a.tar");
        string[] reasons = [.. Enumerable.Range(0, 5).Select(i => Assert.Throws<InvalidDataException>(() => source.Load(i))!.Message)];
        foreach ((string reason, string expected) in reasons.Zip(["no image in a known format", "the file is empty", "two members", "its json cannot be read", "its cls is empty"])) Assert.That(reason, Does.Contain(expected));
        Assert.That(source.Load(5).Image, Is.Not.Null);
    }

    /// <summary>Cut anywhere, the shard gives the images that are whole, and says at its end that it is cut.</summary>
    [Test]
    public void A_shard_that_is_cut_short_ends_clearly()
    {
        (string, byte[])[] members = [.. Enumerable.Range(0, 6).Select(i => ($"c/{i}.png", Drawn.Png(i, i, 4 + 9 * i)))];
        byte[] whole = Shards.Tar(members);
        long[] ends = new long[6];
        for (int i = 0, at = 0; i < 6; i++) at = ((int)(ends[i] = at + 512 + members[i].Item2.Length) + 511) / 512 * 512;
        for (int length = 0; length < whole.Length; length += 61)
        {
            scratch.Write("cut.tar", whole[..length]);
            int good = ends.Count(e => e <= length);
            if (length < 512 + 1)
            {
                Assert.That(() => Open("cut.tar"), Throws.TypeOf<InvalidDataException>().With.Message.Contains("cut.tar"), $"{length}");
                continue;
            }
            // From the first end mark's block on nothing is missing but padding.
            bool complete = length >= (ends[5] + 511) / 512 * 512 + 512;
            using TarSource source = Open("cut.tar");
            string[] faults = [.. Enumerable.Range(0, source.Images.Count).Select(i =>
            {
                try
                {
                    return source.Load(i).Image is { } image && image.Pixels.SequenceEqual(new ImageDecoder().Decode(members[i].Item2, "x").Pixels) ? "" : "wrong pixels";
                }
                catch (InvalidDataException e)
                {
                    return e.Message;
                }
            })];
            Assert.That(faults.TakeWhile(f => f.Length == 0).Count(), Is.EqualTo(good), $"{length}: {string.Join(" | ", faults)}");
            Assert.That(faults.Length > good, Is.EqualTo(!complete), $"{length}: {faults[^1]}");
            if (complete) continue;
            Assert.That(source.Images[^1].Path, Is.EqualTo("cut.tar"));
            Assert.That(faults[^1], Does.Contain("cut short"), $"{length}");
        }
    }

    [Test]
    public void A_damaged_head_ends_the_shard_and_not_the_others()
    {
        byte[] bytes = Shards.Tar(("1.png", Picture(1)), ("2.png", Picture(2)), ("3.png", Picture(3)));
        int second = 512 + (Picture(1).Length + 511) / 512 * 512;
        bytes.AsSpan(second + 100, 60).Fill((byte)'x');
        scratch.Write("a.tar", bytes);
        scratch.Write("b.tar", Shards.Tar(("4.png", Picture(4))));
        using TarSource source = Open("a.tar", "b.tar");
        Assert.That(source.Images.Select(i => i.Path), Is.EqualTo(new[] { "a.tar/1.png", "a.tar", "b.tar/4.png" }));
        Assert.That(() => source.Load(1), Throws.TypeOf<InvalidDataException>().With.Message.Contains("damaged after 1 members").And.Message.Contains("1 images before that are taken"));
        Assert.That(source.Load(2).Image, Is.Not.Null);
    }

    [Test]
    public void Whatever_bytes_say_it_ends_in_one_kind_of_exception()
    {
        byte[] sound = Shards.Tar(TarEntryFormat.Pax, ("1.png", Picture(1)), ("1.cls", Shards.Text("7")), ("2.png", Picture(2)));
        var random = new Random(3);
        for (int n = 0; n < 300; n++)
        {
            byte[] bytes = [.. sound];
            for (int i = 0; i < 2; i++) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            scratch.Write("mutant.tar", bytes);
            try
            {
                using TarSource source = Open("mutant.tar");
                for (int i = 0; i < source.Images.Count; i++) _ = source.Load(i);
            }
            catch (InvalidDataException)
            {
            }
        }
    }

    [Test]
    public void An_archive_without_images_is_no_source()
    {
        scratch.Write("a.tar", Shards.Tar(("1.txt", [1])));
        Assert.That(() => Open("a.tar"), Throws.TypeOf<InvalidDataException>().With.Message.Contains("a.tar holds no image"));
    }

    [Test]
    public void Kinds_of_files_are_told_by_content_and_joined()
    {
        Directory.CreateDirectory(scratch["folder/beach"]);
        scratch.Write("folder/beach/1.png", Picture(1));
        scratch.Write("shard-1.data", Shards.Tar(("5.png", Picture(5)), ("5.cls", Shards.Text("beach"))));
        scratch.Write("shard-0.data", Shards.Tar(("4.png", Picture(4)), ("4.cls", Shards.Text("airport"))));
        scratch.Write("loose.jpg", Picture(6));
        using IImageSource source = ImageSources.Open([scratch["shard-?.data"], scratch["folder"], scratch["loose.jpg"]], new DecodeOptions());
        Assert.That(Describe(source), Is.EqualTo(new[] { "folder/beach/1.png=beach", "loose.jpg=unlabelled", "shard-0.data/4.png=airport", "shard-1.data/5.png=beach" }));
        Assert.That(source.Classes, Is.EqualTo(new[] { "airport", "beach", "unlabelled" }));
        for (int i = 0; i < 4; i++) Assert.That(source.Load(i).Image!.Pixels, Is.EqualTo(new ImageDecoder().Decode(Picture(new[] { 1, 6, 4, 5 }[i]), "x").Pixels), $"{i}");

        Assert.That(() => ImageSources.Open([scratch["none-*.tar"]], new DecodeOptions()), Throws.TypeOf<DirectoryNotFoundException>().With.Message.Contains("no file matches"));
        Assert.That(() => ImageSources.Open([scratch["shard-0.data"]], new DecodeOptions(), new WindowGrid { Size = 8, Stride = 8 }), Throws.ArgumentException.With.Message.Contains("described whole"));
        scratch.Write("a.tar.gz", [0x1F, 0x8B, 8, 0]);
        Assert.That(() => ImageSources.Open([scratch["a.tar.gz"]], new DecodeOptions()), Throws.TypeOf<InvalidDataException>().With.Message.Contains("gunzip"));
    }
}
