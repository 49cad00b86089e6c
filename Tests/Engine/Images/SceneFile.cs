using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Osprey.Tests.Engine.Images;

/// <summary>A GeoTIFF written byte by byte, little-endian: what LibTiff's writer would not write, sparse and wrong files among it.</summary>
sealed class SceneFile
{
    readonly List<SceneImage> images = [];

    public bool Big { get; init; }

    /// <summary>Where the last directory points instead of nowhere.</summary>
    public ulong LastNext { get; set; }

    public SceneFile Add(SceneImage image)
    {
        images.Add(image);
        return this;
    }

    public static (int Tag, object Values)[] Utm32(double x, double y, double pixel) =>
    [
        (33550, new[] { pixel, pixel, 0 }), (33922, new[] { 0, 0, 0, x, y, 0 }),
        (34735, new ushort[] { 1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32632 }),
    ];

    public byte[] Write()
    {
        var file = new MemoryStream();
        file.Write(Big ? "II+\0\x08\0\0\0"u8 : "II*\0"u8);
        long link = file.Position;
        file.Write(new byte[Big ? 8 : 4]);
        foreach (SceneImage image in images)
        {
            SortedDictionary<int, object> tags = image.Tags(file);
            Link(file, link);
            link = Directory(file, tags);
        }
        if (LastNext != 0) Patch(file, link, LastNext);
        return file.ToArray();
    }

    void Link(MemoryStream file, long link) => Patch(file, link, (ulong)file.Length);

    void Patch(MemoryStream file, long at, ulong value)
    {
        file.Position = at;
        file.Write(BitConverter.GetBytes(value).AsSpan(0, Big ? 8 : 4));
        file.Position = file.Length;
    }

    /// <returns>Where the offset of the next directory is to be written.</returns>
    long Directory(MemoryStream file, SortedDictionary<int, object> tags)
    {
        int entry = Big ? 20 : 12, head = Big ? 8 : 2, word = Big ? 8 : 4;
        byte[] table = new byte[head + entry * tags.Count + word];
        BinaryPrimitives.WriteUInt16LittleEndian(table, (ushort)tags.Count);
        long free = file.Length + table.Length;
        var beyond = new MemoryStream();
        int at = head;
        foreach ((int tag, object values) in tags)
        {
            (int type, int count, byte[] bytes) = values switch
            {
                ushort[] v => (3, v.Length, v.SelectMany(BitConverter.GetBytes).ToArray()),
                uint[] v => (4, v.Length, [.. v.SelectMany(BitConverter.GetBytes)]),
                ulong[] v => (16, v.Length, [.. v.SelectMany(BitConverter.GetBytes)]),
                double[] v => (12, v.Length, [.. v.SelectMany(BitConverter.GetBytes)]),
                string v => (2, v.Length + 1, [.. Encoding.Latin1.GetBytes(v), 0]),
                _ => throw new ArgumentException($"tag {tag} of {values.GetType()}"),
            };
            BinaryPrimitives.WriteUInt16LittleEndian(table.AsSpan(at), (ushort)tag);
            BinaryPrimitives.WriteUInt16LittleEndian(table.AsSpan(at + 2), (ushort)type);
            BinaryPrimitives.WriteUInt32LittleEndian(table.AsSpan(at + 4), (uint)count);
            Span<byte> value = table.AsSpan(at + entry - word, word);
            if (bytes.Length <= word)
            {
                bytes.CopyTo(value);
            }
            else
            {
                BitConverter.GetBytes((ulong)(free + beyond.Length)).AsSpan(0, word).CopyTo(value);
                beyond.Write(bytes);
                if (beyond.Length % 2 == 1) beyond.WriteByte(0);
            }
            at += entry;
        }
        long link = file.Length + table.Length - word;
        file.Write(table);
        beyond.WriteTo(file);
        return link;
    }
}

/// <summary>One image of a <see cref="SceneFile"/>: unsigned 8-bit samples, pixel by pixel.</summary>
sealed record SceneImage(int Width, int Height, int Bands, Func<int, int, int, byte> Sample)
{
    /// <summary>Side of tiles; 0: strips.</summary>
    public int Tile { get; init; }

    public int RowsPerStrip { get; init; } = 8;

    public bool Deflate { get; init; }

    /// <summary>Whether a tile or strip, by its number, is left out.</summary>
    public Func<int, bool> Missing { get; init; } = _ => false;

    public (int Tag, object Values)[] More { get; init; } = [];

    /// <summary>Writes the samples to the file's end.</summary>
    public SortedDictionary<int, object> Tags(Stream file)
    {
        int w = Tile > 0 ? Tile : Width, h = Tile > 0 ? Tile : RowsPerStrip, across = (Width + w - 1) / w, down = (Height + h - 1) / h;
        var offsets = new uint[across * down];
        var counts = new uint[across * down];
        for (int s = 0; s < offsets.Length; s++)
        {
            if (Missing(s)) continue;
            int rows = Tile > 0 ? h : Math.Min(h, Height - s * h);
            byte[] bytes = new byte[w * rows * Bands];
            for (int y = 0, i = 0; y < rows; y++)
            {
                for (int x = 0; x < w; x++)
                {
                    for (int b = 0; b < Bands; b++, i++) bytes[i] = s % across * w + x < Width && s / across * h + y < Height ? Sample(s % across * w + x, s / across * h + y, b) : (byte)0xEE;
                }
            }
            if (Deflate)
            {
                var packed = new MemoryStream();
                using (var zip = new ZLibStream(packed, CompressionLevel.Fastest, leaveOpen: true)) zip.Write(bytes);
                bytes = packed.ToArray();
            }
            (offsets[s], counts[s]) = ((uint)file.Length, (uint)bytes.Length);
            file.Write(bytes);
        }
        if (file.Length % 2 == 1) file.WriteByte(0);
        var tags = new SortedDictionary<int, object>
        {
            [256] = new[] { (uint)Width },
            [257] = new[] { (uint)Height },
            [258] = Enumerable.Repeat((ushort)8, Bands).ToArray(),
            [259] = new[] { (ushort)(Deflate ? 8 : 1) },
            [262] = new[] { (ushort)(Bands >= 3 ? 2 : 1) },
            [277] = new[] { (ushort)Bands },
            [Tile > 0 ? 324 : 273] = offsets,
            [Tile > 0 ? 325 : 279] = counts,
        };
        if (Tile > 0) (tags[322], tags[323]) = (new[] { (uint)Tile }, new[] { (uint)Tile });
        else tags[278] = new[] { (uint)RowsPerStrip };
        if (Bands is 2 or 4) tags[338] = new ushort[] { 2 };
        foreach ((int tag, object values) in More) tags[tag] = values;
        return tags;
    }
}
