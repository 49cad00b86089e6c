using System.Text;

namespace Osprey.Engine.Datasets;

/// <summary>Values separated by commas, as RFC 4180 has them, or by tabs: a cell with a separator, a quote or a line break stands in quotes, its quotes doubled.</summary>
internal static class Csv
{
    public static string Cell(string value) =>
        value.AsSpan().IndexOfAny(",\"\n\r") < 0 ? value : "\"" + value.Replace("\"", "\"\"", StringComparison.Ordinal) + "\"";

    /// <summary>The records from <paramref name="at"/> to the text's end, with the line that each begins on. Empty lines are passed over.</summary>
    /// <param name="text">The file's content.</param>
    /// <param name="at">Where a line starts.</param>
    /// <param name="line">The number of that line.</param>
    /// <param name="file">For messages.</param>
    /// <param name="separator">A comma, or a tab.</param>
    /// <exception cref="InvalidDataException">A quoted cell has no end, or goes on behind it.</exception>
    public static IEnumerable<(int Line, string[] Cells)> Records(string text, int at, int line, string file, char separator = ',')
    {
        while (at < text.Length)
        {
            int first = line;
            List<string> cells = [];
            do
            {
                if (cells.Count > 0) at++; // the separator
                cells.Add(at < text.Length && text[at] == '"' ? Quoted(text, ref at, ref line, file) : Plain(text, ref at, separator));
            }
            while (at < text.Length && text[at] == separator);
            if (at < text.Length && !SkipBreak(text, ref at)) throw new InvalidDataException($"{file}, line {line}: '{text[at]}' follows a quoted cell; a {(separator == ',' ? "comma" : "tab")} or the line's end was expected");
            line++;
            if (cells is not [""]) yield return (first, [.. cells]);
        }
    }

    /// <summary>The records under a header, one of whose columns is <c>path</c>: of each its line, and its cells by the names of their columns, null where a cell is empty or there is no such column.</summary>
    /// <param name="text">The file's content.</param>
    /// <param name="file">For messages.</param>
    /// <param name="header">One that would do, for messages.</param>
    /// <param name="separator">A comma, or a tab.</param>
    /// <exception cref="InvalidDataException">As of <see cref="Records"/>; or there is no column <c>path</c>, or a record has more or fewer cells than the header.</exception>
    public static IEnumerable<(int Line, Func<string, string?> Cell)> Table(string text, string file, string header, char separator = ',')
    {
        Dictionary<string, int> columns = [];
        int count = 0;
        foreach ((int line, string[] cells) in Records(text, 0, 1, file, separator))
        {
            if (count == 0)
            {
                count = cells.Length;
                for (int i = 0; i < count; i++) columns.TryAdd(cells[i], i);
                if (!columns.ContainsKey("path")) throw new InvalidDataException($"{file} has no column 'path' in its first line; give a header such as {header}");
                continue;
            }
            if (cells.Length != count) throw new InvalidDataException($"{file}, line {line}: {cells.Length} columns where the header has {count}");
            yield return (line, name => columns.TryGetValue(name, out int i) && cells[i].Length > 0 ? cells[i] : null);
        }
    }

    /// <summary>Passes over one line break of any system.</summary>
    public static bool SkipBreak(string text, ref int at)
    {
        if (at >= text.Length || text[at] is not ('\r' or '\n')) return false;
        at += text[at] == '\r' && at + 1 < text.Length && text[at + 1] == '\n' ? 2 : 1;
        return true;
    }

    static string Plain(string text, ref int at, char separator)
    {
        int length = text.AsSpan(at).IndexOfAny(separator, '\r', '\n'), start = at;
        at = length < 0 ? text.Length : at + length;
        return text[start..at];
    }

    static string Quoted(string text, ref int at, ref int line, string file)
    {
        int first = line;
        var cell = new StringBuilder();
        for (at++; at < text.Length; at++)
        {
            if (text[at] == '"' && (at + 1 == text.Length || text[at + 1] != '"'))
            {
                at++;
                return cell.ToString();
            }
            if (text[at] == '"') at++;
            else if (text[at] == '\n' || (text[at] == '\r' && (at + 1 == text.Length || text[at + 1] != '\n'))) line++;
            cell.Append(text[at]);
        }
        throw new InvalidDataException($"{file}, line {first}: a cell begins with a quote and has no closing one");
    }
}
