using System.CommandLine;
using System.Globalization;
using Osprey.Engine.Images;

namespace Osprey.Tool.Hosting;

/// <summary>How files become pictures: the flags of <see cref="DecodeOptions"/>, which every verb that reads images takes.</summary>
sealed class DecodeFlags
{
    readonly Option<string?> bands = Flag.Text("--bands", "B[,B,B]", "Bands of multi-band TIFFs that become red, green and blue (or the one that becomes grey), numbered from 1. Default: the first three of three or four.");

    readonly Option<string?> range = Flag.Text("--range", "LOW:HIGH[,…]", "Sample values that become black and white, one range for all bands or one per band, such as 0:3000. Default: the sample type's own range.");

    readonly Option<string?> percentile = Flag.Text("--percentile", "LOW:HIGH", "The same as per cent of each image's own samples, such as 2:98.");

    readonly Option<double?> noData = Flag.Number("--no-data", "Sample value that means no data. Default: what the file's GDAL tag says.");

    readonly Option<long?> maxPixels = Flag.Whole<long>(
        "--max-pixels", "Width × height above which a file is refused before it is decoded. Default 200000000.", 1, DecodeOptions.LargestMaxPixels, value: "PIXELS");

    public void AddTo(Command command)
    {
        foreach (Option option in new Option[] { bands, range, percentile, noData, maxPixels }) command.Add(option);
        command.Validators.Add(result =>
        {
            if (result.GetValue(range) is not null && result.GetValue(percentile) is not null) result.AddError("--range and --percentile exclude each other; give one");
        });
    }

    /// <exception cref="ArgumentException">A value is malformed.</exception>
    public DecodeOptions Bind(ParseResult arguments)
    {
        var options = new DecodeOptions { NoData = arguments.GetValue(noData) };
        if (arguments.GetValue(maxPixels) is long limit) options = options with { MaxPixels = limit };
        if (arguments.GetValue(bands) is string list)
        {
            options = options with
            {
                Bands = [.. list.Split(',').Select(b => int.TryParse(b, NumberStyles.None, CultureInfo.InvariantCulture, out int n)
                    ? n
                    : throw new ArgumentException($"--bands is '{list}'; give one or three band numbers, such as 3,2,1"))],
            };
        }
        if (arguments.GetValue(range) is string values) options = options with { Scaling = BandScaling.Parse(values) };
        if (arguments.GetValue(percentile) is string share)
        {
            string text = share.Contains('%', StringComparison.Ordinal) ? share : string.Join(':', share.Split(':').Select(e => e + "%"));
            options = options with { Scaling = BandScaling.Parse(text) };
        }
        return options;
    }
}
