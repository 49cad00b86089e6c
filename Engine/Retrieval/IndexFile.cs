using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Osprey.Interop.Formats;

namespace Osprey.Engine.Retrieval;

/// <param name="Values">[Rows, D].</param>
/// <param name="Rows">May be 0.</param>
/// <param name="FirstId">Id of its first row.</param>
sealed record IndexBlock(float[] Values, int Rows, long FirstId);

/// <summary>The section <c>META</c>.</summary>
sealed record IndexMeta
{
    public required Metric Metric { get; init; }
    public required int Dimension { get; init; }
    public required long Rows { get; init; }

    /// <summary>Of the store the rows came from; empty if from memory.</summary>
    public required string StoreSha256 { get; init; }
}

/// <summary>
/// An index on disk, complete in itself, little-endian:
/// <list type="bullet">
/// <item>bytes 0–7 <c>OSPREYIX</c>; uint32 version (1); uint32 number of sections n</item>
/// <item>n entries of 56 bytes: name, 8 ASCII bytes padded with 0; int64 offset; int64 length; 32 bytes SHA-256 of the section</item>
/// <item>the sections, each at a multiple of 4096: <c>META</c> (JSON, <see cref="IndexMeta"/>), <c>ROWS</c> (float32 [N, D], already unit vectors for the cosine)</item>
/// </list>
/// A reader passes over sections it does not know: what a faster scan wants besides the rows (codes, a permutation) is added as sections.
/// </summary>
static class IndexFile
{
    const uint Version = 1;
    const int EntrySize = 56, HeaderSize = 16, Alignment = 4096, MostSections = 64;

    /// <summary>Floats per block of rows read: 256 MiB.</summary>
    const int BlockValues = 1 << 26;

    static ReadOnlySpan<byte> Magic => "OSPREYIX"u8;

    readonly record struct Section(string Name, long Offset, long Length, byte[] Sha256);

