using System.Runtime.InteropServices;

namespace Osprey.Interop.Mpi;

/// <summary>An MPI library's functions and handles, found by name at run time, so that nothing here needs one to build or to start.</summary>
/// <remarks>
/// The standard fixes names, not an ABI. Open MPI's handles are pointers to objects that it exports (<c>ompi_mpi_comm_world</c>); MPICH's, and those of what
/// derives from it (Intel MPI, MVAPICH2, Cray MPICH), are 32-bit numbers, the same for all since their common ABI of 2013. Both pass in a register.
/// </remarks>
sealed unsafe class MpiLibrary
{
    /// <summary>Sonames: Open MPI since version 3; MPICH's common ABI, and its name in Debian.</summary>
    static readonly string[] OpenMpiNames = ["libmpi.so.40", "libmpi.so"], MpichNames = ["libmpi.so.12", "libmpich.so.12", "libmpi.so"];

    readonly nint library;

    /// <exception cref="DllNotFoundException">None is found.</exception>
    public MpiLibrary(bool openMpi)
    {
        string[] names = openMpi ? OpenMpiNames : MpichNames;
        library = Load(names);
        IsOpenMpi = NativeLibrary.TryGetExport(library, "ompi_mpi_comm_world", out nint world);
        World = IsOpenMpi ? world : 0x4400_0000;
        Byte = Handle("ompi_mpi_byte", 0x4c00_010d);
        Float = Handle("ompi_mpi_float", 0x4c00_040a);
        Double = Handle("ompi_mpi_double", 0x4c00_080b);
        Sum = Handle("ompi_mpi_op_sum", 0x5800_0003);
        // The standard's constants MPI_IN_PLACE of the two.
        InPlace = IsOpenMpi ? 1 : -1;
        InitThread = (delegate* unmanaged<nint, nint, int, int*, int>)Export("MPI_Init_thread");
        Finalize = (delegate* unmanaged<int>)Export("MPI_Finalize");
        CommRank = (delegate* unmanaged<nint, int*, int>)Export("MPI_Comm_rank");
        CommSize = (delegate* unmanaged<nint, int*, int>)Export("MPI_Comm_size");
        Barrier = (delegate* unmanaged<nint, int>)Export("MPI_Barrier");
        Bcast = (delegate* unmanaged<void*, int, nint, int, nint, int>)Export("MPI_Bcast");
        Allreduce = (delegate* unmanaged<nint, void*, int, nint, nint, nint, int>)Export("MPI_Allreduce");
        Gather = (delegate* unmanaged<void*, int, nint, void*, int, nint, int, nint, int>)Export("MPI_Gather");
        Send = (delegate* unmanaged<void*, int, nint, int, int, nint, int>)Export("MPI_Send");
        Recv = (delegate* unmanaged<void*, int, nint, int, int, nint, void*, int>)Export("MPI_Recv");
        Abort = (delegate* unmanaged<nint, int, int>)Export("MPI_Abort");
    }

    public bool IsOpenMpi { get; }

    public nint World { get; }

    public nint Byte { get; }

    public nint Float { get; }

    public nint Double { get; }

    public nint Sum { get; }

    public nint InPlace { get; }

    public delegate* unmanaged<nint, nint, int, int*, int> InitThread { get; }

    public delegate* unmanaged<int> Finalize { get; }

    public delegate* unmanaged<nint, int*, int> CommRank { get; }

    public delegate* unmanaged<nint, int*, int> CommSize { get; }

    public delegate* unmanaged<nint, int> Barrier { get; }

    public delegate* unmanaged<void*, int, nint, int, nint, int> Bcast { get; }

    public delegate* unmanaged<nint, void*, int, nint, nint, nint, int> Allreduce { get; }

    public delegate* unmanaged<void*, int, nint, void*, int, nint, int, nint, int> Gather { get; }

    public delegate* unmanaged<void*, int, nint, int, int, nint, int> Send { get; }

    public delegate* unmanaged<void*, int, nint, int, int, nint, void*, int> Recv { get; }

    public delegate* unmanaged<nint, int, int> Abort { get; }

    static nint Load(string[] names)
    {
        foreach (string name in names)
            if (NativeLibrary.TryLoad(name, out nint loaded)) return loaded;
        throw new DllNotFoundException($"several processes were started together, and none of {string.Join(", ", names)} can be loaded; install the MPI library of the mpirun that was used, or name its folder in LD_LIBRARY_PATH");
    }

    nint Export(string name) => NativeLibrary.GetExport(library, name);

    nint Handle(string openMpi, int mpich) => IsOpenMpi ? Export(openMpi) : mpich;
}
