using System.Buffers.Binary;

namespace Osprey.Engine.Images;

/// <summary>
/// The directory that LibTiff gets to see in place of the file's own: little-endian BigTIFF, with nothing in it but what the codecs need. LibTiff.NET
/// 2.4.660 does not open big-endian BigTIFF; and what a metadata tag holds cannot make it stumble.
/// Byte order and predictor are left to <see cref="TiffPredictor"/>.
/// </summary>
static class TiffDirectory
{
    const int Short = 3, Long = 4, Long8 = 16;

    /// <summary>Fill order, palette, fax options, JPEG tables, and how YCbCr and CMYK are meant.</summary>
    static readonly int[] copied = [266, 292, 293, 320, 332, 347, 529, 530, 531, 532];

    /// <param name="header">The file's own directory.</param>
    /// <param name="withPredictor">Whether LibTiff is to undo the predictor, which it can of 8-bit samples whatever the byte order.</param>
    /// <returns>The head of a file that goes on with the file itself, to which all offsets are shifted.</returns>
    public static byte[] Write(TiffHeader header, bool withPredictor)
    {
        var entries = new SortedDictionary<int, (int Type, int Count, byte[] Values)>();
        void Add(int tag, int type, params ulong[] values)
        {
            int size = type switch { Short => 2, Long => 4, _ => 8 };
            byte[] bytes = new byte[values.Length * size + 8];
            for (int i = 0; i < values.Length; i++) BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(i * size), values[i]);
            entries[tag] = (type, values.Length, bytes[..^8]);
        }

        Add(256, Long, (ulong)header.Width);
        Add(257, Long, (ulong)header.Height);
        Add(258, Short, (ulong)header.BitsPerSample);
        Add(259, Short, (ulong)header.Compression);
        Add(262, Short, (ulong)header.Photometric);
        Add(277, Short, (ulong)header.Bands);
        Add(284, Short, header.Planar ? 2ul : 1);
        Add(339, Short, (ulong)header.Format);
        if (header.ExtraSamples.Count > 0) Add(338, Short, [.. header.ExtraSamples.Select(e => (ulong)e)]);
        if (withPredictor && header.Predictor != 1) Add(317, Short, (ulong)header.Predictor);
        if (header.Tiled)
        {
            Add(322, Long, (ulong)header.SegmentWidth);
            Add(323, Long, (ulong)header.SegmentHeight);
        }
        else
        {
            Add(278, Long, (ulong)header.SegmentHeight);
        }
        foreach (int tag in copied)
        {
            if (header.Raw(tag) is { } raw) entries[tag] = raw;
        }
        Add(header.Tiled ? 325 : 279, Long8, header.Counts);
        int offsets = header.Tiled ? 324 : 273;
        Add(offsets, Long8, header.Offsets);

        int table = 16 + 8 + 20 * entries.Count + 8;
        int length = table + entries.Values.Sum(e => e.Values.Length > 8 ? (e.Values.Length + 7) / 8 * 8 : 0);
        Add(offsets, Long8, [.. header.Offsets.Select(o => o == 0 ? 0 : o + (ulong)length)]);

        byte[] file = new byte[length];
        Span<byte> at = file;
        "II\x2B\0\x08\0\0\0"u8.CopyTo(at);
        BinaryPrimitives.WriteUInt64LittleEndian(at[8..], 16);
        BinaryPrimitives.WriteUInt64LittleEndian(at[16..], (ulong)entries.Count);
        at = at[24..];
        int free = table;
        foreach ((int tag, (int type, int count, byte[] values)) in entries)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(at, (ushort)tag);
            BinaryPrimitives.WriteUInt16LittleEndian(at[2..], (ushort)type);
            BinaryPrimitives.WriteUInt64LittleEndian(at[4..], (ulong)count);
            if (values.Length <= 8)
            {
                values.CopyTo(at[12..]);
            }
            else
            {
                BinaryPrimitives.WriteUInt64LittleEndian(at[12..], (ulong)free);
                values.CopyTo(file, free);
                free += (values.Length + 7) / 8 * 8;
            }
            at = at[20..];
        }
        return file;
    }
}
