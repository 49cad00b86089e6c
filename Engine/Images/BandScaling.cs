using System.Globalization;

namespace Osprey.Engine.Images;

/// <summary>How the samples of a band become the values 0…255 of a colour.</summary>
public enum ScalingKind
{
    /// <summary>The sample type's own range.</summary>
    Natural,

    /// <summary>Ranges given by the user, the same for every image.</summary>
    Range,

    /// <summary>Percentiles of each image's own samples.</summary>
    Percentile,
}

/// <summary>Low and high end, in the band's own unit; low &lt; high.</summary>
public readonly record struct BandRange(double Low, double High);

/// <summary>
/// The linear map from a band's samples to 0…255: low or less → 0, high or more → 255, rounded to nearest. Samples that are no data or not finite → 0,
/// and they count in no percentile.
/// </summary>
/// <remarks>
/// <b>Natural</b> ranges: unsigned integers of n ≤ 16 bits 0…2ⁿ−1 (8 bits therefore as they are), signed ones 0…2ⁿ⁻¹−1 (negative → 0), floating point 0…1.
/// They are the same for every image of a set, so equal radiance stays equal colour; but 16-bit reflectances, of which most use a tenth of their type's
/// range, come out dark: give their range (<c>0:3000</c> for Sentinel-2) or percentiles (<c>2%:98%</c>, what QGIS shows), at the price that each image then gets its own contrast.
/// 32-bit integers have no natural range, and floating-point images of which most samples exceed 1 are refused instead of shown white.
/// <b>Percentile</b>: linear between ranks as numpy's default; from at most 2²² samples per band, evenly spaced, in images larger than that.
/// </remarks>
public sealed class BandScaling
{
    BandScaling(ScalingKind kind, IReadOnlyList<BandRange> ranges)
    {
        Kind = kind;
        Values = ranges;
    }

    public static BandScaling Natural { get; } = new(ScalingKind.Natural, []);

    public ScalingKind Kind { get; }

    /// <summary>Of <see cref="ScalingKind.Range"/> one for all bands or one for each chosen band; of <see cref="ScalingKind.Percentile"/> one, in per cent.</summary>
    public IReadOnlyList<BandRange> Values { get; }

    /// <exception cref="ArgumentException">Neither one nor three ranges, or one that is empty or not finite.</exception>
    public static BandScaling Ranges(params BandRange[] ranges)
    {
        if (ranges.Length is not (1 or 3)) throw new ArgumentException($"{ranges.Length} ranges were given; give one for all bands, or three, one per band");
        foreach (BandRange range in ranges)
        {
            if (!(double.IsFinite(range.Low) && double.IsFinite(range.High) && range.Low < range.High))
                throw new ArgumentException($"the range {Text(range.Low)}:{Text(range.High)} is not low:high with low < high");
        }
        return new BandScaling(ScalingKind.Range, [.. ranges]);
    }

    /// <exception cref="ArgumentException">Not 0 ≤ low &lt; high ≤ 100.</exception>
    public static BandScaling Percentiles(double low, double high)
    {
        if (!(low >= 0 && low < high && high <= 100)) throw new ArgumentException($"the percentiles {Text(low)}%:{Text(high)}% are not low%:high% with 0 ≤ low < high ≤ 100");
        return new BandScaling(ScalingKind.Percentile, [new BandRange(low, high)]);
    }

    /// <param name="text"><c>natural</c>; <c>0:3000</c>; <c>0:3000,0:2500,0:2000</c>; <c>2%:98%</c>.</param>
    /// <exception cref="ArgumentException">Anything else.</exception>
    public static BandScaling Parse(string text)
    {
        if (text == "natural") return Natural;
        string[] parts = text.Split(',');
        if (parts.Length == 1 && parts[0].Contains('%', StringComparison.Ordinal))
        {
            string[] ends = parts[0].Split(':');
            if (ends.Length == 2 && ends.All(e => e.EndsWith('%')) && Number(ends[0][..^1], out double low) && Number(ends[1][..^1], out double high))
                return Percentiles(low, high);
        }
        else
        {
            var ranges = new List<BandRange>();
            foreach (string part in parts)
            {
                string[] ends = part.Split(':');
                if (ends.Length == 2 && Number(ends[0], out double low) && Number(ends[1], out double high)) ranges.Add(new BandRange(low, high));
            }
            if (ranges.Count == parts.Length) return Ranges([.. ranges]);
        }
        throw new ArgumentException($"the scaling \"{text}\" is none of natural, low:high, low:high,low:high,low:high (one per band) and low%:high% (percentiles)");
    }

    /// <summary>What <see cref="Parse"/> reads.</summary>
    public override string ToString() => Kind switch
    {
        ScalingKind.Natural => "natural",
        ScalingKind.Range => string.Join(',', Values.Select(v => $"{Text(v.Low)}:{Text(v.High)}")),
        _ => $"{Text(Values[0].Low)}%:{Text(Values[0].High)}%",
    };

    static string Text(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    static bool Number(string text, out double value) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value);
}
