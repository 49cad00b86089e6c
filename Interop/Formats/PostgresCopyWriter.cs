using System.Buffers.Binary;
using System.Text;

namespace Osprey.Interop.Formats;

/// <summary>
/// A file that PostgreSQL reads with <c>COPY table FROM … WITH (FORMAT binary)</c>. Format: PostgreSQL's documentation of COPY, "Binary Format"; the values of
/// pgvector's types as its vector_recv and halfvec_recv read them. All numbers are big-endian.
/// </summary>
/// <remarks>
/// <c>PGCOPY\n\377\r\n\0</c>, int32 flags 0, int32 length of the header's extension 0; of each row int16 fields, and of each field int32 bytes (−1: null) and the
/// bytes; at the end int16 −1. A vector is int16 D, int16 0, and D values.
/// </remarks>
public sealed class PostgresCopyWriter
{
    /// <summary>Values that a vector or halfvec may have in pgvector.</summary>
    public const int LargestDimension = 16000;

    readonly Stream stream;
    byte[] buffer = new byte[64];

    /// <param name="stream">Stays the caller's. The header is written at once.</param>
    public PostgresCopyWriter(Stream stream)
    {
        this.stream = stream;
        stream.Write("PGCOPY\n"u8);
        stream.Write([0xFF, (byte)'\r', (byte)'\n', 0]);
        WriteInt32(0);
        WriteInt32(0);
    }

    /// <param name="fields">Of this row; as many values must follow.</param>
    public void BeginRow(short fields) => WriteInt16(fields);

    /// <summary>A bigint.</summary>
    public void Write(long value)
    {
        Span<byte> bytes = stackalloc byte[12];
        BinaryPrimitives.WriteInt32BigEndian(bytes, 8);
        BinaryPrimitives.WriteInt64BigEndian(bytes[4..], value);
        stream.Write(bytes);
    }

    /// <summary>A text, in a database whose encoding is UTF-8.</summary>
    /// <exception cref="NotSupportedException">It has a character U+0000, which PostgreSQL's text cannot hold.</exception>
    public void Write(string value)
    {
        if (value.Contains('\0', StringComparison.Ordinal)) throw new NotSupportedException($"the text '{value.Replace("\0", "\\0", StringComparison.Ordinal)}' has a character U+0000, which PostgreSQL does not store");
        byte[] bytes = Encoding.UTF8.GetBytes(value);
        WriteInt32(bytes.Length);
        stream.Write(bytes);
    }

    /// <summary>pgvector's <c>vector</c>: float32.</summary>
    /// <param name="values">1 to 16,000, all finite.</param>
    /// <exception cref="NotSupportedException">pgvector would refuse it: too long, or a value is not finite.</exception>
    public void WriteVector(ReadOnlySpan<float> values)
    {
        Span<byte> bytes = Begin(values.Length, sizeof(float));
        for (int i = 0; i < values.Length; i++)
        {
            if (!float.IsFinite(values[i])) throw new NotSupportedException($"value {i} of a vector is {values[i]}, which pgvector does not store");
            BinaryPrimitives.WriteSingleBigEndian(bytes[(4 * i)..], values[i]);
        }
        stream.Write(buffer, 0, 8 + bytes.Length);
    }

    /// <summary>pgvector's <c>halfvec</c>: float16, rounded to nearest even.</summary>
    /// <param name="values">1 to 16,000, within ±65,504.</param>
    /// <exception cref="NotSupportedException">pgvector would refuse it: too long, or a value is beyond float16.</exception>
    public void WriteHalfVector(ReadOnlySpan<float> values)
    {
        Span<byte> bytes = Begin(values.Length, 2);
        for (int i = 0; i < values.Length; i++)
        {
            Half half = (Half)values[i];
            if (!Half.IsFinite(half)) throw new NotSupportedException($"value {i} of a halfvec is {values[i]}, beyond what float16 holds (±65504)");
            BinaryPrimitives.WriteHalfBigEndian(bytes[(2 * i)..], half);
        }
        stream.Write(buffer, 0, 8 + bytes.Length);
    }

    /// <summary>Ends the file. The stream stays open.</summary>
    public void End() => WriteInt16(-1);

    /// <summary>The buffer with the field's length and the vector's head in it, and where its values go.</summary>
    Span<byte> Begin(int dimension, int size)
    {
        if (dimension is < 1 or > LargestDimension) throw new NotSupportedException($"a vector has {dimension} values, and pgvector's have 1 to {LargestDimension}");
        int length = 4 + (dimension * size);
        if (buffer.Length < 4 + length) buffer = new byte[4 + length];
        BinaryPrimitives.WriteInt32BigEndian(buffer, length);
        BinaryPrimitives.WriteInt16BigEndian(buffer.AsSpan(4), (short)dimension);
        BinaryPrimitives.WriteInt16BigEndian(buffer.AsSpan(6), 0);
        return buffer.AsSpan(8, dimension * size);
    }

    void WriteInt16(short value)
    {
        Span<byte> bytes = stackalloc byte[2];
        BinaryPrimitives.WriteInt16BigEndian(bytes, value);
        stream.Write(bytes);
    }

    void WriteInt32(int value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        stream.Write(bytes);
    }
}
