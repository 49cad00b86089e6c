namespace Osprey.Engine.Images;

/// <summary>What of a file becomes the picture, and how large a picture may be.</summary>
public sealed record DecodeOptions
{
    /// <summary>The most pixels whose four-channel rows still fit one array.</summary>
    public const long LargestMaxPixels = 500_000_000;

    /// <summary>Width × height above which a file is refused, read from its header before anything is allocated. 1…<see cref="LargestMaxPixels"/>; 200 million by default (600 MB decoded).</summary>
    /// <exception cref="ArgumentException">Outside that range.</exception>
    public long MaxPixels
    {
        get;
        init => field = value is >= 1 and <= LargestMaxPixels
            ? value
            : throw new ArgumentException($"the pixel limit is {value}; it must be 1 to {LargestMaxPixels}; cut larger scenes into windows");
    } = 200_000_000;

    /// <summary>
    /// The bands that become red, green and blue, or the one that becomes grey, numbered from 1 as GIS tools do. By default: of one band or grey with alpha
    /// the grey; of three or four bands, and of any file that says it is RGB, the first three; of more, a file must be asked for its bands.
    /// </summary>
    /// <exception cref="ArgumentException">Neither one nor three bands, or a number below 1.</exception>
    public IReadOnlyList<int>? Bands
    {
        get;
        init
        {
            if (value is not null)
            {
                if (value.Count is not (1 or 3)) throw new ArgumentException($"{value.Count} bands were given; give one (grey) or three (red, green, blue)");
                if (value.Any(b => b < 1)) throw new ArgumentException($"band {value.Min()} was given; bands are numbered from 1");
            }
            field = value;
        }
    }

    /// <summary>How samples become 0…255.</summary>
    public BandScaling Scaling { get; init; } = BandScaling.Natural;

    /// <summary>The sample value that stands for no data; by default what the file's GDAL tag says.</summary>
    public double? NoData { get; init; }
}
