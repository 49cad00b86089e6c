using System.Globalization;
using System.Text.Json;
using Osprey.Engine.Datasets;
using Parquet;
using Parquet.Schema;

namespace Osprey.Engine.Sources;

/// <summary>One row of a Parquet file, or what is wrong with the file.</summary>
/// <param name="Group">Row group; −1 where this stands for the file itself.</param>
/// <param name="Row">In the group.</param>
/// <param name="Name">What follows the file in the image's name: /NAME, or /NUMBER.</param>
/// <param name="ImagePath">The image file, absolute; null where the bytes are in the row.</param>
/// <param name="Class">Its class.</param>
/// <param name="Fault">Why it cannot be read, as far as that is known already; null if it is not.</param>
readonly record struct ParquetSample(int Group, int Row, string Name, string? ImagePath, string Class, string? Fault);

/// <summary>Finds the columns of images, paths and classes in a Parquet file and reads them.</summary>
static class ParquetImages
{
    /// <summary>Above it a row group's images are not read: all of them are in memory at once.</summary>
    const long LargestGroup = 1L << 30;

    static readonly string[] byteNames = ["image", "image/bytes", "img/bytes", "image_bytes", "bytes", "jpg", "jpeg", "png", "tif", "tiff", "content"];
    static readonly string[] pathNames = ["path", "image_path", "file_name", "filename", "file", "image", "image/path", "img/path"];
    static readonly string[] classNames = ["class", "label", "cls", "class_name"];

    /// <summary>The rows in order; of a file that cannot be read one entry that says so.</summary>
    /// <exception cref="IOException">The file cannot be opened.</exception>
    public static IReadOnlyList<ParquetSample> Index(string file)
    {
        using FileStream stream = Open(file);
        try
        {
            return IndexAsync(file, stream).GetAwaiter().GetResult();
        }
        catch (Exception e) when (e is not OutOfMemoryException) // The library throws many kinds.
        {
            return [new ParquetSample(-1, 0, "", null, ImageFolder.Unlabelled, e is InvalidDataException ? e.Message : $"the file is no Parquet, damaged or cut short: {e.Message}")];
        }
    }

    /// <summary>The images of a row group; null where a row has none.</summary>
    /// <exception cref="InvalidDataException">The group is damaged or too large.</exception>
    public static byte[]?[] ReadBytes(string file, int group)
    {
        using FileStream stream = Open(file);
        try
        {
            return ReadBytesAsync(stream, group).GetAwaiter().GetResult();
        }
        catch (Exception e) when (e is not (InvalidDataException or OutOfMemoryException))
        {
            throw new InvalidDataException($"row group {group} cannot be read: {e.Message}", e);
        }
    }

    static FileStream Open(string file) => new(file, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 1 << 16);

    static async Task<byte[]?[]> ReadBytesAsync(FileStream stream, int group)
    {
        await using ParquetReader reader = await ParquetReader.CreateAsync(stream).ConfigureAwait(false);
        DataField column = Find(reader.Schema, byteNames, typeof(ReadOnlyMemory<byte>)) ?? throw new InvalidDataException("the file's columns are not what they were");
        using ParquetRowGroupReader rows = reader.OpenRowGroupReader(group);
        long size = rows.GetMetadata(column)?.MetaData?.TotalUncompressedSize ?? 0;
        if (size > LargestGroup) throw new InvalidDataException($"row group {group} holds {size} bytes of images, and at most {LargestGroup} are read at once; write the file with smaller row groups");
        return [.. (await ValuesAsync<ReadOnlyMemory<byte>>(rows, column).ConfigureAwait(false)).Select(v => v?.ToArray())];
    }

    static async Task<List<ParquetSample>> IndexAsync(string file, FileStream stream)
    {
        await using ParquetReader reader = await ParquetReader.CreateAsync(stream).ConfigureAwait(false);
        DataField? bytes = Find(reader.Schema, byteNames, typeof(ReadOnlyMemory<byte>)), path = Find(reader.Schema, pathNames, typeof(ReadOnlyMemory<char>)), kind = FindAny(reader.Schema, classNames);
        if (bytes is null && path is null)
            throw new InvalidDataException($"the file has neither a column of image bytes ({string.Join(", ", byteNames.Take(5))} …) nor one of paths ({string.Join(", ", pathNames.Take(5))} …); it has {string.Join(", ", reader.Schema.GetDataFields().Select(NameOf))}");
        string[]? names = kind is null ? null : ClassLabels(reader.CustomMetadata, kind.Name);
        string folder = Path.GetDirectoryName(file)!;
        var samples = new List<ParquetSample>();
        for (int g = 0; g < reader.RowGroupCount; g++)
        {
            using ParquetRowGroupReader rows = reader.OpenRowGroupReader(g);
            int count = checked((int)rows.RowCount);
            string?[] paths = path is null ? new string?[count] : await TextsAsync(rows, path).ConfigureAwait(false);
            string?[] kinds = kind is null ? new string?[count] : await ClassesAsync(rows, kind).ConfigureAwait(false);
            for (int i = 0; i < count; i++)
            {
                bool missing = bytes is null && string.IsNullOrEmpty(paths[i]);
                string name = "/" + (string.IsNullOrEmpty(paths[i]) ? samples.Count.ToString(CultureInfo.InvariantCulture) : paths[i]!.TrimStart('/'));
                string @class = kinds[i] is not { Length: > 0 } k ? ImageFolder.Unlabelled : names is not null && int.TryParse(k, NumberStyles.None, CultureInfo.InvariantCulture, out int n) && n < names.Length ? names[n] : k;
                samples.Add(new ParquetSample(g, i, name, bytes is null && !missing ? Path.GetFullPath(paths[i]!, folder) : null, @class, missing ? "the row has no path" : null));
            }
        }
        return samples;
    }

