using NUnit.Framework;
using Osprey.Engine.Images;
using Osprey.Engine.Interchange;
using Osprey.Engine.Retrieval;
using Osprey.Tests.Engine.Retrieval;
using Osprey.Tests.Interop;
using ParquetSharp;

namespace Osprey.Tests.Engine.Interchange;

/// <summary>Our Parquet files and those of Arrow's C++ library, which pyarrow and pandas read and write by, held against each other.</summary>
[TestFixture]
public sealed class ArrowParquetTests
{
    ScratchFolder scratch = new();

    [SetUp]
    public void MakeFolder() => scratch = new ScratchFolder();

    [TearDown]
    public void DeleteFolder() => scratch.Dispose();

    /// <summary>A column of all row groups.</summary>
    static T[] Column<T>(ParquetFileReader file, string name)
    {
        var all = new List<T>();
        for (int g = 0; g < file.FileMetaData.NumRowGroups; g++)
        {
            using RowGroupReader group = file.RowGroup(g);
            int number = Enumerable.Range(0, group.MetaData.NumColumns).Single(c => group.MetaData.Schema.Column(c).Path.ToDotVector()[0] == name);
            using ColumnReader column = group.Column(number);
            using LogicalColumnReader<T> values = column.LogicalReader<T>();
            all.AddRange(values.ReadAll((int)group.MetaData.NumRows));
        }
        return [.. all];
    }

    static IEnumerable<StoreRow> Rows(ParquetFileReader file)
    {
        string[] paths = Column<string>(file, "path"), classes = Column<string>(file, "class");
        string?[] systems = Column<string?>(file, "crs");
        int[] labels = Column<int>(file, "label"), widths = Column<int>(file, "width"), heights = Column<int>(file, "height");
        double?[][] bounds = [.. new[] { "min_x", "min_y", "max_x", "max_y" }.Select(n => Column<double?>(file, n))];
        int?[][] windows = [.. new[] { "window_x", "window_y", "window_width", "window_height" }.Select(n => Column<int?>(file, n))];
        return paths.Select((path, i) => new StoreRow(
            path, classes[i], labels[i], widths[i], heights[i], systems[i],
            bounds[0][i] is { } left ? new GeoBounds(left, bounds[1][i]!.Value, bounds[2][i]!.Value, bounds[3][i]!.Value) : null,
            windows[0][i] is { } x ? new PixelWindow(x, windows[1][i]!.Value, windows[2][i]!.Value, windows[3][i]!.Value) : null));
    }

    [Test]
    public void Arrow_reads_a_stores_metadata()
    {
        DescriptorStore store = StoreSample.Make(scratch["s"]);
        var rows = new List<StoreRow>();
        foreach (string part in Directory.GetFiles(scratch["s"], "*.parquet").Order(StringComparer.Ordinal))
        {
            using var file = new ParquetFileReader(part);
            rows.AddRange(Rows(file));
        }
        Assert.That(rows, Is.EqualTo(store.ReadRows()));
        Assert.That(rows[1], Is.EqualTo(StoreSample.Row(1)), "written by hand there: an umlaut, no CRS");
    }

    [Test]
    public void Arrow_reads_an_export()
    {
        DescriptorStore store = StoreSample.Make(scratch["s"]);
        using (DescriptorSource source = DescriptorSource.Open(scratch["s"])) DescriptorExport.Write(source, scratch["f.parquet"], null);
        using var file = new ParquetFileReader(scratch["f.parquet"]);
        Assert.That(file.FileMetaData.NumRowGroups, Is.EqualTo(3), "one of each part");
        Assert.That(Column<float[]>(file, "descriptor").SelectMany(v => v), Is.EqualTo(store.ReadDescriptors()));
        Assert.That(Column<long>(file, "id"), Is.EqualTo(Enumerable.Range(0, 20)));
        Assert.That(Rows(file), Is.EqualTo(store.ReadRows()));
    }

    /// <summary>Rows of four values in row groups of 300, a null among the classes, pages of 256 bytes.</summary>
    void Write<T>(string name, int rows, Func<int, T> value, Compression compression, bool dictionary, ParquetDataPageVersion pages)
    {
        using var builder = new WriterPropertiesBuilder();
        builder.Compression(compression).DataPageVersion(pages).DataPagesize(256);
        if (!dictionary) builder.DisableDictionary();
        using WriterProperties properties = builder.Build();
        using var file = new ParquetFileWriter(scratch[name], [new Column<T[]>("descriptor"), new Column<string>("path"), new Column<string?>("class")], properties);
        for (int first = 0; first < rows; first += 300)
        {
            int[] here = [.. Enumerable.Range(first, Math.Min(300, rows - first))];
            using RowGroupWriter group = file.AppendRowGroup();
            using (LogicalColumnWriter<T[]> column = group.NextColumn().LogicalWriter<T[]>()) column.WriteBatch([.. here.Select(i => Enumerable.Range(4 * i, 4).Select(value).ToArray())]);
            using (LogicalColumnWriter<string> column = group.NextColumn().LogicalWriter<string>()) column.WriteBatch([.. here.Select(i => $"bild {i} é.jpg")]);
            using (LogicalColumnWriter<string?> column = group.NextColumn().LogicalWriter<string?>()) column.WriteBatch([.. here.Select(i => i % 3 == 0 ? null : $"class {i % 3}")]);
        }
        file.Close();
    }

    [Test]
    public void What_Arrow_writes_is_imported(
        [Values(Compression.Uncompressed, Compression.Snappy, Compression.Gzip, Compression.Zstd, Compression.Lz4, Compression.Brotli)] Compression compression, [Values] bool dictionary, [Values] bool wide)
    {
        const int rows = 701;
        // A few values often, so that a dictionary is one.
        static float Value(int i) => (i * 7 % 13) - 6.5f;
        if (wide) Write("a.parquet", rows, i => (double)Value(i), compression, dictionary, ParquetDataPageVersion.V1);
        else Write("a.parquet", rows, Value, compression, dictionary, ParquetDataPageVersion.V1);
        DescriptorStore store = DescriptorImport.Run(scratch["a.parquet"], scratch["s"], new ImportConfig());
        Assert.That(store.ReadDescriptors(), Is.EqualTo(Enumerable.Range(0, 4 * rows).Select(Value)));
        Assert.That(store.ReadRows().Select(r => (r.Path, r.Class)), Is.EqualTo(Enumerable.Range(0, rows).Select(i => ($"bild {i} é.jpg", i % 3 == 0 ? "unlabelled" : $"class {i % 3}"))));
    }

    /// <summary>Parquet.Net does not read them: whoever has such a file must be told what to do.</summary>
    [Test]
    public void Lists_in_pages_of_version_2_are_refused_with_the_way_out()
    {
        Write("a.parquet", 5, i => (float)i, Compression.Snappy, true, ParquetDataPageVersion.V2);
        Assert.That(() => DescriptorImport.Run(scratch["a.parquet"], scratch["s"], new ImportConfig()),
            Throws.TypeOf<InvalidDataException>().With.Message.Contains("a.parquet").And.Message.Contains("write it with pages of version 1"));
        Assert.That(Directory.Exists(scratch["s"]), Is.False);
    }
}
