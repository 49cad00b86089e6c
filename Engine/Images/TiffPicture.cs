using BitMiracle.LibTiff.Classic;

namespace Osprey.Engine.Images;

/// <summary>The first image of a TIFF or BigTIFF file as a picture.</summary>
static class TiffPicture
{
    const int WhiteIsZero = 0, BlackIsZero = 1, Rgb = 2, Palette = 3, Mask = 4, YCbCr = 6;
    const int Jpeg = 7;

    /// <summary>CMYK with some extra bands; LibTiff's conversion holds whole strips of all of them.</summary>
    const int MostInks = 8;

    /// <summary>None, CCITT 1-D, fax 3 and 4, LZW, JPEG, Deflate by either number, PackBits.</summary>
    static readonly int[] codecs = [1, 2, 3, 4, 5, 7, 8, 32946, 32773];

    /// <exception cref="InvalidDataException">Damaged, cut short, too large, of a kind that is not read, or without the bands asked for.</exception>
    public static PlacedImage Decode(Stream stream, DecodeOptions options)
    {
        var header = new TiffHeader(stream, options.MaxPixels);
        CheckCodec(header);
        bool convert = NeedsConversion(header);
        var input = new TiffInput(TiffDirectory.Write(header, withPredictor: convert), stream);
        return Guard(input, () =>
        {
            using Tiff tiff = Open(header, input);
            RgbImage image = convert ? RgbSamples.Apply(Convert(header, input, tiff), options) : Render(header, new TiffSamples(header, input, tiff), options);
            GeoReference? place = GeoTiff.Read(header);
            // The map is of the pixels as they are stored.
            if (header.Orientation is > 1 and <= 8) place = null;
            return new PlacedImage(Orientation.Apply(image, header.Orientation), place);
        });
    }

    /// <exception cref="InvalidDataException">Compressed with a method that is not read.</exception>
    public static void CheckCodec(TiffHeader header)
    {
        if (!codecs.Contains(header.Compression))
            throw new InvalidDataException($"the TIFF file is compressed with method {header.Compression}{Name(header.Compression)}, which is not read; convert it to DEFLATE or LZW (gdal_translate -co COMPRESS=DEFLATE)");
    }

    /// <summary>Everything but grey, RGB, palettes and JPEG's YCbCr goes through LibTiff's own conversion to 8-bit RGB, of the whole image.</summary>
    public static bool NeedsConversion(TiffHeader header) => !IsJpegColor(header) && header.Photometric is not (WhiteIsZero or BlackIsZero or Rgb or Palette or Mask);

    public static Tiff Open(TiffHeader header, TiffInput input)
    {
        Tiff tiff = input.Open();
        if (IsJpegColor(header)) tiff.SetField(TiffTag.JPEGCOLORMODE, JpegColorMode.RGB);
        return tiff;
    }

    /// <summary>Runs what reads a file; whatever LibTiff makes of bad bytes becomes one kind of exception.</summary>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    public static T Guard<T>(TiffInput input, Func<T> read)
    {
        try
        {
            return read();
        }
        // LibTiff answers bad bytes with whatever its arithmetic runs into: index, null, overflow, or its JPEG library's own exceptions.
        catch (Exception e) when (e is not (InvalidDataException or IOException or OutOfMemoryException))
        {
            throw new InvalidDataException($"the TIFF file is damaged: {input.Error ?? e.Message}", e);
        }
    }

    /// <summary>The picture of all rows that <paramref name="samples"/> gives, as stored.</summary>
    public static RgbImage Render(TiffHeader header, TiffSamples samples, DecodeOptions options)
    {
        if (header.Photometric == Palette) return RgbSamples.Apply(samples.LookUp(header.ColorMap), options);
        return samples.CopyPicture(options) ?? BandMapping.Render(samples, Bands(header, options), options);
    }

    /// <summary>Whether none of them shows anything; see <see cref="TiffSamples.IsEmpty"/>.</summary>
    public static bool IsEmpty(TiffHeader header, TiffSamples samples, DecodeOptions options) =>
        samples.IsEmpty(header.Photometric == Palette ? [0] : Bands(header, options), options.NoData ?? header.NoData);

    static bool IsJpegColor(TiffHeader header) => header is { Photometric: YCbCr, Compression: Jpeg, Planar: false, Bands: 3, BitsPerSample: 8 };

    static int[] Bands(TiffHeader header, DecodeOptions options)
    {
        if (options.Bands is { } bands) return BandChoice.Check(bands, header.Bands);
        if (header.Bands < 3) return [0];
        if (header.Bands > 4 && header.Photometric != Rgb)
            throw new InvalidDataException($"the file has {header.Bands} bands and does not say which are red, green and blue; choose three, or one, such as bands 4,3,2");
        return [0, 1, 2];
    }

    static RgbImage Convert(TiffHeader header, TiffInput input, Tiff tiff)
    {
        if (header.BitsPerSample != 8) throw new InvalidDataException($"the TIFF file's colours (photometric {header.Photometric}) are read of 8-bit samples only, it has {header.BitsPerSample} bits");
        if (header.Bands > MostInks) throw new InvalidDataException($"the TIFF file's colours (photometric {header.Photometric}) are read of up to {MostInks} bands only, it has {header.Bands}");
        if (!tiff.RGBAImageOK(out string reason)) throw new InvalidDataException($"the TIFF file's colours (photometric {header.Photometric}) are not read: {reason}");
        int width = header.Width, height = header.Height;
        int[] raster = new int[width * height];
        if (!tiff.ReadRGBAImageOriented(width, height, raster, BitMiracle.LibTiff.Classic.Orientation.TOPLEFT, true)) throw input.Failure("cannot be decoded");
        byte[] pixels = new byte[3 * raster.Length];
        for (int i = 0; i < raster.Length; i++)
        {
            pixels[3 * i] = (byte)Tiff.GetR(raster[i]);
            pixels[3 * i + 1] = (byte)Tiff.GetG(raster[i]);
            pixels[3 * i + 2] = (byte)Tiff.GetB(raster[i]);
        }
        return new RgbImage(width, height, pixels);
    }

    static string Name(int compression) => compression switch
    {
        6 => " (old-style JPEG)",
        34712 => " (JPEG 2000)",
        34887 => " (LERC)",
        34925 => " (LZMA)",
        50000 => " (Zstandard)",
        50001 => " (WebP)",
        50002 => " (JPEG XL)",
        _ => "",
    };
}
