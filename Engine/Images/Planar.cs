namespace Osprey.Engine.Images;

/// <summary>Interleaved bytes ↔ the planes of floats that networks take.</summary>
public static class Planar
{
    /// <summary>value / 255 in single precision, as torchvision's ToTensor divides; multiplying by 1/255 would differ in the last bit.</summary>
    static readonly float[] fractions = [.. Enumerable.Range(0, 256).Select(v => v / 255f)];

    /// <param name="image">Any size.</param>
    /// <param name="planes">[3, height, width]: red, green, blue, each 0…1.</param>
    /// <exception cref="ArgumentException"><paramref name="planes"/> has another length.</exception>
    public static void Write(RgbImage image, Span<float> planes)
    {
        byte[] pixels = image.Pixels;
        if (planes.Length != pixels.Length) throw new ArgumentException($"{planes.Length} values were given for 3×{image.Height}×{image.Width}");
        int plane = pixels.Length / 3;
        Span<float> red = planes[..plane], green = planes.Slice(plane, plane), blue = planes.Slice(2 * plane, plane);
        float[] fraction = fractions;
        for (int i = 0, at = 0; i < red.Length; i++, at += 3)
        {
            red[i] = fraction[pixels[at]];
            green[i] = fraction[pixels[at + 1]];
            blue[i] = fraction[pixels[at + 2]];
        }
    }

    /// <param name="planes">[3, height, width]; values outside 0…1 are clamped, NaN becomes 0.</param>
    /// <param name="width">Pixels.</param>
    /// <param name="height">Pixels.</param>
    /// <returns>The picture, each value rounded to the nearest 1/255.</returns>
    /// <exception cref="ArgumentException"><paramref name="planes"/> has another length.</exception>
    public static RgbImage Read(ReadOnlySpan<float> planes, int width, int height)
    {
        if (planes.Length != 3L * width * height) throw new ArgumentException($"{planes.Length} values were given for 3×{height}×{width}");
        int plane = width * height;
        byte[] pixels = new byte[planes.Length];
        for (int c = 0; c < 3; c++)
        {
            for (int i = 0; i < plane; i++)
            {
                float value = planes[c * plane + i];
                pixels[3 * i + c] = value > 0 ? (byte)(Math.Min(value, 1) * 255 + 0.5f) : (byte)0;
            }
        }
        return new RgbImage(width, height, pixels);
    }
}
