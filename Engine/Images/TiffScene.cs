using System.Collections.Concurrent;
using BitMiracle.LibTiff.Classic;

namespace Osprey.Engine.Images;

/// <summary>
/// A TIFF or BigTIFF of any size, striped or tiled, that is read in windows: never more of it is in memory than a window, and the decompressed tiles
/// or strips that neighbouring windows share. Safe to read from many threads.
/// </summary>
/// <remarks>
/// Overviews are the file's other images that say they are smaller versions, as GDAL and COG write them, or those of <c>FILE.ovr</c> beside it where the
/// file has none. Pixels are those that <see cref="ImageDecoder"/> gives of the whole image; a strip of a compressed file that holds the whole scene is decompressed
/// from its beginning for every window.
/// </remarks>
public sealed class TiffScene : IDisposable
{
    /// <summary>Bytes of decompressed tiles kept: a row of windows across a scene 100 000 pixels wide and 512 high takes 154 MB of RGB.</summary>
    internal const long CacheBytes = 256L << 20;

    /// <summary>More images in one file than any pyramid has: directories that lead in a circle.</summary>
    const int MostDirectories = 256;

    readonly List<Level> levels = [];
    readonly DecodeOptions options;
    readonly SegmentCache cache;

    TiffScene(string path, DecodeOptions options, SegmentCache cache)
    {
        this.options = options;
        this.cache = cache;
        using FileStream file = OpenFile(path);
        if (!IsTiff(file)) throw new InvalidDataException("the file is no TIFF; only TIFF is read in windows");
        var first = new TiffHeader(file, options.MaxPixels, inWindows: true);
        TiffPicture.CheckCodec(first);
        if (TiffPicture.NeedsConversion(first)) throw new InvalidDataException($"the TIFF file's colours (photometric {first.Photometric}) are not read in windows; convert it to RGB (gdal_translate -expand rgb, or -co PHOTOMETRIC=RGB)");
        if (first.Orientation is > 1 and <= 8) throw new InvalidDataException($"the TIFF file is stored turned (orientation {first.Orientation}), which is not read in windows; convert it with gdalwarp");
        levels.Add(new Level(path, first));
        AddOverviews(path, file, first.Next);
        string beside = path + ".ovr";
        if (levels.Count == 1 && File.Exists(beside))
        {
            using FileStream more = OpenFile(beside);
            AddOverviews(beside, more, at: null);
        }
        levels.Sort((a, b) => ((long)b.Header.Width * b.Header.Height).CompareTo((long)a.Header.Width * a.Header.Height));
        Place = GeoTiff.Read(first);
        NoData = options.NoData ?? first.NoData;
    }

    /// <summary>Pixels across, at full resolution.</summary>
    public int Width => levels[0].Header.Width;

    /// <summary>Pixels down, at full resolution.</summary>
    public int Height => levels[0].Header.Height;

    /// <summary>How many smaller versions the scene has.</summary>
    public int Overviews => levels.Count - 1;

    /// <summary>Where the scene lies; null where the file does not say.</summary>
    public GeoReference? Place { get; }

    /// <summary>The sample value that means no data; null for none.</summary>
    public double? NoData { get; }

    /// <param name="path">The file.</param>
    /// <param name="options">Bands, scaling, no-data value; its pixel limit holds for a window and a tile, not for the scene.</param>
    /// <exception cref="InvalidDataException">No TIFF, damaged, cut short, or of a kind that is not read.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static TiffScene Open(string path, DecodeOptions options) => Open(path, options, new SegmentCache(CacheBytes));

    internal static TiffScene Open(string path, DecodeOptions options, SegmentCache cache) => new(path, options, cache);

    /// <summary>Whether the file begins as a TIFF does.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    internal static bool IsTiff(string path)
    {
        using FileStream file = OpenFile(path);
        return IsTiff(file);
    }

    /// <summary>Width and height of a TIFF at full resolution, pixels, also of one that is not read in windows.</summary>
    /// <exception cref="InvalidDataException">Damaged or cut short.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    internal static (int Width, int Height) ReadSize(string path)
    {
        using FileStream file = OpenFile(path);
        var header = new TiffHeader(file, long.MaxValue, inWindows: true);
        return (header.Width, header.Height);
    }

