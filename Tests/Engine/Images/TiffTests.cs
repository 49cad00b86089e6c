using System.IO.Compression;
using BitMiracle.LibTiff.Classic;
using NUnit.Framework;
using Osprey.Engine.Images;
using Osprey.Tests.House;
using Orientation = BitMiracle.LibTiff.Classic.Orientation;

namespace Osprey.Tests.Engine.Images;

[TestFixture]
public class TiffTests
{
    static readonly Predictor[] noPredictor = [Predictor.NONE], differences = [Predictor.NONE, Predictor.HORIZONTAL], floats = [Predictor.NONE, Predictor.FLOATINGPOINT];

    /// <summary>Every lossless way of storing; the small axes crossed fully, so that no pair of them goes untested.</summary>
    static IEnumerable<TiffLayout> Layouts()
    {
        (SampleFormat Format, int Bits)[] types =
        [
            (SampleFormat.UINT, 8), (SampleFormat.UINT, 16), (SampleFormat.INT, 16), (SampleFormat.UINT, 32), (SampleFormat.INT, 32),
            (SampleFormat.IEEEFP, 32), (SampleFormat.IEEEFP, 64),
        ];
        foreach ((SampleFormat format, int bits) in types)
        {
            foreach (int bands in new[] { 1, 3, 4, 6 })
            {
                foreach (Compression compression in new[] { Compression.NONE, Compression.LZW, Compression.ADOBE_DEFLATE, Compression.PACKBITS })
                {
                    bool predicts = compression is Compression.LZW or Compression.ADOBE_DEFLATE;
                    foreach (Predictor predictor in !predicts ? noPredictor : format == SampleFormat.IEEEFP ? floats : differences)
                    {
                        foreach (int variant in Enumerable.Range(0, 8))
                        {
                            bool bigEndian = (variant & 4) != 0;
                            // LibTiff.NET swaps the bytes before it takes their differences and cannot read back what it wrote; see the predictors by hand.
                            if (predictor != Predictor.NONE && bigEndian && bits > 8) continue;
                            yield return new TiffLayout
                            {
                                Bands = bands,
                                Bits = bits,
                                Format = format,
                                Compression = compression,
                                Predictor = predictor,
                                Tiled = (variant & 1) != 0,
                                Planar = (variant & 2) != 0,
                                BigEndian = bigEndian,
                                BigTiff = !bigEndian && bits == 16 && bands == 3,
                            };
                        }
                    }
                }
            }
        }
    }

    [Test]
    public void Every_layout_gives_back_its_samples()
    {
        int count = 0;
        foreach (TiffLayout layout in Layouts())
        {
            // Samples over the whole range of the type, of which the middle half is asked for.
            double low = layout.Format switch { SampleFormat.UINT => 0, SampleFormat.INT => -Math.Pow(2, layout.Bits - 1), _ => -3.5 };
            double high = layout.Format switch { SampleFormat.UINT => Math.Pow(2, layout.Bits) - 1, SampleFormat.INT => -low - 1, _ => 9.25 };
            double Sample(int x, int y, int band)
            {
                double value = low + (high - low) * ((x * 7919 + y * 104729 + band * 1299709) % 4096) / 4095;
                return layout.Format == SampleFormat.IEEEFP ? (float)value : Math.Round(value);
            }
            double from = low + (high - low) / 4, to = high - (high - low) / 4;
            int[] bands = layout.Bands switch { 1 => [1], 3 => [1, 2, 3], 4 => [4, 2, 1], _ => [6, 1, 5] };
            var decoder = new ImageDecoder(new DecodeOptions { Bands = bands, Scaling = BandScaling.Ranges(new BandRange(from, to)) });

            RgbImage image = decoder.Decode(layout.Write(Sample), layout.ToString());

            Assert.That((image.Width, image.Height), Is.EqualTo((layout.Width, layout.Height)), layout.ToString());
            for (int y = 0, at = 0; y < layout.Height; y++)
            {
                for (int x = 0; x < layout.Width; x++)
                {
                    for (int c = 0; c < 3; c++, at++)
                    {
                        double sample = (float)Sample(x, y, bands[Math.Min(c, bands.Length - 1)] - 1);
                        double expected = Math.Floor(Math.Clamp((sample - from) / (to - from), 0, 1) * 255 + 0.5);
                        if (Math.Abs(image.Pixels[at] - expected) > 0) Assert.Fail($"{layout}: {image.Pixels[at]} instead of {expected} at {x}, {y}, channel {c}");
                    }
                }
            }
            count++;
        }
        Assert.That(count, Is.GreaterThan(600));
    }

