using Osprey.Engine.Datasets;
using Osprey.Engine.Images;

namespace Osprey.Engine.Sources;

/// <summary>Image files; where a grid is given, TIFFs larger than its window are cut into windows as they are read.</summary>
public sealed class FileSource : IImageSource
{
    readonly ImageDecoder decoder;
    readonly SceneShelf scenes;
    readonly SourceImageList images = new();

    /// <summary>Of windows, by image: their pixels at the resolution that is read.</summary>
    readonly Dictionary<int, PixelWindow> windows = [];

    /// <summary>By image, why it is known already that it cannot be read. Of other whole files nothing but the name is held: there may be millions.</summary>
    readonly Dictionary<int, string> faults = [];

    /// <param name="set">The files.</param>
    /// <param name="decoding">How they become pictures.</param>
    /// <param name="windows">How large TIFFs are cut; null: every file is one image. With a grid the head of every TIFF is read here.</param>
    /// <exception cref="ArgumentException">The grid is not valid.</exception>
    public FileSource(ImageSet set, DecodeOptions decoding, WindowGrid? windows = null)
    {
        Windows = windows?.Validate();
        Root = set.Root;
        Classes = set.Classes;
        decoder = new ImageDecoder(decoding);
        scenes = new SceneShelf(decoding);
        foreach (LabelledImage file in set.Images) Add(file);
    }

    public string Root { get; }

    public IReadOnlyList<string> Classes { get; }

    public IReadOnlyList<SourceImage> Images => images;

    public WindowGrid? Windows { get; }

    public LoadedImage Load(int index)
    {
        if (faults.TryGetValue(index, out string? fault)) throw new InvalidDataException(fault);
        string path = Path.Combine(Root, images[index].Path);
        if (!windows.TryGetValue(index, out PixelWindow window)) return LoadedImage.Of(decoder.DecodePlaced(path));
        return scenes.Read(path, scene => new LoadedImage(scene.Read(window, Windows!.Overview), window.Width, window.Height, scene.PlaceOf(window, Windows.Overview)));
    }

    public void Dispose() => scenes.Dispose();

    void Add(LabelledImage file)
    {
        string path = ImageSet.RelativePath(Root, file.Path);
        try
        {
            if (Windows is not null && TiffScene.IsTiff(file.Path))
            {
                (PixelWindow Read, PixelWindow Full)[] parts = Parts(file.Path);
                foreach ((PixelWindow read, PixelWindow full) in parts)
                {
                    windows.Add(images.Count, read);
                    images.Add(path, file.Label, full);
                }
                if (parts.Length > 0) return;
            }
        }
        catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            faults.Add(images.Count, e.Message);
        }
        images.Add(path, file.Label);
    }

    /// <summary>As <see cref="Cut"/>. What fits one window is read whole where it is of a kind that is not read in windows, or has no such overview.</summary>
    (PixelWindow Read, PixelWindow Full)[] Parts(string path)
    {
        try
        {
            return scenes.Read(path, Cut);
        }
        catch (InvalidDataException)
        {
            (int width, int height) = TiffScene.ReadSize(path);
            if (Windows!.Cuts(width, height)) throw;
            return [];
        }
    }

    /// <summary>The windows in the pixels that are read and in those of full resolution; none of a scene that is one image.</summary>
    (PixelWindow Read, PixelWindow Full)[] Cut(TiffScene scene)
    {
        (int width, int height) = scene.SizeOf(Windows!.Overview);
        // An overview is asked for even of a scene that fits one window.
        if (Windows.Overview == 0 && !Windows.Cuts(width, height)) return [];
        return [.. Windows.Of(width, height).Select(w => (w, scene.ToFullResolution(w, Windows.Overview)))];
    }
}
