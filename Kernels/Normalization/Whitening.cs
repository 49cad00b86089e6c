using Osprey.Kernels.Arithmetic;

namespace Osprey.Kernels.Normalization;

/// <summary>
/// Applies a learned or PCA whitening to descriptors, and brings the results to unit length in the same call if that is asked for: for inference; a
/// training step takes torch's own matrix product, whose gradients it needs. The result of a call is the same for any number of host threads. One call at
/// a time per instance; spans of one call must not overlap.
/// </summary>
public sealed class Whitening : IDisposable
{
    readonly HostWhitening? host;
    readonly CopiedWhitening? cuda;

    public Whitening(Device device)
    {
        if (device.Accelerator is { } accelerator) cuda = new CopiedWhitening(accelerator);
        else host = new HostWhitening(new HostTeam(device.Threads));
    }

    /// <summary>
    /// Effectively y = x·Wᵀ + b for every row x, and y/(‖y‖₂ + 1e-6) with <paramref name="unitRows"/>. Products are added in chains of 256 dimensions. A NaN
    /// or an infinity stays in its row.
    /// </summary>
    /// <param name="rows">[count, dimension].</param>
    /// <param name="count">Rows, 0 or more.</param>
    /// <param name="dimension">C: values of a row, 1 or more.</param>
    /// <param name="weights">W, [outputs, dimension].</param>
    /// <param name="bias">b, [outputs], or empty for none.</param>
    /// <param name="outputs">D: values of a result, 1 or more.</param>
    /// <param name="whitened">[count, outputs], written.</param>
    /// <param name="unitRows">Whether the results become rows of length 1, as <see cref="RowNormalization"/> makes them.</param>
    /// <exception cref="ArgumentException">A size is out of range, or a span's length does not follow from the sizes.</exception>
    public void Apply(
        ReadOnlySpan<float> rows, int count, int dimension, ReadOnlySpan<float> weights, ReadOnlySpan<float> bias, int outputs, Span<float> whitened, bool unitRows)
    {
        Check(rows.Length, count, dimension, weights.Length, bias.Length, outputs, whitened.Length);
        if (count == 0) return;
        if (cuda is not null) cuda.Apply(rows, count, dimension, weights, bias, outputs, whitened, unitRows);
        else host!.Apply(rows, count, dimension, weights, bias, outputs, whitened, unitRows);
    }

    internal static void Check(long rows, int count, int dimension, long weights, long bias, int outputs, long whitened)
    {
        if (count < 0 || dimension <= 0 || outputs <= 0)
            throw new ArgumentException($"{count} rows of {dimension} values become {outputs} values each; give 0 or more of 1 or more");
        Check(nameof(rows), rows, count, dimension);
        Check(nameof(weights), weights, outputs, dimension);
        if (bias > 0) Check(nameof(bias), bias, outputs, 1);
        Check(nameof(whitened), whitened, count, outputs);
    }

    static void Check(string name, long length, int count, int dimension)
    {
        if (length != (long)count * dimension) throw new ArgumentException($"{name} has {length} values; {count} x {dimension} are needed", name);
    }

    public void Dispose() => cuda?.Dispose();
}
