using System.Collections;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Osprey.Engine.Model;

/// <summary>
/// The factors by which an image's side is scaled for a multi-scale descriptor, such as 1, 0.7071, 0.5. Two sets are equal where they hold the same factors in
/// the same order; as JSON a list of numbers.
/// </summary>
[JsonConverter(typeof(Converter))]
public sealed class ScaleSet : IReadOnlyList<double>, IEquatable<ScaleSet>
{
    /// <summary>The largest factor; images are blown up from the network's own size, so that more would show nothing new.</summary>
    public const double Largest = 4;

    readonly double[] factors;

    /// <param name="factors">One or more, each once, above 0, to <see cref="Largest"/>; copied.</param>
    /// <exception cref="ArgumentException">There is none, one is out of range, or one is given twice.</exception>
    public ScaleSet(params IEnumerable<double> factors)
    {
        this.factors = [.. factors];
        if (this.factors.Length == 0) throw new ArgumentException("no scale is given; give at least one, such as 1");
        foreach (double factor in this.factors)
            if (!(factor is > 0 and <= Largest)) throw new ArgumentException($"a scale is {factor}; give numbers above 0, to {Largest}");
        if (this.factors.Distinct().Count() < this.factors.Length) throw new ArgumentException($"a scale is given twice in {this}; give each once");
    }

    /// <summary>The image at its own size, and nothing else.</summary>
    public static ScaleSet Single { get; } = new(1);

    public int Count => factors.Length;

    public double this[int index] => factors[index];

    public IEnumerator<double> GetEnumerator() => factors.AsEnumerable().GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public bool Equals(ScaleSet? other) => other is not null && factors.AsSpan().SequenceEqual(other.factors);

    public override bool Equals(object? obj) => Equals(obj as ScaleSet);

    public override int GetHashCode() => factors.Aggregate(factors.Length, HashCode.Combine);

    /// <summary>Such as <c>1 0.7071 0.5</c>.</summary>
    public override string ToString() => string.Join(' ', factors);

    sealed class Converter : JsonConverter<ScaleSet>
    {
        public override ScaleSet Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            try
            {
                return new ScaleSet(JsonSerializer.Deserialize<double[]>(ref reader, options) ?? []);
            }
            catch (ArgumentException e)
            {
                throw new JsonException(e.Message, e);
            }
        }

        public override void Write(Utf8JsonWriter writer, ScaleSet value, JsonSerializerOptions options) => JsonSerializer.Serialize(writer, value.factors, options);
    }
}
