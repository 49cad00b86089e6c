namespace Osprey.Tests.Ptx.Instructions;

/// <summary>Branches, ends, barriers and fences.</summary>
static class ControlInstructions
{
    public static PtxProgram.Bound? Bind(InstructionReader i, string opcode) => opcode switch
    {
        "bra" => Branch(i),
        "ret" or "exit" => Leave(i),
        "bar" => Barrier(i),
        "barrier" => Barrier(i),
        "membar" => Fence(i, "cta", "gl", "sys"),
        "fence" => Fence(i, "acq_rel", "sc"),
        _ => null,
    };

    static PtxProgram.Bound Branch(InstructionReader i)
    {
        bool uniform = i.Take("uni");
        i.End(1);
        int target = i.Operand(0) is LabelOperand label ? label.Target : throw i.Unknown("no label");
        return new PtxProgram.Bound(i.Instruction, (warp, mask) => warp.Jump(mask, target), IsUniform: uniform);
    }

    static PtxProgram.Bound Leave(InstructionReader i)
    {
        i.Take("uni");
        i.End(0);
        return new PtxProgram.Bound(i.Instruction, (warp, mask) => warp.Exit(mask));
    }

    static PtxProgram.Bound Barrier(InstructionReader i)
    {
        if (i.Take("warp"))
        {
            i.Need("sync");
            i.End(1);
            Source members = i.Source(0, new PtxType(PtxKind.Bits, 32));
            return new PtxProgram.Bound(i.Instruction, (warp, mask) => { if (mask == warp.Alive) warp.SyncWarp(); }, Members: (warp, lane) => (uint)members[warp, lane]);
        }
        i.Take("cta");
        i.Need("sync");
        i.Take("aligned");
        i.End(1, 2);
        int id = i.Constant(0), threads = i.Count == 2 ? i.Constant(1) : 0;
        if (id is < 0 or > 15) throw i.Unknown("barriers are 0 to 15");
        if (threads % 32 != 0) throw i.Unknown("a barrier gathers whole warps");
        return new PtxProgram.Bound(i.Instruction, (warp, _) => warp.WaitAt(new GroupBarrier(id, threads)), Members: (warp, _) => warp.Alive, IsGroupBarrier: true);
    }

    /// <summary>The interpreter's memory is always in order; races in shared memory are found all the same, as a fence is no barrier.</summary>
    static PtxProgram.Bound Fence(InstructionReader i, params string[] kinds)
    {
        if (i.Need(kinds).Length > 0) i.Maybe("cta", "gpu", "sys");
        i.End(0);
        return new PtxProgram.Bound(i.Instruction, (_, _) => { });
    }
}
