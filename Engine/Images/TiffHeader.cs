using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Osprey.Engine.Images;

/// <summary>
/// An image directory of a TIFF or BigTIFF file, the first unless another is named, read and checked before any codec sees the file: sizes against the limits, and every range the
/// directory points to against the file's length, so that a made-up header cannot make anybody allocate what the file does not hold.
/// </summary>
/// <remarks>TIFF 6.0 (Adobe 1992), its Technical Notes, BigTIFF (2007), and GDAL's private tag 42113 for no data.</remarks>
sealed class TiffHeader
{
    const int MostEntries = 4096;

    /// <summary>An uncompressed strip above this is read in pieces of about <see cref="PieceBytes"/>: some writers put a whole scene into one.</summary>
    const long LargestRawStrip = 1 << 20, PieceBytes = 1 << 16, MostPieces = 1 << 26;

    readonly Dictionary<int, Entry> entries = [];
    readonly Stream stream;
    readonly bool big, swapped;

    /// <param name="stream">The file; seekable.</param>
    /// <param name="maxPixels">Limit for the image and for one tile.</param>
    /// <param name="inWindows">The image is to be read in windows, and may be larger than the limit.</param>
    /// <param name="at">Where the directory begins; null: the file's first.</param>
    /// <exception cref="InvalidDataException">Damaged, cut short, too large, or of samples that are not read.</exception>
    public TiffHeader(Stream stream, long maxPixels, bool inWindows = false, ulong? at = null)
    {
        this.stream = stream;
        byte[] head = Bytes(0, 8, "header");
        swapped = head[0] == 'M';
        big = Number(head.AsSpan(2, 2)) == 43;
        ulong directory = at ?? (big ? Number(Bytes(8, 8, "header")) : Number(head.AsSpan(4, 4)));
        int entrySize = big ? 20 : 12, countSize = big ? 8 : 2;
        ulong count = Number(Bytes(directory, countSize, "image directory"));
        if (count is 0 or > MostEntries) throw new InvalidDataException($"the TIFF file's image directory says it has {count} entries");
        byte[] table = Bytes(directory + (ulong)countSize, (int)count * entrySize, "image directory");
        ulong end = directory + (ulong)countSize + (ulong)table.Length;
        Next = Inside(end, big ? 8ul : 4) ? Number(Bytes(end, big ? 8 : 4, "image directory")) : 0;
        for (int i = 0; i < (int)count; i++) AddEntry(table.AsSpan(i * entrySize, entrySize));

        Width = Size(256, "width");
        Height = Size(257, "height");
        if (!inWindows) PixelLimit.Check(Width, Height, maxPixels);
        Bands = (int)First(277, 1);
        BitsPerSample = (int)Same(258, 1, "bits per sample");
        Format = (int)Same(339, 1, "sample format");
        Compression = (int)First(259, 1);
        Planar = First(284, 1) == 2;
        Photometric = (int)First(262, Bands >= 3 ? 2u : 1u);
        Orientation = (int)First(274, 1);
        ExtraSamples = [.. Integers(338).Select(v => (int)v)];
        ColorMap = Integers(320);
        NoData = ReadNoData();
        if (Bands < 1) throw new InvalidDataException("the TIFF file says it has no samples per pixel");

        Tiled = entries.ContainsKey(322) || entries.ContainsKey(324);
        SegmentWidth = Tiled ? Size(322, "tile width") : Width;
        SegmentHeight = Tiled ? Size(323, "tile height") : (int)Math.Min(Math.Max(First(278, (ulong)Height), 1), (ulong)Height);
        if (Tiled) PixelLimit.Check(SegmentWidth, SegmentHeight, maxPixels);
        if (BitsPerSample is < 1 or > 64) throw new InvalidDataException($"the TIFF file says its samples have {BitsPerSample} bits");
        if ((Tiled ? SegmentHeight : 1) * (decimal)RowBytes > Array.MaxLength / 2)
            throw new InvalidDataException($"the TIFF file's {(Tiled ? "tiles" : "rows")} are too large to be read: {SegmentWidth} pixels of {Bands} bands of {BitsPerSample} bits");
        if ((long)SegmentsAcross * ((Height + (long)SegmentHeight - 1) / SegmentHeight) * (Planar ? Bands : 1) > Array.MaxLength)
            throw new InvalidDataException($"the TIFF file says it has {Width}×{Height} pixels in tiles of {SegmentWidth}×{SegmentHeight}, which are more than can be told apart");
        (Offsets, Counts) = Segments();
        if (inWindows && !Tiled && Compression == 1 && RowBytes * SegmentHeight > LargestRawStrip) SplitStrips();
    }

