using Osprey.Engine.Images;

namespace Osprey.Engine.Sources;

/// <summary>Some of a source's images, in its order.</summary>
public sealed class SelectedSource : IImageSource
{
    readonly IImageSource source;
    readonly int[] chosen;

    /// <param name="source">Stays the caller's.</param>
    /// <param name="choose">Which images there are.</param>
    public SelectedSource(IImageSource source, Func<SourceImage, bool> choose)
    {
        this.source = source;
        chosen = [.. Enumerable.Range(0, source.Images.Count).Where(i => choose(source.Images[i]))];
        Images = [.. chosen.Select(i => source.Images[i])];
    }

    public string Root => source.Root;

    public IReadOnlyList<string> Classes => source.Classes;

    public IReadOnlyList<SourceImage> Images { get; }

    public WindowGrid? Windows => source.Windows;

    public LoadedImage Load(int index) => source.Load(chosen[index]);

    public void Dispose()
    {
    }
}
