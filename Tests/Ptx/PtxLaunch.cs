using ILGPU;

namespace Osprey.Tests.Ptx;

/// <summary>One launch of a program: grid, group, argument bytes. Groups run one after the other, each on shared memory that holds nothing.</summary>
sealed class PtxLaunch(PtxProgram program, PtxGlobalMemory memory, Index3D grid, Index3D group, int dynamicShared, byte[] parameters)
{
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
        int clock = 0;
        for (int z = 0; z < grid.Z; z++)
            for (int y = 0; y < grid.Y; y++)
                for (int x = 0; x < grid.X; x++)
                {
                    var threads = new PtxGroup(this, shared, new Index3D(x, y, z), shared.Begin(clock));
                    threads.Run();
                    clock = threads.Clock;
                }
    }
}