    public static void Write(string path, IndexMeta meta, IReadOnlyList<IndexBlock> blocks)
    {
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(meta, Json.Line);
        using var rowsHash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        long rowsLength = 0;
        foreach (IndexBlock block in blocks)
        {
            rowsHash.AppendData(MemoryMarshal.AsBytes(block.Values.AsSpan()));
            rowsLength += block.Values.LongLength * sizeof(float);
        }
        long metaAt = Aligned(HeaderSize + 2 * EntrySize), rowsAt = Aligned(metaAt + json.Length);
        Section[] sections = [new("META", metaAt, json.Length, SHA256.HashData(json)), new("ROWS", rowsAt, rowsLength, rowsHash.GetHashAndReset())];

        byte[] header = new byte[HeaderSize + sections.Length * EntrySize];
        Magic.CopyTo(header);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(8), Version);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(12), sections.Length);
        for (int i = 0; i < sections.Length; i++)
        {
            Span<byte> entry = header.AsSpan(HeaderSize + i * EntrySize, EntrySize);
            Encoding.ASCII.GetBytes(sections[i].Name, entry);
            BinaryPrimitives.WriteInt64LittleEndian(entry[8..], sections[i].Offset);
            BinaryPrimitives.WriteInt64LittleEndian(entry[16..], sections[i].Length);
            sections[i].Sha256.CopyTo(entry[24..]);
        }

        AtomicFile.Write(path, stream =>
        {
            stream.Write(header);
            stream.Position = metaAt;
            stream.Write(json);
            stream.Position = rowsAt;
            foreach (IndexBlock block in blocks) stream.Write(MemoryMarshal.AsBytes(block.Values.AsSpan()));
            // An index without rows ends where they would begin.
            stream.SetLength(rowsAt + rowsLength);
        });
    }

    static long Aligned(long offset) => (offset + Alignment - 1) / Alignment * Alignment;

    public static (IndexMeta Meta, IReadOnlyList<IndexBlock> Blocks) Read(string path)
    {
        using FileStream stream = File.OpenRead(path);
        Dictionary<string, Section> sections = ReadSections(stream, path);
        IndexMeta meta = ReadMeta(stream, Required(sections, "META", path), path);
        Section rows = Required(sections, "ROWS", path);
        if (meta.Dimension < 1 || meta.Rows < 0 || (Int128)meta.Rows * meta.Dimension * sizeof(float) != rows.Length)
            throw new InvalidDataException($"{path} is broken: its rows take {rows.Length} bytes, and {meta.Rows} × {meta.Dimension} floats do not");

        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var blocks = new List<IndexBlock>();
        int rowsPerBlock = Math.Max(1, BlockValues / meta.Dimension);
        stream.Position = rows.Offset;
        for (long first = 0; first < meta.Rows; first += rowsPerBlock)
        {
            int count = (int)Math.Min(rowsPerBlock, meta.Rows - first);
            float[] values = new float[(long)count * meta.Dimension];
            stream.ReadExactly(MemoryMarshal.AsBytes(values.AsSpan()));
            hash.AppendData(MemoryMarshal.AsBytes(values.AsSpan()));
            blocks.Add(new IndexBlock(values, count, first));
        }
        CheckHash(rows, hash.GetHashAndReset(), path);
        return (meta, blocks);
    }

    static Dictionary<string, Section> ReadSections(FileStream stream, string path)
    {
        Span<byte> start = stackalloc byte[HeaderSize];
        if (stream.ReadAtLeast(start, HeaderSize, throwOnEndOfStream: false) < HeaderSize || !start[..8].SequenceEqual(Magic))
            throw new InvalidDataException($"{path} is no index: it does not begin with OSPREYIX");
        uint version = BinaryPrimitives.ReadUInt32LittleEndian(start[8..]);
        if (version != Version) throw new InvalidDataException($"{path} is an index of version {version}, and this program reads {Version}; run osprey index again");
        int count = BinaryPrimitives.ReadInt32LittleEndian(start[12..]);
        if (count is < 0 or > MostSections || HeaderSize + (long)count * EntrySize > stream.Length) throw new InvalidDataException($"{path} is broken: it claims {count} sections");
        var sections = new Dictionary<string, Section>(StringComparer.Ordinal);
        byte[] entry = new byte[EntrySize];
        for (int i = 0; i < count; i++)
        {
            stream.ReadExactly(entry);
            string name = Encoding.ASCII.GetString(entry, 0, 8).TrimEnd('\0');
            long offset = BinaryPrimitives.ReadInt64LittleEndian(entry.AsSpan(8)), length = BinaryPrimitives.ReadInt64LittleEndian(entry.AsSpan(16));
            if (offset < 0 || length < 0 || offset > stream.Length - length) throw new InvalidDataException($"{path} is truncated: its section {name} lies outside the file");
            sections[name] = new Section(name, offset, length, entry[24..]);
        }
        return sections;
    }

    static Section Required(Dictionary<string, Section> sections, string name, string path) =>
        sections.TryGetValue(name, out Section section) ? section : throw new InvalidDataException($"{path} is broken: it has no section {name}");

    static IndexMeta ReadMeta(FileStream stream, Section section, string path)
    {
        if (section.Length > 1 << 20) throw new InvalidDataException($"{path} is broken: its description claims {section.Length} bytes");
        byte[] json = new byte[section.Length];
        stream.Position = section.Offset;
        stream.ReadExactly(json);
        CheckHash(section, SHA256.HashData(json), path);
        try
        {
            return JsonSerializer.Deserialize<IndexMeta>(json, Json.Line) ?? throw new InvalidDataException($"{path} is broken: its description is null");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{path} is broken: {e.Message}", e);
        }
    }

    static void CheckHash(Section section, byte[] actual, string path)
    {
        if (!actual.AsSpan().SequenceEqual(section.Sha256)) throw new InvalidDataException($"{path} is broken: the content of its section {section.Name} is not what its SHA-256 says");
    }
}
