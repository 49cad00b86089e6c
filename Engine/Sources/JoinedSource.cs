using Osprey.Engine.Datasets;
using Osprey.Engine.Images;

namespace Osprey.Engine.Sources;

/// <summary>Several sources, one after the other: classes of the same name are one class, in ordinal order.</summary>
public sealed class JoinedSource : IImageSource
{
    readonly IReadOnlyList<IImageSource> sources;
    readonly SourceImageList images = new();
    readonly int[] firsts;

    /// <param name="sources">One or more; disposed with this.</param>
    public JoinedSource(IReadOnlyList<IImageSource> sources)
    {
        this.sources = sources;
        Root = ImageSet.CommonFolder([.. sources.Select(s => s.Root)]);
        Classes = [.. sources.SelectMany(s => s.Classes).Distinct().Order(StringComparer.Ordinal)];
        Dictionary<string, int> label = Classes.Select((name, i) => (name, i)).ToDictionary(p => p.name, p => p.i, StringComparer.Ordinal);
        firsts = new int[sources.Count];
        for (int s = 0; s < sources.Count; s++)
        {
            firsts[s] = images.Count;
            IImageSource source = sources[s];
            string below = source.Root == Root ? "" : ImageSet.RelativePath(Root, source.Root) + "/";
            foreach (SourceImage image in source.Images) images.Add(below + image.Path, label[source.Classes[image.Label]], image.Window);
        }
    }

    public string Root { get; }

    public IReadOnlyList<string> Classes { get; }

    public IReadOnlyList<SourceImage> Images => images;

    public WindowGrid? Windows => sources.Select(s => s.Windows).FirstOrDefault(w => w is not null);

    public LoadedImage Load(int index)
    {
        int source = Array.BinarySearch(firsts, index);
        // Of sources without images several begin at one place; the last of them has it.
        if (source < 0) source = ~source - 1;
        while (source + 1 < firsts.Length && firsts[source + 1] <= index) source++;
        return sources[source].Load(index - firsts[source]);
    }

    public void Dispose()
    {
        foreach (IImageSource source in sources) source.Dispose();
    }
}
