using BitMiracle.LibTiff.Classic;

namespace Osprey.Engine.Images;

/// <summary>The bands of an open TIFF file, or of a window of it, row by row or tile by tile.</summary>
sealed class TiffSamples : ISampleSource
{
    readonly TiffHeader header;
    readonly TiffInput input;
    readonly Tiff tiff;
    readonly SampleType type;
    readonly TiffPredictor predictor;

    readonly PixelWindow window;
    readonly KeptSegment? keep;

    /// <summary>Decompressed strips up to this are kept as tiles are; larger ones are read row by row.</summary>
    const long LargestKeptStrip = 1 << 24;

    /// <param name="header">Its directory.</param>
    /// <param name="input">For messages.</param>
    /// <param name="tiff">Open.</param>
    /// <param name="window">Inside the image; null for all of it.</param>
    /// <param name="keep">Where decompressed tiles and small strips are kept for the next window; null: nowhere.</param>
    public TiffSamples(TiffHeader header, TiffInput input, Tiff tiff, PixelWindow? window = null, KeptSegment? keep = null)
    {
        this.header = header;
        this.input = input;
        this.tiff = tiff;
        this.window = window ?? new PixelWindow(0, 0, header.Width, header.Height);
        this.keep = keep;
        type = SampleType.Of(header.Format, header.BitsPerSample);
        predictor = new TiffPredictor(header);
    }

    /// <summary>A tile or strip, decompressed and its predictor undone: the one that was kept, or what <paramref name="decode"/> gives.</summary>
    internal delegate byte[] KeptSegment(int segment, Func<byte[]> decode);

    /// <param name="x">Column in the window of the first pixel that is wanted.</param>
    /// <param name="y">Row of the window.</param>
    /// <param name="count">Pixels wanted; the bytes may go on beyond them.</param>
    /// <param name="skip">Pixels in the bytes before the first wanted one.</param>
    /// <param name="row">Decompressed bytes: all bands, or those of one plane.</param>
    delegate void StoredRow(int x, int y, int count, int skip, ReadOnlySpan<byte> row);

    public int Width => window.Width;

    public int Height => window.Height;

    public BandRange? NaturalRange => type.NaturalRange;

    public double? NoData => header.NoData;

    public bool Inverted => header.Photometric == 0;

    public void Read(IReadOnlyList<int> bands, SampleRun run)
    {
        float[] samples = new float[header.SegmentWidth];
        if (header.Planar)
        {
            for (int channel = 0; channel < bands.Count; channel++)
            {
                int current = channel;
                EachRow(bands[channel], (x, y, count, skip, row) =>
                {
                    type.Unpack(row, skip, 1, samples.AsSpan(0, count));
                    run(current, x, y, samples.AsSpan(0, count));
                });
            }
            return;
        }
        EachRow(0, (x, y, count, skip, row) =>
        {
            for (int channel = 0; channel < bands.Count; channel++)
            {
                type.Unpack(row, skip * header.Bands + bands[channel], header.Bands, samples.AsSpan(0, count));
                run(channel, x, y, samples.AsSpan(0, count));
            }
        });
    }

    /// <summary>The short way for what most TIFF pictures are: 8-bit interleaved RGB, with or without alpha, to be taken as it is.</summary>
    /// <returns>Null where the file or the options ask for more.</returns>
    public RgbImage? CopyPicture(DecodeOptions options)
    {
        if (header.Planar || header.Bands < 3 || type != new SampleType(SampleKind.Unsigned, 8) || Inverted) return null;
        if (options.Bands is not null || options.Scaling.Kind != ScalingKind.Natural || (options.NoData ?? NoData) is not null) return null;
        bool premultiplied = header.Photometric == 2 && header.Bands == 4 && header.ExtraSamples is [1];
        byte[] pixels = new byte[3 * Width * Height];
        EachRow(0, (x, y, count, skip, row) =>
        {
            Span<byte> target = pixels.AsSpan(3 * (Width * y + x), 3 * count);
            row = row[(skip * header.Bands)..];
            if (header.Bands == 3)
            {
                row[..target.Length].CopyTo(target);
                return;
            }
            for (int i = 0, at = 0; i < target.Length; i += 3, at += header.Bands)
            {
                int alpha = premultiplied ? row[at + 3] : 255;
                for (int c = 0; c < 3; c++)
                    target[i + c] = alpha is 0 or 255 ? row[at + c] : (byte)Math.Min(255 * row[at + c] / alpha, 255);
            }
        });
        return new RgbImage(Width, Height, pixels);
    }

    /// <summary>Palette entry numbers.</summary>
    public RgbImage LookUp(ulong[] map)
    {
        int size = 1 << header.BitsPerSample;
        if (type.Kind != SampleKind.Unsigned || map.Length < 3 * size)
            throw new InvalidDataException($"the TIFF file's palette has {map.Length} values; {header.BitsPerSample}-bit samples need {3 * size}");
        // Some writers store 8-bit palettes where the standard has 16 bits.
        int shift = map.Any(v => v > 255) ? 8 : 0;
        byte[] pixels = new byte[3 * Width * Height];
        Read([0], (_, x, y, samples) =>
        {
            Span<byte> target = pixels.AsSpan(3 * (Width * y + x), 3 * samples.Length);
            for (int i = 0; i < samples.Length; i++)
            {
                for (int c = 0; c < 3; c++) target[3 * i + c] = (byte)(map[c * size + (int)samples[i]] >> shift);
            }
        });
        return new RgbImage(Width, Height, pixels);
    }

