using Osprey.Kernels.Arithmetic;

namespace Osprey.Kernels.Normalization;

/// <summary>
/// Brings rows to unit length: y = x/(‖x‖₂ + 1e-6), after Radenović et al. 2018, whose ε keeps a zero row zero. The result of a call is the same for
/// any number of host threads. One call at a time per instance; spans of one call must not overlap.
/// </summary>
public sealed class RowNormalization : IDisposable
{
    public const float Epsilon = 1e-6f;

    readonly HostRowNormalization? host;
    readonly CopiedRowNormalization? cuda;

    public RowNormalization(Device device)
    {
        if (device.Accelerator is { } accelerator) cuda = new CopiedRowNormalization(accelerator);
        else host = new HostRowNormalization(new HostTeam(device.Threads));
    }

    /// <summary>Effectively norms[i] = ‖rows[i]‖₂ and unit[i,j] = rows[i,j]/(norms[i] + 1e-6). A NaN or an infinity makes its row NaN or zero.</summary>
    /// <param name="rows">[count, dimension].</param>
    /// <param name="count">Rows, 0 or more.</param>
    /// <param name="dimension">Values of a row, 1 or more.</param>
    /// <param name="unit">[count, dimension], written.</param>
    /// <param name="norms">[count], written; the backward pass wants them.</param>
    /// <exception cref="ArgumentException">A size is out of range, or a span's length does not follow from the sizes.</exception>
    public void Forward(ReadOnlySpan<float> rows, int count, int dimension, Span<float> unit, Span<float> norms)
    {
        Check(nameof(rows), rows.Length, count, dimension);
        Check(nameof(unit), unit.Length, count, dimension);
        Check(nameof(norms), norms.Length, count, 1);
        if (count == 0) return;
        if (cuda is not null) cuda.Forward(rows, count, dimension, unit, norms);
        else host!.Forward(rows, count, dimension, unit, norms);
    }

    /// <summary>
    /// The gradient of a loss with respect to the rows from that with respect to the unit rows: g/(n + ε) − y·⟨g, y⟩/n, n the norm; for a zero row g/ε.
    /// </summary>
    /// <param name="unit">[count, dimension], the forward pass's result.</param>
    /// <param name="norms">[count], the forward pass's.</param>
    /// <param name="gradUnit">[count, dimension].</param>
    /// <param name="count">Rows, 0 or more.</param>
    /// <param name="dimension">Values of a row, 1 or more.</param>
    /// <param name="gradRows">[count, dimension], written.</param>
    /// <exception cref="ArgumentException">A size is out of range, or a span's length does not follow from the sizes.</exception>
    public void Backward(ReadOnlySpan<float> unit, ReadOnlySpan<float> norms, ReadOnlySpan<float> gradUnit, int count, int dimension, Span<float> gradRows)
    {
        Check(nameof(unit), unit.Length, count, dimension);
        Check(nameof(norms), norms.Length, count, 1);
        Check(nameof(gradUnit), gradUnit.Length, count, dimension);
        Check(nameof(gradRows), gradRows.Length, count, dimension);
        if (count == 0) return;
        if (cuda is not null) cuda.Backward(unit, norms, gradUnit, count, dimension, gradRows);
        else host!.Backward(unit, norms, gradUnit, count, dimension, gradRows);
    }

    internal static void Check(string name, long length, int count, int dimension)
    {
        if (count < 0 || dimension <= 0) throw new ArgumentException($"{count} rows of {dimension} values; give 0 or more of 1 or more");
        if (length != (long)count * dimension) throw new ArgumentException($"{name} has {length} values; {count} x {dimension} are needed", name);
    }

    public void Dispose() => cuda?.Dispose();
}
