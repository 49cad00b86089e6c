using Osprey.Engine.Images;

namespace Osprey.Engine.Sources;

/// <summary>One image of a source, before it is read.</summary>
/// <param name="Path">Below the source's root, with '/': a file, or an archive and, after it, the member's name.</param>
/// <param name="Label">Index into the source's classes.</param>
/// <param name="Window">The part of the file, in its pixels at full resolution; null for all of it.</param>
public sealed record SourceImage(string Path, int Label, PixelWindow? Window = null)
{
    /// <summary>What tells it from the source's other images.</summary>
    public string Identity => Window is { } w ? $"{Path} {w}" : Path;
}

/// <summary>What <see cref="IImageSource.Load"/> read.</summary>
/// <param name="Image">Null where a window holds no data.</param>
/// <param name="Width">Pixels as they were read.</param>
/// <param name="Height">Pixels as they were read.</param>
/// <param name="Place">Where its pixels lie on the ground; null where unknown.</param>
public sealed record LoadedImage(RgbImage? Image, int Width, int Height, GeoReference? Place = null)
{
    /// <summary>The ground that the image shows; null where unknown.</summary>
    public GeoBounds? Bounds => Place?.Bounds(Width, Height);

    internal static LoadedImage Of(PlacedImage placed) => new(placed.Image, placed.Image.Width, placed.Image.Height, placed.Place);
}

/// <summary>
/// The images that are to be described, wherever they lie: known by name, class and order from the start, so that work on them can be shared out and gone on
/// with; read one by one. What is held in memory grows with the names, not with the images.
/// </summary>
public interface IImageSource : IDisposable
{
    /// <summary>The folder that the images' paths are relative to, absolute.</summary>
    string Root { get; }

    /// <summary>Class names; a label is an index into them.</summary>
    IReadOnlyList<string> Classes { get; }

    /// <summary>All images, in an order that does not change while the data do not.</summary>
    IReadOnlyList<SourceImage> Images { get; }

    /// <summary>How scenes are cut; null where every file is one image.</summary>
    WindowGrid? Windows { get; }

    /// <summary>Safe to call from many threads.</summary>
    /// <param name="index">Into <see cref="Images"/>.</param>
    /// <exception cref="InvalidDataException">The image is damaged, cut short, or of a kind that is not read; the message holds the reason alone.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    LoadedImage Load(int index);
}
