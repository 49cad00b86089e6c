namespace Osprey.Engine.Images;

/// <summary>Measurements → picture, as <see cref="BandScaling"/> says.</summary>
static class BandMapping
{
    /// <summary>Percentiles are taken of at most so many samples of a band; their own sampling error is then below 0.05 points.</summary>
    const long PercentileSamples = 1 << 22;

    /// <param name="source">The raster.</param>
    /// <param name="bands">One, which becomes grey, or three; numbered from 0 and there.</param>
    /// <param name="options">Scaling and no-data value.</param>
    /// <exception cref="InvalidDataException">The sample type has no natural range, or most samples lie above it.</exception>
    public static RgbImage Render(ISampleSource source, int[] bands, DecodeOptions options)
    {
        double? noData = options.NoData ?? source.NoData;
        BandQuantizer[] quantizers = [.. Ranges(source, bands, options, noData).Select(r => new BandQuantizer(r, noData, source.Inverted))];

        int width = source.Width;
        byte[] pixels = new byte[3 * width * source.Height];
        source.Read(bands, (channel, x, y, samples) =>
        {
            Span<byte> target = pixels.AsSpan(3 * (width * y + x), 3 * samples.Length);
            quantizers[channel].Write(samples, target[channel..]);
            if (bands.Length > 1) return;
            for (int i = 0; i < target.Length; i += 3) target[i + 1] = target[i + 2] = target[i];
        });

        if (options.Scaling.Kind == ScalingKind.Natural && quantizers.Any(q => q.MostlyAbove))
            throw new InvalidDataException($"most samples lie above {source.NaturalRange!.Value.High}, the natural range of floating-point bands being 0 to 1; give the bands' range or percentiles");
        return new RgbImage(width, source.Height, pixels);
    }

    static BandRange[] Ranges(ISampleSource source, int[] bands, DecodeOptions options, double? noData)
    {
        IReadOnlyList<BandRange> given = options.Scaling.Values;
        switch (options.Scaling.Kind)
        {
            case ScalingKind.Natural:
                BandRange natural = source.NaturalRange ?? throw new InvalidDataException("32-bit integer samples have no natural range; give the bands' range or percentiles");
                return [.. bands.Select(_ => natural)];
            case ScalingKind.Range:
                if (given.Count > bands.Length) throw new InvalidDataException("three ranges were given, but one band is taken of the file; give one range, or three bands");
                return [.. bands.Select((_, channel) => given[given.Count == 1 ? 0 : channel])];
            default:
                return Percentiles(source, bands, noData, given[0]);
        }
    }

    static BandRange[] Percentiles(ISampleSource source, int[] bands, double? noData, BandRange percent)
    {
        long count = (long)source.Width * source.Height, step = (count + PercentileSamples - 1) / PercentileSamples;
        List<float>[] valid = [.. bands.Select(_ => new List<float>((int)(count / step) + 1))];
        source.Read(bands, (channel, x, y, samples) =>
        {
            long first = (long)source.Width * y + x;
            for (long i = (step - first % step) % step; i < samples.Length; i += step)
            {
                float sample = samples[(int)i];
                if (BandQuantizer.IsValid(sample, noData)) valid[channel].Add(sample);
            }
        });
        return [.. valid.Select(samples =>
        {
            samples.Sort();
            return samples.Count == 0 ? new BandRange(0, 1) : new BandRange(At(samples, percent.Low), At(samples, percent.High));
        })];
    }

    /// <summary>numpy's default: linear between the two ranks around the percentile.</summary>
    static double At(List<float> sorted, double percent)
    {
        double rank = percent / 100 * (sorted.Count - 1);
        int below = (int)rank, above = Math.Min(below + 1, sorted.Count - 1);
        return sorted[below] + (rank - below) * ((double)sorted[above] - sorted[below]);
    }
}
