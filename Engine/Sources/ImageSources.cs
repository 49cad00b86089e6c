using Osprey.Engine.Datasets;
using Osprey.Engine.Images;

namespace Osprey.Engine.Sources;

/// <summary>Finds out what the places named on a command line hold.</summary>
public static class ImageSources
{
    const int TarHead = 512;

    /// <param name="paths">
    /// Folders as <see cref="ImageFolder"/> takes them, image files, which are one class, lists of them (.txt, .csv, .tsv), tar shards and Parquet files, but for lists told apart by content; several are joined, in this order.
    /// A pattern with * or ? in its last part stands for the files it matches.
    /// </param>
    /// <param name="decoding">How files become pictures.</param>
    /// <param name="windows">How large TIFFs are cut; null: not.</param>
    /// <exception cref="DirectoryNotFoundException">There is no such folder or file.</exception>
    /// <exception cref="InvalidDataException">A folder or archive holds no image, or its layout is ambiguous, or an archive is compressed, or a list is broken or names an image twice, or an image is named in two classes.</exception>
    /// <exception cref="ArgumentException">Windows are asked of images in archives.</exception>
    public static IImageSource Open(IReadOnlyList<string> paths, DecodeOptions decoding, WindowGrid? windows = null)
    {
        var sets = new List<ImageSet>();
        List<string> files = [], lists = [], shards = [], tables = [];
        // What is named again, perhaps by a pattern, adds nothing.
        foreach (string path in paths.SelectMany(Matches).DistinctBy(p => p.Length > 0 ? Path.TrimEndingDirectorySeparator(Path.GetFullPath(p)) : p))
        {
            if (Directory.Exists(path)) sets.Add(ImageFolder.Open(path));
            else if (!File.Exists(path)) throw new DirectoryNotFoundException($"there is no folder or file {path}");
            else if (IsParquet(path, out bool tar)) tables.Add(path);
            else if (tar) shards.Add(path);
            else if (ListedImages.IsList(path)) lists.Add(path);
            else files.Add(Path.GetFullPath(path));
        }
        if (windows is not null && shards.Concat(tables).FirstOrDefault() is { } archive) throw new ArgumentException($"scenes are cut into windows where they are files; the images in {archive} are described whole: leave --window out");
        if (files.Count > 0) sets.Add(Loose(files));
        var sources = new List<IImageSource>();
        ImageSet? found = sets.Count > 1 ? Once(ImageSet.Join(sets)) : sets.FirstOrDefault();
        if (found is not null) sources.Add(new FileSource(found, decoding, windows));
        if (lists.Count > 0) sources.Add(new FileSource(ListedImages.Open(lists, found?.Images ?? []), decoding, windows));
        if (shards.Count > 0) sources.Add(new TarSource(shards, decoding));
        if (tables.Count > 0) sources.Add(new ParquetSource(tables, decoding));
        return sources.Count == 1 ? sources[0] : new JoinedSource(sources);
    }

    /// <param name="path">A file.</param>
    /// <param name="tar">Whether it is a tar archive instead.</param>
    /// <exception cref="InvalidDataException">An archive that is compressed.</exception>
    static bool IsParquet(string path, out bool tar)
    {
        Span<byte> head = stackalloc byte[TarHead];
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 1);
        head = head[..file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false)];
        // A file of either kind that is cut to nothing still has its name.
        tar = (head.Length == TarHead && head[257..].StartsWith("ustar"u8)) || HasExtension(path, ".tar");
        if (head.StartsWith((ReadOnlySpan<byte>)[0x1F, 0x8B]) || head.StartsWith((ReadOnlySpan<byte>)[0x28, 0xB5, 0x2F, 0xFD]))
            throw new InvalidDataException($"{path} is compressed, and images are read from the middle of an archive; decompress it first (gunzip, unzstd)");
        return head.StartsWith("PAR1"u8) || HasExtension(path, ".parquet");
    }

    static bool HasExtension(string path, string extension) => Path.GetExtension(path).Equals(extension, StringComparison.OrdinalIgnoreCase);

    /// <summary>Where no shell has done so: in the description of a job, or in quotes.</summary>
    static IEnumerable<string> Matches(string path)
    {
        string pattern = Path.GetFileName(path);
        if (pattern.AsSpan().IndexOfAny('*', '?') < 0 || Path.Exists(path)) return [path];
        string folder = Path.GetDirectoryName(path) is { Length: > 0 } named ? named : ".";
        string[] found = Directory.Exists(folder) ? [.. Directory.GetFiles(folder, pattern).Order(StringComparer.Ordinal)] : [];
        return found.Length > 0 ? found : throw new DirectoryNotFoundException($"no file matches {path}");
    }

    /// <summary>Without what a folder inside another, or a file inside a folder, names again.</summary>
    static ImageSet Once(ImageSet set)
    {
        var labels = new Dictionary<string, int>(StringComparer.Ordinal);
        List<int> kept = [];
        for (int i = 0; i < set.Images.Count; i++)
        {
            (string path, int label) = set.Images[i];
            if (labels.TryAdd(path, label)) kept.Add(i);
            else if (labels[path] != label) throw new InvalidDataException($"{path} is named twice, in class {set.Classes[labels[path]]} and in class {set.Classes[label]}; name either its folder or one above it, or the file itself");
        }
        return kept.Count == set.Images.Count ? set : set.Select(kept);
    }

    static ImageSet Loose(List<string> files)
    {
        string root = ImageSet.CommonFolder([.. files.Select(f => Path.GetDirectoryName(f)!)]);
        return new ImageSet(Path.GetFileName(root), root, [ImageFolder.Unlabelled], [.. files.Order(StringComparer.Ordinal).Select(f => new LabelledImage(f, 0))]);
    }
}
