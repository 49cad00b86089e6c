using BitMiracle.LibTiff.Classic;
using NUnit.Framework;
using Osprey.Engine.Images;
using Osprey.Tests.Interop;

namespace Osprey.Tests.Engine.Images;

[TestFixture]
public class TiffSceneTests
{
    ScratchFolder scratch = new();

    [SetUp]
    public void MakeFolder() => scratch = new ScratchFolder();

    [TearDown]
    public void DeleteFolder() => scratch.Dispose();

    static IEnumerable<TiffLayout> Layouts()
    {
        foreach (Compression compression in new[] { Compression.NONE, Compression.LZW, Compression.ADOBE_DEFLATE, Compression.PACKBITS })
        {
            foreach ((SampleFormat format, int bits) in new[] { (SampleFormat.UINT, 8), (SampleFormat.UINT, 16), (SampleFormat.IEEEFP, 32) })
            {
                foreach (int variant in Enumerable.Range(0, 16))
                {
                    yield return new TiffLayout
                    {
                        Compression = compression,
                        Format = format,
                        Bits = bits,
                        Bands = (variant & 8) != 0 ? 1 : 3,
                        Tiled = (variant & 1) != 0,
                        Planar = (variant & 2) != 0,
                        BigTiff = (variant & 4) != 0,
                        Predictor = compression is Compression.LZW && format == SampleFormat.UINT ? Predictor.HORIZONTAL : Predictor.NONE,
                    };
                }
            }
        }
    }

    /// <summary>Of 37×29 pixels in tiles of 16×32 or strips of 8 rows: one pixel, across every border, the far corner, everything.</summary>
    static readonly PixelWindow[] windows = [new(0, 0, 1, 1), new(15, 7, 2, 2), new(5, 3, 29, 20), new(31, 23, 6, 6), new(36, 28, 1, 1), new(0, 8, 37, 8), new(0, 0, 37, 29)];

    [Test]
    public void Every_window_of_every_layout_is_a_part_of_the_whole_picture()
    {
        foreach (TiffLayout layout in Layouts())
        {
            string path = scratch.Write("layout.tif", layout.Write((x, y, b) => layout.Format == SampleFormat.IEEEFP ? (x * 7 + y * 3 + b * 50) % 256 / 255.0 : (x * 7919 + y * 104729 + b * 1299709) % (1 << layout.Bits)));
            RgbImage whole = new ImageDecoder().Decode(path);
            using TiffScene scene = TiffScene.Open(path, new DecodeOptions());
            foreach (PixelWindow window in windows.Concat(windows.Reverse())) AssertPart(scene.Read(window)!, whole, window, $"{layout} {window}");
        }
    }

    [Test]
    public void Jpeg_and_palettes_are_read_in_windows()
    {
        RgbImage picture = Pictures.Smooth(37, 29);
        foreach (bool tiled in new[] { false, true })
        {
            var layout = new TiffLayout { Compression = Compression.JPEG, Tiled = tiled, Photometric = Photometric.YCBCR };
            string path = scratch.Write("jpeg.tif", layout.Write((x, y, b) => picture.Pixels[3 * (y * 37 + x) + b]));
            RgbImage whole = new ImageDecoder().Decode(path);
            using TiffScene scene = TiffScene.Open(path, new DecodeOptions());
            foreach (PixelWindow window in windows) AssertPart(scene.Read(window)!, whole, window, $"{layout} {window}");
        }
        string palette = scratch.Write("palette.tif", new SceneFile().Add(new SceneImage(20, 10, 1, (x, y, _) => (byte)(x + y))
        {
            Tile = 16,
            More = [(262, new ushort[] { 3 }), (320, Enumerable.Range(0, 768).Select(i => (ushort)(i * 85)).ToArray())],
        }).Write());
        RgbImage colours = new ImageDecoder().Decode(palette);
        using TiffScene indexed = TiffScene.Open(palette, new DecodeOptions());
        AssertPart(indexed.Read(new PixelWindow(10, 2, 9, 8))!, colours, new PixelWindow(10, 2, 9, 8), "palette");
    }

    static void AssertPart(RgbImage part, RgbImage whole, PixelWindow window, string name)
    {
        Assert.That((part.Width, part.Height), Is.EqualTo((window.Width, window.Height)), name);
        for (int y = 0; y < part.Height; y++)
        {
            ReadOnlySpan<byte> expected = whole.Pixels.AsSpan(3 * ((window.Y + y) * whole.Width + window.X), 3 * window.Width);
            if (!expected.SequenceEqual(part.Pixels.AsSpan(3 * y * part.Width, 3 * part.Width))) Assert.Fail($"{name}: row {y} differs");
        }
    }

