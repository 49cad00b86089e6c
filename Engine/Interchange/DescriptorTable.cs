using Osprey.Engine.Datasets;
using Osprey.Engine.Retrieval;
using Osprey.Interop.Formats;
using Parquet;
using Parquet.Schema;

namespace Osprey.Engine.Interchange;

/// <summary>
/// Descriptors and their metadata in one Parquet file: <c>id</c> (int64, the row's number), the columns of a store's metadata, and <c>descriptor</c>, a list of
/// float32. On reading only <c>descriptor</c> must be there, as a list of float32 or float64 of one length; <c>path</c> and <c>class</c> are taken where they are.
/// </summary>
sealed class DescriptorTable : IRowFile
{
    const string DescriptorName = "descriptor";

    static readonly DataField<long> Id = new("id");
    static readonly DataField<float> Element = new(ListField.ElementName);
    static readonly ParquetSchema Schema = new([Id, .. StoreTable.Columns, new ListField(DescriptorName, Element)]);

    readonly string path;
    readonly ParquetReader reader;
    readonly DataField descriptor;
    readonly long[] firsts;
    float[] group = [];
    int groupNumber = -1;

    DescriptorTable(string path, ParquetReader reader, DataField descriptor)
    {
        this.path = path;
        this.reader = reader;
        this.descriptor = descriptor;
        firsts = new long[reader.RowGroupCount + 1];
        for (int g = 0; g < reader.RowGroupCount; g++)
        {
            using ParquetRowGroupReader rows = reader.OpenRowGroupReader(g);
            firsts[g + 1] = firsts[g] + rows.RowCount;
        }
        if (Count == 0) throw new InvalidDataException($"{path} has no rows, and so no dimension");
        int first = Array.FindIndex(firsts, f => f > 0) - 1;
        Load(first);
    }

    /// <inheritdoc/>
    public long Count => firsts[^1];

    /// <inheritdoc/>
    public int Dimension { get; private set; }

    /// <summary>One row group at a time, so that a reader needs no more memory than that.</summary>
    public static void Write(Stream stream, IEnumerable<(StoreRow[] Rows, ReadOnlyMemory<float> Values)> groups, int dimension) => WriteAsync(stream, groups, dimension).GetAwaiter().GetResult();

    static async Task WriteAsync(Stream stream, IEnumerable<(StoreRow[] Rows, ReadOnlyMemory<float> Values)> groups, int dimension)
    {
        await using ParquetWriter writer = await ParquetWriter.CreateAsync(Schema, stream, StoreTable.Options).ConfigureAwait(false);
        long first = 0;
        foreach ((StoreRow[] rows, ReadOnlyMemory<float> values) in groups)
        {
            using ParquetRowGroupWriter group = writer.CreateRowGroup();
            long[] ids = new long[rows.Length];
            for (int i = 0; i < ids.Length; i++) ids[i] = first + i;
            await group.WriteAsync<long>(Id, ids.AsMemory()).ConfigureAwait(false);
            await StoreTable.WriteColumnsAsync(group, rows).ConfigureAwait(false);
            // A list's levels: repetition 0 where one begins, 1 where it goes on; every value is there.
            int[] definition = new int[values.Length], repetition = new int[values.Length];
            Array.Fill(definition, Element.MaxDefinitionLevel);
            Array.Fill(repetition, 1);
            for (int i = 0; i < values.Length; i += dimension) repetition[i] = 0;
            await group.WriteAllPartsAsync(Element, values, (ReadOnlyMemory<int>?)definition, (ReadOnlyMemory<int>?)repetition, CancellationToken.None).ConfigureAwait(false);
            group.CompleteValidate();
            first += rows.Length;
        }
    }

    /// <exception cref="InvalidDataException">The file is broken, or has no list of numbers called descriptor.</exception>
    public static DescriptorTable Open(string path)
    {
        ParquetReader? reader = null;
        try
        {
            reader = ParquetReader.CreateAsync(path).GetAwaiter().GetResult();
            DataField found = reader.Schema.GetDataFields().FirstOrDefault(f => f.Path.FirstPart == DescriptorName && f.MaxRepetitionLevel == 1 && (f.ClrType == typeof(float) || f.ClrType == typeof(double)))
                ?? throw new InvalidDataException($"{path} has no column '{DescriptorName}' that is a list of float32 or float64; its columns are {string.Join(", ", reader.Schema.Fields.Select(f => f.Name))}");
            return new DescriptorTable(path, reader, found);
        }
        catch (Exception e)
        {
            reader?.DisposeAsync().AsTask().GetAwaiter().GetResult();
            if (e is InvalidDataException or FileNotFoundException or OutOfMemoryException) throw;
            throw Broken(path, e);
        }
    }

    // The library throws many kinds, IOException among them. Lists in data pages of version 2, which arrow-rs writes on request, are what it says NotImplemented to.
    static InvalidDataException Broken(string path, Exception e) => new(
        $"{path} cannot be read as a table of descriptors: {(e is NotImplementedException ? "it holds what Parquet.Net does not read, such as lists in data pages of version 2; write it with pages of version 1" : e.Message)}", e);

