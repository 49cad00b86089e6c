using Osprey.Engine.Datasets;

namespace Osprey.Engine.Sources;

/// <summary>
/// Image files that a list names, in its order: a text of one path per line, or a CSV or TSV with a header, in which <c>path</c> is a column and <c>class</c> may be one. Paths are relative to
/// the list's folder. Files need not be there: whoever reads them finds out.
/// </summary>
static class ListedImages
{
    const string Header = "path,class";

    /// <summary>Told by the name: a list has no content of its own that an image could not have.</summary>
    public static bool IsList(string path) => Path.GetExtension(path).ToLowerInvariant() is ".txt" or ".csv" or ".tsv";

    /// <param name="lists">One or more; their images stand in this order.</param>
    /// <param name="others">What is named beside them.</param>
    /// <exception cref="InvalidDataException">A list names no image, or one twice, or one of the others, or has no column of paths; the message names the line.</exception>
    public static ImageSet Open(IReadOnlyList<string> lists, IEnumerable<LabelledImage> others)
    {
        var classes = new ClassNames();
        var images = new List<LabelledImage>();
        var places = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (LabelledImage image in others) places.Add(image.Path, "by another place beside the list");
        foreach (string list in lists)
        {
            string folder = FolderOf(list);
            int before = images.Count;
            foreach ((int line, string path, string @class) in Lines(list))
            {
                if (path.Contains('\0', StringComparison.Ordinal)) throw new InvalidDataException($"{list}, line {line}: there is a byte 0 in it, so this is no list of paths");
                string full = Path.GetFullPath(path, folder);
                if (!places.TryAdd(full, $"on line {line} of {list}")) throw new InvalidDataException($"{list}, line {line}: {path} is named already, {places[full]}; name it once");
                images.Add(new LabelledImage(full, classes.Add(@class)));
            }
            if (images.Count == before) throw new InvalidDataException($"{list} names no image; give one path per line, or a CSV with a header such as {Header}");
        }
        string[] names = classes.Order(out int[] labels);
        string root = ImageSet.CommonFolder([.. lists.Select(FolderOf)]);
        return new ImageSet(Path.GetFileName(root), root, names, [.. images.Select(i => i with { Label = labels[i.Label] })]);
    }

    static string FolderOf(string list) => Path.GetDirectoryName(Path.GetFullPath(list))!;

    static IEnumerable<(int Line, string Path, string Class)> Lines(string list)
    {
        string extension = Path.GetExtension(list);
        if (extension.Equals(".txt", StringComparison.OrdinalIgnoreCase)) return ImageList.Lines(list).Select(l => (l.Line, l.Path, ImageFolder.Unlabelled));
        char separator = extension.Equals(".tsv", StringComparison.OrdinalIgnoreCase) ? '\t' : ',';
        return Csv.Table(File.ReadAllText(list), list, Header.Replace(',', separator), separator)
            .Select(r => (r.Line, r.Cell("path") ?? throw new InvalidDataException($"{list}, line {r.Line}: the path is empty"), r.Cell("class") ?? ImageFolder.Unlabelled));
    }
}
