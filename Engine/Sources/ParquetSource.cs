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
    readonly ParquetSample[] samples;
    readonly object gate = new();
    readonly List<((string File, int Group) Key, Lazy<byte[]?[]> Bytes)> held = [];

    /// <param name="files">Their images stand in this order.</param>
    /// <param name="decoding">How the bytes become pictures.</param>
    /// <exception cref="InvalidDataException">No file holds a row; the first one's fault, if it has one, is told.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public ParquetSource(IReadOnlyList<string> files, DecodeOptions decoding)
    {
        decoder = new ImageDecoder(decoding);
        string[] full = [.. files.Select(Path.GetFullPath)];
        Root = ImageSet.CommonFolder([.. full.Select(f => Path.GetDirectoryName(f)!)]);
        samples = [.. full.SelectMany(ParquetImages.Index)];
        if (samples.All(s => s.Group < 0)) throw new InvalidDataException($"{string.Join(", ", files)} {(files.Count > 1 ? "hold" : "holds")} no image{(samples.Length > 0 ? $": {samples[0].Fault}" : "")}");
        (Classes, int[] labels) = ClassNames.Of([.. samples.Select(s => s.Class)]);
        Images = [.. samples.Select((s, i) => new SourceImage(s.ImagePath is { } path ? ImageSet.RelativePath(Root, path) : ImageSet.RelativePath(Root, s.File) + s.Name, labels[i]))];
    }

    public string Root { get; }

    public IReadOnlyList<string> Classes { get; }

    public IReadOnlyList<SourceImage> Images { get; }

    public WindowGrid? Windows => null;

    public LoadedImage Load(int index)
    {
        ParquetSample sample = samples[index];
        if (sample.Fault is { } fault) throw new InvalidDataException(fault);
        if (sample.ImagePath is { } path) return LoadedImage.Of(decoder.DecodePlaced(path));
        byte[] bytes = Group((sample.File, sample.Group)).Value[sample.Row] ?? throw new InvalidDataException("the row has no bytes");
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
