namespace Osprey.Interop.Mpi;

/// <summary>One process by itself: what a program gets that was not started by mpirun.</summary>
public sealed class SingleProcess : ICommunicator
{
    /// <summary>The one that whoever is not told of others takes; it holds nothing, so nobody need dispose it.</summary>
    public static SingleProcess Alone { get; } = new();

    /// <inheritdoc/>
    public int Rank => 0;

    /// <inheritdoc/>
    public int Size => 1;

    /// <inheritdoc/>
    public void Barrier()
    {
    }

    /// <inheritdoc/>
    public void Broadcast(Span<byte> data, int root) => RankChecks.Root(root, Size);

    /// <inheritdoc/>
    public void AllReduceSum(Span<float> values)
    {
    }

    /// <inheritdoc/>
    public void AllReduceSum(Span<double> values)
    {
    }

    /// <inheritdoc/>
    public byte[][] Gather(ReadOnlySpan<byte> data, int root)
    {
        RankChecks.Root(root, Size);
        return [data.ToArray()];
    }

    /// <inheritdoc/>
    public void Abort(int exitCode) => Environment.Exit(exitCode);

    public void Dispose()
    {
    }
}

static class RankChecks
{
    /// <exception cref="ArgumentException">There is no such rank.</exception>
    public static void Root(int root, int size)
    {
        if (root < 0 || root >= size) throw new ArgumentException($"the root is {root}, and the ranks are 0 to {size - 1}");
    }
}
