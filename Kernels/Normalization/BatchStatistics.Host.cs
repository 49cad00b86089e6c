using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Osprey.Kernels.Arithmetic;

namespace Osprey.Kernels.Normalization;

/// <summary>Batch statistics on this process's cores: chunks of whole rows shared among threads, their sums added in the chunks' order.</summary>
internal sealed unsafe class HostBatchStatistics
{
    const int ChunkLength = 65536;

    readonly HostTeam team;
    readonly Action<int> sum, combine;
    double[] partial = [];

    // The call in progress.
    int count, channels, rowsPerChunk;
    float* x, gradient, mean, factors, output;

    public HostBatchStatistics(int threads)
    {
        team = new HostTeam(threads);
        sum = SumChunk;
        combine = CombineChunk;
    }

    /// <summary>With an empty gradient the sums of values and squares, else those of <see cref="BatchStatistics.SumGradient"/>.</summary>
    public void Sum(ReadOnlySpan<float> x, ReadOnlySpan<float> gradient, ReadOnlySpan<float> mean, int count, int channels, Span<double> sums)
    {
        fixed (float* values = x, g = gradient, m = mean)
        {
            int chunks = Begin(values, g, m, count, channels);
            if (partial.Length < chunks * 2 * channels) partial = new double[chunks * 2 * channels];
            team.Run(sum, chunks);
            sums.Clear();
            for (int chunk = 0; chunk < chunks; chunk++)
                for (int c = 0; c < sums.Length; c++) sums[c] += partial[(chunk * sums.Length) + c];
        }
    }

    public void Combine(ReadOnlySpan<float> x, ReadOnlySpan<float> gradient, ReadOnlySpan<float> mean, ReadOnlySpan<float> factors, int count, int channels, Span<float> output)
    {
        fixed (float* values = x, g = gradient, m = mean, f = factors, y = output)
        {
            int chunks = Begin(values, g, m, count, channels);
            this.factors = f;
            this.output = y;
            team.Run(combine, chunks);
        }
    }

    int Begin(float* x, float* gradient, float* mean, int count, int channels)
    {
        this.x = x;
        this.gradient = gradient;
        this.mean = mean;
        (this.count, this.channels) = (count, channels);
        rowsPerChunk = Math.Max(1, ChunkLength / channels);
        return (count + rowsPerChunk - 1) / rowsPerChunk;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void SumChunk(int chunk)
    {
        int to = Math.Min((chunk + 1) * rowsPerChunk, count);
        fixed (double* sums = &partial[chunk * 2 * channels])
        {
            new Span<double>(sums, 2 * channels).Clear();
            double* products = sums + channels;
            for (int row = chunk * rowsPerChunk; row < to; row++)
            {
                float* values = x + ((long)row * channels), g = gradient + ((long)row * channels);
                int c = 0;
                for (; c + Vector256<float>.Count <= channels; c += Vector256<float>.Count)
                {
                    Vector512<double> value = Wide(values + c), term = value;
                    if (gradient != null)
                    {
                        value -= Wide(mean + c);
                        term = Wide(g + c);
                    }
                    (Vector512.Load(sums + c) + term).Store(sums + c);
                    Vector512.FusedMultiplyAdd(term, value, Vector512.Load(products + c)).Store(products + c);
                }
                for (; c < channels; c++)
                {
                    double term = gradient == null ? values[c] : g[c], value = gradient == null ? values[c] : (double)values[c] - mean[c];
                    sums[c] += term;
                    products[c] = Math.FusedMultiplyAdd(term, value, products[c]);
                }
            }
        }
    }

    /// <summary>Eight values in float64.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<double> Wide(float* at)
    {
        (Vector256<double> lower, Vector256<double> upper) = Vector256.Widen(Vector256.Load(at));
        return Vector512.Create(lower, upper);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void CombineChunk(int chunk)
    {
        int to = Math.Min((chunk + 1) * rowsPerChunk, count);
        float* a = factors, b = factors + channels, d = factors + (2 * channels);
        for (int row = chunk * rowsPerChunk; row < to; row++)
        {
            long at = (long)row * channels;
            int c = 0;
            for (; c + Lanes.Count <= channels; c += Lanes.Count)
            {
                Vector512<float> moved = Vector512.FusedMultiplyAdd(Vector512.Load(b + c), Vector512.Load(x + at + c) - Vector512.Load(mean + c), Vector512.Load(d + c));
                Vector512.FusedMultiplyAdd(Vector512.Load(a + c), Vector512.Load(gradient + at + c), moved).Store(output + at + c);
            }
            for (; c < channels; c++)
                output[at + c] = MathF.FusedMultiplyAdd(a[c], gradient[at + c], MathF.FusedMultiplyAdd(b[c], x[at + c] - mean[c], d[c]));
        }
    }
}
