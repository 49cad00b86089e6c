namespace Osprey.Interop.Mpi;

/// <summary>
/// R processes that run the same program and call these methods in the same order: each but <see cref="Abort"/> and the properties waits for all of them. Names
/// and meanings are the MPI standard's. To be called from one thread at a time.
/// </summary>
public interface ICommunicator : IDisposable
{
    /// <summary>This process's number, 0 … <see cref="Size"/> − 1.</summary>
    int Rank { get; }

    /// <summary>R, 1 or more.</summary>
    int Size { get; }

    void Barrier();

    /// <summary>Copies the root's bytes to every rank.</summary>
    /// <param name="data">As many on every rank.</param>
    /// <param name="root">0 … R−1.</param>
    void Broadcast(Span<byte> data, int root);

    /// <summary>Replaces each value by its sum over the ranks. Every rank gets the same bits; their order of addition, and so the last bits, depends on R.</summary>
    /// <param name="values">As many on every rank.</param>
    void AllReduceSum(Span<float> values);

    /// <inheritdoc cref="AllReduceSum(Span{float})"/>
    void AllReduceSum(Span<double> values);

    /// <summary>Brings every rank's bytes to the root.</summary>
    /// <param name="data">Any number on each rank, up to 2³¹ − 1.</param>
    /// <param name="root">0 … R−1.</param>
    /// <returns>On the root one array for each rank, in their order; elsewhere none.</returns>
    byte[][] Gather(ReadOnlySpan<byte> data, int root);

    /// <summary>Ends all processes at once with this exit code: for a rank that fails where the others wait for it.</summary>
    void Abort(int exitCode);
}