    [Test]
    public void Jpeg_in_tiff_is_close_to_its_picture([Values] bool tiled, [Values(1, 3)] int bands, [Values] bool yCbCr)
    {
        if (bands == 1 && yCbCr) return;
        RgbImage picture = Pictures.Smooth(37, 29);
        var layout = new TiffLayout { Bands = bands, Compression = Compression.JPEG, Tiled = tiled, Photometric = bands == 1 ? Photometric.MINISBLACK : yCbCr ? Photometric.YCBCR : Photometric.RGB };
        RgbImage image = new ImageDecoder().Decode(layout.Write((x, y, b) => picture.Pixels[3 * (y * 37 + x) + b]), "jpeg.tif");
        byte[] expected = bands == 3 ? picture.Pixels : [.. Enumerable.Range(0, 37 * 29).SelectMany(i => Enumerable.Repeat(picture.Pixels[3 * i], 3))];
        Assert.That(Pictures.MeanDifference(image, new RgbImage(37, 29, expected)), Is.LessThan(3));
    }

    [Test]
    public void Eight_bit_rgb_and_grey_are_taken_as_they_are([Values(1, 2, 3, 4, 5)] int bands, [Values] bool planar)
    {
        var layout = new TiffLayout { Bands = bands, Planar = planar, Photometric = bands < 3 ? Photometric.MINISBLACK : Photometric.RGB };
        RgbImage image = new ImageDecoder().Decode(layout.Write((x, y, b) => (x * 3 + y * 5 + b * 70) & 255), "x");
        for (int i = 0, y = 0; y < layout.Height; y++)
        {
            for (int x = 0; x < layout.Width; x++)
            {
                for (int c = 0; c < 3; c++, i++) Assert.That(image.Pixels[i], Is.EqualTo((x * 3 + y * 5 + (bands < 3 ? 0 : c) * 70) & 255));
            }
        }
    }

    [Test]
    public void Many_bands_need_a_choice()
    {
        byte[] file = new TiffLayout { Bands = 13, Bits = 16 }.Write((x, y, b) => b * 1000);
        Assert.That(() => new ImageDecoder().Decode(file, "s2.tif"), Throws.TypeOf<InvalidDataException>().With.Message.Contains("s2.tif: the file has 13 bands").And.Message.Contains("4,3,2"));
        RgbImage image = new ImageDecoder(new DecodeOptions { Bands = [4, 3, 2], Scaling = BandScaling.Parse("0:25500,0:12750,0:2550") }).Decode(file, "s2.tif");
        Assert.That(image.Pixels[..3], Is.EqualTo(new byte[] { 30, 40, 100 }));
        Assert.That(() => new ImageDecoder(new DecodeOptions { Bands = [4, 3, 14] }).Decode(file, "s2.tif"), Throws.TypeOf<InvalidDataException>().With.Message.Contains("band 14").And.Message.Contains("1 to 13"));
        Assert.That(() => new ImageDecoder(new DecodeOptions { Bands = [4], Scaling = BandScaling.Parse("0:1,0:2,0:3") }).Decode(file, "s2.tif"), Throws.TypeOf<InvalidDataException>().With.Message.Contains("three ranges"));
    }

