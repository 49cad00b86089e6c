using System.Runtime.InteropServices;

namespace Osprey.Interop.Jpeg;

/// <summary>
/// libjpeg-turbo's own library (Debian: <c>libturbojpeg0</c>), found by name at run time where it is installed. The copy inside SkiaSharp is compiled without its vector
/// code and takes 1.7 times as long for the same pixels. Safe to use from many threads.
/// </summary>
public static unsafe class TurboJpeg
{
    // Of turbojpeg.h, the same from version 1.4 to 3.
    const int Rgb = 0, StopOnWarning = 8192, LimitScans = 32768;

    static readonly string[] names = OperatingSystem.IsWindows() ? ["turbojpeg.dll"] : OperatingSystem.IsMacOS() ? ["libturbojpeg.0.dylib", "libturbojpeg.dylib"] : ["libturbojpeg.so.0"];

    static readonly delegate* unmanaged<nint> create;
    static readonly delegate* unmanaged<nint, byte*, nuint, int*, int*, int*, int*, int> readHeader;
    static readonly delegate* unmanaged<nint, byte*, nuint, byte*, int, int, int, int, int, int> decompress;
    static readonly delegate* unmanaged<nint, int> destroy;

#pragma warning disable CA1810 // One library decides on all of them.
    static TurboJpeg()
#pragma warning restore CA1810
    {
        foreach (string name in names)
        {
            if (!NativeLibrary.TryLoad(name, out nint library)) continue;
            if (!NativeLibrary.TryGetExport(library, "tjInitDecompress", out nint init) || !NativeLibrary.TryGetExport(library, "tjDecompressHeader3", out nint header)
                || !NativeLibrary.TryGetExport(library, "tjDecompress2", out nint pixels) || !NativeLibrary.TryGetExport(library, "tjDestroy", out nint end)) continue;
            create = (delegate* unmanaged<nint>)init;
            readHeader = (delegate* unmanaged<nint, byte*, nuint, int*, int*, int*, int*, int>)header;
            decompress = (delegate* unmanaged<nint, byte*, nuint, byte*, int, int, int, int, int, int>)pixels;
            destroy = (delegate* unmanaged<nint, int>)end;
            return;
        }
    }

    /// <summary>Whether the library is there.</summary>
    public static bool IsPresent => create != null;

    /// <summary>A whole JPEG file to pixels: accurate inverse transform, smooth upsampling, as Pillow and Skia have them.</summary>
    /// <param name="jpeg">From the first byte on.</param>
    /// <param name="width">What the file says, pixels.</param>
    /// <param name="height">Likewise.</param>
    /// <param name="rgb">[height, width, 3].</param>
    /// <returns>False: the library is not there, warns of the file (damaged, cut short) or does not turn its colours into RGB (CMYK); <paramref name="rgb"/> then holds anything.</returns>
    /// <exception cref="ArgumentException"><paramref name="rgb"/> has another length.</exception>
    public static bool TryDecode(ReadOnlySpan<byte> jpeg, int width, int height, Span<byte> rgb)
    {
        if (rgb.Length != 3L * width * height) throw new ArgumentException($"{rgb.Length} bytes were given for {width}×{height} RGB pixels");
        if (!IsPresent) return false;
        nint decoder = create();
        if (decoder == 0) return false;
        try
        {
            fixed (byte* from = jpeg, to = rgb)
            {
                int actualWidth, actualHeight, sampling, colours;
                return readHeader(decoder, from, (nuint)jpeg.Length, &actualWidth, &actualHeight, &sampling, &colours) == 0
                    && actualWidth == width && actualHeight == height
                    && decompress(decoder, from, (nuint)jpeg.Length, to, width, 3 * width, height, Rgb, StopOnWarning | LimitScans) == 0;
            }
        }
        finally
        {
            _ = destroy(decoder);
        }
    }
}
