using System.Buffers;

namespace Osprey.Engine.Images;

/// <summary>Image file → <see cref="RgbImage"/>. JPEG, PNG, WebP, BMP, GIF (first frame) and TIFF/GeoTIFF, told apart by content.</summary>
/// <remarks>
/// The pixels are those Pillow gives for <c>ImageOps.exif_transpose(Image.open(f)).convert("RGB")</c>, on which published weights were trained: orientation
/// applied, colour profiles not, grey in three equal channels, alpha dropped with the colours as they are under it (nothing is composited), palettes
/// looked up, 16-bit PNG cut to its high bytes. Of TIFF, which carries measurements as well as pictures, see <see cref="BandScaling"/> and <see cref="DecodeOptions.Bands"/>.
/// A file that ends early is bad, even where a half-grey picture could be had from it. Safe to use from many threads.
/// </remarks>
public sealed class ImageDecoder
{
    /// <summary>Files up to this size are read at once; of larger ones only TIFF, piece by piece.</summary>
    const long LargestWhole = 1 << 30;

    readonly DecodeOptions options;

    public ImageDecoder(DecodeOptions options) => this.options = options;

    public ImageDecoder() : this(new DecodeOptions())
    {
    }

    /// <exception cref="InvalidDataException">The file is no image, damaged, cut short, larger than the pixel limit, or lacks the bands asked for; the message starts with <paramref name="path"/>.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    public RgbImage Decode(string path)
    {
        try
        {
            return DecodeUnnamed(path);
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException($"{path}: {e.Message}", e);
        }
    }

    /// <param name="bytes">A whole file.</param>
    /// <param name="name">What the message of an exception calls it.</param>
    /// <exception cref="InvalidDataException">As of <see cref="Decode(string)"/>.</exception>
    public RgbImage Decode(byte[] bytes, string name)
    {
        try
        {
            return DecodePlaced(bytes).Image;
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException($"{name}: {e.Message}", e);
        }
    }

    /// <summary>As <see cref="Decode(string)"/>; the exception's message holds the reason alone.</summary>
    internal RgbImage DecodeUnnamed(string path) => DecodePlaced(path).Image;

    /// <summary>As <see cref="DecodeUnnamed"/>, of a whole file's bytes.</summary>
    internal PlacedImage DecodePlaced(byte[] bytes) => Decode(ImageFormats.Sniff(bytes.AsSpan(0, Math.Min(bytes.Length, ImageFormats.HeadLength))), bytes);

    /// <summary>As <see cref="DecodeUnnamed"/>, and what a GeoTIFF says of its place.</summary>
    internal PlacedImage DecodePlaced(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, bufferSize: 1);
        Span<byte> head = stackalloc byte[ImageFormats.HeadLength];
        ImageFormat format = ImageFormats.Sniff(head[..file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false)]);
        file.Position = 0;
        if (file.Length > LargestWhole)
        {
            if (format != ImageFormat.Tiff) throw new InvalidDataException($"the file has {file.Length} bytes; at most {LargestWhole} are read of a {format} file");
            using var buffered = new BufferedStream(file, 1 << 16);
            return TiffPicture.Decode(buffered, options);
        }
        int length = (int)file.Length;
        // Rented: a new array for every file of some size would have the collector at work all the time.
        byte[] bytes = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            int read = file.ReadAtLeast(bytes.AsSpan(0, length), length, throwOnEndOfStream: false);
            if (read < length) throw new InvalidDataException($"the file became shorter while it was read: {read} of {length} bytes");
            return Decode(format, new ArraySegment<byte>(bytes, 0, length));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    PlacedImage Decode(ImageFormat format, ArraySegment<byte> bytes)
    {
        if (format != ImageFormat.Tiff) return new PlacedImage(RgbSamples.Apply(SkiaPicture.Decode(format, bytes, options.MaxPixels), options));
        using var stream = new MemoryStream(bytes.Array!, bytes.Offset, bytes.Count, writable: false);
        return TiffPicture.Decode(stream, options);
    }
}
