using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Osprey.Kernels.Arithmetic;

namespace Osprey.Kernels.Normalization;

/// <summary>Row normalisation on this process's cores: chunks of whole rows shared among threads.</summary>
internal sealed unsafe class HostRowNormalization
{
    const int ChunkLength = 32768;

    readonly HostTeam team;
    readonly Action<int> forward, backward;

    // The call in progress: input and output are rows and unit, or gradUnit and gradRows.
    int count, dimension, rowsPerChunk;
    float* input, output, norms, unit;

    public HostRowNormalization(HostTeam team)
    {
        this.team = team;
        forward = ForwardChunk;
        backward = BackwardChunk;
    }

    public void Forward(ReadOnlySpan<float> rows, int count, int dimension, Span<float> unit, Span<float> norms)
    {
        fixed (float* r = rows, u = unit, n = norms)
        {
            input = r;
            output = u;
            this.norms = n;
            team.Run(forward, Begin(count, dimension));
        }
    }

    public void Backward(ReadOnlySpan<float> unit, ReadOnlySpan<float> norms, ReadOnlySpan<float> gradUnit, int count, int dimension, Span<float> gradRows)
    {
        fixed (float* u = unit, n = norms, gu = gradUnit, gr = gradRows)
        {
            input = gu;
            output = gr;
            this.norms = n;
            this.unit = u;
            team.Run(backward, Begin(count, dimension));
        }
    }

    int Begin(int count, int dimension)
    {
        (this.count, this.dimension) = (count, dimension);
        rowsPerChunk = Math.Max(1, ChunkLength / dimension);
        return (count + rowsPerChunk - 1) / rowsPerChunk;
    }

    void ForwardChunk(int chunk)
    {
        int to = Math.Min((chunk + 1) * rowsPerChunk, count);
        for (int row = chunk * rowsPerChunk; row < to; row++)
        {
            float* x = input + ((long)row * dimension);
            float norm = MathF.Sqrt(Lanes.Dot(x, x, dimension));
            norms[row] = norm;
            // y = a·x + b·x with b = 0.
            Combine(x, x, output + ((long)row * dimension), dimension, 1 / (norm + RowNormalization.Epsilon), 0);
        }
    }

    void BackwardChunk(int chunk)
    {
        int to = Math.Min((chunk + 1) * rowsPerChunk, count);
        for (int row = chunk * rowsPerChunk; row < to; row++)
        {
            float* g = input + ((long)row * dimension);
            float* y = unit + ((long)row * dimension);
            float norm = norms[row];
            float along = norm == 0 ? 0 : -Lanes.Dot(g, y, dimension) / norm;
            Combine(g, y, output + ((long)row * dimension), dimension, 1 / (norm + RowNormalization.Epsilon), along);
        }
    }

    /// <summary>z = a·x + b·y.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Combine(float* x, float* y, float* z, int n, float a, float b)
    {
        Vector512<float> va = Vector512.Create(a), vb = Vector512.Create(b);
        int i = 0;
        for (; i + Lanes.Count <= n; i += Lanes.Count)
            Vector512.FusedMultiplyAdd(vb, Vector512.Load(y + i), va * Vector512.Load(x + i)).Store(z + i);
        if (i < n)
        {
            Vector512<float> rest = Vector512.FusedMultiplyAdd(vb, Lanes.LoadFirst(y + i, n - i, 0), va * Lanes.LoadFirst(x + i, n - i, 0));
            Lanes.StoreFirst(rest, z + i, n - i);
        }
    }
}
