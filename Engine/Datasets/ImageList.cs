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

    /// <summary>Each line's path, and its part where the file is a CSV with one.</summary>
    public static IEnumerable<(int Line, string Path, string? Part)> Lines(string file)
    {
        if (!File.Exists(file)) throw new FileNotFoundException($"there is no list of images {file}", file);
        bool csv = false;
        int number = 0;
        foreach (string raw in File.ReadLines(file))
        {
            number++;
            string line = raw.Trim().TrimStart('\uFEFF');
            if (line.Length == 0 || line[0] == '#') continue;
            if (number == 1 && line == CsvHeader)
            {
                csv = true;
                continue;
            }
            if (!csv)
            {
                yield return (number, line, null);
                continue;
            }
            string[] cells = Cells(raw);
            if (cells.Length != 3) throw new InvalidDataException($"{file}, line {number}: {cells.Length} columns where {CsvHeader} was expected");
            yield return (number, cells[0], cells[2]);
        }
    }

    /// <summary>RFC 4180: a cell with a comma, a quote or a line break stands in quotes, its quotes doubled.</summary>
    public static string Cell(string value) =>
        value.AsSpan().IndexOfAny(",\"\n\r") < 0 ? value : "\"" + value.Replace("\"", "\"\"", StringComparison.Ordinal) + "\"";

    static string[] Cells(string line)
    {
        List<string> cells = [];
        int at = 0;
        while (at <= line.Length)
        {
            if (at < line.Length && line[at] == '"')
            {
                var cell = new System.Text.StringBuilder();
                for (at++; at < line.Length && (line[at] != '"' || (at + 1 < line.Length && line[at + 1] == '"')); at++)
                {
                    if (line[at] == '"') at++;
                    cell.Append(line[at]);
                }
                cells.Add(cell.ToString());
                at += 2;
            }
            else
            {
                int end = line.IndexOf(',', at);
                if (end < 0) end = line.Length;
                cells.Add(line[at..end]);
                at = end + 1;
            }
        }
        return [.. cells];
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
