using System.Buffers.Binary;
using System.Security.Cryptography;
using NUnit.Framework;
using Osprey.Engine.Images;
using Osprey.Tests.House;
using SkiaSharp;

namespace Osprey.Tests.Engine.Images;

[TestFixture]
public class ImageDecoderTests
{
    readonly ImageDecoder decoder = new();

    [TestCase(SKEncodedImageFormat.Jpeg, 2.5)]
    [TestCase(SKEncodedImageFormat.Webp, 4)]
    [TestCase(SKEncodedImageFormat.Png, 0)]
    public void Pictures_come_back(SKEncodedImageFormat format, double tolerance)
    {
        RgbImage picture = Pictures.Smooth(77, 45), decoded = decoder.Decode(Pictures.Encode(picture, format), "x");
        Assert.That((decoded.Width, decoded.Height), Is.EqualTo((77, 45)));
        Assert.That(Pictures.MeanDifference(decoded, picture), Is.LessThanOrEqualTo(tolerance));
    }

    [Test]
    public void One_pixel_is_a_picture([Values(SKEncodedImageFormat.Jpeg, SKEncodedImageFormat.Webp, SKEncodedImageFormat.Png)] SKEncodedImageFormat format)
    {
        RgbImage decoded = decoder.Decode(Pictures.Encode(new RgbImage(1, 1, [200, 100, 50]), format, 100), "x");
        Assert.That((decoded.Width, decoded.Height), Is.EqualTo((1, 1)));
        Assert.That(decoded.Pixels[0], Is.EqualTo(200).Within(6));
    }

    [Test]
    public void Bitmaps_are_read([Values(24, 32)] int bits, [Values] bool topDown)
    {
        RgbImage picture = Pictures.Noise(7, 5, 2);
        Assert.That(decoder.Decode(Bitmap(picture, bits, topDown), "x").Pixels, Is.EqualTo(picture.Pixels));
    }

    [Test]
    public void Gif_gives_its_first_frame()
    {
        // Two pixels of a four-colour palette; LZW codes clear, 1, 2, end at 3 bits.
        byte[] gif = [.. "GIF89a"u8, 2, 0, 1, 0, 0x81, 0, 0, 0, 0, 0, 255, 10, 20, 30, 60, 50, 1, 2, 3, 0x2C, 0, 0, 0, 0, 2, 0, 1, 0, 0, 2, 2, 0x8C, 0x0A, 0, 0x3B];
        Assert.That(decoder.Decode(gif, "x").Pixels, Is.EqualTo(new byte[] { 255, 10, 20, 30, 60, 50 }));
    }

    [Test]
    public void Alpha_is_dropped_and_the_colours_under_it_kept([Values(SKEncodedImageFormat.Png, SKEncodedImageFormat.Webp)] SKEncodedImageFormat format)
    {
        using var bitmap = new SKBitmap(new SKImageInfo(3, 1, SKColorType.Rgba8888, SKAlphaType.Unpremul));
        new byte[] { 200, 100, 50, 128, 10, 20, 30, 255, 90, 80, 70, 1 }.CopyTo(bitmap.GetPixelSpan());
        using SKPixmap pixmap = bitmap.PeekPixels();
        using SKData data = format == SKEncodedImageFormat.Png ? pixmap.Encode(new SKPngEncoderOptions())! : pixmap.Encode(new SKWebpEncoderOptions(SKWebpEncoderCompression.Lossless, 100))!;
        Assert.That(decoder.Decode(data.ToArray(), "x").Pixels, Is.EqualTo(new byte[] { 200, 100, 50, 10, 20, 30, 90, 80, 70 }));
    }

    [TestCase(0, 8, new byte[] { 0, 9, 77, 200 }, new byte[] { 9, 9, 9, 77, 77, 77, 200, 200, 200 }, TestName = "Png_grey")]
    [TestCase(4, 8, new byte[] { 0, 9, 0, 77, 128, 200, 255 }, new byte[] { 9, 9, 9, 77, 77, 77, 200, 200, 200 }, TestName = "Png_grey_and_alpha")]
    [TestCase(0, 16, new byte[] { 0, 9, 255, 77, 0, 200, 128 }, new byte[] { 9, 9, 9, 77, 77, 77, 200, 200, 200 }, TestName = "Png_16_bit_grey_keeps_the_high_byte")]
    [TestCase(2, 16, new byte[] { 0, 1, 255, 2, 0, 3, 128, 4, 0, 5, 0, 6, 0, 7, 0, 8, 0, 9, 0 }, new byte[] { 1, 2, 3, 4, 5, 6, 7, 8, 9 }, TestName = "Png_16_bit_colour_keeps_the_high_byte")]
    [TestCase(0, 2, new byte[] { 0, 0b00_01_11_00 }, new byte[] { 0, 0, 0, 85, 85, 85, 255, 255, 255 }, TestName = "Png_2_bit")]
    public void Png_kinds(int colorType, int depth, byte[] row, byte[] expected) =>
        Assert.That(decoder.Decode(Png(3, 1, depth, colorType, row), "x").Pixels, Is.EqualTo(expected));