    [Test]
    public void Natural_ranges([Values(SampleFormat.UINT, SampleFormat.INT, SampleFormat.IEEEFP)] SampleFormat format, [Values(16, 32)] int bits)
    {
        double top = (format, bits) switch { (SampleFormat.UINT, 16) => 65535, (SampleFormat.INT, 16) => 32767, _ => 1 };
        byte[] file = new TiffLayout { Bands = 1, Width = 8, Height = 1, Bits = format == SampleFormat.IEEEFP ? bits * 2 : bits, Format = format }.Write((x, _, _) => top * x / 7);
        if (bits == 32 && format != SampleFormat.IEEEFP)
        {
            Assert.That(() => new ImageDecoder().Decode(file, "x"), Throws.TypeOf<InvalidDataException>().With.Message.Contains("32-bit integer samples have no natural range"));
            return;
        }
        RgbImage image = new ImageDecoder().Decode(file, "x");
        Assert.That(Enumerable.Range(0, 8).Select(x => (int)image.Pixels[3 * x]), Is.EqualTo(Enumerable.Range(0, 8).Select(x => (int)(255.0 * x / 7 + 0.5))).Within(format == SampleFormat.IEEEFP ? 0 : 1));
    }

    [Test]
    public void Floating_point_far_above_one_is_refused_not_shown_white()
    {
        byte[] file = new TiffLayout { Bands = 1, Bits = 32, Format = SampleFormat.IEEEFP }.Write((x, y, _) => 100 * x + y);
        Assert.That(() => new ImageDecoder().Decode(file, "x"), Throws.TypeOf<InvalidDataException>().With.Message.Contains("most samples lie above 1"));
        byte[] few = new TiffLayout { Bands = 1, Bits = 32, Format = SampleFormat.IEEEFP }.Write((x, y, _) => x < 10 ? 7 : 0.5);
        Assert.That(new ImageDecoder().Decode(few, "x").Pixels[0], Is.EqualTo(255), "a few bright pixels are clouds");
    }

    [Test]
    public void Percentiles_are_numpys_and_leave_out_no_data([Values] bool planar)
    {
        // 0 … 999 in some order with a frame of no-data and NaN: numpy.percentile(range(1000), [2, 98]) = [19.98, 979.02].
        var layout = new TiffLayout { Bands = 3, Width = 40, Height = 27, Bits = 32, Format = SampleFormat.IEEEFP, Planar = planar };
        double Sample(int x, int y, int band) => y == 0 ? -9999 : y == 26 ? double.NaN : ((y - 1) * 40 + x) * 389 % 1000 * (band + 1);
        byte[] file = layout.Write(Sample);
        var options = new DecodeOptions { Scaling = BandScaling.Percentiles(2, 98), NoData = -9999 };
        RgbImage image = new ImageDecoder(options).Decode(file, "x");
        for (int y = 0, at = 0; y < 27; y++)
        {
            for (int x = 0; x < 40; x++)
            {
                for (int c = 0; c < 3; c++, at++)
                {
                    double expected = y is 0 or 26 ? 0 : Math.Floor(Math.Clamp((Sample(x, y, c) / (c + 1) - 19.98) / (979.02 - 19.98), 0, 1) * 255 + 0.5);
                    Assert.That(image.Pixels[at], Is.EqualTo(expected), $"{x}, {y}, {c}");
                }
            }
        }
    }

    [Test]
    public void Gdals_no_data_tag_is_black_whatever_the_range()
    {
        var tiff = new HandTiff(4, 1, 1, 16).Text(42113, "65535").Segment([0xFF, 0xFF, 0, 0x80, 0xFE, 0xFF, 0, 0]);
        Assert.That(Reds(new ImageDecoder().Decode(tiff.ToArray(), "x")), Is.EqualTo(new byte[] { 0, 128, 255, 0 }));
        Assert.That(Reds(new ImageDecoder(new DecodeOptions { NoData = 32768 }).Decode(tiff.ToArray(), "x")), Is.EqualTo(new byte[] { 255, 0, 255, 0 }), "the user's value goes first");
        tiff.Tag(262, 3, 0);
        Assert.That(Reds(new ImageDecoder().Decode(tiff.ToArray(), "x")), Is.EqualTo(new byte[] { 0, 127, 0, 255 }), "white is zero, no data still black");
    }

