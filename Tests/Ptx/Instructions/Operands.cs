namespace Osprey.Tests.Ptx.Instructions;

/// <summary>A value that an instruction reads in each lane, as its type says: a register, a constant or a special register.</summary>
readonly struct Source
{
    readonly RegisterOperand? register;
    readonly ulong constant;
    readonly Func<PtxWarp, int, uint>? special;
    readonly PtxType type;

    public Source(PtxInstruction instruction, PtxOperand operand, PtxType type)
    {
        this.type = type;
        switch (operand)
        {
            case RegisterOperand r:
                register = r;
                break;
            case ImmediateOperand { IsDecimal: true } d when type == new PtxType(PtxKind.Float, 32):
                constant = BitConverter.SingleToUInt32Bits((float)BitConverter.UInt64BitsToDouble(d.Bits));
                break;
            case ImmediateOperand i:
                constant = i.Bits;
                break;
            case VariableOperand v:
                constant = (ulong)v.Variable.Offset;
                break;
            case SpecialOperand s:
                special = SpecialRegisters.Of(s.Name);
                break;
            default:
                throw instruction.Unknown($"this operand cannot be read: {operand}");
        }
    }

    public void Check(PtxWarp warp, uint mask)
    {
        if (register is { } r) warp.MustBeDefined(r, mask);
    }

    public ulong this[PtxWarp warp, int lane]
    {
        get
        {
            if (register is { } r) return type.Extend(r.Negated ? warp[r.Index, lane] ^ 1 : warp[r.Index, lane]);
            return type.Extend(special is null ? constant : special(warp, lane));
        }
    }
}

/// <summary>A register that an instruction writes, or none. What is narrower than the register is extended to it, by its sign where it has one.</summary>
readonly struct Target
{
    readonly int register = -1;
    readonly PtxType type;
    readonly ulong registerMask;

    public Target(PtxInstruction instruction, PtxOperand operand, PtxType type)
    {
        this.type = type;
        if (operand is SinkOperand) return;
        RegisterOperand r = operand as RegisterOperand ?? throw instruction.Unknown($"this operand cannot be written: {operand}");
        if (r.Type.Bits < type.Bits) throw instruction.Unknown($"{r.Name} is narrower than {type}");
        register = r.Index;
        registerMask = r.Type.Mask;
    }

    public ulong this[PtxWarp warp, int lane]
    {
        set
        {
            if (register >= 0) warp[register, lane] = type.Extend(value) & registerMask;
        }
    }

    public void Define(PtxWarp warp, uint mask)
    {
        if (register >= 0) warp.Define(register, mask);
    }
}
