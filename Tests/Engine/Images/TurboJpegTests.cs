using CsCheck;
using NUnit.Framework;
using Osprey.Engine.Images;
using Osprey.Interop.Jpeg;
using SkiaSharp;

namespace Osprey.Tests.Engine.Images;

/// <summary>JPEG by the system's libjpeg-turbo, where there is one, is JPEG by Skia's, to the byte and to the error.</summary>
[TestFixture]
public class TurboJpegTests
{
    const long MaxPixels = 1_000_000;

    [OneTimeSetUp]
    public void Require()
    {
        if (!TurboJpeg.IsPresent) Assert.Ignore("skipped: there is no libturbojpeg on this machine (Debian: libturbojpeg0)");
    }

    static byte[] Encode(RgbImage image, SKJpegEncoderDownsample sampling, int quality)
    {
        using SKBitmap bitmap = SKBitmap.Decode(Pictures.Encode(image, SKEncodedImageFormat.Png));
        using SKPixmap pixels = bitmap.PeekPixels();
        using SKData data = pixels.Encode(new SKJpegEncoderOptions(quality, sampling, SKJpegEncoderAlphaOption.Ignore))!;
        return data.ToArray();
    }

    [Test]
    public void The_pixels_are_the_same(
        [Values(1, 2, 7, 8, 9, 15, 16, 17, 31, 129)] int width, [Values(1, 8, 17, 66)] int height, [Values] SKJpegEncoderDownsample sampling, [Values(30, 95, 100)] int quality)
    {
        byte[] file = Encode(Pictures.Noise(width, height, (uint)(width + (1000 * height))), sampling, quality);
        byte[] turbo = new byte[3 * width * height];
        Assert.That(TurboJpeg.TryDecode(file, width, height, turbo), Is.True);
        Assert.That(turbo, Is.EqualTo(SkiaPicture.Decode(ImageFormat.Jpeg, file, MaxPixels, turbo: false).Pixels));
    }

    [Test]
    public void Grey_is_three_equal_channels()
    {
        using var bitmap = new SKBitmap(new SKImageInfo(21, 13, SKColorType.Gray8, SKAlphaType.Opaque));
        for (int i = 0; i < bitmap.ByteCount; i++) bitmap.GetPixelSpan()[i] = (byte)(i * 37);
        using SKData data = bitmap.Encode(SKEncodedImageFormat.Jpeg, 90);
        byte[] turbo = new byte[3 * 21 * 13];
        Assert.That(TurboJpeg.TryDecode(data.AsSpan(), 21, 13, turbo), Is.True);
        Assert.That(turbo, Is.EqualTo(SkiaPicture.Decode(ImageFormat.Jpeg, data.AsSpan(), MaxPixels, turbo: false).Pixels));
        Assert.That(turbo.Chunk(3).All(p => p[0] == p[1] && p[1] == p[2]), Is.True);
    }

    [Test]
    public void Another_size_and_what_is_no_jpeg_are_refused()
    {
        byte[] file = Encode(Pictures.Smooth(40, 30), SKJpegEncoderDownsample.Downsample420, 90);
        Assert.That(TurboJpeg.TryDecode(file, 20, 15, new byte[3 * 20 * 15]), Is.False, "half the size would be half a decoding");
        Assert.That(TurboJpeg.TryDecode(file.AsSpan(0, file.Length / 2), 40, 30, new byte[3 * 40 * 30]), Is.False, "cut short");
        Assert.That(TurboJpeg.TryDecode([], 40, 30, new byte[3 * 40 * 30]), Is.False);
        Assert.That(TurboJpeg.TryDecode("GIF89a"u8, 40, 30, new byte[3 * 40 * 30]), Is.False);
        Assert.That(() => TurboJpeg.TryDecode(file, 40, 30, new byte[3]), Throws.ArgumentException.With.Message.Contains("40×30"));
    }

    /// <summary>
    /// Bytes changed anywhere: what one decodes the other does, and what is bad is bad for the same reason. Not the pixels: of coefficients that no encoder writes, plain code
    /// and vector code make different garbage.
    /// </summary>
    [Test]
    public void Damaged_files_come_out_alike([Values] SKJpegEncoderDownsample sampling)
    {
        byte[] whole = Encode(Pictures.Noise(37, 29, 5), sampling, 80);
        int decoded = 0;
        Gen.Select(Gen.Int[0, whole.Length - 1], Gen.Byte).Array[1, 3].Sample(changes =>
        {
            byte[] file = [.. whole];
            foreach ((int at, byte value) in changes) file[at] = value;
            (string turbo, string skia) = (Outcome(file, true), Outcome(file, false));
            if (!skia.StartsWith("bad", StringComparison.Ordinal)) decoded++;
            return turbo == skia;
        }, seed: "0N0XIzNsQ0O2", iter: 2000, threads: 1);
        Assert.That(decoded, Is.InRange(100, 1900), "some are readable, some are not");
    }

    static string Outcome(byte[] file, bool turbo)
    {
        try
        {
            RgbImage image = SkiaPicture.Decode(ImageFormat.Jpeg, file, MaxPixels, turbo);
            return $"{image.Width}×{image.Height}";
        }
        catch (InvalidDataException e)
        {
            return "bad: " + e.Message;
        }
    }
}
