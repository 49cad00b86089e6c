using ILGPU;

namespace Osprey.Tests.Ptx;

/// <summary><c>bar.sync id</c>, for all threads of the group or for the first <paramref name="Threads"/> that come (0: all).</summary>
readonly record struct GroupBarrier(int Id, int Threads);

/// <summary>A group of threads: its warps take turns and meet at barriers.</summary>
sealed class PtxGroup
{
    /// <summary>Instructions that a warp may run before it is another's turn.</summary>
    const int Turn = 1000;

    readonly PtxWarp[] warps;
    readonly PtxLaunch launch;
    int rounds;

    public PtxGroup(PtxLaunch launch, PtxSharedMemory shared, Index3D place, int clock)
    {
        this.launch = launch;
        Shared = shared;
        Place = place;
        int threads = launch.Group.Size;
        warps = new PtxWarp[(threads + 31) / 32];
        for (int w = 0; w < warps.Length; w++)
        {
            int lanes = Math.Min(32, threads - w * 32);
            warps[w] = new PtxWarp(launch.Program, this, w, lanes == 32 ? uint.MaxValue : (1u << lanes) - 1, warps.Length, clock);
        }
    }

    /// <summary>The latest clock of its warps.</summary>
    public int Clock => warps.Max(w => w.Clock);

    public Index3D Place { get; }

    public Index3D Shape => launch.Group;

    public Index3D Grid => launch.Grid;

    public int DynamicShared => launch.DynamicShared;

    public PtxGlobalMemory Global => launch.Memory;

    public PtxSharedMemory Shared { get; }

    public ReadOnlySpan<byte> Parameters => launch.Parameters;

    public Index3D Thread(PtxWarp warp, int lane)
    {
        int thread = warp.Index * 32 + lane;
        return new Index3D(thread % Shape.X, thread / Shape.X % Shape.Y, thread / (Shape.X * Shape.Y));
    }

    public void CountStep() => launch.CountStep();

    /// <summary>Lets each warp run a while, or past the barrier that all wait at. True: the group has ended.</summary>
    public bool Advance()
    {
        bool ran = false;
        // Every other round in the other order: what depends on it shows.
        foreach (PtxWarp warp in ++rounds % 2 == 0 ? warps : warps.Reverse())
        {
            if (warp.State != PtxWarpState.Running) continue;
            warp.Run(Turn);
            ran = true;
        }
        if (warps.All(w => w.State == PtxWarpState.Finished)) return true;
        if (!ran) Release();
        return false;
    }

    /// <summary>Lets the warps go on that a barrier has gathered. All others being finished or waiting too, there must be one.</summary>
    void Release()
    {
        foreach (IGrouping<GroupBarrier, PtxWarp> barrier in warps.Where(w => w.State == PtxWarpState.AtBarrier).GroupBy(w => w.Barrier))
        {
            int threads = barrier.Sum(w => int.PopCount((int)w.Alive));
            int wanted = barrier.Key.Threads > 0 ? barrier.Key.Threads : Shape.Size;
            if (threads != wanted) continue;
            Span<int> clocks = new int[warps.Length];
            foreach (PtxWarp warp in barrier) warp.Show(clocks);
            foreach (PtxWarp warp in barrier) warp.Leave(clocks);
            return;
        }
        PtxWarp stuck = warps.First(w => w.State == PtxWarpState.AtBarrier);
        throw new PtxFaultException(
            $"line {stuck.Line}: group {Place} is stuck: warp {stuck.Index} waits at barrier {stuck.Barrier.Id}; {warps.Count(w => w.State == PtxWarpState.Finished)} of {warps.Length} warps have left, and others wait elsewhere or lack lanes");
    }
}
