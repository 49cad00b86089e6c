namespace Osprey.Engine.Images;

/// <summary>Where a stored picture's first row and column belong: the values 1…8 of the TIFF and EXIF orientation tag.</summary>
static class Orientation
{
    /// <summary>The picture upright.</summary>
    /// <param name="image">As stored; returned itself for 1.</param>
    /// <param name="orientation">1…8; anything else counts as 1, as every viewer does.</param>
    public static RgbImage Apply(RgbImage image, int orientation)
    {
        if (orientation is < 2 or > 8) return image;
        int width = image.Width, height = image.Height;
        bool transposed = orientation >= 5;
        // Where the upright picture's pixel (0, 0) is stored, and how far one goes in the store for one step right or down.
        bool fromRight = orientation is 2 or 3 or 7 or 8, fromBottom = orientation is 3 or 4 or 6 or 7;
        int along = fromRight ? -3 : 3, across = fromBottom ? -3 * width : 3 * width;
        int right = transposed ? across : along, down = transposed ? along : across;
        int first = (fromRight ? 3 * (width - 1) : 0) + (fromBottom ? 3 * width * (height - 1) : 0);

        (int uprightWidth, int uprightHeight) = transposed ? (height, width) : (width, height);
        byte[] stored = image.Pixels, upright = GC.AllocateUninitializedArray<byte>(stored.Length);
        for (int y = 0, at = 0; y < uprightHeight; y++)
        {
            for (int x = 0, from = first + y * down; x < uprightWidth; x++, from += right, at += 3)
            {
                upright[at] = stored[from];
                upright[at + 1] = stored[from + 1];
                upright[at + 2] = stored[from + 2];
            }
        }
        return new RgbImage(uprightWidth, uprightHeight, upright);
    }
}
