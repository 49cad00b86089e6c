using System.Globalization;
using System.Net;
using System.Text;

namespace Osprey.Engine.Evaluation.Report;

/// <summary>Builds HTML and SVG that is well-formed XML: every element is closed by the scope that opened it, every text escaped.</summary>
sealed class Markup
{
    readonly StringBuilder text = new();

    /// <summary>Opens an element; disposing closes it. Attributes come as name, value, name, value; a null value leaves its attribute out.</summary>
    public Closer Open(string element, params ReadOnlySpan<string?> attributes)
    {
        Start(element, attributes);
        text.Append('>');
        return new Closer(this, element);
    }

    public Markup Empty(string element, params ReadOnlySpan<string?> attributes)
    {
        Start(element, attributes);
        text.Append("/>");
        return this;
    }

    /// <summary>An element that holds text alone.</summary>
    public Markup Element(string element, string content, params ReadOnlySpan<string?> attributes)
    {
        Start(element, attributes);
        text.Append('>').Append(WebUtility.HtmlEncode(content)).Append("</").Append(element).Append('>');
        return this;
    }

    public Markup Text(string content)
    {
        text.Append(WebUtility.HtmlEncode(content));
        return this;
    }

    /// <summary>Markup written elsewhere; not escaped.</summary>
    public Markup Raw(string markup)
    {
        text.Append(markup);
        return this;
    }

    public Markup Line()
    {
        text.Append('\n');
        return this;
    }

    public override string ToString() => text.ToString();

    /// <summary>A coordinate, to a tenth.</summary>
    public static string Number(double value) => value.ToString("0.#", CultureInfo.InvariantCulture);

    /// <summary>A fraction in per cent, to a tenth; a dash where it was not measured.</summary>
    public static string Percent(double fraction) => double.IsNaN(fraction) ? "–" : (100 * fraction).ToString("0.0", CultureInfo.InvariantCulture);

    /// <summary>A difference in points, with its sign.</summary>
    public static string Points(double difference) => (100 * difference).ToString("+0.0;−0.0;0.0", CultureInfo.InvariantCulture);

    void Start(string element, ReadOnlySpan<string?> attributes)
    {
        text.Append('<').Append(element);
        for (int i = 0; i + 1 < attributes.Length; i += 2)
            if (attributes[i + 1] is { } value) text.Append(' ').Append(attributes[i]).Append("=\"").Append(WebUtility.HtmlEncode(value)).Append('"');
    }

    public readonly struct Closer(Markup markup, string element) : IDisposable
    {
        public void Dispose() => markup.text.Append("</").Append(element).Append(">\n");
    }
}
