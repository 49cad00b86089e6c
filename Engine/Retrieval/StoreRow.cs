using Osprey.Engine.Images;
using Parquet;
using Parquet.Schema;

namespace Osprey.Engine.Retrieval;

/// <summary>What is known of one descriptor's image.</summary>
/// <param name="Path">Relative to the store's root, with '/'.</param>
/// <param name="Class">The class's name.</param>
/// <param name="Label">Index into the store's classes.</param>
/// <param name="Width">Of the image that was described, file or window, pixels as they were read.</param>
/// <param name="Height">Of the same.</param>
/// <param name="Crs">Coordinate reference system, such as <c>EPSG:32632</c>; null where unknown.</param>
/// <param name="Bounds">Null where unknown.</param>
/// <param name="Window">The part of the file that was described, in its pixels at full resolution; null for all of it.</param>
public sealed record StoreRow(string Path, string Class, int Label, int Width, int Height, string? Crs = null, GeoBounds? Bounds = null, PixelWindow? Window = null);

/// <summary>
/// The metadata table of a part, as Parquet. Columns: path, class, label, width, height, crs, min_x, min_y, max_x, max_y, window_x, window_y, window_width,
/// window_height; from crs on they may be null. Tables of before there were windows lack the last four.
/// </summary>
static class StoreTable
{
    static readonly DataField<string> Path = new("path", false), Class = new("class", false), Crs = new("crs", true);
    static readonly DataField<int> Label = new("label"), Width = new("width"), Height = new("height");
    static readonly DataField<double> MinX = new("min_x", true), MinY = new("min_y", true), MaxX = new("max_x", true), MaxY = new("max_y", true);

    static readonly DataField<int>[] Window = [new("window_x", true), new("window_y", true), new("window_width", true), new("window_height", true)];

    /// <summary>In the order in which <see cref="WriteColumnsAsync"/> writes them.</summary>
    public static IReadOnlyList<DataField> Columns { get; } = [Path, Class, Label, Width, Height, Crs, MinX, MinY, MaxX, MaxY, .. Window];

    /// <summary>Those that every table has.</summary>
    public static IReadOnlyList<DataField> Required { get; } = [.. Columns.Except(Window)];

    static readonly ParquetSchema Schema = new(Columns);

    // The library's own codec needs nothing on any reader's side beyond what every Parquet reader has.
    public static readonly ParquetOptions Options = new() { CompressionMethod = CompressionMethod.Snappy };

    public static void Write(Stream stream, IReadOnlyList<StoreRow> rows) => WriteAsync(stream, rows).GetAwaiter().GetResult();

    static async Task WriteAsync(Stream stream, IReadOnlyList<StoreRow> rows)
    {
        await using ParquetWriter writer = await ParquetWriter.CreateAsync(Schema, stream, Options).ConfigureAwait(false);
        using ParquetRowGroupWriter group = writer.CreateRowGroup();
        await WriteColumnsAsync(group, rows).ConfigureAwait(false);
        group.CompleteValidate();
    }

    public static async Task WriteColumnsAsync(ParquetRowGroupWriter group, IReadOnlyList<StoreRow> rows)
    {
        await group.WriteAsync(Path, rows.Select(r => (string?)r.Path).ToArray()!).ConfigureAwait(false);
        await group.WriteAsync(Class, rows.Select(r => (string?)r.Class).ToArray()!).ConfigureAwait(false);
        await Integers(Label, r => r.Label).ConfigureAwait(false);
        await Integers(Width, r => r.Width).ConfigureAwait(false);
        await Integers(Height, r => r.Height).ConfigureAwait(false);
        await group.WriteAsync(Crs, rows.Select(r => r.Crs).ToArray()!).ConfigureAwait(false);
        await Doubles(MinX, b => b.MinX).ConfigureAwait(false);
        await Doubles(MinY, b => b.MinY).ConfigureAwait(false);
        await Doubles(MaxX, b => b.MaxX).ConfigureAwait(false);
        await Doubles(MaxY, b => b.MaxY).ConfigureAwait(false);
        await Pixels(Window[0], w => w.X).ConfigureAwait(false);
        await Pixels(Window[1], w => w.Y).ConfigureAwait(false);
        await Pixels(Window[2], w => w.Width).ConfigureAwait(false);
        await Pixels(Window[3], w => w.Height).ConfigureAwait(false);

        Task Integers(DataField field, Func<StoreRow, int> value) => group.WriteAsync<int>(field, rows.Select(value).ToArray().AsMemory());

        Task Doubles(DataField field, Func<GeoBounds, double> value) =>
            group.WriteAsync<double>(field, rows.Select(r => r.Bounds is { } b ? value(b) : (double?)null).ToArray().AsMemory());

        Task Pixels(DataField field, Func<PixelWindow, int> value) =>
            group.WriteAsync<int>(field, rows.Select(r => r.Window is { } w ? value(w) : (int?)null).ToArray().AsMemory());
    }

