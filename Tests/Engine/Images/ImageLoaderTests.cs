using NUnit.Framework;
using Osprey.Engine.Datasets;
using Osprey.Engine.Images;
using SkiaSharp;

namespace Osprey.Tests.Engine.Images;

[TestFixture]
public class ImageLoaderTests
{
    const int Size = 12;
    string folder = "";

    [SetUp]
    public void CreateFolder() => folder = Directory.CreateTempSubdirectory("osprey-loader-").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(folder, recursive: true);

    [Test]
    public void Batches_hold_every_image_once_in_order_whatever_the_threads([Values(1, 2, 7)] int threads, [Values(1, 4, 100)] int batch)
    {
        LabelledImage[] images = Write(23);
        ImageBatch[] batches = [.. Loader(batch, threads).Load(images)];
        Assert.That(batches.SelectMany(b => b.Indices), Is.EqualTo(Enumerable.Range(0, 23)));
        Assert.That(batches.SkipLast(1).Select(b => b.Count), Is.All.EqualTo(batch));
        for (int b = 0, i = 0; b < batches.Length; b++)
        {
            Assert.That(batches[b].Size, Is.EqualTo(Size));
            Assert.That(batches[b].Pixels, Has.Length.EqualTo(batches[b].Count * 3 * Size * Size));
            for (int n = 0; n < batches[b].Count; n++, i++)
            {
                float[] expected = new float[3 * Size * Size];
                Planar.Write(Resize.Bilinear(Picture(i), Size, Size), expected);
                Assert.That(batches[b].Pixels.AsSpan(n * expected.Length, expected.Length).SequenceEqual(expected), $"image {i}");
            }
        }
    }

    /// <summary>Resizing narrows first: 3·1024 bytes for each of 700 000 rows are more than an array holds.</summary>
    [Test]
    public void An_image_too_high_to_be_resized_is_a_bad_file()
    {
        string path = Path.Combine(folder, "high.tif");
        File.WriteAllBytes(path, new HandTiff(1, 700_000, 1, 8).Segment(new byte[700_000]).ToArray());
        var loader = new ImageLoader(new ImageDecoder(), 1024, 1, 1);
        Assert.That(loader.Get(new LabelledImage(path, 0)), Is.Null);
        Assert.That(loader.BadFiles.Single().Reason, Does.Contain("1×700000 pixels and is too high to be resized to 1024×1024"));
    }

    [Test]
    public void Bad_files_are_left_out_counted_and_named([Values(1, 3)] int threads)
    {
        LabelledImage[] images = Write(10);
        File.WriteAllText(images[0].Path, "");
        File.WriteAllText(images[4].Path, "this is text");
        byte[] png = File.ReadAllBytes(images[9].Path);
        File.WriteAllBytes(images[9].Path, png[..(png.Length / 2)]);
        File.Delete(images[7].Path);
        ImageLoader loader = Loader(4, threads);
        ImageBatch[] batches = [.. loader.Load(images)];
        Assert.That(batches.Select(b => b.Indices), Is.EqualTo(new int[][] { [1, 2, 3, 5], [6, 8] }));
        Assert.That(loader.BadFiles.Select(b => b.Path), Is.EqualTo(new[] { images[0].Path, images[4].Path, images[7].Path, images[9].Path }));
        Assert.That(loader.BadFiles[0].Reason, Is.EqualTo("the file is empty"));
        Assert.That(loader.BadFiles[1].Reason, Does.Contain("this is text"));
        Assert.That(loader.BadFiles[3].Reason, Is.EqualTo("the Png file is cut short"));

        _ = loader.Load(images).Count();
        Assert.That(loader.BadFiles, Has.Count.EqualTo(4), "a second pass counts nothing twice");
        Assert.That(loader.Get(images[4]), Is.Null);
    }

    [Test]
    public void Only_bad_files_are_an_error()
    {
        LabelledImage[] images = [.. Write(3)];
        foreach (LabelledImage image in images) File.WriteAllText(image.Path, "no picture");
        Assert.That(() => Loader(2, 2).Load(images).Count(), Throws.TypeOf<InvalidDataException>().With.Message.Contains("none of the 3 images").And.Message.Contains(images[0].Path).And.Message.Contains("no picture"));
    }

    [Test]
    public void No_images_are_no_batches() => Assert.That(Loader(2, 2).Load([]), Is.Empty);

    [Test]
    public void Leaving_early_ends_the_workers()
    {
        LabelledImage[] images = Write(40);
        ImageLoader loader = Loader(2, 3);
        foreach (ImageBatch batch in loader.Load(images)) break;
        // Disposing joined the threads: whatever is done to the files now, nobody notices.
        foreach (LabelledImage image in images) File.WriteAllText(image.Path, "gone");
        Assert.That(loader.BadFiles, Is.Empty);
    }

