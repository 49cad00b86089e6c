using System.Buffers.Binary;

namespace Osprey.Engine.Images;

/// <summary>Whether a JPEG file has its end.</summary>
/// <remarks>Skia notices rows that are missing, but takes a progressive file without its later, finer scans for a whole one.</remarks>
static class JpegEnd
{
    const byte End = 0xD9, Start = 0xD8, FirstRestart = 0xD0, LastRestart = 0xD7, Temporary = 0x01;

    /// <param name="jpeg">A file from its first byte on; what follows the end of the picture does not matter.</param>
    public static bool IsIn(ReadOnlySpan<byte> jpeg)
    {
        while (true)
        {
            // Between segments lies compressed data, in which a byte 255 is followed by 0.
            int at = jpeg.IndexOf((byte)0xFF);
            if (at < 0 || at + 1 >= jpeg.Length) return false;
            byte marker = jpeg[at + 1];
            jpeg = jpeg[(at + (marker == 0xFF ? 1 : 2))..];
            if (marker == End) return true;
            if (marker is 0 or 0xFF or Start or Temporary or (>= FirstRestart and <= LastRestart)) continue;
            if (jpeg.Length < 2) return false;
            int length = BinaryPrimitives.ReadUInt16BigEndian(jpeg);
            if (length > jpeg.Length) return false;
            jpeg = jpeg[length..];
        }
    }
}
