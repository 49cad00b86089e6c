using System.Globalization;
using Osprey.Engine.Images;

namespace Osprey.Engine.Retrieval;

/// <summary>What happens to an image before the network, as a line that a store records and a search reads again.</summary>
/// <param name="ImageSize">Side of the square, pixels.</param>
/// <param name="Decoding">Bands, scaling and no-data value; the pixel limit changes no pixel and is not recorded.</param>
public sealed record Preprocessing(int ImageSize, DecodeOptions Decoding)
{
    const string Resize = "square", Bands = "bands", Scaling = "scaling", NoData = "no data";

    /// <summary>Such as <c>square 128 px, antialiased bilinear; scaling natural</c>.</summary>
    public override string ToString()
    {
        var parts = new List<string> { $"{Resize} {ImageSize} px, antialiased bilinear", $"{Scaling} {Decoding.Scaling}" };
        if (Decoding.Bands is { } bands) parts.Add($"{Bands} {string.Join(',', bands)}");
        if (Decoding.NoData is double value) parts.Add($"{NoData} {value.ToString("R", CultureInfo.InvariantCulture)}");
        return string.Join("; ", parts);
    }

    /// <exception cref="InvalidDataException">Not such a line.</exception>
    public static Preprocessing Parse(string text)
    {
        int? size = null;
        var decoding = new DecodeOptions();
        try
        {
            foreach (string part in text.Split("; "))
            {
                if (After(part, Resize) is string side) size = int.Parse(side.Split(' ')[0], CultureInfo.InvariantCulture);
                else if (After(part, Scaling) is string scaling) decoding = decoding with { Scaling = BandScaling.Parse(scaling) };
                else if (After(part, Bands) is string bands) decoding = decoding with { Bands = [.. bands.Split(',').Select(b => int.Parse(b, CultureInfo.InvariantCulture))] };
                else if (After(part, NoData) is string value) decoding = decoding with { NoData = double.Parse(value, CultureInfo.InvariantCulture) };
                else throw new FormatException($"'{part}' is unknown");
            }
        }
        catch (Exception e) when (e is FormatException or OverflowException or ArgumentException)
        {
            throw new InvalidDataException($"the preprocessing '{text}' cannot be read: {e.Message}", e);
        }
        return new Preprocessing(size ?? throw new InvalidDataException($"the preprocessing '{text}' names no image size"), decoding);
    }

    static string? After(string part, string word) => part.StartsWith(word + " ", StringComparison.Ordinal) ? part[(word.Length + 1)..] : null;
}
