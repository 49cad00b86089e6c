namespace Osprey.Kernels.Normalization;

/// <summary>
/// What batch normalisation (Ioffe and Szegedy 2015) asks of rows that are a part of a batch: sums over the part, in float64 so that those of all parts may be added, and the
/// gradient once they are. The result of a call is the same for any number of threads. On the host, where training runs; one call at a time per instance.
/// </summary>
public sealed class BatchStatistics
{
    readonly HostBatchStatistics host;

    /// <param name="threads">1 or more.</param>
    public BatchStatistics(int threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        host = new HostBatchStatistics(threads);
    }

    /// <summary>Effectively sums[c] = Σᵢ x[i,c] and sums[C+c] = Σᵢ x[i,c]².</summary>
    /// <param name="x">[count, channels].</param>
    /// <param name="count">Rows, 0 or more.</param>
    /// <param name="channels">C, 1 or more.</param>
    /// <param name="sums">[2·C], written.</param>
    /// <exception cref="ArgumentException">A size is out of range, or a span's length does not follow from the sizes.</exception>
    public void Sum(ReadOnlySpan<float> x, int count, int channels, Span<double> sums)
    {
        RowNormalization.Check(nameof(x), x.Length, count, channels);
        RowNormalization.Check(nameof(sums), sums.Length, 2, channels);
        host.Sum(x, default, default, count, channels, sums);
    }

    /// <summary>Effectively sums[c] = Σᵢ g[i,c] and sums[C+c] = Σᵢ g[i,c]·(x[i,c] − mean[c]).</summary>
    /// <param name="x">[count, channels].</param>
    /// <param name="gradient">g, [count, channels].</param>
    /// <param name="mean">[C].</param>
    /// <param name="count">Rows, 0 or more.</param>
    /// <param name="channels">C, 1 or more.</param>
    /// <param name="sums">[2·C], written.</param>
    /// <exception cref="ArgumentException">A size is out of range, or a span's length does not follow from the sizes.</exception>
    public void SumGradient(ReadOnlySpan<float> x, ReadOnlySpan<float> gradient, ReadOnlySpan<float> mean, int count, int channels, Span<double> sums)
    {
        RowNormalization.Check(nameof(x), x.Length, count, channels);
        RowNormalization.Check(nameof(gradient), gradient.Length, count, channels);
        RowNormalization.Check(nameof(mean), mean.Length, 1, channels);
        RowNormalization.Check(nameof(sums), sums.Length, 2, channels);
        host.Sum(x, gradient, mean, count, channels, sums);
    }

    /// <summary>Effectively y[i,c] = a[c]·g[i,c] + b[c]·(x[i,c] − mean[c]) + d[c].</summary>
    /// <param name="x">[count, channels].</param>
    /// <param name="gradient">g, [count, channels].</param>
    /// <param name="mean">[C].</param>
    /// <param name="factors">a, b and d, [3·C].</param>
    /// <param name="count">Rows, 0 or more.</param>
    /// <param name="channels">C, 1 or more.</param>
    /// <param name="output">y, [count, channels], written.</param>
    /// <exception cref="ArgumentException">A size is out of range, or a span's length does not follow from the sizes.</exception>
    public void Combine(ReadOnlySpan<float> x, ReadOnlySpan<float> gradient, ReadOnlySpan<float> mean, ReadOnlySpan<float> factors, int count, int channels, Span<float> output)
    {
        RowNormalization.Check(nameof(x), x.Length, count, channels);
        RowNormalization.Check(nameof(gradient), gradient.Length, count, channels);
        RowNormalization.Check(nameof(mean), mean.Length, 1, channels);
        RowNormalization.Check(nameof(factors), factors.Length, 3, channels);
        RowNormalization.Check(nameof(output), output.Length, count, channels);
        host.Combine(x, gradient, mean, factors, count, channels, output);
    }
}
