using System.CommandLine;
using System.Globalization;
using System.Numerics;
using System.Text.Json;
using Osprey.Engine;

namespace Osprey.Tool.Hosting;

/// <summary>Makes options whose values are checked while the command line is parsed; a wrong one is named with what is allowed.</summary>
static class Flag
{
    /// <summary>A whole number in [min, max]. Without <paramref name="start"/> the value is null unless it is given.</summary>
    public static Option<T?> Whole<T>(string name, string description, T min, T max, T? start = null, string value = "N")
        where T : struct, IBinaryInteger<T>, IMinMaxValue<T> =>
        Create(name, description, value, start, text => T.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out T v) && v >= min && v <= max ? v : null,
            $"give a whole number, {Range(min, max)}");

    /// <summary>A number in [min, max], also as a fraction such as 2/255.</summary>
    public static Option<double?> Number(string name, string description, double min = double.MinValue, double max = double.MaxValue, double? start = null, string value = "X") =>
        Create(name, description, value, start, text => ParseNumber(text) is double v && v >= min && v <= max ? v : null, min == double.MinValue && max == double.MaxValue ? "give a number" : $"give a number, {Range(min, max)}");

    /// <summary>One of an enum's values by its JSON name.</summary>
    public static Option<T?> Choice<T>(string name, string description, T? start = null)
        where T : struct, Enum =>
        Create(name, description, string.Join('|', Names<T>()), start, text => Parse<T>(text), $"give one of {string.Join(", ", Names<T>())}");

    public static Option<string?> Text(string name, string value, string description, bool required = false) =>
        new(name) { HelpName = value, Description = description, Required = required };

    /// <summary>Several words after one option, or the option several times.</summary>
    public static Option<string[]> Texts(string name, string value, string description, bool required = false) => new(name)
    {
        HelpName = value,
        Description = description,
        Required = required,
        AllowMultipleArgumentsPerToken = true,
        Arity = ArgumentArity.OneOrMore,
    };

    /// <summary>Several numbers, fractions allowed, by spaces or commas; null unless given.</summary>
    public static Option<double[]?> Numbers(string name, string description, double min, double max, string value = "X") =>
        Several<double>(name, description, value, text => ParseNumber(text) is double v && v >= min && v <= max ? v : null, $"give numbers, {Range(min, max)}");

    /// <summary>Several whole numbers, by spaces or commas; null unless given.</summary>
    public static Option<int[]?> Wholes(string name, string description, int min, int max, string value = "N") =>
        Several<int>(name, description, value, text => int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int v) && v >= min && v <= max ? v : null,
            $"give whole numbers, {Range(min, max)}");

    /// <summary>Several of an enum's values by their JSON names, by spaces or commas; null unless given. With <paramref name="orNone"/> the option may stand alone: an empty array. <paramref name="value"/> stands for the names where they are too many for a line.</summary>
    public static Option<T[]?> Choices<T>(string name, string description, bool orNone = false, string? value = null)
        where T : struct, Enum =>
        Several<T>(name, description, value ?? string.Join('|', Names<T>()), text => Parse<T>(text), $"give some of {string.Join(", ", Names<T>())}", orNone);

    static Option<T[]?> Several<T>(string name, string description, string value, Func<string, T?> parse, string allowed, bool orNone = false)
        where T : struct => new(name)
        {
            HelpName = value,
            Description = description,
            AllowMultipleArgumentsPerToken = true,
            Arity = orNone ? ArgumentArity.ZeroOrMore : ArgumentArity.OneOrMore,
            CustomParser = result => [.. result.Tokens.SelectMany(t => t.Value.Split(',', StringSplitOptions.RemoveEmptyEntries)).Select(text =>
            {
                if (parse(text) is T parsed) return parsed;
                result.AddError($"{name} is '{text}'; {allowed}");
                return default;
            })],
        };

    public static Option<bool> Switch(string name, string description) => new(name) { Description = description };

    /// <summary>An enum's values as JSON and the command line name them.</summary>
    public static IReadOnlyList<string> Names<T>()
        where T : struct, Enum =>
        [.. Enum.GetValues<T>().Select(NameOf)];

    public static string NameOf<T>(T value)
        where T : struct, Enum =>
        JsonSerializer.Serialize(value, Json.Line).Trim('"');

    static T? Parse<T>(string text)
        where T : struct, Enum
    {
        foreach (T value in Enum.GetValues<T>())
        {
            if (NameOf(value) == text) return value;
        }
        return null;
    }

    static Option<T?> Create<T>(string name, string description, string value, T? start, Func<string, T?> parse, string allowed)
        where T : struct
    {
        var option = new Option<T?>(name)
        {
            HelpName = value,
            Description = description,
            CustomParser = result =>
            {
                string text = result.Tokens[^1].Value;
                T? parsed = parse(text);
                if (parsed is null) result.AddError($"{name} is '{text}'; {allowed}");
                return parsed;
            },
        };
        if (start is T v) option.DefaultValueFactory = _ => v;
        return option;
    }

    static double? ParseNumber(string text)
    {
        string[] parts = text.Split('/');
        if (parts.Length > 2 || !TryReal(parts[0], out double v)) return null;
        if (parts.Length == 1) return v;
        return TryReal(parts[1], out double d) && d != 0 ? v / d : null;
    }

    static bool TryReal(string text, out double value) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value) && double.IsFinite(value);

    static string Range<T>(T min, T max)
        where T : INumber<T>, IMinMaxValue<T> =>
        max == T.MaxValue ? $"{min} or more" : $"{min} to {max}";
}
