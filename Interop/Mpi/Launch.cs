using System.Globalization;

namespace Osprey.Interop.Mpi;

/// <summary>What started this process, by the environment that it left: known without an MPI library.</summary>
/// <param name="Rank">0 … Size − 1.</param>
/// <param name="Size">Processes that were started together, 1 or more.</param>
/// <param name="OpenMpi">By Open MPI's mpirun; otherwise by one that speaks PMI, such as MPICH's.</param>
public readonly record struct Launch(int Rank, int Size, bool OpenMpi)
{
    /// <summary>This process's own.</summary>
    public static Launch OfProcess() => Of(Environment.GetEnvironmentVariable);

    /// <summary>Alone unless the variables of a launcher are there and make sense.</summary>
    /// <param name="variable">Value of an environment variable, null where there is none.</param>
    public static Launch Of(Func<string, string?> variable)
    {
        // The last is 'srun --mpi=pmix', which Open MPI joins; mpirun's own variables go first, since its ranks may inherit srun's.
        foreach ((string size, string rank, bool openMpi) in new[] { ("OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", true), ("PMI_SIZE", "PMI_RANK", false), ("SLURM_STEP_NUM_TASKS", "PMIX_RANK", true) })
        {
            if (Number(variable(size)) is int r and >= 1 && Number(variable(rank)) is int i && i < r) return new Launch(i, r, openMpi);
        }
        return new Launch(0, 1, OpenMpi: false);
    }

    /// <summary>How many processes Slurm's srun started that cannot be joined, as by <c>--mpi=none</c>: each would believe to be alone. 1 where all is well.</summary>
    /// <remarks>
    /// SLURM_NTASKS is no sign: a batch script has it too, and runs once. A launcher's variables go first, of one rank too: what mpirun starts may inherit srun's.
    /// </remarks>
    /// <param name="variable">Value of an environment variable, null where there is none.</param>
    public static int Strangers(Func<string, string?> variable) =>
        (variable("OMPI_COMM_WORLD_SIZE") ?? variable("PMI_SIZE") ?? variable("PMIX_RANK")) is null && Number(variable("SLURM_STEP_NUM_TASKS")) is int n and > 1 ? n : 1;

    static int? Number(string? text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int n) ? n : null;

    /// <summary>Joins the processes that were started together; a process by itself loads no MPI library.</summary>
    /// <exception cref="DllNotFoundException">Several were started, and no MPI library is found here.</exception>
    /// <exception cref="InvalidOperationException">The library starts no job: it is not of the mpirun that was used.</exception>
    public static ICommunicator Open()
    {
        Launch launch = OfProcess();
        return launch.Size == 1 ? new SingleProcess() : new MpiCommunicator(launch);
    }
}
