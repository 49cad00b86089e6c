namespace Osprey.Engine.Images;

/// <param name="channel">Which of the bands asked for.</param>
/// <param name="x">Column of the first sample.</param>
/// <param name="y">Row.</param>
/// <param name="samples">One band's samples in a run along the row.</param>
delegate void SampleRun(int channel, int x, int y, ReadOnlySpan<float> samples);

/// <summary>A raster of measurements, read in pieces, so that only the picture made of it has to fit the memory.</summary>
interface ISampleSource
{
    int Width { get; }

    int Height { get; }

    /// <summary>What 0…255 stands for unless the user says; null where the sample type suggests nothing.</summary>
    BandRange? NaturalRange { get; }

    /// <summary>The value that stands for no data; null for none.</summary>
    double? NoData { get; }

    /// <summary>Whether the least sample is the brightest.</summary>
    bool Inverted { get; }

    /// <summary>Every sample of the bands once, in no promised order; samples that the file leaves out may be skipped.</summary>
    /// <param name="bands">Numbered from 0.</param>
    /// <param name="run">Takes the samples.</param>
    void Read(IReadOnlyList<int> bands, SampleRun run);
}
