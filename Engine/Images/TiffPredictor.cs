using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Osprey.Engine.Images;

/// <summary>Decompressed TIFF rows → samples in the machine's byte order, the differences of LZW and Deflate files summed up again.</summary>
/// <remarks>TIFF 6.0 section 14; for floating point Adobe's Technical Note 3, whose byte planes start with the most significant whatever the file's byte order.</remarks>
sealed class TiffPredictor
{
    readonly int predictor, bytes, bands;
    readonly bool bigEndian;

    /// <exception cref="InvalidDataException">A predictor that does not exist or does not go with the samples.</exception>
    public TiffPredictor(TiffHeader header)
    {
        predictor = header.Predictor;
        bytes = header.BitsPerSample / 8;
        bands = header.RowBands;
        bigEndian = header.BigEndian;
        bool whole = header.BitsPerSample is 8 or 16 or 32 or 64;
        // Samples of other sizes are packed and have no byte order.
        if (!whole) bytes = 1;
        if (predictor is < 1 or > 3 || (predictor == 2 && !whole) || (predictor == 3 && (header.Format != 3 || !whole)))
            throw new InvalidDataException($"the TIFF file's predictor {predictor} with {header.BitsPerSample}-bit samples is not read");
    }

    /// <param name="row">A row of a strip or tile: interleaved bands, or one.</param>
    public void Undo(Span<byte> row)
    {
        if (predictor == 3)
        {
            Sum(row, bands);
            Gather(row);
            return;
        }
        switch (bytes)
        {
            case 1:
                if (predictor == 2) Sum(row, bands);
                break;
            case 2:
                Span<ushort> shorts = MemoryMarshal.Cast<byte, ushort>(row);
                if (bigEndian) BinaryPrimitives.ReverseEndianness(shorts, shorts);
                if (predictor == 2) Sum(shorts, bands);
                break;
            case 4:
                Span<uint> ints = MemoryMarshal.Cast<byte, uint>(row);
                if (bigEndian) BinaryPrimitives.ReverseEndianness(ints, ints);
                if (predictor == 2) Sum(ints, bands);
                break;
            default:
                Span<ulong> longs = MemoryMarshal.Cast<byte, ulong>(row);
                if (bigEndian) BinaryPrimitives.ReverseEndianness(longs, longs);
                if (predictor == 2) Sum(longs, bands);
                break;
        }
    }

    static void Sum<T>(Span<T> row, int bands) where T : IBinaryInteger<T>
    {
        for (int i = bands; i < row.Length; i++) row[i] += row[i - bands];
    }

    void Gather(Span<byte> row)
    {
        byte[] planes = row.ToArray();
        int samples = row.Length / bytes;
        for (int i = 0; i < samples; i++)
        {
            for (int b = 0; b < bytes; b++) row[i * bytes + b] = planes[(bytes - 1 - b) * samples + i];
        }
    }
}
