using BitMiracle.LibTiff.Classic;

namespace Osprey.Engine.Images;

/// <summary>The bands of an open TIFF file, row by row or tile by tile.</summary>
sealed class TiffSamples : ISampleSource
{
    readonly TiffHeader header;
    readonly TiffInput input;
    readonly Tiff tiff;
    readonly SampleType type;
    readonly TiffPredictor predictor;

    public TiffSamples(TiffHeader header, TiffInput input, Tiff tiff)
    {
        this.header = header;
        this.input = input;
        this.tiff = tiff;
        type = SampleType.Of(header.Format, header.BitsPerSample);
        predictor = new TiffPredictor(header);
    }

    /// <param name="x">Column of the row's first pixel.</param>
    /// <param name="y">Row of the image.</param>
    /// <param name="count">Pixels; the bytes may go on beyond them.</param>
    /// <param name="row">Decompressed bytes: all bands, or those of one plane.</param>
    delegate void StoredRow(int x, int y, int count, ReadOnlySpan<byte> row);

    public int Width => header.Width;

    public int Height => header.Height;

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
                EachRow(bands[channel], (x, y, count, row) =>
                {
                    type.Unpack(row, 0, 1, samples.AsSpan(0, count));
                    run(current, x, y, samples.AsSpan(0, count));
                });
            }
            return;
        }
        EachRow(0, (x, y, count, row) =>
        {
            for (int channel = 0; channel < bands.Count; channel++)
            {
                type.Unpack(row, bands[channel], header.Bands, samples.AsSpan(0, count));
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
        EachRow(0, (x, y, count, row) =>
        {
            Span<byte> target = pixels.AsSpan(3 * (Width * y + x), 3 * count);
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

    /// <param name="plane">The band, in a planar file; else 0.</param>
    /// <param name="take">Called for every stored row.</param>
    void EachRow(int plane, StoredRow take)
    {
        int first = plane * header.SegmentsPerPlane;
        if (header.Tiled)
            EachTileRow(first, (int)header.RowBytes, take);
        else
            EachScanline(plane, first, (int)header.RowBytes, take);
    }

    void EachScanline(int plane, int firstStrip, int stride, StoredRow take)
    {
        if (tiff.ScanlineSize() < stride) throw input.Failure($"has rows of {tiff.ScanlineSize()} bytes where its size needs {stride}");
        byte[] row = new byte[tiff.ScanlineSize()];
        for (int y = 0; y < Height; y++)
        {
            if (header.IsMissing(firstStrip + y / header.SegmentHeight)) continue;
            if (!tiff.ReadScanline(row, y, (short)plane)) throw input.Failure($"cannot be decoded from row {y} on");
            predictor.Undo(row.AsSpan(0, stride));
            take(0, y, Width, row.AsSpan(0, stride));
        }
    }

    void EachTileRow(int firstTile, int stride, StoredRow take)
    {
        int bytes = checked(stride * header.SegmentHeight);
        if (tiff.TileSize() != bytes) throw input.Failure($"has tiles of {tiff.TileSize()} bytes where their size needs {bytes}");
        byte[] tile = new byte[bytes];
        for (int t = 0; t < header.SegmentsPerPlane; t++)
        {
            if (header.IsMissing(firstTile + t)) continue;
            int x = t % header.SegmentsAcross * header.SegmentWidth, y = t / header.SegmentsAcross * header.SegmentHeight;
            if (tiff.ReadEncodedTile(firstTile + t, tile, 0, bytes) != bytes) throw input.Failure($"cannot be decoded in its tile at column {x}, row {y}");
            int count = Math.Min(header.SegmentWidth, Width - x);
            for (int r = 0; r < Math.Min(header.SegmentHeight, Height - y); r++)
            {
                Span<byte> row = tile.AsSpan(r * stride, stride);
                predictor.Undo(row);
                take(x, y + r, count, row);
            }
        }
    }
}
