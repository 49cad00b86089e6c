using System.Buffers.Binary;
using BitMiracle.LibTiff.Classic;

namespace Osprey.Tests.Engine.Images;

/// <summary>One way of storing a raster in TIFF, and the file LibTiff.NET writes of it.</summary>
sealed record TiffLayout
{
    public int Width { get; init; } = 37;

    public int Height { get; init; } = 29;

    public int Bands { get; init; } = 3;

    public int Bits { get; init; } = 8;

    public SampleFormat Format { get; init; } = SampleFormat.UINT;

    public Compression Compression { get; init; } = Compression.NONE;

    public Predictor Predictor { get; init; } = Predictor.NONE;

    public Photometric Photometric { get; init; } = Photometric.MINISBLACK;

    public bool Tiled { get; init; }

    public bool Planar { get; init; }

    public bool BigEndian { get; init; }

    public bool BigTiff { get; init; }

    public override string ToString() => $"{Bands}×{Format}{Bits} {Compression} {(Predictor == Predictor.NONE ? "" : Predictor)} {(Tiled ? "tiles" : "strips")} {(Planar ? "planar" : "pixels")} {(BigEndian ? "big-endian" : "")} {(BigTiff ? "BigTIFF" : "")}";

    /// <param name="sample">Value of (x, y, band).</param>
    /// <param name="more">Sets further tags.</param>
    public byte[] Write(Func<int, int, int, double> sample, Action<Tiff>? more = null)
    {
        var memory = new MemoryStream();
        using (Tiff tiff = Tiff.ClientOpen("memory", "w" + (BigEndian ? "b" : "") + (BigTiff ? "8" : ""), memory, new Kept()))
        {
            tiff.SetField(TiffTag.IMAGEWIDTH, Width);
            tiff.SetField(TiffTag.IMAGELENGTH, Height);
            tiff.SetField(TiffTag.SAMPLESPERPIXEL, Bands);
            tiff.SetField(TiffTag.BITSPERSAMPLE, Bits);
            tiff.SetField(TiffTag.SAMPLEFORMAT, Format);
            tiff.SetField(TiffTag.COMPRESSION, Compression);
            tiff.SetField(TiffTag.PHOTOMETRIC, Photometric);
            tiff.SetField(TiffTag.PLANARCONFIG, Planar ? PlanarConfig.SEPARATE : PlanarConfig.CONTIG);
            if (Predictor != Predictor.NONE) tiff.SetField(TiffTag.PREDICTOR, Predictor);
            if (Compression == Compression.JPEG) tiff.SetField(TiffTag.JPEGQUALITY, 95);
            if (Photometric == Photometric.YCBCR) tiff.SetField(TiffTag.JPEGCOLORMODE, JpegColorMode.RGB);
            if (Tiled)
            {
                tiff.SetField(TiffTag.TILEWIDTH, 16);
                tiff.SetField(TiffTag.TILELENGTH, 32);
            }
            else
            {
                tiff.SetField(TiffTag.ROWSPERSTRIP, Compression == Compression.JPEG ? 16 : 8);
            }
            more?.Invoke(tiff);
            for (int plane = 0; plane < (Planar ? Bands : 1); plane++) WritePlane(tiff, plane, sample);
        }
        return memory.ToArray();
    }

    void WritePlane(Tiff tiff, int plane, Func<int, int, int, double> sample)
    {
        int bytes = Bits / 8, bands = Planar ? 1 : Bands;
        byte[] Row(int x0, int y, int count)
        {
            byte[] row = new byte[count * bands * bytes];
            for (int x = 0; x < count; x++)
            {
                // Beyond the edge a tile repeats its last pixel, which JPEG likes best.
                for (int b = 0; b < bands; b++) Store(sample(Math.Min(x0 + x, Width - 1), Math.Min(y, Height - 1), plane + b), row.AsSpan((x * bands + b) * bytes, bytes));
            }
            return row;
        }
        if (!Tiled)
        {
            for (int y = 0; y < Height; y++) Check(tiff.WriteScanline(Row(0, y, Width), y, (short)plane));
            return;
        }
        for (int y = 0; y < Height; y += 32)
        {
            for (int x = 0; x < Width; x += 16)
            {
                byte[] tile = [.. Enumerable.Range(y, 32).SelectMany(r => Row(x, r, 16))];
                Check(tiff.WriteEncodedTile(tiff.ComputeTile(x, y, 0, (short)plane), tile, tile.Length) > 0);
            }
        }
    }

    void Store(double value, Span<byte> at)
    {
        if (Format == SampleFormat.IEEEFP && Bits == 32)
            BinaryPrimitives.WriteSingleLittleEndian(at, (float)value);
        else if (Format == SampleFormat.IEEEFP)
            BinaryPrimitives.WriteDoubleLittleEndian(at, value);
        else
            BitConverter.GetBytes((long)value).AsSpan(0, at.Length).CopyTo(at);
    }

    static void Check(bool written)
    {
        if (!written) throw new InvalidOperationException("LibTiff.NET did not write the test's file");
    }

    /// <summary>Leaves the memory stream open when the file is closed.</summary>
    sealed class Kept : TiffStream
    {
        public override void Close(object clientData)
        {
        }
    }
}
