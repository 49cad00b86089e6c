using System.Numerics;

namespace Osprey.Tests.Ptx.Instructions;

/// <summary>Shuffles, votes, matches and reductions over a warp. The lanes that the mask names meet first.</summary>
static class WarpInstructions
{
    static readonly PtxType word = new(PtxKind.Bits, 32), predicate = new(PtxKind.Predicate, 1);

    public static PtxProgram.Bound? Bind(InstructionReader i, string opcode) => opcode switch
    {
        "shfl" => Shuffle(i),
        "vote" => Vote(i),
        "match" => Match(i),
        "redux" => Reduce(i),
        "activemask" => Active(i),
        _ => null,
    };

    static PtxProgram.Bound Together(InstructionReader i, int mask, PtxOperation operation)
    {
        Source members = i.Source(mask, word);
        return new PtxProgram.Bound(i.Instruction, operation, Members: (warp, lane) => (uint)members[warp, lane]);
    }

    static PtxProgram.Bound Shuffle(InstructionReader i)
    {
        i.Need("sync");
        string mode = i.Need("up", "down", "bfly", "idx");
        i.Need("b32");
        i.End(5);
        (PtxOperand result, PtxOperand inside) = i.Operand(0) is PairOperand pair ? (pair.First, pair.Second) : (i.Operand(0), new SinkOperand());
        var d = new Target(i.Instruction, result, word);
        var p = new Target(i.Instruction, inside, predicate);
        Source a = i.Source(1, word), b = i.Source(2, word), c = i.Source(3, word);
        return Together(i, 4, (warp, mask) =>
        {
            a.Check(warp, mask);
            b.Check(warp, mask);
            c.Check(warp, mask);
            Span<ulong> values = stackalloc ulong[32];
            for (uint m = mask; m != 0; m &= m - 1) values[BitOperations.TrailingZeroCount(m)] = a[warp, BitOperations.TrailingZeroCount(m)];
            for (uint m = mask; m != 0; m &= m - 1)
            {
                int lane = BitOperations.TrailingZeroCount(m), by = (int)b[warp, lane] & 31, clamp = (int)c[warp, lane] & 31, segment = (int)(c[warp, lane] >> 8) & 31;
                int last = lane & segment | clamp & ~segment, first = lane & segment;
                int from = mode switch { "up" => lane - by, "down" => lane + by, "bfly" => lane ^ by, _ => first | by & ~segment };
                bool valid = mode == "up" ? from >= last : from <= last;
                if (!valid) from = lane;
                if ((mask & 1u << from) == 0) throw new PtxFaultException($"lane {lane} reads lane {from}, which takes no part");
                d[warp, lane] = values[from];
                p[warp, lane] = valid ? 1UL : 0;
            }
            d.Define(warp, mask);
            p.Define(warp, mask);
        });
    }

    static uint Ballot(PtxWarp warp, uint mask, Source a)
    {
        a.Check(warp, mask);
        uint ballot = 0;
        for (uint m = mask; m != 0; m &= m - 1)
            if (a[warp, BitOperations.TrailingZeroCount(m)] != 0) ballot |= m & ~(m - 1);
        return ballot;
    }

    static PtxProgram.Bound Vote(InstructionReader i)
    {
        i.Need("sync");
        string mode = i.Need("ballot", "all", "any", "uni");
        PtxType type = i.Type();
        i.End(3);
        if (type != (mode == "ballot" ? word : predicate)) throw i.Unknown($"a vote of {type}");
        Target d = i.Target(0, type);
        Source a = i.Source(1, predicate);
        return Together(i, 2, (warp, mask) =>
        {
            uint ballot = Ballot(warp, mask, a);
            bool holds = mode switch { "all" => ballot == mask, "any" => ballot != 0, _ => ballot == 0 || ballot == mask };
            Lanes.Each(mask, lane => d[warp, lane] = mode == "ballot" ? ballot : holds ? 1UL : 0);
            d.Define(warp, mask);
        });
    }

    static PtxProgram.Bound Match(InstructionReader i)
    {
        i.Need("any");
        i.Need("sync");
        PtxType type = i.Type();
        i.End(3);
        Target d = i.Target(0, word);
        Source a = i.Source(1, type);
        return Together(i, 2, (warp, mask) =>
        {
            a.Check(warp, mask);
            Lanes.Each(mask, lane =>
            {
                uint same = 0;
                for (uint m = mask; m != 0; m &= m - 1)
                    if (a[warp, BitOperations.TrailingZeroCount(m)] == a[warp, lane]) same |= m & ~(m - 1);
                d[warp, lane] = same;
            });
            d.Define(warp, mask);
        });
    }

    static PtxProgram.Bound Reduce(InstructionReader i)
    {
        i.Need("sync");
        string what = i.Need("add", "min", "max", "and", "or", "xor");
        PtxType type = i.Type();
        i.End(3);
        if (type.Bits != 32 || !type.IsInteger) throw i.Unknown($"a reduction of {type}");
        Target d = i.Target(0, type);
        Source a = i.Source(1, type);
        return Together(i, 2, (warp, mask) =>
        {
            a.Check(warp, mask);
            ulong result = a[warp, BitOperations.TrailingZeroCount(mask)];
            for (uint m = mask & (mask - 1); m != 0; m &= m - 1)
            {
                ulong other = a[warp, BitOperations.TrailingZeroCount(m)];
                result = what switch
                {
                    "add" => result + other,
                    "and" => result & other,
                    "or" => result | other,
                    "xor" => result ^ other,
                    _ => (type.IsSigned ? (long)other < (long)result : other < result) == (what == "min") ? other : result,
                };
            }
            Lanes.Each(mask, lane => d[warp, lane] = result);
            d.Define(warp, mask);
        });
    }

    static PtxProgram.Bound Active(InstructionReader i)
    {
        i.Need("b32");
        i.End(1);
        Target d = i.Target(0, word);
        return new PtxProgram.Bound(i.Instruction, (warp, mask) =>
        {
            Lanes.Each(mask, lane => d[warp, lane] = mask);
            d.Define(warp, mask);
        });
    }
}