    [Test]
    public void Profiles_and_gamma_are_left_unapplied()
    {
        byte[] row = [0, 9, 77, 200, 1, 2, 3, 100, 150, 250];
        Assert.That(decoder.Decode(Png(3, 1, 8, 2, row, ("gAMA", [0, 1, 0x86, 0xA0])), "x").Pixels, Is.EqualTo(row[1..]), "linear gamma");
        byte[] primaries = [.. new uint[] { 31270, 32900, 15000, 6000, 64000, 33000, 30000, 60000 }.SelectMany(v => new[] { (byte)(v >> 24), (byte)(v >> 16), (byte)(v >> 8), (byte)v })];
        Assert.That(decoder.Decode(Png(3, 1, 8, 2, row, ("gAMA", [0, 0, 0xB1, 0x8F]), ("cHRM", primaries)), "x").Pixels, Is.EqualTo(row[1..]), "red and green primaries swapped");
    }

    [Test]
    public void Exif_orientation_of_jpeg([Values(1, 2, 3, 4, 5, 6, 7, 8, 0, 9)] int orientation, [Values] bool bigEndian)
    {
        // 16-pixel blocks survive JPEG.
        byte Level(int x, int y, int c) => (byte)(30 + 60 * (x / 16) + 25 * (y / 16) + (c == 1 ? 0 : 10));
        byte[] pixels = [.. from y in Enumerable.Range(0, 32) from x in Enumerable.Range(0, 48) from c in Enumerable.Range(0, 3) select Level(x, y, c)];
        byte[] jpeg = Pictures.Encode(new RgbImage(48, 32, pixels), SKEncodedImageFormat.Jpeg, 100);
        byte[] app1 = [.. "Exif\0\0"u8, .. ExifBlock(orientation, bigEndian)];
        byte[] tagged = [0xFF, 0xD8, 0xFF, 0xE1, 0, (byte)(app1.Length + 2), .. app1, .. jpeg[2..]];
        AssertUpright(decoder.Decode(tagged, "x"), orientation is 0 or 9 ? 1 : orientation, Level, tolerance: 6, width: 48, height: 32);
    }

    [Test]
    public void Exif_orientation_of_png([Values(1, 2, 3, 4, 5, 6, 7, 8, 0, 77)] int orientation, [Values] bool bigEndian)
    {
        byte[] rows = [.. from y in Enumerable.Range(0, 3) from x in Enumerable.Range(-1, 16) select x < 0 ? (byte)0 : (byte)(10 * y + x / 3 + 100 * (x % 3))];
        byte[] png = Png(5, 3, 8, 2, rows, ("eXIf", ExifBlock(orientation, bigEndian)));
        AssertUpright(decoder.Decode(png, "x"), orientation is 0 or 77 ? 1 : orientation, (x, y, c) => (byte)(10 * y + x + 100 * c));
    }

    [Test]
    public void Exif_orientation_of_webp([Values(1, 3, 6, 8)] int orientation)
    {
        byte[] pixels = [.. from y in Enumerable.Range(0, 3) from x in Enumerable.Range(0, 5) from c in Enumerable.Range(0, 3) select (byte)(10 * y + x + 100 * c)];
        using var bitmap = new SKBitmap(new SKImageInfo(5, 3, SKColorType.Rgba8888, SKAlphaType.Opaque));
        Span<byte> target = bitmap.GetPixelSpan();
        for (int i = 0; i < 15; i++) (target[4 * i], target[4 * i + 1], target[4 * i + 2], target[4 * i + 3]) = (pixels[3 * i], pixels[3 * i + 1], pixels[3 * i + 2], 255);
        using SKPixmap pixmap = bitmap.PeekPixels();
        using SKData data = pixmap.Encode(new SKWebpEncoderOptions(SKWebpEncoderCompression.Lossless, 100))!;
        byte[] plain = data.ToArray(), exif = ExifBlock(orientation, false);
        // The extended form: a VP8X chunk with the EXIF flag and the size less one, the picture as it was, the EXIF chunk.
        byte[] body = [.. "WEBPVP8X"u8, 10, 0, 0, 0, 8, 0, 0, 0, 4, 0, 0, 2, 0, 0, .. plain[12..], .. "EXIF"u8, (byte)exif.Length, 0, 0, 0, .. exif];
        byte[] webp = [.. "RIFF"u8, .. BitConverter.GetBytes(body.Length), .. body];
        AssertUpright(decoder.Decode(webp, "x"), orientation, (x, y, c) => (byte)(10 * y + x + 100 * c));
    }

