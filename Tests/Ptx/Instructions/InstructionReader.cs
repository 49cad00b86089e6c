using System.Numerics;

namespace Osprey.Tests.Ptx.Instructions;

/// <summary>Reads an instruction's modifiers from the left and its operands by number. What it was not asked for is refused by <see cref="End"/>.</summary>
sealed class InstructionReader(PtxInstruction instruction)
{
    int at;

    public PtxInstruction Instruction => instruction;

    public int Count => instruction.Operands.Count;

    public PtxFaultException Unknown(string why) => instruction.Unknown(why);

    public bool Take(string modifier)
    {
        if (at >= instruction.Modifiers.Count || instruction.Modifiers[at] != modifier) return false;
        at++;
        return true;
    }

    /// <summary>The next modifier, which must be one of these.</summary>
    public string Need(params ReadOnlySpan<string> modifiers)
    {
        foreach (string modifier in modifiers)
            if (Take(modifier)) return modifier;
        throw Unknown($"a modifier of {string.Join(", ", modifiers!)} was expected");
    }

    /// <summary>The next modifier if it is one of these.</summary>
    public string? Maybe(params ReadOnlySpan<string> modifiers)
    {
        foreach (string modifier in modifiers)
            if (Take(modifier)) return modifier;
        return null;
    }

    public PtxType Type() =>
        at < instruction.Modifiers.Count && PtxType.TryParse(instruction.Modifiers[at], out PtxType type) ? Next(type) : throw Unknown("a type was expected");

    PtxType Next(PtxType type)
    {
        at++;
        return type;
    }

    /// <summary>No modifier may be left, and there must be this many operands.</summary>
    public void End(params ReadOnlySpan<int> operands)
    {
        if (at < instruction.Modifiers.Count) throw Unknown($".{instruction.Modifiers[at]} is not known to the interpreter");
        if (!operands.Contains(Count)) throw Unknown($"{Count} operands");
    }

    public PtxOperand Operand(int index) => instruction.Operands[index];

    public Source Source(int index, PtxType type) => new(instruction, instruction.Operands[index], type);

    public Target Target(int index, PtxType type) => new(instruction, instruction.Operands[index], type);

    /// <summary>A register or a vector of them.</summary>
    public IReadOnlyList<PtxOperand> Elements(int index) => instruction.Operands[index] is VectorOperand vector ? vector.Elements : [instruction.Operands[index]];

    public Source[] Sources(int index, PtxType type, int count) => [.. Elements(index, count).Select(e => new Source(instruction, e, type))];

    public Target[] Targets(int index, PtxType type, int count) => [.. Elements(index, count).Select(e => new Target(instruction, e, type))];

    IReadOnlyList<PtxOperand> Elements(int index, int count) =>
        Elements(index) is { } elements && elements.Count == count ? elements : throw Unknown($"operand {index} is to have {count} elements");

    /// <summary>An operand that must be a number in the text.</summary>
    public int Constant(int index) => instruction.Operands[index] is ImmediateOperand { IsDecimal: false } i ? (int)i.Bits : throw Unknown($"operand {index} is to be a number");
}

/// <summary>The loops over the lanes of a mask.</summary>
static class Lanes
{
    public static PtxOperation Map(Target d, Source a, Func<ulong, ulong> f) => (warp, mask) =>
    {
        a.Check(warp, mask);
        for (uint m = mask; m != 0; m &= m - 1)
        {
            int lane = BitOperations.TrailingZeroCount(m);
            d[warp, lane] = f(a[warp, lane]);
        }
        d.Define(warp, mask);
    };

    public static PtxOperation Map(Target d, Source a, Source b, Func<ulong, ulong, ulong> f) => (warp, mask) =>
    {
        a.Check(warp, mask);
        b.Check(warp, mask);
        for (uint m = mask; m != 0; m &= m - 1)
        {
            int lane = BitOperations.TrailingZeroCount(m);
            d[warp, lane] = f(a[warp, lane], b[warp, lane]);
        }
        d.Define(warp, mask);
    };

    public static PtxOperation Map(Target d, Source a, Source b, Source c, Func<ulong, ulong, ulong, ulong> f) => (warp, mask) =>
    {
        a.Check(warp, mask);
        b.Check(warp, mask);
        c.Check(warp, mask);
        for (uint m = mask; m != 0; m &= m - 1)
        {
            int lane = BitOperations.TrailingZeroCount(m);
            d[warp, lane] = f(a[warp, lane], b[warp, lane], c[warp, lane]);
        }
        d.Define(warp, mask);
    };

    /// <summary>Calls <paramref name="action"/> for each lane of the mask, from the lowest.</summary>
    public static void Each(uint mask, Action<int> action)
    {
        for (uint m = mask; m != 0; m &= m - 1) action(BitOperations.TrailingZeroCount(m));
    }
}
