using ILGPU;

namespace Osprey.Tests.Ptx;

/// <summary>
/// One launch of a program: grid, group, argument bytes. Two groups run at a time, in turns, each on shared memory that holds nothing; the next begins when
/// one has ended. So groups may wait for each other where no more than <see cref="Multiprocessors"/> do, and those that count on more never end.
/// </summary>
sealed class PtxLaunch(PtxProgram program, PtxGlobalMemory memory, Index3D grid, Index3D group, int dynamicShared, byte[] parameters)
{
    /// <summary>Groups that are certain to run at the same time: one on each multiprocessor.</summary>
    public const int Multiprocessors = 2;

    /// <summary>Instructions of warps after which a launch counts as endless.</summary>
    public required long StepLimit { get; init; }

    /// <summary>What a group of an H100 or A100 may have at most, with cuFuncSetAttribute: 227 and 163 KB. The smaller.</summary>
    const int SharedLimit = 163 * 1024;

    public PtxProgram Program => program;

    public PtxGlobalMemory Memory => memory;

    public Index3D Grid => grid;

    public Index3D Group => group;

    public int DynamicShared => dynamicShared;

    public ReadOnlySpan<byte> Parameters => parameters;

    public long Steps { get; private set; }

    public void CountStep()
    {
        if (++Steps > StepLimit) throw new PtxFaultException($"{program.Entry.Name} has not ended after {StepLimit} instructions");
    }

    public void Run()
    {
        if (group.Size is < 1 or > 1024) throw new ArgumentException($"a group of {group.Size} threads; 1 to 1024 are possible");
        var shared = new PtxSharedMemory(program.Entry, dynamicShared, (group.Size + 31) / 32);
        if (shared.StaticBytes > 48 * 1024 || shared.StaticBytes + dynamicShared > SharedLimit)
            throw new ArgumentException($"{shared.StaticBytes} bytes of static and {dynamicShared} of dynamic shared memory; at most {48 * 1024} and together {SharedLimit} are possible");
        var waiting = new Queue<Index3D>(
            from z in Enumerable.Range(0, grid.Z)
            from y in Enumerable.Range(0, grid.Y)
            from x in Enumerable.Range(0, grid.X)
            select new Index3D(x, y, z));
        var running = new (PtxGroup? Threads, PtxSharedMemory Shared, int Clock)[Multiprocessors];
        for (int m = 0; m < Multiprocessors; m++) running[m].Shared = m == 0 ? shared : new PtxSharedMemory(program.Entry, dynamicShared, (group.Size + 31) / 32);
        do
        {
            for (int m = 0; m < Multiprocessors; m++)
            {
                if (running[m].Threads is null && waiting.TryDequeue(out Index3D place)) running[m].Threads = new PtxGroup(this, running[m].Shared, place, running[m].Shared.Begin(running[m].Clock));
                if (running[m].Threads is not { } threads || !threads.Advance()) continue;
                running[m] = (null, running[m].Shared, threads.Clock);
            }
        }
        while (waiting.Count > 0 || running.Any(r => r.Threads is not null));
    }
}
