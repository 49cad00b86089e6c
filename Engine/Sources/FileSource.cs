using Osprey.Engine.Datasets;
using Osprey.Engine.Images;

namespace Osprey.Engine.Sources;

/// <summary>Image files; where a grid is given, TIFFs larger than its window are cut into windows as they are read.</summary>
public sealed class FileSource : IImageSource
{
    readonly ImageDecoder decoder;
    readonly SceneShelf scenes;
    readonly List<SourceImage> images = [];
    readonly List<Origin> origins = [];

    /// <param name="Path">The file.</param>
    /// <param name="Window">Pixels of the resolution that is read; null for the whole file.</param>
    /// <param name="Fault">Why it is known already that it cannot be read; null if it is not.</param>
    readonly record struct Origin(string Path, PixelWindow? Window, string? Fault);

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
        Origin origin = origins[index];
        if (origin.Fault is { } fault) throw new InvalidDataException(fault);
        if (origin.Window is not { } window) return LoadedImage.Of(decoder.DecodePlaced(origin.Path));
        return scenes.Read(origin.Path, scene => new LoadedImage(scene.Read(window, Windows!.Overview), window.Width, window.Height, scene.PlaceOf(window, Windows.Overview)));
    }

    public void Dispose() => scenes.Dispose();

    void Add(LabelledImage file)
    {
        string path = ImageSet.RelativePath(Root, file.Path);
        string? fault = null;
        try
        {
            if (Windows is not null && TiffScene.IsTiff(file.Path))
            {
                (PixelWindow Read, PixelWindow Full)[] parts = scenes.Read(file.Path, Cut);
                foreach ((PixelWindow read, PixelWindow full) in parts)
                {
                    images.Add(new SourceImage(path, file.Label, full));
                    origins.Add(new Origin(file.Path, read, null));
                }
                if (parts.Length > 0) return;
            }
        }
        catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            fault = e.Message;
        }
        images.Add(new SourceImage(path, file.Label));
        origins.Add(new Origin(file.Path, null, fault));
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