    /// <summary>Where the next image directory begins; 0 for none.</summary>
    public ulong Next { get; }

    /// <summary>Bits: 1 a smaller version of another image, 2 a page, 4 a mask.</summary>
    public int SubfileType => (int)First(254, 0);

    public int Width { get; }

    public int Height { get; }

    /// <summary>Samples per pixel, with alpha.</summary>
    public int Bands { get; }

    public int BitsPerSample { get; }

    /// <summary>1 unsigned, 2 signed, 3 floating point.</summary>
    public int Format { get; }

    public int Compression { get; }

    /// <summary>0 white is zero, 1 black is zero, 2 RGB, 3 palette, 5 CMYK, 6 YCbCr …</summary>
    public int Photometric { get; }

    /// <summary>Whether each band has its own strips or tiles.</summary>
    public bool Planar { get; }

    public int Orientation { get; }

    /// <summary>What each band beyond the colours is: 0 unspecified, 1 premultiplied alpha, 2 alpha.</summary>
    public IReadOnlyList<int> ExtraSamples { get; }

    /// <summary>Reds, greens, blues of a palette, 16 bits each.</summary>
    public ulong[] ColorMap { get; }

    public double? NoData { get; }

    public bool Tiled { get; }

    /// <summary>Of a tile, or the image's.</summary>
    public int SegmentWidth { get; }

    /// <summary>Of a tile or a full strip.</summary>
    public int SegmentHeight { get; private set; }

    /// <summary>Where in the file each tile or strip starts, plane after plane; 0 where a sparse file leaves one out.</summary>
    public ulong[] Offsets { get; private set; }

    /// <summary>Stored bytes of each; all of them are there.</summary>
    public ulong[] Counts { get; private set; }

    /// <summary>Bytes of a decompressed row of a tile or strip, of all bands or of a plane.</summary>
    public long RowBytes => ((long)SegmentWidth * RowBands * BitsPerSample + 7) / 8;

    /// <summary>Samples side by side in a stored pixel.</summary>
    public int RowBands => Planar ? 1 : Bands;

    /// <summary>Whether samples are stored most significant byte first.</summary>
    public bool BigEndian => swapped;

    /// <summary>1 none, 2 differences along the row, 3 the same of floating-point bytes; only LZW and Deflate have one.</summary>
    public int Predictor => Compression is 5 or 8 or 32946 ? (int)First(317, 1) : 1;

    public int SegmentsAcross => (int)((Width + (long)SegmentWidth - 1) / SegmentWidth);

    public int SegmentsPerPlane => SegmentsAcross * (int)((Height + (long)SegmentHeight - 1) / SegmentHeight);

    /// <summary>Whether the file leaves a tile or strip out: GDAL does so where there are no data.</summary>
    public bool IsMissing(int segment) => Offsets[segment] == 0;

    /// <summary>The type and the bytes, little-endian, of a tag that some codec wants as it is; null where absent.</summary>
    public (int Type, int Count, byte[] Values)? Raw(int tag)
    {
        if (!entries.TryGetValue(tag, out Entry? entry)) return null;
        byte[] bytes = [.. Stored(entry)];
        int unit = entry.Type is 5 or 10 ? 4 : entry.Size;
        if (swapped)
        {
            for (int at = 0; at < bytes.Length; at += unit) bytes.AsSpan(at, unit).Reverse();
        }
        return (entry.Type, entry.Count, bytes);
    }

