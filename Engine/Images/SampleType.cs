using System.Numerics;
using System.Runtime.InteropServices;

namespace Osprey.Engine.Images;

/// <summary>How one TIFF sample is stored once the codec and the byte order are done with.</summary>
enum SampleKind
{
    /// <summary>1 to 16 bits, unsigned, packed from the highest bit of each byte unless 8 or 16.</summary>
    Unsigned,
    Signed8,
    Signed16,
    Unsigned32,
    Signed32,
    Half,
    Single,
    Double,
}

/// <param name="Kind">Type.</param>
/// <param name="Bits">Per sample.</param>
readonly record struct SampleType(SampleKind Kind, int Bits)
{
    /// <param name="format">TIFF's sample format: 1 unsigned, 2 signed, 3 floating point, 4 undefined (taken as unsigned).</param>
    /// <param name="bits">TIFF's bits per sample.</param>
    /// <exception cref="InvalidDataException">Of a kind that is not read.</exception>
    public static SampleType Of(int format, int bits) => (format, bits) switch
    {
        (1 or 4, >= 1 and <= 16) => new(SampleKind.Unsigned, bits),
        (1 or 4, 32) => new(SampleKind.Unsigned32, 32),
        (2, 8) => new(SampleKind.Signed8, 8),
        (2, 16) => new(SampleKind.Signed16, 16),
        (2, 32) => new(SampleKind.Signed32, 32),
        (3, 16) => new(SampleKind.Half, 16),
        (3, 32) => new(SampleKind.Single, 32),
        (3, 64) => new(SampleKind.Double, 64),
        _ => throw new InvalidDataException($"the TIFF file has {bits}-bit {format switch { 1 or 4 => "unsigned", 2 => "signed", 3 => "floating-point", 5 or 6 => "complex", _ => "unknown" }} samples, which are not read; convert it to 8 or 16 bits or float32"),
    };

    /// <summary>See <see cref="BandScaling"/>.</summary>
    public BandRange? NaturalRange => Kind switch
    {
        SampleKind.Unsigned => new BandRange(0, (1 << Bits) - 1),
        SampleKind.Signed8 => new BandRange(0, sbyte.MaxValue),
        SampleKind.Signed16 => new BandRange(0, short.MaxValue),
        SampleKind.Unsigned32 or SampleKind.Signed32 => null,
        _ => new BandRange(0, 1),
    };

    /// <summary>Takes samples <paramref name="first"/>, first + step, first + 2·step … out of a row.</summary>
    public void Unpack(ReadOnlySpan<byte> row, int first, int step, Span<float> samples)
    {
        switch (Kind)
        {
            case SampleKind.Unsigned when Bits == 8:
                for (int i = 0, at = first; i < samples.Length; i++, at += step) samples[i] = row[at];
                break;
            case SampleKind.Unsigned when Bits == 16:
                Convert<ushort>(row, first, step, samples);
                break;
            case SampleKind.Unsigned:
                for (int i = 0, at = first; i < samples.Length; i++, at += step) samples[i] = Packed(row, (long)at * Bits);
                break;
            case SampleKind.Signed8:
                Convert<sbyte>(row, first, step, samples);
                break;
            case SampleKind.Signed16:
                Convert<short>(row, first, step, samples);
                break;
            case SampleKind.Unsigned32:
                Convert<uint>(row, first, step, samples);
                break;
            case SampleKind.Signed32:
                Convert<int>(row, first, step, samples);
                break;
            case SampleKind.Half:
                Convert<Half>(row, first, step, samples);
                break;
            case SampleKind.Single:
                Convert<float>(row, first, step, samples);
                break;
            default:
                Convert<double>(row, first, step, samples);
                break;
        }
    }

    int Packed(ReadOnlySpan<byte> row, long bit)
    {
        int at = (int)(bit >> 3), window = row[at] << 16;
        if (at + 1 < row.Length) window |= row[at + 1] << 8;
        if (at + 2 < row.Length) window |= row[at + 2];
        return (window >> (24 - (int)(bit & 7) - Bits)) & ((1 << Bits) - 1);
    }

    /// <remarks>LibTiff leaves samples in the machine's byte order.</remarks>
    static void Convert<T>(ReadOnlySpan<byte> row, int first, int step, Span<float> samples) where T : unmanaged, INumberBase<T>
    {
        ReadOnlySpan<T> values = MemoryMarshal.Cast<byte, T>(row);
        for (int i = 0, at = first; i < samples.Length; i++, at += step) samples[i] = float.CreateTruncating(values[at]);
    }
}