    [Test]
    public void Content_counts_and_not_the_name()
    {
        string folder = Directory.CreateTempSubdirectory("osprey-decoder-").FullName;
        try
        {
            string path = Path.Combine(folder, "really-a-png.jpg");
            File.WriteAllBytes(path, Pictures.Encode(Pictures.Noise(4, 3, 1), SKEncodedImageFormat.Png));
            Assert.That(decoder.Decode(path).Pixels, Is.EqualTo(Pictures.Noise(4, 3, 1).Pixels));

            string text = Path.Combine(folder, "text.png");
            File.WriteAllText(text, "Dear reader,");
            Assert.That(() => decoder.Decode(text), Throws.TypeOf<InvalidDataException>().With.Message.StartsWith(text + ": the file is no image").And.Message.Contains("\"Dear reader,\""));
            Assert.That(() => decoder.Decode(Path.Combine(folder, "absent.png")), Throws.TypeOf<FileNotFoundException>());
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [TestCase("", "the file is empty")]
    [TestCase("FF", "no image in a known format")]
    [TestCase("0000000C6A5020200D0A870A", "JPEG 2000")]
    [TestCase("0000001C66747970686569630000", "HEIF")]
    [TestCase("894844460D0A1A0A", "HDF5")]
    [TestCase("504B0304AAAA", "ZIP")]
    [TestCase("00010203", "the bytes 00010203")]
    [TestCase("FFD8FFE000104A46", "Jpeg file is")]
    [TestCase("424D", "Bmp file is")]
    [TestCase("49492A00", "TIFF file is cut short")]
    public void Other_files_are_named_for_what_they_are(string hex, string reason) =>
        Assert.That(() => decoder.Decode(Convert.FromHexString(hex), "file.jpg"), Throws.TypeOf<InvalidDataException>().With.Message.StartsWith("file.jpg: ").And.Message.Contains(reason));

    [Test]
    public void Bombs_are_refused_from_their_header()
    {
        byte[] png = Png(100_000, 100_000, 8, 2, [0]), bitmap = Bitmap(Pictures.Noise(2, 2, 1), 24, false);
        BinaryPrimitives.WriteInt32LittleEndian(bitmap.AsSpan(18), 30_000);
        BinaryPrimitives.WriteInt32LittleEndian(bitmap.AsSpan(22), 30_000);
        byte[] jpeg = Pictures.Encode(Pictures.Noise(16, 16, 1), SKEncodedImageFormat.Jpeg);
        int frame = jpeg.AsSpan().IndexOf(new byte[] { 0xFF, 0xC0 });
        BinaryPrimitives.WriteUInt16BigEndian(jpeg.AsSpan(frame + 5), 65_000);
        BinaryPrimitives.WriteUInt16BigEndian(jpeg.AsSpan(frame + 7), 65_000);
        foreach ((byte[] bomb, string size) in new[] { (png, "100000×100000"), (bitmap, "30000×30000"), (jpeg, "65000×65000") })
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            Assert.That(() => decoder.Decode(bomb, "bomb"), Throws.TypeOf<InvalidDataException>().With.Message.Contains(size).And.Message.Contains("limit of 200000000"));
            Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(5_000_000));
        }
    }

    [Test]
    public void The_limit_is_inclusive()
    {
        byte[] png = Pictures.Encode(Pictures.Noise(10, 10, 1), SKEncodedImageFormat.Png);
        Assert.That(new ImageDecoder(new DecodeOptions { MaxPixels = 100 }).Decode(png, "x").Width, Is.EqualTo(10));
        Assert.That(() => new ImageDecoder(new DecodeOptions { MaxPixels = 99 }).Decode(png, "x"), Throws.TypeOf<InvalidDataException>());
        Assert.That(() => new DecodeOptions { MaxPixels = 0 }, Throws.ArgumentException);
        Assert.That(() => new DecodeOptions { MaxPixels = DecodeOptions.LargestMaxPixels + 1 }, Throws.ArgumentException);
    }