    (ulong[] Offsets, ulong[] Counts) Segments()
    {
        ulong[] offsets = Integers(Tiled ? 324 : 273), counts = Integers(Tiled ? 325 : 279);
        long wanted = (long)SegmentsPerPlane * (Planar ? Bands : 1);
        string kind = Tiled ? "tiles" : "strips";
        if (offsets.Length < wanted) throw new InvalidDataException($"the TIFF file places {offsets.Length} {kind} where its size needs {wanted}");
        if (counts.Length < wanted && counts.Length > 0) throw new InvalidDataException($"the TIFF file gives the lengths of {counts.Length} {kind} where its size needs {wanted}");
        (offsets, counts) = (offsets[..(int)wanted], counts.Length == 0 ? new ulong[wanted] : counts[..(int)wanted]);
        for (int i = 0; i < wanted; i++)
        {
            if (offsets[i] == 0) continue;
            // Old writers leave the lengths out or 0.
            if (counts[i] == 0 && offsets[i] < (ulong)stream.Length) counts[i] = Compression == 1 ? (ulong)RawSize(i % SegmentsPerPlane) : (ulong)stream.Length - offsets[i];
            if (!Inside(offsets[i], counts[i]))
                throw new InvalidDataException($"the TIFF file is cut short: one of its {kind} takes {counts[i]} bytes from byte {offsets[i]} on, the file has {stream.Length}");
        }
        return (offsets, counts);
    }

    /// <summary>Makes many strips of each: without compression they are rows one after the other, and any of them can be read by itself.</summary>
    void SplitStrips()
    {
        int rows = (int)Math.Clamp(PieceBytes / RowBytes, 1, SegmentHeight), planes = Planar ? Bands : 1, strips = SegmentsPerPlane;
        // All pieces are of one height; of one strip for all rows the last may be lower.
        while (strips > 1 && SegmentHeight % rows != 0) rows--;
        if ((long)Height / rows * planes > MostPieces) throw new InvalidDataException($"the TIFF file is damaged, or its {Height} rows are too many to be read one by one");
        var offsets = new List<ulong>();
        var counts = new List<ulong>();
        for (int plane = 0; plane < planes; plane++)
        {
            for (int y = 0; y < Height; y += rows)
            {
                int strip = plane * strips + y / SegmentHeight;
                ulong start = (ulong)(y % SegmentHeight * RowBytes), length = (ulong)(Math.Min(rows, Height - y) * RowBytes);
                if (Offsets[strip] != 0 && start + length > Counts[strip])
                    throw new InvalidDataException($"the TIFF file is damaged: a strip of {Counts[strip]} bytes is to hold row {y}, which ends at its byte {start + length}");
                offsets.Add(Offsets[strip] == 0 ? 0 : Offsets[strip] + start);
                counts.Add(length);
            }
        }
        (Offsets, Counts, SegmentHeight) = ([.. offsets], [.. counts], rows);
    }

    long RawSize(int segment)
    {
        int rows = Tiled ? SegmentHeight : Math.Min(SegmentHeight, Height - segment * SegmentHeight);
        return RowBytes * rows;
    }

    void AddEntry(ReadOnlySpan<byte> entry)
    {
        int tag = (int)Number(entry[..2]), type = (int)Number(entry[2..4]);
        ulong count = Number(big ? entry[4..12] : entry[4..8]);
        ReadOnlySpan<byte> value = big ? entry[12..] : entry[8..];
        int size = type switch { 1 or 2 or 6 or 7 => 1, 3 or 8 => 2, 4 or 9 or 11 or 13 => 4, 5 or 10 or 12 or 16 or 17 or 18 => 8, _ => 0 };
        if (size == 0) return;
        if (count > (ulong)stream.Length) throw new InvalidDataException($"the TIFF file is damaged: its tag {tag} says it has {count} values");
        int length = (int)Math.Min(count * (ulong)size, (ulong)Array.MaxLength);
        bool inline = length <= value.Length;
        ulong offset = inline ? 0 : Number(value);
        if (!inline && !Inside(offset, count * (ulong)size))
            throw new InvalidDataException($"the TIFF file is cut short or damaged: its tag {tag} takes {count * (ulong)size} bytes from byte {offset} on, the file has {stream.Length}");
        entries.TryAdd(tag, new Entry(type, size, (int)Math.Min(count, int.MaxValue), offset, inline ? value[..length].ToArray() : null));
    }

    int Size(int tag, string what)
    {
        ulong value = First(tag, 0);
        return value is > 0 and <= int.MaxValue ? (int)value : throw new InvalidDataException($"the TIFF file gives no usable {what} ({value})");
    }

