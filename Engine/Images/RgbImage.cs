namespace Osprey.Engine.Images;

/// <summary>A decoded picture: 8-bit RGB, interleaved, rows from the top, no padding.</summary>
/// <remarks>
/// Eight bits, because the networks were trained on them, Pillow's resize (whose figures we match) rounds to them, and a cache of them
/// takes a quarter of the memory of floats. Deeper samples are scaled while they are decoded.
/// </remarks>
public sealed class RgbImage
{
    /// <param name="width">Pixels, at least 1.</param>
    /// <param name="height">Pixels, at least 1.</param>
    /// <param name="pixels">3·width·height bytes; taken, not copied.</param>
    public RgbImage(int width, int height, byte[] pixels)
    {
        if (width < 1 || height < 1) throw new ArgumentException($"an image of {width}×{height} pixels has no content");
        if (pixels.LongLength != 3L * width * height)
            throw new ArgumentException($"{pixels.LongLength} bytes were given for {width}×{height} RGB pixels, which are {3L * width * height} bytes");
        Width = width;
        Height = height;
        Pixels = pixels;
    }

    public int Width { get; }

    public int Height { get; }

    public byte[] Pixels { get; }
}