    [Test]
    public void Constant_and_empty_bands_do_not_divide_by_zero()
    {
        var options = new DecodeOptions { Scaling = BandScaling.Percentiles(2, 98) };
        byte[] constant = new TiffLayout { Bands = 1, Bits = 16 }.Write((_, _, _) => 77);
        Assert.That(new ImageDecoder(options).Decode(constant, "x").Pixels, Is.All.EqualTo((byte)0));
        byte[] nothing = new TiffLayout { Bands = 1, Bits = 32, Format = SampleFormat.IEEEFP }.Write((_, _, _) => double.NaN);
        Assert.That(new ImageDecoder(options).Decode(nothing, "x").Pixels, Is.All.EqualTo((byte)0));
        Assert.That(new ImageDecoder().Decode(nothing, "x").Pixels, Is.All.EqualTo((byte)0));
    }

    [Test]
    public void Palettes_are_looked_up([Values(4, 8)] int bits, [Values] bool eightBitMap)
    {
        int size = 1 << bits;
        var random = new Random(5);
        int[] map = [.. Enumerable.Range(0, 3 * size).Select(_ => random.Next(256))];
        map[0] = 255;
        byte[] row = bits == 8 ? [0, 3, 7, 15] : [0x03, 0x7F];
        byte[] file = new HandTiff(4, 1, 1, bits).Tag(262, 3, 3).Tag(320, 3, [.. map.Select(m => (ulong)(eightBitMap ? m : m * 257))]).Segment(row).ToArray();
        byte[] expected = [.. new[] { 0, 3, 7, 15 }.SelectMany(i => new[] { map[i], map[size + i], map[2 * size + i] }).Select(v => (byte)v)];
        Assert.That(new ImageDecoder().Decode(file, "x").Pixels, Is.EqualTo(expected));
    }

    [Test]
    public void Packed_bits([Values(1, 2, 4, 12)] int bits)
    {
        int[] samples = [.. Enumerable.Range(0, 11).Select(i => i * 1237 % (1 << bits))];
        string digits = string.Concat(samples.Select(s => Convert.ToString(s, 2).PadLeft(bits, '0')));
        digits = digits.PadRight((digits.Length + 7) / 8 * 8, '0');
        byte[] row = [.. Enumerable.Range(0, digits.Length / 8).Select(i => Convert.ToByte(digits.Substring(8 * i, 8), 2))];
        foreach (bool bigEndian in new[] { false, true })
        {
            byte[] file = new HandTiff(11, 1, 1, bits, bigEndian).Segment(row).ToArray();
            Assert.That(Reds(new ImageDecoder().Decode(file, "x")), Is.EqualTo(samples.Select(s => (byte)(255.0 * s / ((1 << bits) - 1) + 0.5))));
        }
    }

    /// <remarks>TIFF 6.0 section 14, by hand: differences of the numbers, then stored in the file's byte order.</remarks>
    [Test]
    public void Horizontal_predictor([Values] bool bigEndian, [Values(1, 2, 4)] int bytes, [Values(1, 3)] int bands)
    {
        const int width = 9, height = 4;
        var tiff = new HandTiff(width, height, bands, 8 * bytes, bigEndian);
        ulong top = bytes == 4 ? uint.MaxValue : (1ul << (8 * bytes)) - 1;
        ulong[] values = [.. Enumerable.Range(0, width * height * bands).Select(i => (ulong)(i * 37 % 256) * (top / 255))];
        byte[] strip = [.. Enumerable.Range(0, values.Length).SelectMany(i => tiff.Number(i % (width * bands) < bands ? values[i] : values[i] - values[i - bands], bytes))];
        byte[] file = tiff.Tag(259, 3, 8).Tag(317, 3, 2).Segment(Deflate(strip)).ToArray();
        byte[] pixels = new ImageDecoder(new DecodeOptions { Scaling = BandScaling.Ranges(new BandRange(0, top)) }).Decode(file, "x").Pixels;
        Assert.That(pixels.Where((_, i) => bands == 3 || i % 3 == 0), Is.EqualTo(values.Select(v => (byte)(v / (top / 255)))));
    }

