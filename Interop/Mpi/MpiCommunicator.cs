namespace Osprey.Interop.Mpi;

/// <summary>The processes that mpirun started together, by the MPI library's world communicator. One of these at a time, and once in a process's life.</summary>
/// <remarks>An error inside MPI ends all processes: the world's error handler stays the standard's <c>MPI_ERRORS_ARE_FATAL</c>.</remarks>
public sealed unsafe class MpiCommunicator : ICommunicator
{
    const int ThreadSerialized = 2, ThreadMultiple = 3, Tag = 7;

    /// <summary>Elements of one call at most: counts are 32-bit, and small enough that no library's product with the element size overflows.</summary>
    const int Piece = 1 << 28;

    /// <summary>An MPI_Status has 20 to 24 bytes in the libraries there are.</summary>
    const int StatusBytes = 128;

    readonly MpiLibrary mpi;
    bool disposed;

    internal MpiCommunicator(Launch launch)
    {
        mpi = new MpiLibrary(launch.OpenMpi);
        int provided, rank, size;
        Check(mpi.InitThread(0, 0, ThreadMultiple, &provided), "MPI_Init_thread");
        Check(mpi.CommRank(mpi.World, &rank), "MPI_Comm_rank");
        Check(mpi.CommSize(mpi.World, &size), "MPI_Comm_size");
        (Rank, Size) = (rank, size);
        if (ThreadFault(provided) is { } fault)
        {
            _ = mpi.Finalize();
            throw new InvalidOperationException(fault);
        }
        // A library of another make than mpirun starts a world of its own: every process would believe to be alone, and all would write.
        if ((rank, size) != (launch.Rank, launch.Size))
        {
            _ = mpi.Finalize();
            throw new InvalidOperationException($"mpirun started rank {launch.Rank} of {launch.Size}, and the MPI library that was loaded sees rank {rank} of {size}; load the one that belongs to mpirun (LD_LIBRARY_PATH)");
        }
    }

    /// <summary>What is wrong with the level of threads that the library grants; null where it is enough. Calls come one at a time, and in training from a thread of its own.</summary>
    internal static string? ThreadFault(int provided) => provided >= ThreadSerialized ? null
        : $"the MPI library lets only one thread call it (its thread level is {provided}, and {ThreadSerialized}, MPI_THREAD_SERIALIZED, is needed); use one that was built with support of threads, as distributions' Open MPI and MPICH are";

    /// <inheritdoc/>
    public int Rank { get; }

    /// <inheritdoc/>
    public int Size { get; }

    /// <inheritdoc/>
    public void Barrier() => Check(mpi.Barrier(mpi.World), "MPI_Barrier");

    /// <inheritdoc/>
    public void Broadcast(Span<byte> data, int root)
    {
        RankChecks.Root(root, Size);
        fixed (byte* bytes = data)
        {
            for (int done = 0; done < data.Length; done += Math.Min(Piece, data.Length - done))
                Check(mpi.Bcast(bytes + done, Math.Min(Piece, data.Length - done), mpi.Byte, root, mpi.World), "MPI_Bcast");
        }
    }

    /// <inheritdoc/>
    public void AllReduceSum(Span<float> values)
    {
        fixed (float* at = values) AllReduceSum(at, values.Length, mpi.Float);
    }

    /// <inheritdoc/>
    public void AllReduceSum(Span<double> values)
    {
        fixed (double* at = values) AllReduceSum(at, values.Length, mpi.Double);
    }

    void AllReduceSum<T>(T* at, int length, nint type) where T : unmanaged
    {
        for (int done = 0; done < length; done += Math.Min(Piece, length - done))
            Check(mpi.Allreduce(mpi.InPlace, at + done, Math.Min(Piece, length - done), type, mpi.Sum, mpi.World), "MPI_Allreduce");
    }

    /// <inheritdoc/>
    public byte[][] Gather(ReadOnlySpan<byte> data, int root)
    {
        RankChecks.Root(root, Size);
        long length = data.Length;
        long[] lengths = new long[Size];
        fixed (long* to = lengths) Check(mpi.Gather(&length, sizeof(long), mpi.Byte, to, sizeof(long), mpi.Byte, root, mpi.World), "MPI_Gather");
        if (Rank != root)
        {
            fixed (byte* bytes = data) Send(bytes, length, root);
            return [];
        }
        // Sent one by one rather than by MPI_Gatherv, whose offsets into one buffer are 32-bit: all ranks' bytes together may be more.
        byte[][] all = new byte[Size][];
        for (int rank = 0; rank < Size; rank++)
        {
            all[rank] = rank == root ? data.ToArray() : new byte[lengths[rank]];
            if (rank == root) continue;
            fixed (byte* bytes = all[rank]) Receive(bytes, lengths[rank], rank);
        }
        return all;
    }

    void Send(byte* bytes, long length, int to)
    {
        for (long done = 0; done < length; done += Piece)
            Check(mpi.Send(bytes + done, (int)Math.Min(Piece, length - done), mpi.Byte, to, Tag, mpi.World), "MPI_Send");
    }

    void Receive(byte* bytes, long length, int from)
    {
        byte* status = stackalloc byte[StatusBytes];
        for (long done = 0; done < length; done += Piece)
            Check(mpi.Recv(bytes + done, (int)Math.Min(Piece, length - done), mpi.Byte, from, Tag, mpi.World, status), "MPI_Recv");
    }

    /// <inheritdoc/>
    public void Abort(int exitCode)
    {
        _ = mpi.Abort(mpi.World, exitCode);
        Environment.Exit(exitCode);
    }

    static void Check(int status, string call)
    {
        if (status != 0) throw new InvalidOperationException($"{call} failed with status {status}");
    }

    /// <summary>Leaves the job; waits for the other ranks to do so too.</summary>
    public void Dispose()
    {
        if (disposed) return;
        disposed = true;
        _ = mpi.Finalize();
    }
}
