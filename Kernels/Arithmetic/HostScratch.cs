namespace Osprey.Kernels.Arithmetic;

/// <summary>Memory that a chunk of a <see cref="HostTeam"/> needs while it runs: one piece per thread, which grows to the largest asked for and is kept.</summary>
internal sealed unsafe class HostScratch(int threads) : IDisposable
{
    readonly bool[] taken = new bool[threads];
    float* memory;
    long length;

    /// <summary>Makes room for <paramref name="values"/> in each piece. Not while a piece is taken.</summary>
    public void Grow(long values)
    {
        values = (values + Lanes.Count - 1) / Lanes.Count * Lanes.Count;
        if (values <= length) return;
        HostMemory.Free(memory);
        memory = null;
        memory = (float*)HostMemory.Allocate((nuint)(values * threads * sizeof(float)));
        length = values;
    }

    /// <summary>A piece, whatever it holds; there are as many as threads of the team.</summary>
    public float* Take(out int ticket)
    {
        lock (taken)
        {
            ticket = Array.IndexOf(taken, false);
            taken[ticket] = true;
        }
        return memory + (ticket * length);
    }

    public void Return(int ticket)
    {
        lock (taken) taken[ticket] = false;
    }

    public void Dispose()
    {
        HostMemory.Free(memory);
        memory = null;
        length = 0;
    }
}