    [Test]
    public void Cut_short_is_bad_at_any_length([Values(SKEncodedImageFormat.Jpeg, SKEncodedImageFormat.Webp, SKEncodedImageFormat.Png)] SKEncodedImageFormat format)
    {
        byte[] whole = Pictures.Encode(Pictures.Noise(64, 48, 3), format);
        for (int share = 1; share < 20; share++)
            Assert.That(() => decoder.Decode(whole[..(whole.Length * share / 20)], "x"), Throws.TypeOf<InvalidDataException>(), $"{share}/20 of the file");
    }

    /// <remarks>16 × 16 pixels of grey 9·x + 6·y, <c>Image.save("x.jpg", quality=50, progressive=True, optimize=True)</c> with Pillow 9.4.0; Skia's encoder writes no progressive files.</remarks>
    const string ProgressiveJpeg =
        "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABALDA4MChAODQ4SERATGCgaGBYWGDEjJR0oOjM9PDkzODdASFxOQERXRTc4UG1RV19iZ2hnPk1xeXBkeFxlZ2P/wgALCAAQABABAREA/8QAFQABAQAAAA" +
        "AAAAAAAAAAAAAABQP/2gAIAQEAAAABMSil/8QAFRABAQAAAAAAAAAAAAAAAAAAAgD/2gAIAQEAAQUCBgYGBv/EABQQAQAAAAAAAAAAAAAAAAAAACD/2gAIAQEABj8CH//EABQQAQAAAAAAAAAAAAAA" +
        "AAAAACD/2gAIAQEAAT8hFV//2gAIAQEAAAAQD//EABYQAAMAAAAAAAAAAAAAAAAAAAAhMf/aAAgBAQABPxCaJomiaP/Z";

    [Test]
    public void A_progressive_jpeg_without_its_later_scans_is_bad_too()
    {
        byte[] whole = Convert.FromBase64String(ProgressiveJpeg);
        Assert.That(decoder.Decode(whole, "x").Pixels[^1], Is.EqualTo(225).Within(8));
        Assert.That(decoder.Decode([.. whole, .. new byte[50]], "x").Width, Is.EqualTo(16), "bytes behind the end are nobody's");
        for (int length = 1; length < whole.Length; length++)
            Assert.That(() => decoder.Decode(whole[..length], "x"), Throws.TypeOf<InvalidDataException>(), $"{length} of {whole.Length} bytes");
    }

    [Test]
    public void Bands_and_scaling_apply_to_pictures_too()
    {
        byte[] png = Pictures.Encode(new RgbImage(2, 1, [10, 20, 30, 110, 120, 130]), SKEncodedImageFormat.Png);
        Assert.That(new ImageDecoder(new DecodeOptions { Bands = [3, 2, 1] }).Decode(png, "x").Pixels, Is.EqualTo(new byte[] { 30, 20, 10, 130, 120, 110 }));
        Assert.That(new ImageDecoder(new DecodeOptions { Bands = [2] }).Decode(png, "x").Pixels, Is.EqualTo(new byte[] { 20, 20, 20, 120, 120, 120 }));
        Assert.That(new ImageDecoder(new DecodeOptions { Scaling = BandScaling.Parse("10:110") }).Decode(png, "x").Pixels, Is.EqualTo(new byte[] { 0, 26, 51, 255, 255, 255 }));
        Assert.That(new ImageDecoder(new DecodeOptions { Scaling = BandScaling.Parse("0%:100%") }).Decode(png, "x").Pixels, Is.EqualTo(new byte[] { 0, 0, 0, 255, 255, 255 }));
        Assert.That(() => new ImageDecoder(new DecodeOptions { Bands = [4] }).Decode(png, "x.png"), Throws.TypeOf<InvalidDataException>().With.Message.Contains("x.png: band 4"));
    }

    /// <remarks>The first 16 digits of the SHA-256 of <c>numpy.asarray(Image.open(f).convert("RGB"))</c>, Pillow 9.4.0 with libjpeg-turbo 2.1.5.</remarks>
    [TestCase("aid", "DenseResidential/denseresidential_111.jpg", "82bd351c4ac60315")]
    [TestCase("aid", "Farmland/farmland_188.jpg", "8c00c7c868731cb6")]
    [TestCase("aid", "Beach/beach_299.jpg", "2fec13fbd5dd386a")]
    [TestCase("eurosat", "Residential/Residential_2014.jpg", "b4def1b3548bcd93")]
    [TestCase("eurosat", "Industrial/Industrial_1142.jpg", "05084697b0c69f4e")]
    [TestCase("rsscn7", "bField/b388.jpg", "dcb03c95224309c2")]
    [TestCase("rsscn7", "aGrass/a357.jpg", "27e0ea6b71f1e59e")]
    [TestCase("ucm", "agricultural/agricultural64.tif", "ac8f813c2c2326e8")]
    [TestCase("ucm", "mobilehomepark/mobilehomepark67.tif", "cdcafc696f36cb79")]
    public void Shared_images_decode_as_Pillow_does_to_the_byte(string set, string file, string sha)
    {
        RgbImage image = decoder.Decode(Path.Combine(Shared.Data(set), file));
        Assert.That(Convert.ToHexStringLower(SHA256.HashData(image.Pixels))[..16], Is.EqualTo(sha));
    }