    /// <remarks>Adobe Photoshop TIFF Technical Note 3, by hand: the bytes of all samples sorted by significance, most significant first, then byte differences.</remarks>
    [Test]
    public void Floating_point_predictor([Values] bool bigEndian, [Values(2, 4, 8)] int bytes, [Values(1, 3)] int bands, [Values] bool bigTiff)
    {
        const int width = 9, height = 4;
        double[] values = [.. Enumerable.Range(0, width * height * bands).Select(i => i * 37 % 256 / 256.0)];
        var strip = new List<byte>();
        for (int y = 0; y < height; y++)
        {
            byte[] planes = new byte[width * bands * bytes];
            for (int i = 0; i < width * bands; i++)
            {
                double value = values[y * width * bands + i];
                byte[] big = bytes switch { 2 => BitConverter.GetBytes((Half)value), 4 => BitConverter.GetBytes((float)value), _ => BitConverter.GetBytes(value) };
                Array.Reverse(big);
                for (int b = 0; b < bytes; b++) planes[b * width * bands + i] = big[b];
            }
            for (int i = planes.Length - 1; i >= bands; i--) planes[i] -= planes[i - bands];
            strip.AddRange(planes);
        }
        byte[] file = new HandTiff(width, height, bands, 8 * bytes, bigEndian, bigTiff).Tag(259, 3, 8).Tag(317, 3, 3).Tag(339, 3, 3).Segment(Deflate([.. strip])).ToArray();
        byte[] pixels = new ImageDecoder().Decode(file, "x").Pixels;
        Assert.That(pixels.Where((_, i) => bands == 3 || i % 3 == 0), Is.EqualTo(values.Select(v => (byte)(v * 255 + 0.5))));
    }

    [Test]
    public void Hand_made_files_of_either_byte_order_and_size_class([Values] bool bigEndian, [Values] bool bigTiff, [Values] bool tiled)
    {
        var tiff = new HandTiff(5, 3, 1, 16, bigEndian, bigTiff);
        byte[] Samples(int width, int x0, int y0, int height) => [.. Enumerable.Range(y0, height).SelectMany(y => Enumerable.Range(x0, width).SelectMany(x => tiff.Number((ulong)(257 * (20 * y + x)), 2)))];
        if (tiled)
        {
            tiff.Without(278).Tag(322, 3, 16).Tag(323, 3, 16).Segment(Samples(16, 0, 0, 16));
        }
        else
        {
            tiff.Tag(278, 3, 2).Segment(Samples(5, 0, 0, 2)).Segment(Samples(5, 0, 2, 1));
        }
        Assert.That(Reds(new ImageDecoder().Decode(tiff.ToArray(), "x")), Is.EqualTo(Enumerable.Range(0, 15).Select(i => (byte)(20 * (i / 5) + i % 5))));
    }

    [Test]
    public void Strips_that_a_sparse_file_leaves_out_are_black()
    {
        byte[] file = new HandTiff(2, 3, 1, 8).Tag(278, 4, 1).Segment([9, 9]).Segment(null).Segment([7, 7]).ToArray();
        Assert.That(Reds(new ImageDecoder().Decode(file, "x")), Is.EqualTo(new byte[] { 9, 9, 0, 0, 7, 7 }));
    }

