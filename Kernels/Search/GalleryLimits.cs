namespace Osprey.Kernels.Search;

/// <summary>Sizes of a <see cref="DeviceGallery"/>. None changes an answer.</summary>
/// <param name="Bytes">Device memory for rows, codes and bounds.</param>
/// <param name="WorkBytes">Device memory for what a batch of queries needs.</param>
/// <param name="SampleRows">Rows, at most, whose approximate scores guess the threshold.</param>
/// <param name="LeastSurvivors">Survivors per query that there is room for at least, or the number of rows.</param>
/// <param name="MostSurvivors">Survivors per query that there is room for at most, or k.</param>
/// <param name="ChunkValues">Values of rows, and scores, of a chunk where all rows are scored in fp32.</param>
readonly record struct GalleryLimits(long Bytes, long WorkBytes, int SampleRows, int LeastSurvivors, int MostSurvivors, int ChunkValues)
{
    public static GalleryLimits For(long bytes) => new(bytes, 1L << 28, 1 << 14, 1 << 12, 1 << 24, PlainDeviceScan.ChunkValues);
}
