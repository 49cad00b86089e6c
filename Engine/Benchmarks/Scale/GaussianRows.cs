using Osprey.Engine.Datasets;
using Osprey.Interop.Formats;

namespace Osprey.Engine.Benchmarks.Scale;

/// <summary>Seeded directions, uniform on the unit sphere: the rows that are hardest to prune, of any number, to measure a search with.</summary>
public static class GaussianRows
{
    /// <summary>Rows that are in memory at once.</summary>
    const int RowsAtOnce = 1 << 14;

    /// <summary>Writes float32 [rows, dimension]. Row i depends on the seed and i alone, so more rows of one seed begin with the fewer.</summary>
    /// <param name="path">The <c>.npy</c>; written beside and renamed.</param>
    /// <param name="rows">1 or more.</param>
    /// <param name="dimension">1 or more.</param>
    /// <param name="seed">Of all rows.</param>
    /// <param name="threads">1 or more; the bytes are the same for any number.</param>
    /// <param name="progress">In rows.</param>
    /// <param name="cancellation">Looked at now and then.</param>
    /// <exception cref="ArgumentException">A size is not above 0.</exception>
    public static void Write(string path, long rows, int dimension, long seed, int threads = 1, IProgress<Progress>? progress = null, CancellationToken cancellation = default)
    {
        if (rows < 1 || dimension < 1) throw new ArgumentException($"rows are {rows} and values of each {dimension}; give 1 or more of both");
        float[] block = new float[Math.Min(rows, RowsAtOnce) * dimension];
        AtomicFile.Write(path, stream =>
        {
            stream.Write(NpyHeader.Encode(NpyType.Float32, [rows, dimension]));
            for (long first = 0; first < rows; first += RowsAtOnce)
            {
                int count = (int)Math.Min(RowsAtOnce, rows - first);
                long from = first;
                Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = threads, CancellationToken = cancellation }, i => Row(seed, from + i, block.AsSpan(i * dimension, dimension)));
                Npy.WriteValues(stream, block.AsSpan(0, count * dimension), NpyType.Float32);
                progress?.Report(new Progress("writing", first + count, rows, "rows"));
            }
        });
    }

    static void Row(long seed, long number, Span<float> row)
    {
        var random = new SeededRandom(seed, number);
        double squares = 0;
        foreach (ref float value in row)
        {
            value = random.Normal();
            squares += (double)value * value;
        }
        double length = squares > 0 ? Math.Sqrt(squares) : 1;
        foreach (ref float value in row) value = (float)(value / length);
    }
}
