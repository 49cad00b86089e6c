using System.Globalization;

namespace Osprey.Engine.Sources;

/// <summary>The classes of images that each say what they are.</summary>
static class ClassNames
{
    /// <param name="names">Of each image.</param>
    /// <returns>The different names, by value where all are whole numbers and else in ordinal order; and each image's index into them.</returns>
    public static (string[] Classes, int[] Labels) Of(IReadOnlyList<string> names)
    {
        string[] classes = [.. names.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        if (classes.All(c => IsNumber(c, out _))) classes = [.. classes.OrderBy(c => IsNumber(c, out long value) ? value : 0)];
        Dictionary<string, int> label = classes.Select((name, i) => (name, i)).ToDictionary(p => p.name, p => p.i, StringComparer.Ordinal);
        return (classes, [.. names.Select(n => label[n])]);
    }

    static bool IsNumber(string text, out long value) => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value);
}
