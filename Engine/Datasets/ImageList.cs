namespace Osprey.Engine.Datasets;

/// <summary>Lists of files that come with data sets: one path per line, or the CSV of <see cref="Split"/>.</summary>
internal static class ImageList
{
    public const string CsvHeader = "path,class,part";

    /// <summary>Indices into <paramref name="set"/>, in the list's order, without repetitions.</summary>
    /// <exception cref="InvalidDataException">A line names an image that the set does not have.</exception>
    public static IReadOnlyList<int> Read(string file, ImageSet set)
    {
        var index = new PathIndex(set);
        var seen = new HashSet<int>();
        List<int> found = [];
        foreach ((int line, string path, _) in Lines(file))
        {
            int image = index.Find(path, file, line);
            if (seen.Add(image)) found.Add(image);
        }
        if (found.Count == 0) throw new InvalidDataException($"{file} names no image");
        return found;
    }

    /// <summary>Each line's path, and its part where the file is a CSV with one. Comments, which begin with #, stand in lists and above a CSV's header; a record is none.</summary>
    public static IEnumerable<(int Line, string Path, string? Part)> Lines(string file)
    {
        if (!File.Exists(file)) throw new FileNotFoundException($"there is no list of images {file}", file);
        string text = File.ReadAllText(file);
        bool header = true;
        for (int at = 0, number = 1; at < text.Length; number++)
        {
            int length = text.AsSpan(at).IndexOfAny('\r', '\n');
            string line = text.Substring(at, length < 0 ? text.Length - at : length).Trim();
            at += length < 0 ? text.Length - at : length;
            _ = Csv.SkipBreak(text, ref at);
            if (line.Length == 0 || line[0] == '#') continue;
            if (header && line == CsvHeader)
            {
                foreach ((int first, string[] cells) in Csv.Records(text, at, number + 1, file))
                {
                    if (cells.Length != 3) throw new InvalidDataException($"{file}, line {first}: {cells.Length} columns where {CsvHeader} was expected");
                    yield return (first, cells[0], cells[2].Trim());
                }
                yield break;
            }
            header = false;
            yield return (number, line, null);
        }
    }

    /// <summary>What stands for a path in a list, so that <see cref="Lines"/> and <see cref="PathIndex"/> find it.</summary>
    /// <exception cref="ArgumentException">A line cannot hold it.</exception>
    public static string Line(string path)
    {
        if (path.AsSpan().IndexOfAny('\r', '\n') >= 0 || char.IsWhiteSpace(path[^1]))
            throw new ArgumentException($"'{path}' has a line break or ends in a space, which a list of one path per line cannot hold; save the split as one CSV");
        return path[0] is '#' or '\uFEFF' || char.IsWhiteSpace(path[0]) || path == CsvHeader ? "./" + path : path;
    }

    /// <summary>Finds a set's image by what lists call it: a path below the set's folder, with or without the folder's own name or the extension.</summary>
    public sealed class PathIndex
    {
        readonly Dictionary<string, int> _exact = new(StringComparer.Ordinal);
        readonly Dictionary<string, int> _bare = new(StringComparer.Ordinal);

        public PathIndex(ImageSet set)
        {
            for (int i = 0; i < set.Images.Count; i++)
            {
                string path = set.RelativePath(set.Images[i]);
                _exact[path] = i;
                // Two files that differ in their extension only cannot be told apart without it: −1.
                string bare = Path.ChangeExtension(path, null);
                _bare[bare] = _bare.ContainsKey(bare) ? -1 : i;
            }
        }

        public int Find(string path, string file, int line)
        {
            // As it is first: elsewhere than on Windows a name may have a backslash in it.
            if (_exact.TryGetValue(path, out int same)) return same;
            if (path.StartsWith("./", StringComparison.Ordinal) && _exact.TryGetValue(path[2..], out same)) return same;
            string rest = path.Replace('\\', '/');
            if (rest.StartsWith("./", StringComparison.Ordinal)) rest = rest[2..];
            for (string? tail = rest; tail is not null; tail = WithoutFirstFolder(tail))
            {
                if (_exact.TryGetValue(tail, out int i)) return i;
                if (_bare.TryGetValue(tail, out i) && i >= 0) return i;
            }
            throw new InvalidDataException($"{file}, line {line}: the set has no image {path}");
        }

        /// <summary>Lists are often written from a folder above the set's own.</summary>
        static string? WithoutFirstFolder(string path)
        {
            int slash = path.IndexOf('/', StringComparison.Ordinal);
            return slash < 0 ? null : path[(slash + 1)..];
        }
    }
}
