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
        var images = new SourceImageList();
        var taken = new List<int>();
        for (int i = 0; i < source.Images.Count; i++)
        {
            SourceImage image = source.Images[i];
            if (!choose(image)) continue;
            images.Add(image.Path, image.Label, image.Window);
            taken.Add(i);
        }
        (chosen, Images) = ([.. taken], images);
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
