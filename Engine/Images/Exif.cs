using System.Buffers.Binary;

namespace Osprey.Engine.Images;

/// <summary>The orientation in a PNG's <c>eXIf</c> chunk, which Skia does not look at; that of JPEG and WebP it does.</summary>
static class Exif
{
    /// <param name="png">A whole PNG file.</param>
    /// <returns>1…8; 1 where the file does not say.</returns>
    public static int OrientationOf(ReadOnlySpan<byte> png)
    {
        for (ReadOnlySpan<byte> rest = png[Math.Min(8, png.Length)..]; rest.Length >= 12;)
        {
            long length = BinaryPrimitives.ReadUInt32BigEndian(rest);
            if (length > rest.Length - 12) return 1;
            if (rest[4..8].SequenceEqual("eXIf"u8)) return Orientation(rest.Slice(8, (int)length));
            rest = rest[(int)(length + 12)..];
        }
        return 1;
    }

    /// <param name="exif">A TIFF header and its first directory.</param>
    static int Orientation(ReadOnlySpan<byte> exif)
    {
        if (exif.Length < 8) return 1;
        bool big = exif[0] == 'M';
        long directory = Long(exif[4..], big);
        if (directory > exif.Length - 2) return 1;
        ReadOnlySpan<byte> entries = exif[(int)(directory + 2)..];
        for (int left = Short(exif[(int)directory..], big); left > 0 && entries.Length >= 12; left--, entries = entries[12..])
        {
            if (Short(entries, big) == 0x112) return Short(entries[8..], big) is >= 1 and <= 8 and int orientation ? orientation : 1;
        }
        return 1;
    }

    static int Short(ReadOnlySpan<byte> at, bool big) => big ? BinaryPrimitives.ReadUInt16BigEndian(at) : BinaryPrimitives.ReadUInt16LittleEndian(at);

    static long Long(ReadOnlySpan<byte> at, bool big) => big ? BinaryPrimitives.ReadUInt32BigEndian(at) : BinaryPrimitives.ReadUInt32LittleEndian(at);
}
