using Osprey.Engine.Datasets;
using Osprey.Engine.Images;
using SkiaSharp;

namespace Osprey.Engine.Evaluation.Report;

/// <summary>Small square pictures for a page, each file decoded once.</summary>
/// <param name="decoder">Reads the files.</param>
sealed class Thumbnail(ImageDecoder decoder)
{
    /// <summary>Side of a thumbnail, in pixels: sharp at the size it is shown at, a few kilobytes each.</summary>
    public const int Side = 96;

    /// <summary>Pictures that are given in pixels are kept as they are up to this side.</summary>
    const int MostSide = 160;

    const int Quality = 72;

    readonly Dictionary<string, string?> encoded = new(StringComparer.Ordinal);

    /// <summary>A <c>data:</c> address of the picture, or null where the file can no longer be read.</summary>
    public string? DataUri(LabelledImage image)
    {
        if (encoded.TryGetValue(image.Path, out string? known)) return known;
        return encoded[image.Path] = Read(decoder, image, Side) is { } pixels ? Encode(pixels) : null;
    }

    /// <summary>A <c>data:</c> address of a WebP, which every browser since 2020 shows.</summary>
    public static string Encode(RgbImage image)
    {
        if (image.Width > MostSide || image.Height > MostSide) image = Resize.Bilinear(image, MostSide, MostSide);
        using SKBitmap bitmap = ToBitmap(image);
        using SKData data = bitmap.Encode(SKEncodedImageFormat.Webp, Quality);
        return "data:image/webp;base64," + Convert.ToBase64String(data.AsSpan());
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
