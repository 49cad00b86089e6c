using Osprey.Engine.Images;

namespace Osprey.Engine.Training;

/// <summary>8-bit picture → float planes, with crop, scale, turn, flip and colour in one pass.</summary>
public static class Augmentation
{
    // ITU-R BT.601 luma, as Pillow and torchvision take it.
    const float Red = 0.299f, Green = 0.587f, Blue = 0.114f;

    /// <summary>Writes <paramref name="view"/> of <paramref name="image"/> as [3, size, size] in 0..1: bilinear samples, turned, then coloured and clamped.</summary>
    /// <remarks>
    /// No antialiasing: the crop is about as large as the output. A whole image of the output's size comes through exactly.
    /// Brightness b, contrast c about the mean grey μ and saturation s make one affine map:
    /// b·c·(s·rgb + (1−s)·grey) + b·(1−c)·μ.
    /// </remarks>
    /// <exception cref="ArgumentException"><paramref name="planes"/> does not hold 3·size² values.</exception>
    public static void Render(RgbImage image, View view, int size, Span<float> planes)
    {
        int plane = size * size;
        if (planes.Length != 3 * plane) throw new ArgumentException($"the planes hold {planes.Length} values; 3×{size}×{size} needs {3 * plane}");

        // A quarter turn is a transposition and a flip; so every turn and flip is one of eight.
        bool transpose = view.Turns % 2 == 1;
        bool mirrorX = view.Turns is 1 or 2, mirrorY = view.Turns is 2 or 3;
        // The flips come after the turn; seen from the source, a transposition swaps their axes.
        mirrorX ^= transpose ? view.FlipY : view.FlipX;
        mirrorY ^= transpose ? view.FlipX : view.FlipY;
        (int Low, int High, float Share)[] columns = Taps(image.Width, view.X, view.Width, size, mirrorX, 3);
        (int Low, int High, float Share)[] rows = Taps(image.Height, view.Y, view.Height, size, mirrorY, 3 * image.Width);

        float gain = (float)(view.Brightness * view.Contrast / 255);
        float own = (float)view.Saturation, grey = 1 - own;
        float offset = view.Contrast == 1 ? 0 : (float)(view.Brightness * (1 - view.Contrast)) * MeanGrey(image);
        bool coloured = view.Brightness != 1 || view.Contrast != 1 || view.Saturation != 1;

        ReadOnlySpan<byte> pixels = image.Pixels;
        Span<float> red = planes[..plane], green = planes[plane..(2 * plane)], blue = planes[(2 * plane)..];
        for (int i = 0, at = 0; i < size; i++)
        {
            for (int j = 0; j < size; j++, at++)
            {
                (int top, int bottom, float down) = rows[transpose ? j : i];
                (int left, int right, float along) = columns[transpose ? i : j];
                float r = Sample(pixels, top + left, top + right, bottom + left, bottom + right, along, down);
                float g = Sample(pixels, top + left + 1, top + right + 1, bottom + left + 1, bottom + right + 1, along, down);
                float b = Sample(pixels, top + left + 2, top + right + 2, bottom + left + 2, bottom + right + 2, along, down);
                if (coloured)
                {
                    float luma = grey * (Red * r + Green * g + Blue * b);
                    red[at] = Math.Clamp(gain * (own * r + luma) + offset, 0, 1);
                    green[at] = Math.Clamp(gain * (own * g + luma) + offset, 0, 1);
                    blue[at] = Math.Clamp(gain * (own * b + luma) + offset, 0, 1);
                }
                else
                {
                    red[at] = r / 255;
                    green[at] = g / 255;
                    blue[at] = b / 255;
                }
            }
        }
    }

    /// <summary>For each output position the two source positions beside it (as byte offsets) and the second one's share.</summary>
    static (int Low, int High, float Share)[] Taps(int length, double start, double share, int size, bool mirror, int stride)
    {
        var taps = new (int, int, float)[size];
        double step = share * length / size;
        for (int i = 0; i < size; i++)
        {
            double position = Math.Clamp(start * length + (i + 0.5) * step - 0.5, 0, length - 1);
            int low = (int)position;
            taps[mirror ? size - 1 - i : i] = (low * stride, Math.Min(low + 1, length - 1) * stride, (float)(position - low));
        }
        return taps;
    }

    static float Sample(ReadOnlySpan<byte> pixels, int topLeft, int topRight, int bottomLeft, int bottomRight, float along, float down)
    {
        float top = pixels[topLeft] + along * (pixels[topRight] - pixels[topLeft]);
        float bottom = pixels[bottomLeft] + along * (pixels[bottomRight] - pixels[bottomLeft]);
        return top + down * (bottom - top);
    }

    /// <summary>Mean luma of a picture, in 0..1.</summary>
    internal static float MeanGrey(RgbImage image)
    {
        long red = 0, green = 0, blue = 0;
        ReadOnlySpan<byte> pixels = image.Pixels;
        for (int i = 0; i < pixels.Length; i += 3)
        {
            red += pixels[i];
            green += pixels[i + 1];
            blue += pixels[i + 2];
        }
        return (Red * red + Green * green + Blue * blue) / (pixels.Length / 3) / 255;
    }
}
