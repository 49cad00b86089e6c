using System.Buffers;
using System.Runtime.Intrinsics;
using Osprey.Interop.Jpeg;
using SkiaSharp;

namespace Osprey.Engine.Images;

/// <summary>JPEG, PNG, WebP, BMP and GIF, through Skia's codecs (libjpeg-turbo, libpng, libwebp).</summary>
static class SkiaPicture
{
    /// <param name="turbo">A JPEG's pixels by <see cref="TurboJpeg"/> where it can: the same, sooner.</param>
    /// <exception cref="InvalidDataException">Damaged, cut short or too large.</exception>
    public static RgbImage Decode(ImageFormat format, ReadOnlySpan<byte> bytes, long maxPixels, bool turbo = true)
    {
        using SKData data = SKData.CreateCopy(bytes);
        using SKCodec? codec = SKCodec.Create(new SKMemoryStream(data), out SKCodecResult opened);
        if (codec is null) throw new InvalidDataException(Reason(format, opened));
        int width = codec.Info.Width, height = codec.Info.Height;
        if (width < 1 || height < 1) throw new InvalidDataException($"the {format} file says it has {width}×{height} pixels");
        PixelLimit.Check(width, height, maxPixels);

        if (format == ImageFormat.Jpeg && !JpegEnd.IsIn(bytes)) throw new InvalidDataException(Reason(format, SKCodecResult.IncompleteInput));

        // What it finds anything wrong with is left to Skia, so that a file is bad or not wherever it is read.
        if (turbo && format == ImageFormat.Jpeg && TurboJpeg.IsPresent)
        {
            byte[] rgb = GC.AllocateUninitializedArray<byte>(3 * width * height);
            if (TurboJpeg.TryDecode(bytes, width, height, rgb)) return Orientation.Apply(new RgbImage(width, height, rgb), (int)codec.EncodedOrigin);
        }

        // No colour space: profiles are left unapplied. Unpremultiplied: the colours under alpha stay as stored.
        var info = new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Unpremul, null);
        byte[] rgba = ArrayPool<byte>.Shared.Rent(4 * width * height);
        try
        {
            SKCodecResult result = codec.GetPixels(info, rgba);
            if (result != SKCodecResult.Success) throw new InvalidDataException(Reason(format, result));
            int orientation = format == ImageFormat.Png ? Exif.OrientationOf(bytes) : (int)codec.EncodedOrigin;
            return Orientation.Apply(DropAlpha(rgba, width, height), orientation);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rgba);
        }
    }

    static string Reason(ImageFormat format, SKCodecResult result) => result switch
    {
        SKCodecResult.IncompleteInput => $"the {format} file is cut short",
        SKCodecResult.ErrorInInput or SKCodecResult.InvalidInput => $"the {format} file is damaged",
        _ => $"the {format} file cannot be decoded ({result})",
    };

    static RgbImage DropAlpha(ReadOnlySpan<byte> rgba, int width, int height)
    {
        int count = width * height;
        byte[] pixels = GC.AllocateUninitializedArray<byte>(3 * count);
        int i = 0;
        Vector128<byte> order = Vector128.Create((byte)0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 15, 15, 15, 15);
        // Sixteen bytes are written for the twelve meant, the next four of them again in the next round.
        for (; i + 6 <= count; i += 4)
            Vector128.Shuffle(Vector128.Create(rgba.Slice(4 * i, 16)), order).CopyTo(pixels.AsSpan(3 * i));
        for (; i < count; i++) rgba.Slice(4 * i, 3).CopyTo(pixels.AsSpan(3 * i));
        return new RgbImage(width, height, pixels);
    }
}
