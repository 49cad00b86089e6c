namespace Osprey.Tests.Ptx;

/// <summary>A kernel whose instructions have been bound to what they do. An instruction that the interpreter does not know is refused here.</summary>
sealed class PtxProgram
{
    /// <summary>An instruction, bound. With <paramref name="Members"/> it is one of the warp: the lanes that a lane's own operands say take part.</summary>
    public sealed record Bound(PtxInstruction Source, PtxOperation Operation, Func<PtxWarp, int, uint>? Members = null, bool IsUniform = false, bool IsGroupBarrier = false);

    readonly Bound[] bound;

    public PtxProgram(PtxEntry entry)
    {
        Entry = entry;
        LocalBytes = entry.Variables.Where(v => v.Space == PtxSpace.Local).Select(v => v.Offset + v.Size).DefaultIfEmpty().Max();
        bound = [.. entry.Instructions.Select(InstructionSet.Bind)];
    }

    public PtxEntry Entry { get; }

    public int LocalBytes { get; }

    public IReadOnlyList<Bound> Instructions => bound;

    public Bound At(int place) => place < bound.Length ? bound[place] : throw new PtxFaultException($"{Entry.Name} runs past its last instruction");
}