    /// <inheritdoc/>
    public void Read(long first, Span<float> rows)
    {
        RowRange.Check(first, rows.Length, this, path);
        while (!rows.IsEmpty)
        {
            if (groupNumber < 0 || first < firsts[groupNumber] || first >= firsts[groupNumber + 1]) Load(Array.FindLastIndex(firsts, firsts.Length - 2, f => f <= first));
            Span<float> here = group.AsSpan((int)((first - firsts[groupNumber]) * Dimension));
            here = here[..Math.Min(here.Length, rows.Length)];
            here.CopyTo(rows);
            rows = rows[here.Length..];
            first += here.Length / Dimension;
        }
    }

    void Load(int number)
    {
        try
        {
            LoadAsync(number).GetAwaiter().GetResult();
        }
        catch (Exception e) when (e is not (InvalidDataException or OutOfMemoryException))
        {
            throw Broken(path, e);
        }
    }

    async Task LoadAsync(int number)
    {
        using ParquetRowGroupReader rows = reader.OpenRowGroupReader(number);
        int count = checked((int)(rows.GetMetadata(descriptor)?.MetaData?.NumValues ?? throw new InvalidDataException($"{path} has no column '{DescriptorName}' in row group {number}")));
        int[] definition = new int[count], repetition = new int[count];
        float[] values = new float[count];
        if (descriptor.ClrType == typeof(float))
        {
            await rows.ReadRawAsync<float>(descriptor, values, definition.AsMemory(), repetition.AsMemory(), CancellationToken.None).ConfigureAwait(false);
        }
        else
        {
            double[] wide = new double[count];
            await rows.ReadRawAsync<double>(descriptor, wide, definition.AsMemory(), repetition.AsMemory(), CancellationToken.None).ConfigureAwait(false);
            for (int i = 0; i < count; i++) values[i] = (float)wide[i];
        }
        CheckLists(definition, repetition, firsts[number]);
        (group, groupNumber) = (values, number);
    }

    /// <summary>A list begins where the repetition level is 0; every one must have D values, none of them null.</summary>
    void CheckLists(int[] definition, int[] repetition, long first)
    {
        long row = first - 1;
        for (int i = 0, start = 0; i <= repetition.Length; i++)
        {
            if (i < repetition.Length && definition[i] != descriptor.MaxDefinitionLevel)
                throw new InvalidDataException($"{path}, row {row + (repetition[i] == 0 ? 1 : 0)}: the descriptor, or a value of it, is missing");
            if (i < repetition.Length && repetition[i] != 0) continue;
            if (i > 0 && Dimension == 0) Dimension = i;
            if (i > 0 && i - start != Dimension) throw new InvalidDataException($"{path}, row {row}: the descriptor has {i - start} values, and the first row's {Dimension}");
            start = i;
            row++;
        }
    }

    /// <summary>What each row is of; labels are left at 0.</summary>
    /// <exception cref="InvalidDataException">The file is broken.</exception>
    public StoreRow[] ReadRows()
    {
        try
        {
            return ReadRowsAsync().GetAwaiter().GetResult();
        }
        catch (Exception e) when (e is not (InvalidDataException or OutOfMemoryException))
        {
            throw Broken(path, e);
        }
    }

    async Task<StoreRow[]> ReadRowsAsync()
    {
        DataField[] fields = reader.Schema.GetDataFields();
        bool own = StoreTable.Required.All(c => fields.Any(f => f.Equals(c)));
        DataField? Texts(string name) => fields.FirstOrDefault(f => f.Path.FirstPart == name && f.MaxRepetitionLevel == 0 && f.ClrType == typeof(ReadOnlyMemory<char>));
        DataField? paths = Texts("path"), classes = Texts("class");
        var all = new List<StoreRow>(checked((int)Count));
        for (int g = 0; g < reader.RowGroupCount; g++)
        {
            using ParquetRowGroupReader rows = reader.OpenRowGroupReader(g);
            if (own)
            {
                all.AddRange(await StoreTable.ReadColumnsAsync(rows).ConfigureAwait(false));
                continue;
            }
            string?[] names = new string?[rows.RowCount], kinds = new string?[rows.RowCount];
            if (paths is not null) await rows.ReadAsync(paths, names.AsMemory()!).ConfigureAwait(false);
            if (classes is not null) await rows.ReadAsync(classes, kinds.AsMemory()!).ConfigureAwait(false);
            for (int i = 0; i < names.Length; i++) all.Add(new StoreRow(names[i] ?? DescriptorImport.NameOf(all.Count), kinds[i] ?? ImageFolder.Unlabelled, 0, 0, 0));
        }
        return [.. all];
    }

    public void Dispose() => reader.DisposeAsync().AsTask().GetAwaiter().GetResult();
}
