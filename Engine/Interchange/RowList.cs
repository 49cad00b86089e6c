using System.Globalization;
using System.Text;
using Osprey.Engine.Datasets;
using Osprey.Engine.Images;
using Osprey.Engine.Retrieval;
using Osprey.Interop.Formats;

namespace Osprey.Engine.Interchange;

/// <summary>
/// What each row of a matrix is of, as a CSV beside it: <c>rows.faiss</c> has <c>rows.faiss.csv</c>. One record per row, in the rows' order; its columns are
/// found by name, and only <c>path</c> must be there.
/// </summary>
static class RowList
{
    const string Header = "id,path,class,width,height,crs,min_x,min_y,max_x,max_y,window_x,window_y,window_width,window_height";

    /// <summary>Where the list of a matrix is looked for.</summary>
    public static string PathOf(string matrix) => matrix + ".csv";

    public static void Write(string path, IEnumerable<StoreRow> rows) => AtomicFile.Write(path, file =>
    {
        using var writer = new StreamWriter(file, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), 1 << 16, leaveOpen: true) { NewLine = "\n" };
        writer.WriteLine(Header);
        long id = 0;
        foreach (StoreRow row in rows)
        {
            string bounds = row.Bounds is { } b ? string.Join(',', new[] { b.MinX, b.MinY, b.MaxX, b.MaxY }.Select(v => v.ToString("R", CultureInfo.InvariantCulture))) : ",,,";
            string window = row.Window is { } w ? string.Create(CultureInfo.InvariantCulture, $"{w.X},{w.Y},{w.Width},{w.Height}") : ",,,";
            writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{id++},{Csv.Cell(row.Path)},{Csv.Cell(row.Class)},{row.Width},{row.Height},{Csv.Cell(row.Crs ?? "")},{bounds},{window}"));
        }
    });

    /// <summary>The rows; labels are left at 0.</summary>
    /// <param name="path">The list.</param>
    /// <param name="count">Rows that the matrix has.</param>
    /// <exception cref="InvalidDataException">The list is broken, or is of other rows; the message names the line.</exception>
    public static StoreRow[] Read(string path, long count)
    {
        var rows = new List<StoreRow>();
        foreach ((int line, Func<string, string?> text) in Csv.Table(File.ReadAllText(path), path, Header))
        {
            T? Number<T>(string name)
                where T : struct, ISpanParsable<T>
            {
                if (text(name) is not string word) return null;
                return T.TryParse(word, CultureInfo.InvariantCulture, out T value) ? value : throw new InvalidDataException($"{path}, line {line}: {name} is '{word}', which is no {(typeof(T) == typeof(double) ? "number" : "whole number")}");
            }
            if (Number<long>("id") is long id && id != rows.Count) throw new InvalidDataException($"{path}, line {line}: the id is {id} where {rows.Count} was expected; list the rows in the matrix's order, from 0 on");
            GeoBounds? bounds = Number<double>("min_x") is { } x0 && Number<double>("min_y") is { } y0 && Number<double>("max_x") is { } x1 && Number<double>("max_y") is { } y1 ? new GeoBounds(x0, y0, x1, y1) : null;
            PixelWindow? window = Number<int>("window_x") is { } x && Number<int>("window_y") is { } y && Number<int>("window_width") is { } w && Number<int>("window_height") is { } h ? new PixelWindow(x, y, w, h) : null;
            rows.Add(new StoreRow(
                text("path") ?? throw new InvalidDataException($"{path}, line {line}: the path is empty"), text("class") ?? ImageFolder.Unlabelled, 0, Number<int>("width") ?? 0, Number<int>("height") ?? 0, text("crs"), bounds, window));
        }
        if (rows.Count != count) throw new InvalidDataException($"{path} lists {rows.Count} rows, and the descriptors are {count}");
        return [.. rows];
    }
}
