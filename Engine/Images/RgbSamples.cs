namespace Osprey.Engine.Images;

/// <summary>A decoded picture as three bands of samples 0…255.</summary>
sealed class RgbSamples : ISampleSource
{
    readonly RgbImage image;

    public RgbSamples(RgbImage image) => this.image = image;

    public int Width => image.Width;

    public int Height => image.Height;

    public BandRange? NaturalRange => new BandRange(0, 255);

    public double? NoData => null;

    public bool Inverted => false;

    /// <summary>What the options ask of a file that is a picture by nature: its bands are 1 red, 2 green, 3 blue.</summary>
    /// <exception cref="InvalidDataException">A band above 3.</exception>
    public static RgbImage Apply(RgbImage image, DecodeOptions options)
    {
        if (options.Bands is null && options.Scaling.Kind == ScalingKind.Natural && options.NoData is null) return image;
        int[] bands = BandChoice.Check(options.Bands ?? [1, 2, 3], 3);
        return BandMapping.Render(new RgbSamples(image), bands, options);
    }

    public void Read(IReadOnlyList<int> bands, SampleRun run)
    {
        float[] samples = new float[Width];
        for (int y = 0; y < Height; y++)
        {
            for (int channel = 0; channel < bands.Count; channel++)
            {
                ReadOnlySpan<byte> row = image.Pixels.AsSpan(3 * Width * y + bands[channel]);
                for (int x = 0; x < samples.Length; x++) samples[x] = row[3 * x];
                run(channel, 0, y, samples);
            }
        }
    }
}