    [Test]
    public void Missing_strip_lengths_are_worked_out([Values] bool zero)
    {
        HandTiff tiff = new HandTiff(3, 4, 1, 8).Tag(278, 4, 3).Segment([1, 2, 3, 4, 5, 6, 7, 8, 9]).Segment([10, 11, 12]).Tag(279, 4, 0, 0);
        byte[] file = zero ? tiff.ToArray() : Drop(tiff.ToArray());
        Assert.That(Reds(new ImageDecoder().Decode(file, "x")), Is.EqualTo(Enumerable.Range(1, 12).Select(i => (byte)i)));

        // The tag's number changed to one nobody knows.
        static byte[] Drop(byte[] file)
        {
            int at = file.AsSpan().LastIndexOf((ReadOnlySpan<byte>)[279 & 255, 279 >> 8, 4, 0]);
            file[at + 1] = 0xF0;
            return file;
        }
    }

    [Test]
    public void Premultiplied_alpha_is_divided_out()
    {
        HandTiff tiff = new HandTiff(3, 1, 4, 8).Tag(262, 3, 2).Segment([50, 20, 10, 100, 9, 8, 7, 255, 4, 4, 4, 0]);
        Assert.That(new ImageDecoder().Decode(tiff.Tag(338, 3, 2).ToArray(), "x").Pixels, Is.EqualTo(new byte[] { 50, 20, 10, 9, 8, 7, 4, 4, 4 }), "straight");
        Assert.That(new ImageDecoder().Decode(tiff.Tag(338, 3, 1).ToArray(), "x").Pixels, Is.EqualTo(new byte[] { 127, 51, 25, 9, 8, 7, 4, 4, 4 }), "premultiplied");
    }

    [Test]
    public void Cmyk_becomes_rgb()
    {
        byte[] file = new HandTiff(2, 1, 4, 8).Tag(262, 3, 5).Segment([0, 0, 0, 0, 255, 0, 100, 0]).ToArray();
        Assert.That(new ImageDecoder().Decode(file, "x").Pixels, Is.EqualTo(new byte[] { 255, 255, 255, 0, 255, 155 }));
    }

    [Test]
    public void Orientation_is_applied([Values(1, 2, 3, 4, 5, 6, 7, 8)] int orientation)
    {
        var layout = new TiffLayout { Width = 5, Height = 3 };
        byte[] file = layout.Write((x, y, b) => 10 * y + x + 100 * b, t => t.SetField(TiffTag.ORIENTATION, (Orientation)orientation));
        ImageDecoderTests.AssertUpright(new ImageDecoder().Decode(file, "x"), orientation, (x, y, c) => (byte)(10 * y + x + 100 * c));
    }

