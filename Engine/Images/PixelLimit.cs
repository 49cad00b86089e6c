namespace Osprey.Engine.Images;

static class PixelLimit
{
    /// <exception cref="InvalidDataException">More than <paramref name="maxPixels"/>.</exception>
    public static void Check(long width, long height, long maxPixels)
    {
        if ((decimal)width * height > maxPixels)
            throw new InvalidDataException($"the file says it has {width}×{height} pixels, more than the limit of {maxPixels}; raise the limit if that is true, or cut the scene into windows");
    }
}
