using System.Buffers;
using System.Runtime.CompilerServices;

namespace Osprey.Kernels.Search;

/// <summary>N×D rows in memory that somebody else owns, in several blocks, held in place while this lives. Ids run over the blocks in order.</summary>
sealed unsafe class PinnedRows : IDisposable
{
    readonly MemoryHandle[] handles;
    readonly float*[] values;
    readonly long[] firstIds;

    /// <param name="blocks">Each a whole number of rows.</param>
    /// <param name="dimension">D, 1 or more.</param>
    public PinnedRows(IReadOnlyList<ReadOnlyMemory<float>> blocks, int dimension)
    {
        if (dimension < 1) throw new ArgumentException($"dimension is {dimension}; give 1 or more");
        Dimension = dimension;
        handles = new MemoryHandle[blocks.Count];
        values = new float*[blocks.Count];
        firstIds = new long[blocks.Count + 1];
        for (int b = 0; b < blocks.Count; b++)
        {
            if (blocks[b].Length % dimension != 0) throw new ArgumentException($"{blocks[b].Length} values are no whole number of rows of {dimension}");
            firstIds[b + 1] = firstIds[b] + blocks[b].Length / dimension;
        }
        if (Count > CandidateKey.IdLimit) throw new ArgumentException($"there are {Count} rows; give at most {CandidateKey.IdLimit}");
        for (int b = 0; b < blocks.Count; b++)
        {
            handles[b] = blocks[b].Pin();
            values[b] = (float*)handles[b].Pointer;
        }
    }

    public int Dimension { get; }

    /// <summary>N.</summary>
    public long Count => firstIds[^1];

    public int Blocks => values.Length;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float* Row(long id)
    {
        int b = 0;
        if (values.Length > 1)
        {
            int above = values.Length;
            while (above - b > 1)
            {
                int middle = (b + above) / 2;
                if (firstIds[middle] <= id) b = middle;
                else above = middle;
            }
        }
        return values[b] + (nint)(id - firstIds[b]) * Dimension;
    }

    /// <summary>Rows of block <paramref name="b"/>, and the id of its first.</summary>
    public ReadOnlySpan<float> Block(int b, out int count, out long firstId)
    {
        firstId = firstIds[b];
        count = (int)(firstIds[b + 1] - firstId);
        return new ReadOnlySpan<float>(values[b], count * Dimension);
    }

    public void Dispose()
    {
        foreach (ref MemoryHandle handle in handles.AsSpan()) handle.Dispose();
        Array.Clear(values);
    }
}