    /// <exception cref="InvalidDataException">Not such a table.</exception>
    public static StoreRow[] Read(string path)
    {
        try
        {
            return ReadAsync(path).GetAwaiter().GetResult();
        }
        catch (Exception e) when (e is not (FileNotFoundException or OutOfMemoryException)) // The library throws many kinds, IOException among them.
        {
            throw new InvalidDataException($"{path} is not a store's metadata table: {e.Message}", e);
        }
    }

    static async Task<StoreRow[]> ReadAsync(string path)
    {
        await using ParquetReader reader = await ParquetReader.CreateAsync(path).ConfigureAwait(false);
        var rows = new List<StoreRow>();
        for (int g = 0; g < reader.RowGroupCount; g++)
        {
            using ParquetRowGroupReader group = reader.OpenRowGroupReader(g);
            rows.AddRange(await ReadColumnsAsync(group).ConfigureAwait(false));
        }
        return [.. rows];
    }

    public static async Task<StoreRow[]> ReadColumnsAsync(ParquetRowGroupReader group)
    {
        int count = checked((int)group.RowCount);
        string[] paths = new string[count], classes = new string[count], crs = new string[count];
        int[] labels = new int[count], widths = new int[count], heights = new int[count];
        double?[] minX = new double?[count], minY = new double?[count], maxX = new double?[count], maxY = new double?[count];
        await group.ReadAsync(Path, paths).ConfigureAwait(false);
        await group.ReadAsync(Class, classes).ConfigureAwait(false);
        await group.ReadAsync<int>(Label, labels).ConfigureAwait(false);
        await group.ReadAsync<int>(Width, widths).ConfigureAwait(false);
        await group.ReadAsync<int>(Height, heights).ConfigureAwait(false);
        await group.ReadAsync(Crs, crs).ConfigureAwait(false);
        await group.ReadAsync<double>(MinX, minX.AsMemory()).ConfigureAwait(false);
        await group.ReadAsync<double>(MinY, minY.AsMemory()).ConfigureAwait(false);
        await group.ReadAsync<double>(MaxX, maxX.AsMemory()).ConfigureAwait(false);
        await group.ReadAsync<double>(MaxY, maxY.AsMemory()).ConfigureAwait(false);
        int?[][] window = [new int?[count], new int?[count], new int?[count], new int?[count]];
        for (int i = 0; i < window.Length && group.ColumnExists(Window[i]); i++) await group.ReadAsync<int>(Window[i], window[i].AsMemory()).ConfigureAwait(false);
        var rows = new StoreRow[count];
        for (int i = 0; i < count; i++)
        {
            GeoBounds? bounds = minX[i] is { } x0 && minY[i] is { } y0 && maxX[i] is { } x1 && maxY[i] is { } y1 ? new GeoBounds(x0, y0, x1, y1) : null;
            PixelWindow? part = window[0][i] is { } x && window[1][i] is { } y && window[2][i] is { } w && window[3][i] is { } h ? new PixelWindow(x, y, w, h) : null;
            rows[i] = new StoreRow(paths[i], classes[i], labels[i], widths[i], heights[i], crs[i], bounds, part);
        }
        return rows;
    }
}