    [Test]
    public void The_queue_is_bounded()
    {
        var started = new List<int>();
        using var prefetch = new OrderedPrefetch<int>(1000, 5, 2, i =>
        {
            lock (started) started.Add(i);
            return i;
        }, CancellationToken.None);
        for (int i = 0; i < 20; i++)
        {
            Assert.That(prefetch.Take(), Is.EqualTo(i));
            lock (started) Assert.That(started, Has.Count.LessThanOrEqualTo(i + 1 + 5));
        }
    }

    [Test]
    public void An_unexpected_exception_surfaces_at_its_item()
    {
        using var prefetch = new OrderedPrefetch<int>(10, 4, 3, i => i == 2 ? throw new TimeoutException("two") : i, CancellationToken.None);
        Assert.That(prefetch.Take(), Is.Zero);
        Assert.That(prefetch.Take(), Is.EqualTo(1));
        Assert.That(() => prefetch.Take(), Throws.TypeOf<TimeoutException>());
        Assert.That(prefetch.Take(), Is.EqualTo(3));
    }

    [Test]
    public void Cancelling_ends_the_enumeration()
    {
        LabelledImage[] images = Write(30);
        using var source = new CancellationTokenSource();
        int seen = 0;
        Assert.That(() =>
        {
            foreach (ImageBatch batch in Loader(2, 2).Load(images, source.Token))
            {
                if (++seen == 3) source.Cancel();
            }
        }, Throws.InstanceOf<OperationCanceledException>());
        Assert.That(seen, Is.EqualTo(3));
    }

    [Test]
    public void A_cached_image_is_the_same_object_and_outlives_its_file()
    {
        LabelledImage[] images = Write(3);
        var loader = new ImageLoader(new ImageDecoder(), Size, 2, 2, cache: true);
        RgbImage first = loader.Get(images[1])!;
        File.Delete(images[1].Path);
        Assert.That(loader.Get(images[1]), Is.SameAs(first));
        Assert.That(first.Pixels, Is.EqualTo(Resize.Bilinear(Picture(1), Size, Size).Pixels));
        Assert.That(loader.Load(images).Sum(b => b.Count), Is.EqualTo(3));
        Assert.That(loader.BadFiles, Is.Empty);
    }

    [Test]
    public void Get_is_safe_from_many_threads()
    {
        LabelledImage[] images = Write(8);
        File.WriteAllText(images[3].Path, "bad");
        var loader = new ImageLoader(new ImageDecoder(), Size, 2, 2, cache: true);
        Parallel.For(0, 400, i => Assert.That(loader.Get(images[i % 8]) is null, Is.EqualTo(i % 8 == 3)));
        Assert.That(loader.BadFiles, Has.Count.EqualTo(1));
    }

    [TestCase(0, 1, 1)]
    [TestCase(1, 0, 1)]
    [TestCase(1, 1, 0)]
    [TestCase(20_000, 10, 1)]
    public void Impossible_numbers_are_refused(int size, int batch, int threads) =>
        Assert.That(() => new ImageLoader(new ImageDecoder(), size, batch, threads), Throws.ArgumentException);

    [Test]
    public void Planes_and_pixels_are_each_others_inverse()
    {
        RgbImage image = Pictures.Noise(9, 5, 3);
        float[] planes = new float[3 * 9 * 5];
        Planar.Write(image, planes);
        Assert.That(planes[0], Is.EqualTo(image.Pixels[0] / 255f));
        Assert.That(planes[45 + 7], Is.EqualTo(image.Pixels[3 * 7 + 1] / 255f), "green plane");
        Assert.That(Planar.Read(planes, 9, 5).Pixels, Is.EqualTo(image.Pixels));
        Assert.That(Planar.Read([float.NaN, -1, 2], 1, 1).Pixels, Is.EqualTo(new byte[] { 0, 0, 255 }));
        Assert.That(() => Planar.Write(image, new float[4]), Throws.ArgumentException);
    }

    static ImageLoader Loader(int batch, int threads) => new(new ImageDecoder(), Size, batch, threads);

    static RgbImage Picture(int i) => Pictures.Noise(20 + i, 15 + i % 5, (uint)i);

    LabelledImage[] Write(int count)
    {
        var images = new LabelledImage[count];
        for (int i = 0; i < count; i++)
        {
            images[i] = new LabelledImage(Path.Combine(folder, $"{i:d3}.png"), 0);
            File.WriteAllBytes(images[i].Path, Pictures.Encode(Picture(i), SKEncodedImageFormat.Png));
        }
        return images;
    }
}
