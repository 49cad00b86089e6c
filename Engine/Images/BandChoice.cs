namespace Osprey.Engine.Images;

static class BandChoice
{
    /// <param name="bands">Numbered from 1.</param>
    /// <param name="available">How many the file has.</param>
    /// <returns>Numbered from 0.</returns>
    /// <exception cref="InvalidDataException">A band the file does not have.</exception>
    public static int[] Check(IReadOnlyList<int> bands, int available)
    {
        foreach (int band in bands)
        {
            if (band > available) throw new InvalidDataException($"band {band} was asked for; the file has {(available == 1 ? "one band" : $"bands 1 to {available}")}");
        }
        return [.. bands.Select(b => b - 1)];
    }
}
