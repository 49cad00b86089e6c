namespace Osprey.Kernels.Convolution;

/// <summary>The sizes of one convolution of images that lie channels-last: [images, height, width, channels].</summary>
/// <param name="Images">0 or more.</param>
/// <param name="Height">Of an image, pixels, 1 or more.</param>
/// <param name="Width">Of an image, pixels, 1 or more.</param>
/// <param name="Stride">Pixels from one window to the next, both ways, 1 or more.</param>
/// <param name="Padding">Zeros around the image, on each side, 0 or more.</param>
public readonly record struct ConvolutionShape(int Images, int Height, int Width, int Stride, int Padding)
{
    /// <summary>Side of the result where the image's is <paramref name="side"/> and the window's <paramref name="kernel"/>; 0 or less where the window does not fit.</summary>
    int After(int side, int kernel) => side + (2 * Padding) < kernel ? 0 : ((side + (2 * Padding) - kernel) / Stride) + 1;

    /// <summary>Height of the result, for a window of <paramref name="kernel"/> pixels.</summary>
    public int OutputHeight(int kernel) => After(Height, kernel);

    /// <summary>Width of the result, for a window of <paramref name="kernel"/> pixels.</summary>
    public int OutputWidth(int kernel) => After(Width, kernel);

    /// <summary>Pixels of all results together.</summary>
    public long Pixels(int kernel) => (long)Images * OutputHeight(kernel) * OutputWidth(kernel);
}