    [Test]
    public void Threads_read_one_scene()
    {
        string path = scratch.Write("scene.tif", new SceneFile().Add(new SceneImage(300, 200, 3, (x, y, b) => (byte)(x * 3 + y * 5 + b)) { Tile = 32, Deflate = true }).Write());
        RgbImage whole = new ImageDecoder().Decode(path);
        using TiffScene scene = TiffScene.Open(path, new DecodeOptions());
        Parallel.For(0, 200, i =>
        {
            var window = new PixelWindow(i * 37 % 250, i * 53 % 150, 50, 50);
            AssertPart(scene.Read(window)!, whole, window, $"{window}");
        });
    }

    /// <summary>30 GB of samples in 390 625 tiles, of which the file has two.</summary>
    [Test]
    public void A_scene_far_larger_than_memory_is_read_where_it_is_asked_for()
    {
        var image = new SceneImage(100_000, 100_000, 3, (x, y, b) => (byte)(x + 2 * y + b)) { Tile = 160, Deflate = true, Missing = s => s is not (625 * 300 + 77 or 625 * 624 + 624) };
        string path = scratch.Write("big.tif", new SceneFile { Big = true }.Add(image).Write());
        using TiffScene scene = TiffScene.Open(path, new DecodeOptions());
        Assert.That((scene.Width, scene.Height), Is.EqualTo((100_000, 100_000)));
        var window = new PixelWindow(77 * 160 - 10, 300 * 160 - 20, 40, 40);
        long before = GC.GetAllocatedBytesForCurrentThread();
        RgbImage part = scene.Read(window)!;
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(32 << 20));
        Assert.That(part.Pixels.AsSpan(3 * (19 * 40 + 30), 3).ToArray(), Is.EqualTo(new byte[3]), "the row above the tile is left out by the file");
        Assert.That(part.Pixels.AsSpan(3 * (25 * 40 + 30), 3).ToArray(), Is.EqualTo(Enumerable.Range(0, 3).Select(b => (byte)(window.X + 30 + 2 * (window.Y + 25) + b))));
        Assert.That(scene.Read(new PixelWindow(0, 0, 500, 500)), Is.Null, "left out");
        Assert.That(scene.Read(new PixelWindow(99_990, 99_990, 10, 10)), Is.Not.Null);
        Assert.That(() => new ImageDecoder().Decode(path), Throws.TypeOf<InvalidDataException>().With.Message.Contains("100000×100000"));
    }

    /// <summary>A whole scene in one uncompressed strip, as some writers do it: 400 MB, most of them a hole on the disk.</summary>
    [Test]
    public void One_raw_strip_is_read_row_by_row()
    {
        var image = new SceneImage(20_000, 1, 1, (x, _, _) => (byte)x) { RowsPerStrip = 1 };
        byte[] bytes = new SceneFile().Add(image with { More = [(257, new[] { 20_000u }), (278, new[] { 20_000u }), (273, new[] { 1u << 20 }), (279, new[] { 400_000_000u })] }).Write();
        string path = scratch.Write("raw.tif", bytes);
        using (FileStream file = File.OpenWrite(path))
        {
            file.SetLength((1 << 20) + 400_000_000);
            file.Position = (1 << 20) + 19_999L * 20_000 + 19_000;
            file.Write([1, 2, 3]);
        }
        using TiffScene scene = TiffScene.Open(path, new DecodeOptions());
        long before = GC.GetAllocatedBytesForCurrentThread();
        RgbImage corner = scene.Read(new PixelWindow(18_999, 19_900, 1001, 100))!;
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(64 << 20));
        Assert.That(corner.Pixels.AsSpan(3 * 99 * 1001, 15).ToArray(), Is.EqualTo(new byte[] { 0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 0, 0, 0 }));

        File.WriteAllBytes(path, new SceneFile().Add(image with { More = [(257, new[] { 20_000u }), (278, new[] { 20_000u })] }).Write());
        Assert.That(() => TiffScene.Open(path, new DecodeOptions()), Throws.TypeOf<InvalidDataException>().With.Message.Contains("a strip of 20000 bytes is to hold row"), "a length that lies");
    }

    [Test]
    public void Windows_without_data_are_none()
    {
        // The left half is 7, which means no data; the right half 7 in one band only.
        byte[] bytes = new SceneFile().Add(new SceneImage(64, 64, 3, (x, _, b) => x < 32 || b > 0 ? (byte)7 : (byte)9) { Tile = 16, More = [(42113, "7")] }).Write();
        using TiffScene scene = TiffScene.Open(scratch.Write("nodata.tif", bytes), new DecodeOptions());
        Assert.That(scene.NoData, Is.EqualTo(7));
        Assert.That(scene.Read(new PixelWindow(0, 0, 32, 64)), Is.Null);
        Assert.That(scene.Read(new PixelWindow(0, 0, 33, 64))!.Pixels.AsSpan(3 * 31, 6).ToArray(), Is.EqualTo(new byte[] { 0, 0, 0, 9, 0, 0 }));
        using TiffScene asked = TiffScene.Open(scratch["nodata.tif"], new DecodeOptions { NoData = 9 });
        Assert.That(asked.Read(new PixelWindow(0, 0, 32, 64)), Is.Not.Null, "the user's value goes before the file's");

        using TiffScene alpha = TiffScene.Open(scratch.Write("alpha.tif", new SceneFile().Add(new SceneImage(64, 64, 4, (x, _, b) => b < 3 ? (byte)50 : x < 40 ? (byte)0 : (byte)255)).Write()), new DecodeOptions());
        Assert.That(alpha.Read(new PixelWindow(0, 0, 40, 64)), Is.Null, "transparent");
        Assert.That(alpha.Read(new PixelWindow(0, 0, 41, 64)), Is.Not.Null);

        var floats = new TiffLayout { Bands = 1, Format = SampleFormat.IEEEFP, Bits = 32 };
        using TiffScene nan = TiffScene.Open(scratch.Write("nan.tif", floats.Write((x, _, _) => x < 20 ? double.NaN : 0.5)), new DecodeOptions());
        Assert.That(nan.Read(new PixelWindow(0, 0, 20, 29)), Is.Null);
        Assert.That(nan.Read(new PixelWindow(0, 0, 21, 29)), Is.Not.Null);
    }

    static SceneFile Pyramid() => new SceneFile()
        .Add(new SceneImage(101, 60, 3, (x, y, b) => (byte)(x + y)) { Tile = 16, More = SceneFile.Utm32(500_000, 5_000_000, 2) })
        .Add(new SceneImage(101, 60, 1, (_, _, _) => 255) { More = [(254, new[] { 4u })] }) // a mask
        .Add(new SceneImage(26, 15, 3, (x, y, b) => (byte)(200 + b)) { More = [(254, new[] { 1u })] })
        .Add(new SceneImage(51, 30, 3, (x, y, b) => (byte)(100 + b)) { Tile = 16, More = [(254, new[] { 1u })] });

    [Test]
    public void Overviews_stand_by_size_whatever_their_order()
    {
        using TiffScene scene = TiffScene.Open(scratch.Write("pyramid.tif", Pyramid().Write()), new DecodeOptions());
        Assert.That(scene.Overviews, Is.EqualTo(2));
        Assert.That((scene.SizeOf(0), scene.SizeOf(1), scene.SizeOf(2)), Is.EqualTo(((101, 60), (51, 30), (26, 15))));
        Assert.That(scene.Read(new PixelWindow(50, 29, 1, 1), 1)!.Pixels, Is.EqualTo(new byte[] { 100, 101, 102 }));
        Assert.That(scene.Read(new PixelWindow(25, 14, 1, 1), 2)!.Pixels, Is.EqualTo(new byte[] { 200, 201, 202 }));
        // 101/51 pixels of full resolution in one of the overview: 51 of them end with the scene.
        Assert.That(scene.ToFullResolution(new PixelWindow(25, 10, 26, 20), 1), Is.EqualTo(new PixelWindow(50, 20, 51, 40)));
        Assert.That(() => scene.Read(new PixelWindow(0, 0, 1, 1), 3), Throws.TypeOf<InvalidDataException>().With.Message.Contains("overview 3").And.Message.Contains("the scene has 2"));
        Assert.That(() => scene.Read(new PixelWindow(100, 0, 2, 1)), Throws.ArgumentException.With.Message.Contains("101×60"));

        GeoReference place = scene.PlaceOf(new PixelWindow(0, 10, 51, 20), 1)!;
        Assert.That(place.Crs, Is.EqualTo("EPSG:32632"));
        GeoBounds bounds = place.Bounds(51, 20)!.Value;
        Assert.That((bounds.MinX, bounds.MinY, bounds.MaxY), Is.EqualTo((500_000.0, 5_000_000.0 - 120, 5_000_000.0 - 40)));
        Assert.That(bounds.MaxX, Is.EqualTo(500_202).Within(1e-6));
    }

    [Test]
    public void Overviews_may_lie_in_a_file_beside_and_a_chain_without_end_ends()
    {
        string path = scratch.Write("beside.tif", new SceneFile().Add(new SceneImage(40, 40, 1, (_, _, _) => 1)).Write());
        scratch.Write("beside.tif.ovr", new SceneFile().Add(new SceneImage(20, 20, 1, (_, _, _) => 5)).Add(new SceneImage(10, 10, 1, (_, _, _) => 6)).Write());
        using TiffScene scene = TiffScene.Open(path, new DecodeOptions());
        Assert.That(scene.Overviews, Is.EqualTo(2));
        Assert.That(scene.Read(new PixelWindow(9, 9, 1, 1), 2)!.Pixels, Is.EqualTo(new byte[] { 6, 6, 6 }));

        SceneFile loop = Pyramid();
        loop.LastNext = 8;
        using TiffScene ends = TiffScene.Open(scratch.Write("loop.tif", loop.Write()), new DecodeOptions());
        Assert.That(ends.Read(new PixelWindow(0, 0, 8, 8)), Is.Not.Null);
    }

    [Test]
    public void A_file_that_was_cut_short_says_so_and_never_gives_wrong_pixels()
    {
        byte[] bytes = new SceneFile().Add(new SceneImage(64, 64, 3, (x, y, b) => (byte)(x ^ y)) { Tile = 16, Deflate = true, More = SceneFile.Utm32(0, 0, 1) }).Write();
        RgbImage whole = new ImageDecoder().Decode(scratch.Write("cut.tif", bytes));
        for (int length = 0; length < bytes.Length; length += 97)
        {
            string path = scratch.Write("cut.tif", bytes[..length]);
            Assert.That(() =>
            {
                using TiffScene scene = TiffScene.Open(path, new DecodeOptions());
                foreach (PixelWindow window in new WindowGrid { Size = 24, Stride = 20 }.Of(64, 64)) AssertPart(scene.Read(window)!, whole, window, $"{length}");
            }, Throws.TypeOf<InvalidDataException>(), $"{length} bytes");
        }
    }

    [Test]
    public void Damaged_bytes_end_in_one_kind_of_exception()
    {
        byte[] sound = new SceneFile().Add(new SceneImage(40, 40, 3, (x, y, b) => (byte)(x * y)) { Tile = 16, Deflate = true, More = SceneFile.Utm32(0, 0, 1) }).Write();
        var random = new Random(7);
        for (int i = 0; i < 400; i++)
        {
            byte[] bytes = [.. sound];
            for (int n = 0; n < 3; n++) bytes[random.Next(8) == 0 ? random.Next(bytes.Length) : random.Next(Math.Max(8, bytes.Length - 400), bytes.Length)] = (byte)random.Next(256);
            string path = scratch.Write("mutant.tif", bytes);
            try
            {
                using TiffScene scene = TiffScene.Open(path, new DecodeOptions { MaxPixels = 1_000_000 });
                if (scene.Width >= 24 && scene.Height >= 24) scene.Read(new PixelWindow(0, 0, 24, 24));
            }
            catch (InvalidDataException)
            {
            }
        }
    }

    /// <summary>A file of 3 GB, nearly all of them a hole on the disk: there a tag may say that it takes more bytes than an array holds.</summary>
    [Test]
    public void A_count_that_only_a_huge_file_has_room_for_is_damage()
    {
        byte[] bytes = new HandTiff(8, 8, 1, 8, bigTiff: true).Tag(338, 16, 0, 0).Segment(new byte[64]).ToArray();
        int entry = bytes.AsSpan().IndexOf([.. BitConverter.GetBytes((ushort)338), .. BitConverter.GetBytes((ushort)16)]);
        BitConverter.GetBytes(300_000_000UL).CopyTo(bytes, entry + 4);
        string path = scratch.Write("huge.tif", bytes);
        using (FileStream file = File.OpenWrite(path)) file.SetLength(3_000_000_000);
        Assert.That(() => TiffScene.Open(path, new DecodeOptions()), Throws.TypeOf<InvalidDataException>().With.Message.Contains("300000000 values"));
        Assert.That(() => new ImageDecoder().Decode(path), Throws.TypeOf<InvalidDataException>().With.Message.Contains("300000000 values"));
    }

    [TestCase(10, 4, 4, "0,0 4,0 6,0")]
    [TestCase(10, 4, 3, "0,0 3,0 6,0")]
    [TestCase(8, 4, 4, "0,0 4,0")]
    [TestCase(4, 4, 1, "0,0")]
    [TestCase(3, 4, 1, "0,0")]
    [TestCase(5, 4, 100, "0,0 1,0")]
    public void The_grid_covers_the_scene_with_full_windows(int width, int size, int stride, string starts)
    {
        PixelWindow[] found = [.. new WindowGrid { Size = size, Stride = stride }.Of(width, 2)];
        Assert.That(string.Join(' ', found.Select(w => $"{w.X},{w.Y}")), Is.EqualTo(starts));
        Assert.That(found.Select(w => (w.Width, w.Height)), Is.All.EqualTo((Math.Min(size, width), 2)));
    }
}
