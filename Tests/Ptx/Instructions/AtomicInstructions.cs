namespace Osprey.Tests.Ptx.Instructions;

/// <summary><c>atom</c> and <c>red</c>, lane after lane.</summary>
static class AtomicInstructions
{
    public static PtxOperation? Bind(InstructionReader i, string opcode)
    {
        if (opcode is not ("atom" or "red")) return null;
        if (i.Maybe("relaxed", "acquire", "release", "acq_rel") is not null) i.Maybe("cta", "gpu", "sys");
        else i.Maybe("cta", "gpu", "sys");
        PtxSpace space = AddressOperand.Space(i);
        string what = i.Need("add", "min", "max", "and", "or", "xor", "exch", "cas", "inc", "dec");
        // ILGPU names the space after the operation, and ptxas takes that too.
        if (space == PtxSpace.Generic) space = AddressOperand.Space(i);
        PtxType type = i.Type();
        int first = opcode == "atom" ? 1 : 0;
        i.End(first + (what == "cas" ? 3 : 2));
        if (space == PtxSpace.Param || (type.IsFloat && (type.Bits < 32 || what is not ("add" or "exch")))) throw i.Unknown($".{what} of {type}");
        Func<ulong, ulong, ulong, ulong> next = Next(what, type);
        Target before = first == 1 ? i.Target(0, type) : new Target(i.Instruction, new SinkOperand(), type);
        var address = new AddressOperand(i, first, space);
        Source b = i.Source(first + 1, type);
        Source c = what == "cas" ? i.Source(first + 2, type) : b;
        return (warp, mask) =>
        {
            address.Check(warp, mask);
            b.Check(warp, mask);
            c.Check(warp, mask);
            Lanes.Each(mask, lane =>
            {
                ulong old = type.Extend(AddressOperand.Get(address.Read(warp, lane, type.Bytes, strong: true)));
                AddressOperand.Put(address.Write(warp, lane, type.Bytes, strong: true), next(old, b[warp, lane], c[warp, lane]));
                before[warp, lane] = old;
            });
            before.Define(warp, mask);
        };
    }

    static Func<ulong, ulong, ulong, ulong> Next(string what, PtxType type) => what switch
    {
        "add" when type == FloatBits.Single => (a, b, _) => FloatBits.Of(FloatBits.ToSingle(a) + FloatBits.ToSingle(b)),
        "add" when type == FloatBits.Double => (a, b, _) => FloatBits.Of(FloatBits.ToDouble(a) + FloatBits.ToDouble(b)),
        "add" => (a, b, _) => a + b,
        "min" => type.IsSigned ? (a, b, _) => (ulong)Math.Min((long)a, (long)b) : (a, b, _) => Math.Min(a, b),
        "max" => type.IsSigned ? (a, b, _) => (ulong)Math.Max((long)a, (long)b) : (a, b, _) => Math.Max(a, b),
        "and" => (a, b, _) => a & b,
        "or" => (a, b, _) => a | b,
        "xor" => (a, b, _) => a ^ b,
        "exch" => (_, b, _) => b,
        "cas" => (a, b, c) => a == b ? c : a,
        "inc" => (a, b, _) => a >= b ? 0 : a + 1,
        _ => (a, b, _) => a == 0 || a > b ? b : a - 1,
    };
}