    /// <summary>Whether no pixel of the window shows anything: every sample of the bands is no data, or left out by the file, or every pixel is fully transparent.</summary>
    /// <param name="bands">Those that are looked at, from 0; of a palette the entry numbers.</param>
    /// <param name="noData">The value that means no data; null for none.</param>
    public bool IsEmpty(IReadOnlyList<int> bands, double? noData)
    {
        bool any = false;
        Read(bands, (_, _, _, samples) =>
        {
            if (any) return;
            foreach (float sample in samples) any |= BandQuantizer.IsValid(sample, noData);
        });
        int alpha = header.ExtraSamples.ToList().FindIndex(e => e is 1 or 2);
        if (!any || alpha < 0 || header.ExtraSamples.Count > header.Bands) return !any;
        bool opaque = false;
        Read([header.Bands - header.ExtraSamples.Count + alpha], (_, _, _, samples) => opaque = opaque || samples.ContainsAnyExcept(0f));
        return !opaque;
    }

    /// <param name="plane">The band, in a planar file; else 0.</param>
    /// <param name="take">Called for every stored row that the window touches.</param>
    void EachRow(int plane, StoredRow take)
    {
        int first = plane * header.SegmentsPerPlane, stride = (int)header.RowBytes;
        if (!header.Tiled && tiff.ScanlineSize() < stride) throw input.Failure($"has rows of {tiff.ScanlineSize()} bytes where its size needs {stride}");
        bool whole = header.Tiled || (keep is not null && (long)stride * header.SegmentHeight <= LargestKeptStrip);
        byte[] buffer = new byte[header.Tiled ? checked(stride * header.SegmentHeight) : tiff.ScanlineSize()];
        if (header.Tiled && tiff.TileSize() != buffer.Length) throw input.Failure($"has tiles of {tiff.TileSize()} bytes where their size needs {buffer.Length}");

        int bottom = window.Y + window.Height, right = window.X + window.Width;
        for (int down = window.Y / header.SegmentHeight; down <= (bottom - 1) / header.SegmentHeight; down++)
        {
            int y0 = down * header.SegmentHeight, top = Math.Max(window.Y, y0), end = (int)Math.Min(bottom, (long)y0 + header.SegmentHeight);
            for (int across = window.X / header.SegmentWidth; across <= (right - 1) / header.SegmentWidth; across++)
            {
                int segment = first + down * header.SegmentsAcross + across;
                if (header.IsMissing(segment)) continue;
                int x0 = across * header.SegmentWidth, from = Math.Max(window.X, x0), count = (int)Math.Min(right, (long)x0 + header.SegmentWidth) - from;
                byte[] rows = [];
                if (whole) rows = keep is null ? DecodeTile(segment, x0, y0, buffer) : keep(segment, () => header.Tiled ? DecodeTile(segment, x0, y0, new byte[buffer.Length]) : DecodeStrip(plane, y0));
                for (int y = whole ? top : y0; y < end; y++)
                {
                    ReadOnlySpan<byte> row = whole ? rows.AsSpan((y - y0) * stride, stride) : ReadRow(plane, y, buffer, stride);
                    if (y >= top) take(from - window.X, y - window.Y, count, from - x0, row);
                }
            }
        }
    }

    /// <summary>The next row of a strip, or its first: codecs cannot leave rows out.</summary>
    Span<byte> ReadRow(int plane, int y, byte[] buffer, int stride)
    {
        if (!tiff.ReadScanline(buffer, y, (short)plane)) throw input.Failure($"cannot be decoded from row {y} on");
        Span<byte> row = buffer.AsSpan(0, stride);
        predictor.Undo(row);
        return row;
    }

    byte[] DecodeStrip(int plane, int y0)
    {
        int stride = (int)header.RowBytes, rows = Math.Min(header.SegmentHeight, header.Height - y0);
        byte[] strip = new byte[stride * rows], buffer = new byte[tiff.ScanlineSize()];
        for (int r = 0; r < rows; r++) ReadRow(plane, y0 + r, buffer, stride).CopyTo(strip.AsSpan(r * stride));
        return strip;
    }

    byte[] DecodeTile(int segment, int x0, int y0, byte[] tile)
    {
        if (tiff.ReadEncodedTile(segment, tile, 0, tile.Length) != tile.Length) throw input.Failure($"cannot be decoded in its tile at column {x0}, row {y0}");
        int stride = (int)header.RowBytes;
        for (int r = 0; r < header.SegmentHeight; r++) predictor.Undo(tile.AsSpan(r * stride, stride));
        return tile;
    }
}
