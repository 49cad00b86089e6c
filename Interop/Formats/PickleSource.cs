using System.Buffers.Binary;
using System.Text;

namespace Osprey.Interop.Formats;

/// <summary>The bytes of a pickle, with every length checked against what is left before anything is allocated.</summary>
sealed class PickleSource(Stream stream, string path)
{
    readonly byte[] buffer = new byte[8];

    public string Path { get; } = path;

    public long Position => stream.Position;

    public byte Byte()
    {
        int value = stream.ReadByte();
        return value >= 0 ? (byte)value : throw new InvalidDataException($"{Path} is cut off: a pickle ends before its STOP");
    }

    public ushort UInt16() => BinaryPrimitives.ReadUInt16LittleEndian(Fill(2));

    public int Int32() => BinaryPrimitives.ReadInt32LittleEndian(Fill(4));

    public uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Fill(4));

    public ulong UInt64() => BinaryPrimitives.ReadUInt64LittleEndian(Fill(8));

    public long Int64() => BinaryPrimitives.ReadInt64LittleEndian(Fill(8));

    public double DoubleBigEndian() => BinaryPrimitives.ReadDoubleBigEndian(Fill(8));

    public byte[] Bytes(ulong count)
    {
        if (count > (ulong)(stream.Length - stream.Position))
            throw new InvalidDataException($"{Path} is damaged: a value of {count} bytes is announced and {stream.Length - stream.Position} are left");
        byte[] bytes = new byte[count];
        stream.ReadExactly(bytes);
        return bytes;
    }

    public string Text(ulong count) => Encoding.UTF8.GetString(Bytes(count));

    /// <summary>Text up to a newline, as GLOBAL writes names.</summary>
    public string Line()
    {
        var line = new StringBuilder();
        for (byte b = Byte(); b != (byte)'\n'; b = Byte())
        {
            if (line.Length == 1000) throw new InvalidDataException($"{Path} is damaged: a name in its pickle is longer than 1000 characters");
            line.Append((char)b);
        }
        return line.ToString();
    }

    ReadOnlySpan<byte> Fill(int count)
    {
        if (stream.ReadAtLeast(buffer.AsSpan(0, count), count, throwOnEndOfStream: false) < count)
            throw new InvalidDataException($"{Path} is cut off: a pickle ends before its STOP");
        return buffer.AsSpan(0, count);
    }
}
