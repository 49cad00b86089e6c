using System.Globalization;

namespace Osprey.Engine.Interchange;

/// <summary>
/// Coordinates → longitude and latitude on WGS 84, degrees, for the reference systems that aerial and satellite scenes mostly come in: geographic ones
/// (EPSG 4326, 4258, 4269), UTM on WGS 84 (326zz, 327zz), ETRS 89 (25828 … 25838) and NAD 83 (26901 … 26923), and Web Mercator (3857).
/// </summary>
/// <remarks>
/// ETRS 89 and NAD 83 are taken for WGS 84, from which they lie a metre or two apart. UTM: Krüger's series in n to the fourth order (Karney 2011, J. Geodesy 85),
/// within a micrometre in a zone.
/// </remarks>
static class Wgs84
{
    /// <summary>Metres; and the flattening.</summary>
    const double SemiMajor = 6378137, Flattening = 1 / 298.257223563;

    const double Scale = 0.9996, FalseEasting = 500_000, FalseNorthing = 10_000_000;

    /// <returns>The map from (x, y); null where the system is not one of these.</returns>
    public static Func<double, double, (double Longitude, double Latitude)>? From(string? crs)
    {
        if (crs is null || !crs.StartsWith("EPSG:", StringComparison.Ordinal) || !int.TryParse(crs.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out int code)) return null;
        return code switch
        {
            4326 or 4258 or 4269 => (x, y) => (x, y),
            3857 => WebMercator,
            > 32600 and <= 32660 => (x, y) => Utm(x, y, code - 32600),
            > 32700 and <= 32760 => (x, y) => Utm(x, y - FalseNorthing, code - 32700),
            >= 25828 and <= 25838 => (x, y) => Utm(x, y, code - 25800),
            > 26900 and <= 26923 => (x, y) => Utm(x, y, code - 26900),
            _ => null,
        };
    }

    static (double Longitude, double Latitude) WebMercator(double x, double y) =>
        (double.RadiansToDegrees(x / SemiMajor), double.RadiansToDegrees(2 * Math.Atan(Math.Exp(y / SemiMajor)) - Math.PI / 2));

    /// <param name="easting">With the false easting.</param>
    /// <param name="northing">0 on the equator.</param>
    /// <param name="zone">1 … 60.</param>
    static (double Longitude, double Latitude) Utm(double easting, double northing, int zone)
    {
        double n = Flattening / (2 - Flattening), n2 = n * n, n3 = n2 * n, n4 = n3 * n;
        double radius = SemiMajor / (1 + n) * (1 + n2 / 4 + n4 / 64);
        double[] beta = [n / 2 - 2 * n2 / 3 + 37 * n3 / 96 - n4 / 360, n2 / 48 + n3 / 15 - 437 * n4 / 1440, 17 * n3 / 480 - 37 * n4 / 840, 4397 * n4 / 161280];
        double xi = northing / (Scale * radius), eta = (easting - FalseEasting) / (Scale * radius), xi0 = xi, eta0 = eta;
        for (int j = 1; j <= beta.Length; j++)
        {
            xi0 -= beta[j - 1] * Math.Sin(2 * j * xi) * Math.Cosh(2 * j * eta);
            eta0 -= beta[j - 1] * Math.Cos(2 * j * xi) * Math.Sinh(2 * j * eta);
        }
        // The conformal latitude's tangent, and from it that of the latitude by Newton's method (Karney's equations 19 to 21).
        double conformal = Math.Sin(xi0) / Math.Sqrt(Math.Pow(Math.Sinh(eta0), 2) + Math.Pow(Math.Cos(xi0), 2)), tangent = conformal;
        double e2 = Flattening * (2 - Flattening), e = Math.Sqrt(e2);
        for (int i = 0; i < 5; i++)
        {
            double sigma = Math.Sinh(e * Math.Atanh(e * tangent / Math.Sqrt(1 + tangent * tangent)));
            double here = tangent * Math.Sqrt(1 + sigma * sigma) - sigma * Math.Sqrt(1 + tangent * tangent);
            tangent += (conformal - here) / Math.Sqrt(1 + here * here) * (1 + (1 - e2) * tangent * tangent) / ((1 - e2) * Math.Sqrt(1 + tangent * tangent));
        }
        double longitude = 6 * zone - 183 + double.RadiansToDegrees(Math.Atan2(Math.Sinh(eta0), Math.Cos(xi0)));
        return (longitude > 180 ? longitude - 360 : longitude < -180 ? longitude + 360 : longitude, double.RadiansToDegrees(Math.Atan(tangent)));
    }
}
