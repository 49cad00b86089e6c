namespace Osprey.Engine.Images;

/// <summary>One band's samples → 0…255.</summary>
sealed class BandQuantizer
{
    readonly BandRange range;
    readonly double? noData;
    readonly bool inverted;
    readonly double scale;
    long valid, above;

    /// <param name="range">Low and high end; equal ends put everything up to them at 0, everything above at 255.</param>
    /// <param name="noData">The value that becomes 0 whatever the range.</param>
    /// <param name="inverted">Low becomes 255 and high 0.</param>
    public BandQuantizer(BandRange range, double? noData, bool inverted)
    {
        this.range = range;
        this.noData = noData;
        this.inverted = inverted;
        scale = range.High > range.Low ? 255 / (range.High - range.Low) : 0;
    }

    /// <summary>Whether more than half of the valid samples written so far lay above the range.</summary>
    public bool MostlyAbove => above > valid / 2;

    /// <summary>Finite and not the no-data value. That value is compared in single precision, in which the samples are.</summary>
    public static bool IsValid(float sample, double? noData) => float.IsFinite(sample) && !(noData is { } none && sample == (float)none);

    /// <param name="samples">A run of the band.</param>
    /// <param name="pixels">Every third byte is written, from the first.</param>
    public void Write(ReadOnlySpan<float> samples, Span<byte> pixels)
    {
        for (int i = 0; i < samples.Length; i++)
        {
            float sample = samples[i];
            byte value = 0;
            if (IsValid(sample, noData))
            {
                valid++;
                if (sample > range.High)
                {
                    above++;
                    value = 255;
                }
                else if (sample > range.Low)
                {
                    value = (byte)((sample - range.Low) * scale + 0.5);
                }
                if (inverted) value = (byte)(255 - value);
            }
            pixels[3 * i] = value;
        }
    }
}
