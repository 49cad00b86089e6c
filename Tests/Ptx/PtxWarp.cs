using System.Numerics;

namespace Osprey.Tests.Ptx;

/// <summary>What an instruction does to the lanes of a mask.</summary>
delegate void PtxOperation(PtxWarp warp, uint mask);

enum PtxWarpState
{
    Running,
    AtBarrier,
    Finished,
}

/// <summary>
/// Thirty-two lanes with a program counter each. The lanes at the lowest counter step together. At an instruction of the warp (<c>shfl.sync</c>,
/// <c>mma.sync</c>, <c>bar.sync</c>…) lanes wait until all that take part are there; where that can never be, the warp is stuck and says so.
/// </summary>
sealed class PtxWarp
{
    readonly PtxProgram program;
    readonly ulong[] registers;
    readonly uint[] defined;
    readonly PtxMemory[] local = new PtxMemory[32];
    readonly int[] at = new int[32];
    readonly int[] sees;
    uint alive, waiting;

    public PtxWarp(PtxProgram program, PtxGroup group, int index, uint lanes, int warps, int clock)
    {
        this.program = program;
        Group = group;
        Index = index;
        Clock = clock;
        alive = lanes;
        registers = new ulong[program.Entry.Registers.Count * 32];
        defined = new uint[program.Entry.Registers.Count];
        sees = new int[warps];
        for (int lane = 0; lane < 32; lane++) local[lane] = new PtxMemory("local memory", program.LocalBytes);
    }

    public PtxGroup Group { get; }

    public int Index { get; }

    /// <summary>One more after each barrier of the warp or of the group, so that accesses on its two sides differ.</summary>
    public int Clock { get; private set; }

    public uint Alive => alive;

    public PtxWarpState State { get; private set; }

    /// <summary>The copies of each lane by <c>cp.async</c> that are on their way.</summary>
    public AsyncCopies Copies { get; } = new();

    /// <summary>The barrier it waits at, where it waits at one.</summary>
    public GroupBarrier Barrier { get; private set; }

    /// <summary>The line that is being executed.</summary>
    public int Line { get; private set; }

    public ulong this[int register, int lane]
    {
        get => registers[register * 32 + lane];
        set => registers[register * 32 + lane] = value;
    }

    public void Define(int register, uint mask) => defined[register] |= mask;

    public void MustBeDefined(RegisterOperand register, uint mask)
    {
        uint missing = mask & ~defined[register.Index];
        if (missing != 0) throw new PtxFaultException($"{register.Name} is read by lane {BitOperations.TrailingZeroCount(missing)} before it is written");
    }

    public PtxMemory Local(int lane) => local[lane];

    /// <summary>The latest clock of another warp that a barrier has shown to this one.</summary>
    public int Sees(int warp) => sees[warp];

    public void SyncWarp() => Clock++;

    /// <summary>Past the barrier: all that the others did before it is now seen.</summary>
    public void Leave(ReadOnlySpan<int> clocks)
    {
        for (int w = 0; w < clocks.Length; w++) sees[w] = Math.Max(sees[w], clocks[w]);
        Clock++;
        Advance(waiting);
        waiting = 0;
        State = PtxWarpState.Running;
    }

    /// <summary>Adds what this warp has seen, and its own clock, to <paramref name="clocks"/>.</summary>
    public void Show(Span<int> clocks)
    {
        for (int w = 0; w < clocks.Length; w++) clocks[w] = Math.Max(clocks[w], w == Index ? Clock : sees[w]);
    }

    public void WaitAt(GroupBarrier barrier)
    {
        Barrier = barrier;
        State = PtxWarpState.AtBarrier;
    }

    public void Exit(uint mask) => alive &= ~mask;

    public void Jump(uint mask, int target)
    {
        for (uint m = mask; m != 0; m &= m - 1) at[BitOperations.TrailingZeroCount(m)] = target;
    }

