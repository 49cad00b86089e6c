using System.Buffers.Binary;

namespace Osprey.Tests.Engine.Images;

/// <summary>TIFF files put together by hand, byte by byte, so that what reads them is checked against the standard and not against its own writer.</summary>
sealed class HandTiff
{
    readonly bool bigEndian, bigTiff;
    readonly SortedDictionary<int, (int Type, ulong[] Values)> entries = [];
    readonly List<byte[]> segments = [];

    public HandTiff(int width, int height, int bands, int bits, bool bigEndian = false, bool bigTiff = false)
    {
        this.bigEndian = bigEndian;
        this.bigTiff = bigTiff;
        Tag(256, 4, (ulong)width);
        Tag(257, 4, (ulong)height);
        Tag(258, 3, [.. Enumerable.Repeat((ulong)bits, bands)]);
        Tag(259, 3, 1);
        Tag(262, 3, bands == 3 ? 2ul : 1);
        Tag(277, 3, (ulong)bands);
        Tag(278, 4, (ulong)height);
    }

    /// <summary>Sets a tag; type 2 bytes of text, 3 short, 4 long, 16 eight bytes.</summary>
    public HandTiff Tag(int tag, int type, params ulong[] values)
    {
        entries[tag] = (type, values);
        return this;
    }

    public HandTiff Without(int tag)
    {
        entries.Remove(tag);
        return this;
    }

    public HandTiff Text(int tag, string text) => Tag(tag, 2, [.. (text + "\0").Select(c => (ulong)c)]);

    /// <summary>Appends a strip or tile; null for one that is left out.</summary>
    public HandTiff Segment(byte[]? bytes)
    {
        segments.Add(bytes ?? []);
        return this;
    }

    /// <summary>A sample of <paramref name="size"/> bytes as the file stores it.</summary>
    public byte[] Number(ulong value, int size)
    {
        byte[] bytes = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        bytes = bytes[..size];
        if (bigEndian) Array.Reverse(bytes);
        return bytes;
    }

    public byte[] ToArray()
    {
        bool tiled = entries.ContainsKey(322);
        var file = new List<byte>();
        file.AddRange(bigEndian ? "MM"u8 : "II"u8);
        file.AddRange(Number(bigTiff ? 43ul : 42, 2));
        if (bigTiff) file.AddRange([.. Number(8, 2), .. Number(0, 2)]);
        int pointer = file.Count, wide = bigTiff ? 8 : 4;
        file.AddRange(Number(0, wide));

        var offsets = new List<ulong>();
        foreach (byte[] segment in segments)
        {
            offsets.Add(segment.Length == 0 ? 0 : (ulong)file.Count);
            file.AddRange(segment);
        }
        if (segments.Count > 0 && !entries.ContainsKey(tiled ? 324 : 273)) Tag(tiled ? 324 : 273, bigTiff ? 16 : 4, [.. offsets]);
        if (segments.Count > 0 && !entries.ContainsKey(tiled ? 325 : 279)) Tag(tiled ? 325 : 279, 4, [.. segments.Select(s => (ulong)s.Length)]);

        var table = new List<byte>();
        foreach ((int tag, (int type, ulong[] values)) in entries)
        {
            int size = type switch { 2 => 1, 3 => 2, 4 => 4, _ => 8 };
            byte[] bytes = [.. values.SelectMany(v => Number(v, size))];
            table.AddRange([.. Number((ulong)tag, 2), .. Number((ulong)type, 2), .. Number((ulong)values.Length, wide)]);
            if (bytes.Length > wide)
            {
                table.AddRange(Number((ulong)file.Count, wide));
                file.AddRange(bytes);
            }
            else
            {
                table.AddRange([.. bytes, .. new byte[wide - bytes.Length]]);
            }
        }
        byte[] at = Number((ulong)file.Count, wide);
        file.AddRange([.. Number((ulong)entries.Count, bigTiff ? 8 : 2), .. table, .. Number(0, wide)]);
        byte[] done = [.. file];
        at.CopyTo(done, pointer);
        return done;
    }
}
