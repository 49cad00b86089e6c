namespace Osprey.Engine.Images;

/// <summary>How a scene is cut into windows: row by row from the upper left, all of one size.</summary>
/// <remarks>
/// Along each axis windows begin at 0, stride, 2·stride …; the last one is moved back to end with the scene, so that all are of full size and none reaches
/// beyond. A scene that is smaller than a window along an axis has one there, as long as the scene.
/// </remarks>
public sealed record WindowGrid
{
    /// <summary>Side of a window, pixels of the resolution that is read; 1 or more.</summary>
    public required int Size { get; init; }

    /// <summary>From one window to the next, pixels; 1 or more. Below <see cref="Size"/> windows overlap, above it there are gaps.</summary>
    public required int Stride { get; init; }

    /// <summary>0: full resolution. 1, 2 …: the first, second … overview, from the largest down.</summary>
    public int Overview { get; init; }

    /// <exception cref="ArgumentException">A value is out of its range; the message shows both.</exception>
    public WindowGrid Validate()
    {
        if (Size < 1) throw new ArgumentException($"the window is {Size} pixels; give 1 or more");
        if (Stride < 1) throw new ArgumentException($"the stride is {Stride} pixels; give 1 or more");
        if (Overview < 0) throw new ArgumentException($"the overview is {Overview}; give 0 (full resolution) or more");
        return this;
    }

    /// <summary>Whether an image of that size is more than one window.</summary>
    public bool Cuts(int width, int height) => width > Size || height > Size;

    /// <summary>The windows of a scene, in the order in which they are described.</summary>
    /// <param name="width">Of the resolution that is read, pixels.</param>
    /// <param name="height">Of the same.</param>
    public IEnumerable<PixelWindow> Of(int width, int height)
    {
        foreach (int y in Starts(height))
        {
            foreach (int x in Starts(width)) yield return new PixelWindow(x, y, Math.Min(Size, width), Math.Min(Size, height));
        }
    }

    IEnumerable<int> Starts(int length)
    {
        int last = Math.Max(0, length - Size);
        for (long at = 0; at < last; at += Stride) yield return (int)at;
        yield return last;
    }
}
