using Osprey.Engine.Datasets;
using Osprey.Engine.Images;

namespace Osprey.Engine.Sources;

/// <summary>Finds out what the places named on a command line hold.</summary>
public static class ImageSources
{
    /// <param name="paths">Folders as <see cref="ImageFolder"/> takes them, and image files, which are one class; several are joined. A pattern with * or ? in its last part stands for the files it matches.</param>
    /// <param name="decoding">How files become pictures.</param>
    /// <param name="windows">How large TIFFs are cut; null: not.</param>
    /// <exception cref="DirectoryNotFoundException">There is no such folder or file.</exception>
    /// <exception cref="InvalidDataException">A folder holds no image, or its layout is ambiguous.</exception>
    public static IImageSource Open(IReadOnlyList<string> paths, DecodeOptions decoding, WindowGrid? windows = null)
    {
        var sets = new List<ImageSet>();
        var files = new List<string>();
        foreach (string path in paths.SelectMany(Matches))
        {
            if (Directory.Exists(path)) sets.Add(ImageFolder.Open(path));
            else if (File.Exists(path)) files.Add(Path.GetFullPath(path));
            else throw new DirectoryNotFoundException($"there is no folder or file {path}");
        }
        if (files.Count > 0) sets.Add(Loose(files));
        return new FileSource(ImageSet.Join(sets), decoding, windows);
    }

    /// <summary>Where no shell has done so: in the description of a job, or in quotes.</summary>
    static IEnumerable<string> Matches(string path)
    {
        string pattern = Path.GetFileName(path);
        if (pattern.AsSpan().IndexOfAny('*', '?') < 0 || Path.Exists(path)) return [path];
        string folder = Path.GetDirectoryName(path) is { Length: > 0 } named ? named : ".";
        string[] found = Directory.Exists(folder) ? [.. Directory.GetFiles(folder, pattern).Order(StringComparer.Ordinal)] : [];
        return found.Length > 0 ? found : throw new DirectoryNotFoundException($"no file matches {path}");
    }

    static ImageSet Loose(List<string> files)
    {
        string root = ImageSet.CommonFolder([.. files.Select(f => Path.GetDirectoryName(f)!)]);
        return new ImageSet(Path.GetFileName(root), root, [ImageFolder.Unlabelled], [.. files.Distinct().Order(StringComparer.Ordinal).Select(f => new LabelledImage(f, 0))]);
    }
}
