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
sealed record IndexBlock(ReadOnlyMemory<float> Values, int Rows, long FirstId);

/// <summary>An index file that is open: its rows stay on the disk until they are read. Owns the map.</summary>
/// <param name="Map">What the rows lie in.</param>
/// <param name="Meta">The section META.</param>
/// <param name="Blocks">The rows.</param>
/// <param name="CodesAt">Offset and length of the section CODES; null where there is none.</param>
sealed record IndexContent(MappedFile Map, IndexMeta Meta, IReadOnlyList<IndexBlock> Blocks, (long Offset, long Length)? CodesAt)
{
    public Stream? OpenCodes() => CodesAt is var (offset, length) ? Map.OpenStream(offset, length) : null;
}

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
/// <item>the sections, each at a multiple of 4096: <c>META</c> (JSON, <see cref="IndexMeta"/>), <c>ROWS</c> (float32 [N, D], already unit vectors for the cosine),
/// <c>CODES</c> (of the certified search; left out where the rows are few)</item>
/// </list>
/// Sections may come in any order. A reader passes over sections it does not know, and codes rows that come without codes.
/// </summary>
static class IndexFile
{
    const uint Version = 1;
    const int EntrySize = 56, HeaderSize = 16, Alignment = 4096, MostSections = 64;

    /// <summary>Floats per block of rows read: 256 MiB.</summary>
    const int BlockValues = 1 << 26;

    static ReadOnlySpan<byte> Magic => "OSPREYIX"u8;

    readonly record struct Section(string Name, long Offset, long Length, byte[] Sha256);

    /// <param name="path">The file.</param>
    /// <param name="meta">The section META.</param>
    /// <param name="rows">All rows, in pieces of whole ones; each is asked for once, and not kept.</param>
    /// <param name="codesOf">The rows, as they lie in the file now, to what writes the section CODES; null to leave it out.</param>
    public static void Write(string path, IndexMeta meta, IEnumerable<ReadOnlyMemory<float>> rows, Func<IReadOnlyList<IndexBlock>, Action<Stream>?> codesOf)
    {
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(meta, Json.Line);
        AtomicFile.Write(path, stream =>
        {
            var sections = new List<Section>();
            void Append(string name, Action<Stream> write)
            {
                using var hash = SHA256.Create();
                long start = Aligned(stream.Position);
                stream.Position = start;
                using (var hashing = new CryptoStream(stream, hash, CryptoStreamMode.Write, leaveOpen: true)) write(hashing);
                sections.Add(new Section(name, start, stream.Position - start, hash.Hash!));
            }
            // The header is known last and written first.
            stream.Position = HeaderSize + (3 * EntrySize);
            Append("META", to => to.Write(json));
            Append("ROWS", to =>
            {
                foreach (ReadOnlyMemory<float> piece in rows) to.Write(MemoryMarshal.AsBytes(piece.Span));
            });
            // An index without rows ends where they would begin.
            stream.SetLength(sections[^1].Offset + sections[^1].Length);
            stream.Flush();
            using (MappedFile map = MappedFile.Open(stream))
                if (codesOf([.. Blocks(map, sections[^1].Offset, meta)]) is { } writeCodes) Append("CODES", writeCodes);
            stream.Position = 0;
            WriteHeader(stream, sections);
        });
    }

    static IEnumerable<IndexBlock> Blocks(MappedFile map, long offset, IndexMeta meta)
    {
        int rowsPerBlock = Math.Max(1, BlockValues / meta.Dimension);
        for (long first = 0; first < meta.Rows; first += rowsPerBlock)
        {
            int count = (int)Math.Min(rowsPerBlock, meta.Rows - first);
            yield return new IndexBlock(map.Floats(offset + (first * meta.Dimension * sizeof(float)), count * meta.Dimension), count, first);
        }
    }

    static void WriteHeader(Stream stream, List<Section> sections)
    {
        byte[] header = new byte[HeaderSize + sections.Count * EntrySize];
        Magic.CopyTo(header);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(8), Version);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(12), sections.Count);
        for (int i = 0; i < sections.Count; i++)
        {
            Span<byte> entry = header.AsSpan(HeaderSize + i * EntrySize, EntrySize);
            Encoding.ASCII.GetBytes(sections[i].Name, entry);
            BinaryPrimitives.WriteInt64LittleEndian(entry[8..], sections[i].Offset);
            BinaryPrimitives.WriteInt64LittleEndian(entry[16..], sections[i].Length);
            sections[i].Sha256.CopyTo(entry[24..]);
        }
        stream.Write(header);
    }

    static long Aligned(long offset) => (offset + Alignment - 1) / Alignment * Alignment;

    public static IndexContent Open(string path)
    {
        Dictionary<string, Section> sections;
        IndexMeta meta;
        using (FileStream stream = File.OpenRead(path))
        {
            sections = ReadSections(stream, path);
            meta = ReadMeta(stream, Required(sections, "META", path), path);
        }
        Section rows = Required(sections, "ROWS", path);
        if (meta.Dimension < 1 || meta.Rows < 0 || (Int128)meta.Rows * meta.Dimension * sizeof(float) != rows.Length || rows.Offset % sizeof(float) != 0)
            throw new InvalidDataException($"{path} is broken: its rows take {rows.Length} bytes, and {meta.Rows} × {meta.Dimension} floats do not");

        MappedFile map = MappedFile.Open(path);
        try
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            IndexBlock[] blocks = [.. Blocks(map, rows.Offset, meta)];
            foreach (IndexBlock block in blocks) hash.AppendData(MemoryMarshal.AsBytes(block.Values.Span));
            CheckHash(rows, hash.GetHashAndReset(), path);
            (long, long)? codesAt = null;
            if (sections.TryGetValue("CODES", out Section codes))
            {
                using Stream stream = map.OpenStream(codes.Offset, codes.Length);
                CheckHash(codes, SHA256.HashData(stream), path);
                codesAt = (codes.Offset, codes.Length);
            }
            return new IndexContent(map, meta, blocks, codesAt);
        }
        catch
        {
            map.Dispose();
            throw;
        }
    }

    /// <summary>What an index is, without its rows.</summary>
    /// <exception cref="InvalidDataException">The file is broken; the message says how.</exception>
    public static IndexMeta ReadMeta(string path)
    {
        using FileStream stream = File.OpenRead(path);
        return ReadMeta(stream, Required(ReadSections(stream, path), "META", path), path);
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