    static bool IsTiff(FileStream file)
    {
        Span<byte> head = stackalloc byte[4];
        return ImageFormats.IsTiff(head[..file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false)]);
    }

    /// <summary>Width and height of the scene (0) or of an overview (1 the largest …), pixels.</summary>
    /// <exception cref="InvalidDataException">The scene has fewer overviews.</exception>
    public (int Width, int Height) SizeOf(int overview) => At(overview) is { Header: var header } ? (header.Width, header.Height) : default;

    /// <summary>A window of an overview in pixels of full resolution, rounded to whole ones.</summary>
    public PixelWindow ToFullResolution(PixelWindow window, int overview)
    {
        TiffHeader header = At(overview).Header;
        double across = (double)Width / header.Width, down = (double)Height / header.Height;
        int x = (int)Math.Round(window.X * across), y = (int)Math.Round(window.Y * down);
        return new PixelWindow(x, y, (int)Math.Round(((long)window.X + window.Width) * across) - x, (int)Math.Round(((long)window.Y + window.Height) * down) - y);
    }

    /// <summary>Where the pixels of a window lie, those of the resolution that is read; null where the file does not say.</summary>
    public GeoReference? PlaceOf(PixelWindow window, int overview)
    {
        TiffHeader header = At(overview).Header;
        double across = (double)Width / header.Width, down = (double)Height / header.Height;
        return Place is null ? null : Place with { Transform = Place.Transform?.From(window.X * across, window.Y * down).Scaled(across, down) };
    }

    /// <summary>A window as a picture; of percentile scaling the percentiles are the window's own.</summary>
    /// <param name="window">Pixels of the scene or overview.</param>
    /// <param name="overview">0: full resolution.</param>
    /// <returns>Null where the window holds no data: every sample is the no-data value, not finite, or left out by the file, or every pixel is transparent.</returns>
    /// <exception cref="ArgumentException">The window reaches beyond the image.</exception>
    /// <exception cref="InvalidDataException">The file is damaged there, the window is above the pixel limit, or the file lacks the bands asked for.</exception>
    public RgbImage? Read(PixelWindow window, int overview = 0)
    {
        Level level = At(overview);
        TiffHeader header = level.Header;
        if (window.X < 0 || window.Y < 0 || window.Width < 1 || window.Height < 1 || window.X > header.Width - window.Width || window.Y > header.Height - window.Height)
            throw new ArgumentException($"the window {window} is not inside the image, which has {header.Width}×{header.Height} pixels");
        if ((long)window.Width * window.Height > options.MaxPixels) throw new InvalidDataException($"the window {window} has more pixels than the limit of {options.MaxPixels}; take smaller windows, or raise the limit");
        Handle handle = level.Rent();
        try
        {
            RgbImage? image = TiffPicture.Guard(handle.Input, () =>
            {
                var samples = new TiffSamples(header, handle.Input, handle.Tiff, window, (segment, decode) => cache.Get(level, segment, decode));
                DecodeOptions here = options with { NoData = NoData };
                return TiffPicture.IsEmpty(header, samples, here) ? null : TiffPicture.Render(header, samples, here);
            });
            level.Return(handle);
            return image;
        }
        catch
        {
            // What LibTiff makes of it now is unknown.
            handle.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        foreach (Level level in levels)
        {
            level.Dispose();
            cache.Forget(level);
        }
    }

    static FileStream OpenFile(string path) => new(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 1 << 12);

    Level At(int overview) => overview < levels.Count
        ? levels[overview]
        : throw new InvalidDataException($"overview {overview} was asked for, and the scene has {(Overviews == 0 ? "none" : Overviews == 1 ? "one" : $"{Overviews}")}; take a smaller one, or make them (gdaladdo)");

    /// <param name="path">The file itself, or the one beside it.</param>
    /// <param name="file">Open.</param>
    /// <param name="at">Where the first directory to look at begins; null: where the file says.</param>
    void AddOverviews(string path, FileStream file, ulong? at)
    {
        TiffHeader main = levels[0].Header;
        for (int i = 0; at != 0 && i < MostDirectories; i++)
        {
            // A later directory that is damaged costs its overview, and the scene is read without it.
            TiffHeader header;
            try
            {
                header = new TiffHeader(file, options.MaxPixels, inWindows: true, at);
                TiffPicture.CheckCodec(header);
            }
            catch (InvalidDataException)
            {
                return;
            }
            at = header.Next;
            bool reduced = (header.SubfileType & 5) == 1 || (path != levels[0].Path && (header.SubfileType & 4) == 0);
            if (reduced && header.Width < main.Width && header.Height <= main.Height && header.Bands == main.Bands && !TiffPicture.NeedsConversion(header)) levels.Add(new Level(path, header));
        }
    }

    /// <summary>What one thread at a time reads with.</summary>
    sealed record Handle(FileStream File, TiffInput Input, Tiff Tiff) : IDisposable
    {
        public void Dispose()
        {
            Tiff.Dispose();
            File.Dispose();
        }
    }

    /// <summary>The scene at one resolution.</summary>
    sealed class Level(string path, TiffHeader header) : IDisposable
    {
        readonly byte[] directory = TiffDirectory.Write(header, withPredictor: false);
        readonly ConcurrentBag<Handle> free = [];

        public string Path { get; } = path;

        public TiffHeader Header { get; } = header;

        public Handle Rent()
        {
            if (free.TryTake(out Handle? handle)) return handle;
            FileStream file = OpenFile(Path);
            try
            {
                var input = new TiffInput(directory, file);
                return new Handle(file, input, TiffPicture.Guard(input, () => TiffPicture.Open(Header, input)));
            }
            catch
            {
                file.Dispose();
                throw;
            }
        }

        public void Return(Handle handle) => free.Add(handle);

        public void Dispose()
        {
            while (free.TryTake(out Handle? handle)) handle.Dispose();
        }
    }
}
