using Osprey.Engine.Datasets;
using Osprey.Engine.Images;

namespace Osprey.Engine.Sources;

/// <summary>
/// Images in Parquet files: their bytes in a column, or their paths. Bytes: <c>image</c> (also the pair of <c>bytes</c> and <c>path</c> that Hugging Face writes), <c>image_bytes</c>, <c>bytes</c>,
/// <c>jpg</c>, <c>png</c>, <c>tif</c>. Paths, relative to the file's folder: <c>path</c>, <c>image_path</c>, <c>file_name</c>, <c>filename</c>, <c>file</c>, or <c>image</c> as text. Classes, as text or whole
/// numbers: <c>class</c>, <c>label</c>, <c>cls</c>, <c>class_name</c>; the first of each that is there.
/// </summary>
/// <remarks>
/// Paths and classes are read at once; bytes a row group at a time, as the format has it, of which two are held. Write row groups of a hundred or a thousand images.
/// </remarks>
public sealed class ParquetSource : IImageSource
{
    const int MostGroups = 2;

    readonly ImageDecoder decoder;
    readonly string[] files;

    /// <summary>By image: its file and row, of a row group −1 where the image is a file of its own.</summary>
    readonly (int File, int Group, int Row)[] places;

    /// <summary>By image, why it is known already that it cannot be read.</summary>
    readonly Dictionary<int, string> faults = [];

    readonly object gate = new();
    readonly List<((string File, int Group) Key, Lazy<byte[]?[]> Bytes)> held = [];

    /// <param name="files">Their images stand in this order.</param>
    /// <param name="decoding">How the bytes become pictures.</param>
    /// <exception cref="InvalidDataException">No file holds a row; the first one's fault, if it has one, is told.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public ParquetSource(IReadOnlyList<string> files, DecodeOptions decoding)
    {
        decoder = new ImageDecoder(decoding);
        this.files = [.. files.Select(Path.GetFullPath)];
        Root = ImageSet.CommonFolder([.. this.files.Select(f => Path.GetDirectoryName(f)!)]);
        var images = new SourceImageList();
        var classes = new ClassNames();
        var found = new List<(int File, int Group, int Row)>();
        bool any = false;
        for (int f = 0; f < this.files.Length; f++)
        {
            string file = ImageSet.RelativePath(Root, this.files[f]);
            foreach (ParquetSample sample in ParquetImages.Index(this.files[f]))
            {
                if (sample.Fault is { } fault) faults.Add(found.Count, fault);
                any |= sample.Group >= 0;
                found.Add((f, sample.ImagePath is null ? sample.Group : -1, sample.Row));
                images.Add(sample.ImagePath is { } path ? ImageSet.RelativePath(Root, path) : file + sample.Name, classes.Add(sample.Class));
            }
        }
        if (!any) throw new InvalidDataException($"{string.Join(", ", files)} {(files.Count > 1 ? "hold" : "holds")} no image{(found.Count > 0 ? $": {faults[0]}" : "")}");
        places = [.. found];
        Classes = classes.Order(images);
        Images = images;
    }

    public string Root { get; }

    public IReadOnlyList<string> Classes { get; }

    public IReadOnlyList<SourceImage> Images { get; }

    public WindowGrid? Windows => null;

    public LoadedImage Load(int index)
    {
        if (faults.TryGetValue(index, out string? fault)) throw new InvalidDataException(fault);
        (int file, int group, int row) = places[index];
        if (group < 0) return LoadedImage.Of(decoder.DecodePlaced(Path.GetFullPath(Images[index].Path, Root)));
        byte[] bytes = Group((files[file], group)).Value[row] ?? throw new InvalidDataException("the row has no bytes");
        return LoadedImage.Of(decoder.DecodePlaced(bytes));
    }

    Lazy<byte[]?[]> Group((string File, int Number) key)
    {
        lock (gate)
        {
            int at = held.FindIndex(h => h.Key == key);
            Lazy<byte[]?[]> group = at >= 0 ? held[at].Bytes : new Lazy<byte[]?[]>(() => ParquetImages.ReadBytes(key.File, key.Number));
            if (at >= 0) held.RemoveAt(at);
            held.Add((key, group));
            if (held.Count > MostGroups) held.RemoveAt(0);
            return group;
        }
    }

    public void Dispose() => held.Clear();
}
