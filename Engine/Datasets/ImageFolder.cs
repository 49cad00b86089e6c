using System.IO.Enumeration;

namespace Osprey.Engine.Datasets;

/// <summary>Finds the images of a data set kept as one folder per class.</summary>
/// <remarks>
/// What counts, in this order:
/// <list type="number">
/// <item>Ignored: names that begin with a dot, <c>__MACOSX</c>, <c>Thumbs.db</c>, <c>desktop.ini</c>, and files whose extension is in
/// <see cref="NotImages"/>. Everything else is an image until the decoder says otherwise, whatever its extension, or without one.</item>
/// <item>While a folder holds no image and exactly one folder, it is a wrapper and is passed through
/// (<c>UCMerced_LandUse/Images/…</c>), unless that folder holds the images itself: then it is the one class.</item>
/// <item>A folder that holds images is a class, with everything below it. Folders above it only group classes (RSI-CB256). A class is
/// called after its own folder, or by its path where two folders share a name.</item>
/// <item>Folders called train, val, valid, validation and test at the top, with nothing beside them, hold parts of one set: their
/// classes of the same name are one class.</item>
/// <item>Images beside the class folders (a preview) belong to no class and are left out while they are the minority.</item>
/// <item>A folder with images and no class folders is one class, <c>unlabelled</c>.</item>
/// </list>
/// Symbolic links are followed, except to a folder they lie in.
/// </remarks>
public static class ImageFolder
{
    /// <summary>The class of a flat folder's images.</summary>
    public const string Unlabelled = "unlabelled";

    /// <summary>Folders deeper than this below the given one are an error: most likely links that lead in a circle.</summary>
    const int DeepestLevel = 16;

    /// <summary>Extensions that are certainly no image: annotations, documents, archives, geo-referencing, tables, code.</summary>
    public static IReadOnlySet<string> NotImages { get; } = new HashSet<string>(StringComparer.OrdinalIgnoreCase)
    {
        ".txt", ".csv", ".tsv", ".xml", ".json", ".jsonl", ".yaml", ".yml", ".ini", ".cfg", ".toml", ".log",
        ".md", ".rst", ".html", ".htm", ".pdf", ".doc", ".docx", ".xls", ".xlsx", ".tex", ".rtf",
        ".zip", ".gz", ".tgz", ".bz2", ".xz", ".tar", ".rar", ".7z",
        ".tfw", ".jgw", ".pgw", ".wld", ".prj", ".aux", ".ovr", ".hdr", ".shp", ".shx", ".dbf", ".cpg", ".qgz", ".kml", ".geojson",
        ".npy", ".npz", ".mat", ".pkl", ".h5", ".hdf5", ".parquet", ".pth", ".pt", ".safetensors", ".onnx", ".db", ".sqlite",
        ".py", ".m", ".r", ".sh", ".bat", ".ipynb", ".md5", ".sha1", ".sha256", ".tmp", ".part", ".bak",
    };

    static readonly HashSet<string> IgnoredNames = new(StringComparer.OrdinalIgnoreCase) { "__MACOSX", "Thumbs.db", "desktop.ini", "LICENSE", "README", "Makefile" };

    static readonly HashSet<string> PartNames = new(StringComparer.OrdinalIgnoreCase) { "train", "val", "valid", "validation", "test" };

    /// <param name="dir">A set's folder, or one that only wraps it.</param>
    /// <param name="splitFile">Keeps only the images named in this list (one path per line) or split (CSV); null keeps all.</param>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="InvalidDataException">It holds no image, or its layout is ambiguous, or the list names a file that is not there.</exception>
    public static ImageSet Open(string dir, string? splitFile = null)
    {
        if (string.IsNullOrWhiteSpace(dir)) throw new ArgumentException("the folder of the data set is empty; name one");
        string given = Path.TrimEndingDirectorySeparator(Path.GetFullPath(dir));
        if (!Directory.Exists(given))
        {
            if (File.Exists(given)) throw new DirectoryNotFoundException($"{dir} is a file; give the folder that holds the class folders");
            throw new DirectoryNotFoundException($"there is no folder {dir}; give the folder that holds the class folders");
        }

        Node tree = Scan(given, 0);
        if (tree.Total == 0) throw new InvalidDataException($"{dir} holds no images; expected one folder per class with image files in it");
        while (tree.Files.Count == 0 && tree.Folders.Count == 1 && tree.Folders[0].Files.Count == 0) tree = tree.Folders[0];

        List<(string Class, string Path)> found = [];
        if (tree.Folders.Count == 0)
        {
            found.AddRange(tree.Files.Select(f => (Unlabelled, f)));
        }
        else
        {
            int inFolders = tree.Total - tree.Files.Count;
            if (tree.Files.Count > inFolders)
            {
                throw new InvalidDataException(
                    $"{tree.Path} holds {tree.Files.Count} images directly and {inFolders} in folders: it is unclear what the classes are. "
                    + "Give one of its folders, or move the images into class folders");
            }
            List<(string Class, Node Folder)> classes = [.. tree.Folders.SelectMany(f => Classes(f, f.Name))];
            if (tree.Folders.All(f => PartNames.Contains(f.Name)) && classes.All(c => c.Class.Contains('/', StringComparison.Ordinal)))
                classes = [.. classes.Select(c => (c.Class[(c.Class.IndexOf('/', StringComparison.Ordinal) + 1)..], c.Folder))];
            found.AddRange(Shortened(classes).SelectMany(c => c.Folder.All().Select(f => (c.Class, f))));
        }

        string[] names = [.. found.Select(f => f.Class).Distinct().Order(StringComparer.Ordinal)];
        Dictionary<string, int> label = names.Select((n, i) => (n, i)).ToDictionary(p => p.n, p => p.i, StringComparer.Ordinal);
        LabelledImage[] images = [.. found.Select(f => new LabelledImage(f.Path, label[f.Class]))];
        Array.Sort(images, (a, b) => a.Label != b.Label ? a.Label.CompareTo(b.Label) : string.CompareOrdinal(a.Path, b.Path));
        var set = new ImageSet(Path.GetFileName(given) is { Length: > 0 } name ? name : given, tree.Path, names, images);
        return splitFile is null ? set : set.Select(ImageList.Read(splitFile, set).Order().ToArray());
    }

