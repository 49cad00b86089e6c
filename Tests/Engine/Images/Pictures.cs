using Osprey.Engine.Images;
using SkiaSharp;

namespace Osprey.Tests.Engine.Images;

/// <summary>Pictures with known pixels, and files made of them.</summary>
static class Pictures
{
    /// <summary>Bytes of a linear congruential generator, the same that made the Pillow figures in these tests: x ← 1664525·x + 1013904223 mod 2³², the top byte of each.</summary>
    public static RgbImage Noise(int width, int height, uint seed)
    {
        byte[] pixels = new byte[3 * width * height];
        for (int i = 0; i < pixels.Length; i++)
        {
            seed = seed * 1664525 + 1013904223;
            pixels[i] = (byte)(seed >> 24);
        }
        return new RgbImage(width, height, pixels);
    }

    /// <summary>Slow waves, which lossy codecs keep within a few levels.</summary>
    public static RgbImage Smooth(int width, int height)
    {
        byte[] pixels = new byte[3 * width * height];
        for (int y = 0, at = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                pixels[at++] = (byte)(128 + 100 * Math.Sin(x / 17.0));
                pixels[at++] = (byte)(128 + 100 * Math.Cos(y / 23.0));
                pixels[at++] = (byte)(40 + 150 * x / width);
            }
        }
        return new RgbImage(width, height, pixels);
    }

    public static byte[] Encode(RgbImage image, SKEncodedImageFormat format, int quality = 95)
    {
        using var bitmap = new SKBitmap(new SKImageInfo(image.Width, image.Height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        Span<byte> target = bitmap.GetPixelSpan();
        for (int i = 0; i < image.Width * image.Height; i++)
        {
            image.Pixels.AsSpan(3 * i, 3).CopyTo(target[(4 * i)..]);
            target[4 * i + 3] = 255;
        }
        using SKData data = bitmap.Encode(format, quality);
        return data.ToArray();
    }

    public static double MeanDifference(RgbImage a, RgbImage b) => a.Pixels.Zip(b.Pixels, (x, y) => Math.Abs(x - y)).Average();
}