    static async Task<string?[]> ClassesAsync(ParquetRowGroupReader rows, DataField field)
    {
        if (field.ClrType == typeof(ReadOnlyMemory<char>)) return await TextsAsync(rows, field).ConfigureAwait(false);
        if (field.ClrType == typeof(long)) return await NumbersAsync<long>(rows, field).ConfigureAwait(false);
        if (field.ClrType == typeof(int)) return await NumbersAsync<int>(rows, field).ConfigureAwait(false);
        if (field.ClrType == typeof(short)) return await NumbersAsync<short>(rows, field).ConfigureAwait(false);
        if (field.ClrType == typeof(sbyte)) return await NumbersAsync<sbyte>(rows, field).ConfigureAwait(false);
        if (field.ClrType == typeof(byte)) return await NumbersAsync<byte>(rows, field).ConfigureAwait(false);
        throw new InvalidDataException($"the column {NameOf(field)} holds {field.ClrType.Name}; classes are text or whole numbers");
    }

    static async Task<string?[]> NumbersAsync<T>(ParquetRowGroupReader rows, DataField field)
        where T : struct, IFormattable =>
        [.. (await ValuesAsync<T>(rows, field).ConfigureAwait(false)).Select(v => v?.ToString(null, CultureInfo.InvariantCulture))];

    static async Task<string?[]> TextsAsync(ParquetRowGroupReader rows, DataField field) =>
        [.. (await ValuesAsync<ReadOnlyMemory<char>>(rows, field).ConfigureAwait(false)).Select(v => v?.ToString())];

    /// <summary>A column without repetitions, row by row; to be copied before the reader goes on.</summary>
    /// <remarks>By the definition levels, because the library's own reading of nullable values moves those of a pair's members up into the place of nulls (6.1.0).</remarks>
    static async Task<T?[]> ValuesAsync<T>(ParquetRowGroupReader rows, DataField field)
        where T : struct
    {
        int count = checked((int)rows.RowCount);
        T[] values = new T[count];
        int[] definition = new int[count];
        bool nullable = field.MaxDefinitionLevel > 0;
        await rows.ReadRawAsync<T>(field, values, nullable ? definition.AsMemory() : (Memory<int>?)null, null, CancellationToken.None).ConfigureAwait(false);
        int next = 0;
        return [.. definition.Select(d => !nullable || d == field.MaxDefinitionLevel ? values[next++] : (T?)null)];
    }

    /// <summary>The names behind the numbers, where Hugging Face's datasets wrote the file; null where not.</summary>
    static string[]? ClassLabels(Dictionary<string, string>? metadata, string column)
    {
        if (metadata is null || !metadata.TryGetValue("huggingface", out string? text)) return null;
        try
        {
            using JsonDocument json = JsonDocument.Parse(text);
            JsonElement at = json.RootElement;
            foreach (string name in new[] { "info", "features", column, "names" })
            {
                if (at.ValueKind != JsonValueKind.Object || !at.TryGetProperty(name, out at)) return null;
            }
            return at.ValueKind == JsonValueKind.Array ? [.. at.EnumerateArray().Select(n => n.ToString())] : null;
        }
        catch (JsonException)
        {
            // A note of another program's; the numbers themselves will do.
            return null;
        }
    }

    /// <remarks>The library's type of text is memory of characters, and of binary values memory of bytes.</remarks>
    static DataField? Find(ParquetSchema schema, string[] names, Type type) => names.Select(n => schema.GetDataFields().FirstOrDefault(f => f.MaxRepetitionLevel == 0 && f.ClrType == type && NameOf(f) == n)).FirstOrDefault(f => f is not null);

    static DataField? FindAny(ParquetSchema schema, string[] names) => names.Select(n => schema.GetDataFields().FirstOrDefault(f => f.MaxRepetitionLevel == 0 && NameOf(f) == n)).FirstOrDefault(f => f is not null);

    static string NameOf(DataField field) => string.Join('/', field.Path.ToList());
}