    /// <summary>Image files below <paramref name="dir"/> that <see cref="Open"/> gives to no class, ordinal order.</summary>
    internal static IReadOnlyList<string> Strays(string dir, ImageSet set)
    {
        HashSet<string> known = [.. set.Images.Select(i => i.Path)];
        return [.. Scan(Path.GetFullPath(dir), 0).All().Where(f => !known.Contains(f)).Order(StringComparer.Ordinal)];
    }

    static IEnumerable<(string Class, Node Folder)> Classes(Node folder, string name) =>
        folder.Files.Count > 0 ? [(name, folder)] : folder.Folders.SelectMany(f => Classes(f, name + "/" + f.Name));

    /// <summary>Calls classes after their own folders where those names differ.</summary>
    static List<(string Class, Node Folder)> Shortened(List<(string Class, Node Folder)> classes)
    {
        int distinct = classes.Select(c => c.Class).Distinct().Count();
        List<(string Class, Node Folder)> last = [.. classes.Select(c => (c.Class[(c.Class.LastIndexOf('/') + 1)..], c.Folder))];
        return last.Select(c => c.Class).Distinct().Count() == distinct ? last : classes;
    }

    static Node Scan(string dir, int level)
    {
        if (level > DeepestLevel)
            throw new InvalidDataException($"{dir} lies more than {DeepestLevel} folders deep; do symbolic links lead in a circle?");
        var node = new Node(dir);
        var entries = new FileSystemEnumerable<(string Path, bool IsFolder, bool IsLink)>(
            dir,
            (ref FileSystemEntry e) => (e.ToFullPath(), e.IsDirectory, (e.Attributes & FileAttributes.ReparsePoint) != 0),
            new EnumerationOptions { AttributesToSkip = 0, RecurseSubdirectories = false, IgnoreInaccessible = false })
        {
            ShouldIncludePredicate = (ref FileSystemEntry e) => e.FileName[0] != '.',
        };
        foreach ((string path, bool isFolder, bool isLink) in entries)
        {
            if (IgnoredNames.Contains(Path.GetFileName(path))) continue;
            if (!isFolder)
            {
                if (!NotImages.Contains(Path.GetExtension(path))) node.Files.Add(path);
            }
            else if (!isLink || !LeadsUp(path))
            {
                Node folder = Scan(path, level + 1);
                if (folder.Total > 0) node.Folders.Add(folder);
            }
        }
        node.Folders.Sort((a, b) => string.CompareOrdinal(a.Name, b.Name));
        node.Total = node.Files.Count + node.Folders.Sum(f => f.Total);
        return node;
    }

    static bool LeadsUp(string link)
    {
        string? target = Directory.ResolveLinkTarget(link, returnFinalTarget: true)?.FullName;
        return target is not null && (link + "/").StartsWith(Path.TrimEndingDirectorySeparator(target) + "/", StringComparison.Ordinal);
    }

    sealed class Node(string path)
    {
        public string Path { get; } = path;

        public string Name => System.IO.Path.GetFileName(Path);

        public List<string> Files { get; } = [];

        /// <summary>Those with images somewhere below.</summary>
        public List<Node> Folders { get; } = [];

        public int Total { get; set; }

        public IEnumerable<string> All() => Files.Concat(Folders.SelectMany(f => f.All()));
    }
}
