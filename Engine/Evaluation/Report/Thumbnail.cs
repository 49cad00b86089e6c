using Osprey.Engine.Datasets;
using Osprey.Engine.Images;
using SkiaSharp;

namespace Osprey.Engine.Evaluation.Report;

/// <summary>Small square pictures of data-set images, each decoded once.</summary>
/// <param name="decoder">Reads the files.</param>
/// <param name="size">Side, in pixels.</param>
sealed class Thumbnail(ImageDecoder decoder, int size)
{
    const int JpegQuality = 80;

    readonly Dictionary<string, string?> encoded = new(StringComparer.Ordinal);

    public int Size => size;

    /// <summary>A <c>data:</c> address of a JPEG, or null where the file can no longer be read.</summary>
    public string? DataUri(LabelledImage image)
    {
        if (encoded.TryGetValue(image.Path, out string? known)) return known;
        string? uri = null;
        if (Read(decoder, image, size) is { } pixels)
        {
            using SKBitmap bitmap = ToBitmap(pixels);
            using SKData jpeg = bitmap.Encode(SKEncodedImageFormat.Jpeg, JpegQuality);
            uri = "data:image/jpeg;base64," + Convert.ToBase64String(jpeg.AsSpan());
        }
        return encoded[image.Path] = uri;
    }

    /// <summary>size × size pixels, or null where the file can no longer be read.</summary>
    public static RgbImage? Read(ImageDecoder decoder, LabelledImage image, int size)
    {
        try
        {
            return Resize.Bilinear(decoder.Decode(image.Path), size, size);
        }
        catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            // It was measured, so it could be read then; a report lacks a picture rather than fail.
            return null;
        }
    }

    public static SKBitmap ToBitmap(RgbImage image)
    {
        var bitmap = new SKBitmap(new SKImageInfo(image.Width, image.Height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        Span<byte> target = bitmap.GetPixelSpan();
        for (int i = 0, o = 0; i < image.Pixels.Length; i += 3, o += 4)
        {
            target[o] = image.Pixels[i];
            target[o + 1] = image.Pixels[i + 1];
            target[o + 2] = image.Pixels[i + 2];
            target[o + 3] = 255;
        }
        return bitmap;
    }
}
