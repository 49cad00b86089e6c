using System.Buffers.Binary;
using System.Text.Json;

namespace Osprey.Interop.Formats;

/// <summary>The header of a safetensors file, checked against the file's size.</summary>
sealed class SafeTensorsHeader
{
    /// <summary>The reference implementation's limit, bytes.</summary>
    const int MaxHeader = 100_000_000;

    const string MetadataKey = "__metadata__";

    /// <param name="Info">Name, type, shape.</param>
    /// <param name="Begin">First byte of the values, from <see cref="DataStart"/>.</param>
    public readonly record struct Entry(TensorInfo Info, long Begin);

    SafeTensorsHeader(long dataStart, IReadOnlyList<Entry> entries, IReadOnlyDictionary<string, string> metadata)
    {
        DataStart = dataStart;
        Entries = entries;
        Metadata = metadata;
    }

    /// <summary>Where the values start in the file.</summary>
    public long DataStart { get; }

    /// <summary>In the order of the values.</summary>
    public IReadOnlyList<Entry> Entries { get; }

    public IReadOnlyDictionary<string, string> Metadata { get; }

    public static SafeTensorsHeader Read(Stream file, string path)
    {
        Span<byte> prefix = stackalloc byte[8];
        if (file.Length < 8) throw new InvalidDataException($"{path} has {file.Length} bytes; a safetensors file has at least 8");
        file.ReadExactly(prefix);
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > MaxHeader) throw new InvalidDataException($"{path} is not safetensors: its header would have {length} bytes, and {MaxHeader} are allowed");
        if ((long)length > file.Length - 8) throw new InvalidDataException($"{path} is cut off: its header has {length} bytes and the file {file.Length}");
        byte[] json = new byte[(int)length];
        file.ReadExactly(json);
        try
        {
            return Parse(json, path, file.Length - 8 - (long)length);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            // InvalidOperationException: a JSON value of another kind than asked for, or text that is not UTF-8.
            throw new InvalidDataException($"{path} is not safetensors: its header is broken ({e.Message})", e);
        }
    }

    static SafeTensorsHeader Parse(byte[] json, string path, long dataLength)
    {
        if (json.Length == 0 || json[0] != (byte)'{') throw new InvalidDataException($"{path} is not safetensors: its header is not a JSON object");
        using JsonDocument document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 8 });
        var entries = new List<Entry>();
        var names = new HashSet<string>();
        var metadata = new Dictionary<string, string>();
        foreach (JsonProperty property in document.RootElement.EnumerateObject())
        {
            if (!names.Add(property.Name)) throw new InvalidDataException($"{path} names {property.Name} twice");
            if (property.Name == MetadataKey)
                foreach (JsonProperty note in property.Value.EnumerateObject()) metadata[note.Name] = note.Value.GetString() ?? "";
            else
                entries.Add(ParseEntry(property, path, dataLength));
        }
        entries.Sort((a, b) => (a.Begin, a.Info.Bytes).CompareTo((b.Begin, b.Info.Bytes)));
        long end = 0;
        foreach (Entry entry in entries)
        {
            if (entry.Begin != end)
                throw new InvalidDataException($"{path}: {entry.Info.Name} starts at byte {entry.Begin} of the values and the one before ends at {end}; values may neither overlap nor leave a gap");
            end += entry.Info.Bytes;
        }
        if (end != dataLength) throw new InvalidDataException($"{path} has {dataLength} bytes of values and its header describes {end}; the file is cut off or damaged");
        return new SafeTensorsHeader(8 + json.Length, entries, metadata);
    }

    static Entry ParseEntry(JsonProperty property, string path, long dataLength)
    {
        string name = property.Name;
        string type = Member("dtype").GetString() ?? "";
        long[] shape = [.. Member("shape").EnumerateArray().Select(s => s.GetInt64())];
        long[] range = [.. Member("data_offsets").EnumerateArray().Select(s => s.GetInt64())];
        if (range.Length != 2 || range[0] < 0 || range[1] < range[0] || range[1] > dataLength)
            throw new InvalidDataException($"{path}: {name} lies at bytes [{string.Join(", ", range)}) of {dataLength}");
        if (shape.Length > 64 || shape.Any(s => s < 0)) throw new InvalidDataException($"{path}: {name} has the impossible shape [{string.Join(", ", shape)}]");
        long bytes = range[1] - range[0];
        // Types that this engine cannot hold are listed by Inspect all the same; their sizes are the file's word.
        if (ElementType.TryParse(type, out _, out int size) && !Matches(shape, size, bytes))
            throw new InvalidDataException($"{path}: {name} is {type} [{string.Join(", ", shape)}] and has {bytes} bytes, which does not fit");
        return new Entry(new TensorInfo(name, type, shape, bytes), range[0]);

        JsonElement Member(string key) => property.Value.TryGetProperty(key, out JsonElement value)
            ? value
            : throw new InvalidDataException($"{path}: {name} has no {key}");
    }

    static bool Matches(long[] shape, long size, long bytes)
    {
        if (shape.Contains(0)) return bytes == 0;
        Int128 product = size;
        foreach (long s in shape)
        {
            product *= s;
            if (product > bytes) return false;
        }
        return product == bytes;
    }

    public static byte[] Serialize(IEnumerable<TensorInfo> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        using var buffer = new MemoryStream();
        buffer.Write(stackalloc byte[8]);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                json.WriteStartObject(MetadataKey);
                foreach (var (key, value) in metadata.OrderBy(m => m.Key, StringComparer.Ordinal)) json.WriteString(key, value);
                json.WriteEndObject();
            }
            long end = 0;
            foreach (TensorInfo tensor in tensors)
            {
                json.WriteStartObject(tensor.Name);
                json.WriteString("dtype", tensor.Type);
                json.WriteStartArray("shape");
                foreach (long size in tensor.Shape) json.WriteNumberValue(size);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(end);
                json.WriteNumberValue(end += tensor.Bytes);
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        while (buffer.Length % 8 != 0) buffer.WriteByte((byte)' ');
        byte[] header = buffer.ToArray();
        BinaryPrimitives.WriteUInt64LittleEndian(header, (ulong)header.Length - 8);
        return header;
    }
}
