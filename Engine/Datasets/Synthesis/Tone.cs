using SkiaSharp;

namespace Osprey.Engine.Datasets.Synthesis;

/// <summary>A surface's colour, each channel nominally 0…1; brighter values saturate when drawn.</summary>
internal readonly record struct Tone(float R, float G, float B)
{
    public static Tone Grey(float value) => new(value, value, value);

    /// <param name="hue">Degrees.</param>
    /// <param name="saturation">0…1.</param>
    /// <param name="value">0…1.</param>
    public static Tone Hsv(float hue, float saturation, float value)
    {
        float Channel(float shift)
        {
            float k = (shift + hue / 60 + 600) % 6;
            return value * (1 - saturation * Math.Clamp(Math.Min(k, 4 - k), 0, 1));
        }
        return new(Channel(5), Channel(3), Channel(1));
    }

    /// <summary>In another light: every channel times <paramref name="factor"/>.</summary>
    public Tone Lit(float factor) => new(R * factor, G * factor, B * factor);

    public Tone Mix(Tone other, float share) => new(R + (other.R - R) * share, G + (other.G - G) * share, B + (other.B - B) * share);

    /// <summary>A neighbour of this tone: brightness by ±<paramref name="amount"/>, each channel by a third of that.</summary>
    public Tone Vary(SeededRandom random, float amount)
    {
        float light = 1 + random.Range(-amount, amount), third = amount / 3;
        return new(R * (light + random.Range(-third, third)), G * (light + random.Range(-third, third)), B * (light + random.Range(-third, third)));
    }

    public SKColor Ink(float alpha = 1) => new(Byte(R), Byte(G), Byte(B), Byte(alpha));

    static byte Byte(float value) => (byte)Math.Clamp((int)(value * 255 + 0.5f), 0, 255);
}