    ulong First(int tag, ulong absent) => Integers(tag) is { Length: > 0 } values ? Math.Min(values[0], int.MaxValue) : absent;

    /// <summary>A value that the file gives once or once per band.</summary>
    ulong Same(int tag, ulong absent, string what)
    {
        ulong[] values = Integers(tag);
        if (values.Length == 0) return absent;
        foreach (ulong value in values)
        {
            if (value != values[0]) throw new InvalidDataException($"the TIFF file's bands differ in {what} ({values[0]} and {value}), which is not read");
        }
        return Math.Min(values[0], int.MaxValue);
    }

    /// <summary>The numbers of a tag of doubles; none where it is absent or of another type.</summary>
    public double[] Doubles(int tag)
    {
        if (!entries.TryGetValue(tag, out Entry? entry) || entry.Type != 12) return [];
        byte[] bytes = Stored(entry);
        return [.. Enumerable.Range(0, entry.Count).Select(i => BitConverter.UInt64BitsToDouble(Number(bytes.AsSpan(8 * i, 8))))];
    }

    /// <summary>The bytes of a tag of text, as Latin letters; empty where it is absent or of another type.</summary>
    public string Text(int tag) => entries.TryGetValue(tag, out Entry? entry) && entry.Type == 2 ? Encoding.Latin1.GetString(Stored(entry)) : "";

    /// <summary>The integers of a tag; none where it is absent or of another type.</summary>
    public ulong[] Integers(int tag)
    {
        if (!entries.TryGetValue(tag, out Entry? entry) || entry.Type is not (1 or 3 or 4 or 13 or 16 or 18)) return [];
        byte[] bytes = Stored(entry);
        ulong[] values = new ulong[entry.Count];
        for (int i = 0; i < values.Length; i++) values[i] = Number(bytes.AsSpan(i * entry.Size, entry.Size));
        return values;
    }

    /// <remarks>GDAL writes the number as text; <c>nan</c> needs no telling, for NaN is never valid.</remarks>
    double? ReadNoData()
    {
        if (!entries.TryGetValue(42113, out Entry? entry) || entry.Type != 2 || entry.Count > 100) return null;
        string text = Encoding.ASCII.GetString(Stored(entry)).Trim('\0', ' ');
        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && double.IsFinite(value) ? value : null;
    }

    byte[] Stored(Entry entry)
    {
        if (entry.Inline is { } bytes) return bytes;
        // A file above 2 GiB has room for a made-up count whose bytes no array holds.
        if (entry.Count > MostPieces) throw new InvalidDataException($"the TIFF file is damaged: a tag of its image directory says it has {entry.Count} values, and at most {MostPieces} are read");
        return Bytes(entry.Offset, entry.Count * entry.Size, "image directory");
    }

    bool Inside(ulong offset, ulong length) => length <= (ulong)stream.Length && offset <= (ulong)stream.Length - length;

    byte[] Bytes(ulong offset, int length, string what)
    {
        if (length < 0 || !Inside(offset, (ulong)length)) throw new InvalidDataException($"the TIFF file is cut short: its {what} lies outside its {stream.Length} bytes");
        byte[] bytes = new byte[length];
        stream.Position = (long)offset;
        stream.ReadExactly(bytes);
        return bytes;
    }

    ulong Number(ReadOnlySpan<byte> bytes) => bytes.Length switch
    {
        1 => bytes[0],
        2 => swapped ? BinaryPrimitives.ReadUInt16BigEndian(bytes) : BinaryPrimitives.ReadUInt16LittleEndian(bytes),
        4 => swapped ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : BinaryPrimitives.ReadUInt32LittleEndian(bytes),
        _ => swapped ? BinaryPrimitives.ReadUInt64BigEndian(bytes) : BinaryPrimitives.ReadUInt64LittleEndian(bytes),
    };

    /// <param name="Type">TIFF's number of the type.</param>
    /// <param name="Size">Bytes of one value.</param>
    /// <param name="Count">Values.</param>
    /// <param name="Offset">Where they are, unless inline.</param>
    /// <param name="Inline">The bytes themselves where they fit the entry.</param>
    sealed record Entry(int Type, int Size, int Count, ulong Offset, byte[]? Inline);
}
