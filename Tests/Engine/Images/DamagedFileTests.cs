using BitMiracle.LibTiff.Classic;
using CsCheck;
using NUnit.Framework;
using Osprey.Engine.Images;
using SkiaSharp;

namespace Osprey.Tests.Engine.Images;

/// <summary>Whatever happens to a file's bytes, it decodes or it is an <see cref="InvalidDataException"/> that names it.</summary>
[TestFixture]
public class DamagedFileTests
{
    static readonly ImageDecoder decoder = new(new DecodeOptions { MaxPixels = 1_000_000 });

    static readonly byte[][] files = [.. Valid()];

    static IEnumerable<byte[]> Valid()
    {
        RgbImage picture = Pictures.Smooth(37, 29);
        foreach (SKEncodedImageFormat format in new[] { SKEncodedImageFormat.Jpeg, SKEncodedImageFormat.Png, SKEncodedImageFormat.Webp }) yield return Pictures.Encode(picture, format);
        foreach (Compression compression in new[] { Compression.NONE, Compression.LZW, Compression.ADOBE_DEFLATE, Compression.PACKBITS, Compression.JPEG })
        {
            foreach (bool tiled in new[] { false, true })
                yield return new TiffLayout { Compression = compression, Tiled = tiled, Planar = tiled && compression != Compression.JPEG, Photometric = Photometric.RGB }.Write((x, y, b) => picture.Pixels[3 * (y * 37 + x) + b]);
        }
        yield return new TiffLayout { Bands = 2, Bits = 32, Format = SampleFormat.IEEEFP, Compression = Compression.LZW, Predictor = Predictor.FLOATINGPOINT, BigTiff = true }.Write((x, y, _) => x / 40.0);
        yield return new HandTiff(4, 1, 1, 8, bigEndian: true, bigTiff: true).Tag(262, 3, 3).Tag(320, 3, [.. Enumerable.Range(0, 768).Select(i => (ulong)i * 80)]).Segment([1, 2, 3, 4]).ToArray();
        yield return new HandTiff(2, 2, 4, 8).Tag(262, 3, 5).Segment(new byte[16]).ToArray();
    }

    [Test]
    public void The_files_are_valid_before_they_are_damaged()
    {
        foreach (byte[] file in files) Assert.That(() => decoder.Decode(file, "x"), Throws.Nothing);
    }

    /// <summary>Bytes changed, most of them in the headers, where they do most.</summary>
    [Test]
    public void Changed_bytes()
    {
        Gen<(int Place, byte Value, bool Flip)[]> changes = Gen.Select(Gen.OneOf(Gen.Int[0, 60], Gen.Int[0, 400], Gen.Int[-200, -1], Gen.Int[0, 1 << 20]), Gen.OneOf(Gen.Byte, Gen.Const((byte)0), Gen.Const((byte)255)), Gen.Bool).Array[1, 12];
        Gen.Select(Gen.Int[0, files.Length - 1], changes).Sample((which, list) =>
        {
            byte[] file = [.. files[which]];
            foreach ((int place, byte value, bool flip) in list)
            {
                int at = ((place % file.Length) + file.Length) % file.Length;
                file[at] = (byte)(flip ? file[at] ^ value : value);
            }
            return DecodesOrIsNamed(file);
        }, seed: "0N0XIzNsQ0O2", iter: 6000, threads: 1);
    }

    [Test]
    public void Cut_or_lengthened() =>
        Gen.Select(Gen.Int[0, files.Length - 1], Gen.Double[0, 1], Gen.Byte.Array[0, 30]).Sample((which, share, tail) =>
            DecodesOrIsNamed([.. files[which].AsSpan(0, (int)(share * files[which].Length)), .. tail]), seed: "0N0XIzNsQ0O2", iter: 1500, threads: 1);

    [Test]
    public void Garbage_behind_a_signature()
    {
        byte[][] starts = [[0xFF, 0xD8, 0xFF], [0x89, .. "PNG"u8, 13, 10, 26, 10], [.. "RIFFxxxxWEBPVP8 "u8], [.. "GIF89a"u8], [.. "BM"u8], [.. "II*\0\x08\0\0\0"u8], [.. "MM\0*\0\0\0\x08"u8], [.. "II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0"u8], []];
        Gen.Select(Gen.Int[0, starts.Length - 1], Gen.Byte.Array[0, 300]).Sample((which, rest) => DecodesOrIsNamed([.. starts[which], .. rest]), seed: "0N0XIzNsQ0O2", iter: 4000, threads: 1);
    }

    static bool DecodesOrIsNamed(byte[] file)
    {
        try
        {
            RgbImage image = decoder.Decode(file, "damaged.file");
            return image.Width > 0;
        }
        catch (InvalidDataException e)
        {
            return e.Message.StartsWith("damaged.file: ", StringComparison.Ordinal) && e.Message.Length > 20;
        }
    }
}