    /// <summary>Whether a picture stored as <paramref name="stored"/> came out upright, by the definition of each orientation: where the stored row 0 and column 0 are seen.</summary>
    internal static void AssertUpright(RgbImage image, int orientation, Func<int, int, int, byte> stored, int tolerance = 0, int width = 5, int height = 3)
    {
        Assert.That((image.Width, image.Height), Is.EqualTo(orientation < 5 ? (width, height) : (height, width)));
        for (int row = 0; row < height; row++)
        {
            for (int column = 0; column < width; column++)
            {
                (int x, int y) = orientation switch
                {
                    1 => (column, row),
                    2 => (width - 1 - column, row),
                    3 => (width - 1 - column, height - 1 - row),
                    4 => (column, height - 1 - row),
                    5 => (row, column),
                    6 => (height - 1 - row, column),
                    7 => (height - 1 - row, width - 1 - column),
                    _ => (row, width - 1 - column),
                };
                for (int c = 0; c < 3; c++)
                    Assert.That(image.Pixels[3 * (y * image.Width + x) + c], Is.EqualTo((double)stored(column, row, c)).Within(tolerance), $"stored {column}, {row} seen at {x}, {y}");
            }
        }
    }

    /// <summary>A TIFF directory of one entry, orientation.</summary>
    static byte[] ExifBlock(int orientation, bool bigEndian) => bigEndian
        ? [.. "MM\0*"u8, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, (byte)orientation, 0, 0, 0, 0, 0, 0]
        : [.. "II*\0"u8, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, (byte)orientation, 0, 0, 0, 0, 0, 0, 0];

    static byte[] Png(int width, int height, int depth, int colorType, byte[] rows, params (string Name, byte[] Data)[] chunks)
    {
        var file = new MemoryStream();
        file.Write([0x89, .. "PNG"u8, 13, 10, 26, 10]);
        byte[] header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[9]) = ((byte)depth, (byte)colorType);
        Chunk("IHDR", header);
        foreach ((string name, byte[] data) in chunks) Chunk(name, data);
        var packed = new MemoryStream();
        using (var deflate = new System.IO.Compression.ZLibStream(packed, System.IO.Compression.CompressionLevel.Fastest, leaveOpen: true)) deflate.Write(rows);
        Chunk("IDAT", packed.ToArray());
        Chunk("IEND", []);
        return file.ToArray();

        void Chunk(string name, byte[] data)
        {
            byte[] body = [.. System.Text.Encoding.ASCII.GetBytes(name), .. data], number = new byte[4];
            BinaryPrimitives.WriteInt32BigEndian(number, data.Length);
            file.Write(number);
            file.Write(body);
            BinaryPrimitives.WriteUInt32BigEndian(number, Crc(body));
            file.Write(number);
        }
    }

    static uint Crc(byte[] bytes)
    {
        uint crc = ~0u;
        foreach (byte b in bytes)
        {
            crc ^= b;
            for (int k = 0; k < 8; k++) crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xEDB88320 : crc >> 1;
        }
        return ~crc;
    }

    static byte[] Bitmap(RgbImage image, int bits, bool topDown)
    {
        int stride = (image.Width * bits / 8 + 3) / 4 * 4;
        byte[] file = new byte[54 + stride * image.Height];
        "BM"u8.CopyTo(file);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(2), file.Length);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(10), 54);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(14), 40);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(18), image.Width);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(22), topDown ? -image.Height : image.Height);
        file[26] = 1;
        file[28] = (byte)bits;
        for (int y = 0; y < image.Height; y++)
        {
            for (int x = 0; x < image.Width; x++)
            {
                int at = 54 + stride * (topDown ? y : image.Height - 1 - y) + x * bits / 8;
                for (int c = 0; c < 3; c++) file[at + 2 - c] = image.Pixels[3 * (y * image.Width + x) + c];
            }
        }
        return file;
    }
}
