using Osprey.Engine.Images;
using Osprey.Engine.Sources;

namespace Osprey.Tests.Engine.Sources;

/// <summary>A folder's images, with something else done before each is read.</summary>
sealed class HookedSource(string folder, Action<int> before) : IImageSource
{
    readonly IImageSource inner = ImageSources.Open([folder], new DecodeOptions(), null);

    public string Root => inner.Root;

    public IReadOnlyList<string> Classes => inner.Classes;

    public IReadOnlyList<SourceImage> Images => inner.Images;

    public WindowGrid? Windows => inner.Windows;

    public LoadedImage Load(int index)
    {
        before(index);
        return inner.Load(index);
    }

    public void Dispose() => inner.Dispose();
}