    void Advance(uint mask)
    {
        for (uint m = mask; m != 0; m &= m - 1) at[BitOperations.TrailingZeroCount(m)]++;
    }

    /// <summary>Runs until the warp waits at a barrier of the group, is finished, or has had its turn.</summary>
    public void Run(int steps)
    {
        while (State == PtxWarpState.Running && steps-- > 0)
        {
            uint ready = alive & ~waiting;
            if (ready != 0) Step(ready);
            else if (alive == 0) State = PtxWarpState.Finished;
            else throw Stuck();
        }
    }

    PtxFaultException Stuck()
    {
        int lane = BitOperations.TrailingZeroCount(waiting);
        return new PtxFaultException(
            $"{program.Instructions[at[lane]].Source}: warp {Index} of group {Group.Place} is stuck: lane {lane} waits here for lanes that wait elsewhere or have left (waiting {waiting:x8}, alive {alive:x8})");
    }

    void Step(uint ready)
    {
        int first = int.MaxValue;
        uint mask = 0;
        for (uint m = ready; m != 0; m &= m - 1)
        {
            int lane = BitOperations.TrailingZeroCount(m);
            if (at[lane] < first) (first, mask) = (at[lane], 1u << lane);
            else if (at[lane] == first) mask |= 1u << lane;
        }
        PtxProgram.Bound instruction = program.At(first);
        Line = instruction.Source.Line;
        try
        {
            Group.CountStep();
            Execute(instruction, first, mask);
        }
        catch (PtxFaultException e) when (!e.Message.StartsWith("line", StringComparison.Ordinal))
        {
            throw new PtxFaultException($"{instruction.Source}: group {Group.Place}, warp {Index}: {e.Message}");
        }
    }

    void Execute(PtxProgram.Bound instruction, int place, uint mask)
    {
        uint run = mask;
        if (instruction.Source.Guard is { } guard)
        {
            MustBeDefined(guard, mask);
            run = 0;
            for (uint m = mask; m != 0; m &= m - 1)
            {
                int lane = BitOperations.TrailingZeroCount(m);
                if (this[guard.Index, lane] != 0 != guard.Negated) run |= 1u << lane;
            }
        }
        if (instruction.IsUniform && run != 0 && run != mask) throw new PtxFaultException($"a uniform branch diverges: lanes {run:x8} of {mask:x8} take it");
        if (instruction.Members is { } members)
        {
            Advance(mask & ~run);
            waiting |= run;
            Meet(instruction, place, members);
            return;
        }
        Advance(mask);
        if (run != 0) instruction.Operation(this, run);
    }

    /// <summary>Executes an instruction of the warp for each set of lanes that name each other and all wait at it.</summary>
    void Meet(PtxProgram.Bound instruction, int place, Func<PtxWarp, int, uint> members)
    {
        uint here = 0;
        for (uint m = waiting; m != 0; m &= m - 1)
        {
            int lane = BitOperations.TrailingZeroCount(m);
            if (at[lane] == place) here |= 1u << lane;
        }
        for (uint left = here; left != 0;)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            uint named = members(this, lane);
            if ((named & 1u << lane) == 0) throw new PtxFaultException($"lane {lane} is not in the mask {named:x8} that it names");
            if ((named & ~alive) != 0) throw new PtxFaultException($"the mask {named:x8} names lanes that have left or never were: alive are {alive:x8}");
            if ((here & named) == named)
            {
                for (uint m = named; m != 0; m &= m - 1)
                    if (members(this, BitOperations.TrailingZeroCount(m)) != named) throw new PtxFaultException($"lanes of the mask {named:x8} name different masks");
                Together(instruction, named);
            }
            left &= ~(named | 1u << lane);
        }
    }

    void Together(PtxProgram.Bound instruction, uint lanes)
    {
        if (!instruction.IsGroupBarrier) // there they stay where they are until the group has met
        {
            waiting &= ~lanes;
            Advance(lanes);
        }
        instruction.Operation(this, lanes);
    }
}