    [Test]
    public void Header_bombs_are_refused_before_anything_is_allocated()
    {
        static string Message(HandTiff tiff) => Assert.Throws<InvalidDataException>(() => new ImageDecoder().Decode(tiff.ToArray(), "bomb.tif"))!.Message;
        long before = GC.GetAllocatedBytesForCurrentThread();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Message(new HandTiff(100_000, 100_000, 3, 8).Segment([1])), Does.Contain("100000×100000").And.Contain("200000000"));
            Assert.That(Message(new HandTiff(10, 10, 3, 8).Without(278).Tag(322, 4, 65536).Tag(323, 4, 65536).Segment([1])), Does.Contain("65536×65536"));
            Assert.That(Message(new HandTiff(10_000, 10_000, 65_535, 64).Segment([1])), Does.Contain("too large"));
            Assert.That(Message(new HandTiff(10, 10_000_000, 1, 8).Tag(278, 4, 1).Segment([1])), Does.Contain("places 1 strips").And.Contain("10000000"));
            Assert.That(Message(new HandTiff(10, 10, 1, 8).Segment(new byte[100]).Tag(279, 4, 2_000_000_000)), Does.Contain("cut short"));
            Assert.That(Message(new HandTiff(0, 10, 1, 8).Segment([1])), Does.Contain("width"));
        }
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(20_000_000));
    }

    [Test]
    public void What_is_not_read_says_so()
    {
        static string Message(byte[] file) => Assert.Throws<InvalidDataException>(() => new ImageDecoder().Decode(file, "x.tif"))!.Message;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Message(new HandTiff(1, 1, 1, 8).Tag(259, 3, 50000).Segment([1]).ToArray()), Does.Contain("50000 (Zstandard)").And.Contain("DEFLATE"));
            Assert.That(Message(new HandTiff(1, 1, 1, 64).Tag(339, 3, 6).Segment(new byte[8]).ToArray()), Does.Contain("complex"));
            Assert.That(Message(new HandTiff(1, 1, 1, 64).Segment(new byte[8]).ToArray()), Does.Contain("64-bit unsigned"));
            Assert.That(Message(new HandTiff(1, 1, 3, 8).Tag(258, 3, 8, 8, 16).Segment(new byte[4]).ToArray()), Does.Contain("differ in bits per sample"));
            Assert.That(Message(new HandTiff(1, 1, 1, 8).Tag(259, 3, 5).Tag(317, 3, 3).Segment(new byte[4]).ToArray()), Does.Contain("predictor 3"));
            Assert.That(Message(new HandTiff(1, 1, 1, 8).Tag(262, 3, 3).Segment(new byte[4]).ToArray()), Does.Contain("Colormap"));
        }
    }

    [Test]
    public void Cut_short_anywhere_is_an_error([Values(Compression.NONE, Compression.LZW, Compression.ADOBE_DEFLATE, Compression.PACKBITS, Compression.JPEG)] Compression compression)
    {
        RgbImage picture = Pictures.Smooth(37, 29);
        byte[] file = new TiffLayout { Compression = compression, Photometric = Photometric.RGB }.Write((x, y, b) => picture.Pixels[3 * (y * 37 + x) + b]);
        for (int length = 4; length < file.Length; length += 13)
            Assert.That(() => new ImageDecoder().Decode(file[..length], "x"), Throws.TypeOf<InvalidDataException>(), $"{length} of {file.Length} bytes");
    }

    [Test]
    public void Nothing_goes_to_the_console()
    {
        TextWriter output = Console.Out, error = Console.Error;
        var written = new StringWriter();
        Console.SetOut(written);
        Console.SetError(written);
        try
        {
            byte[] file = new TiffLayout { Compression = Compression.LZW }.Write((x, y, _) => x * y & 255, t => t.SetField(TiffTag.XRESOLUTION, 3f));
            for (int i = 8; i < 60; i++) file[i] ^= 0x55;
            Assert.That(() => new ImageDecoder().Decode(file, "x"), Throws.TypeOf<InvalidDataException>());
        }
        finally
        {
            Console.SetOut(output);
            Console.SetError(error);
        }
        Assert.That(written.ToString(), Is.Empty);
    }

    [Test]
    public void The_shared_aerial_tiffs_decode()
    {
        string[] files = [.. Directory.GetFiles(Shared.Data("ucm"), "*.tif", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Where((_, i) => i % 10 == 0)];
        Assert.That(files, Is.Not.Empty);
        foreach (string file in files)
        {
            RgbImage image = new ImageDecoder().Decode(file);
            Assert.That(image.Width, Is.EqualTo(256).Within(20), file);
            Assert.That(image.Pixels.Distinct().Count(), Is.GreaterThan(50), file);
        }
    }

    static byte[] Deflate(byte[] bytes)
    {
        var packed = new MemoryStream();
        using (var deflate = new ZLibStream(packed, CompressionLevel.Fastest, leaveOpen: true)) deflate.Write(bytes);
        return packed.ToArray();
    }

    static byte[] Reds(RgbImage image) => [.. image.Pixels.Where((_, i) => i % 3 == 0)];
}
