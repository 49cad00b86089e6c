using System.Text;

namespace Osprey.Engine.Images;

/// <summary>What a file is, by its first bytes; its name is never asked.</summary>
enum ImageFormat
{
    Jpeg,
    Png,
    WebP,
    Bmp,
    Gif,
    Tiff,
}

static class ImageFormats
{
    /// <summary>As many first bytes as <see cref="Sniff"/> wants to see.</summary>
    public const int HeadLength = 32;

    /// <summary>Formats people have beside the ones that are read, so that the message can say what to do.</summary>
    static readonly (byte[] Start, int At, string Name)[] others =
    [
        ([0, 0, 0, 12, (byte)'j', (byte)'P'], 0, "JPEG 2000"),
        ([0xFF, 0x4F, 0xFF, 0x51], 0, "JPEG 2000"),
        ([.. "ftyp"u8], 4, "HEIF, AVIF or a video"),
        ([0xFF, 0x0A], 0, "JPEG XL"),
        ([0x89, .. "HDF"u8], 0, "HDF5"),
        ([.. "CDF"u8], 0, "netCDF"),
        ([.. "NITF"u8], 0, "NITF"),
        ([.. "%PDF"u8], 0, "PDF"),
        ([.. "PK"u8, 3, 4], 0, "a ZIP archive"),
    ];

    /// <param name="head">The file's first <see cref="HeadLength"/> bytes, or all of a smaller file.</param>
    /// <exception cref="InvalidDataException">None of the formats that are read.</exception>
    public static ImageFormat Sniff(ReadOnlySpan<byte> head)
    {
        if (head.IsEmpty) throw new InvalidDataException("the file is empty");
        if (head.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF])) return ImageFormat.Jpeg;
        if (head.StartsWith((ReadOnlySpan<byte>)[0x89, .. "PNG"u8, 13, 10, 26, 10])) return ImageFormat.Png;
        if (head.StartsWith("RIFF"u8) && head.Length >= 12 && head[8..].StartsWith("WEBP"u8)) return ImageFormat.WebP;
        if (head.StartsWith("GIF8"u8)) return ImageFormat.Gif;
        if (head.StartsWith("BM"u8)) return ImageFormat.Bmp;
        if (IsTiff(head)) return ImageFormat.Tiff;

        foreach ((byte[] start, int at, string name) in others)
        {
            if (head.Length >= at + start.Length && head[at..].StartsWith(start))
                throw new InvalidDataException($"the file is {name}, which is not read; convert it to TIFF, PNG or JPEG (gdal_translate does)");
        }
        throw new InvalidDataException($"the file is no image in a known format (JPEG, PNG, WebP, BMP, GIF, TIFF); it starts with {Excerpt(head)}");
    }

    /// <summary>TIFF or BigTIFF of either byte order.</summary>
    public static bool IsTiff(ReadOnlySpan<byte> head) => head.StartsWith("II*\0"u8) || head.StartsWith("MM\0*"u8) || head.StartsWith("II+\0"u8) || head.StartsWith("MM\0+"u8);

    static string Excerpt(ReadOnlySpan<byte> head)
    {
        ReadOnlySpan<byte> first = head[..Math.Min(head.Length, 12)];
        return first.IndexOfAnyExceptInRange((byte)' ', (byte)'~') < 0 ? $"\"{Encoding.ASCII.GetString(first)}\"" : $"the bytes {Convert.ToHexString(first)}";
    }
}
