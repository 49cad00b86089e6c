namespace Osprey.Tests.Ptx.Instructions;

/// <summary>An address in a space, as an operand gives it, and the bytes there.</summary>
sealed class AddressOperand
{
    /// <summary>Where generic addresses of shared and of local memory begin.</summary>
    public const ulong SharedWindow = 1UL << 62, LocalWindow = 1UL << 61;

    readonly Source origin;
    readonly ulong offset;
    readonly PtxSpace space;

    public AddressOperand(InstructionReader i, int index, PtxSpace space)
    {
        MemoryOperand memory = i.Operand(index) as MemoryOperand ?? throw i.Unknown($"operand {index} is to be an address");
        this.space = space;
        origin = new Source(i.Instruction, memory.Base, memory.Base is RegisterOperand { Type.Bits: 32 } ? new PtxType(PtxKind.Unsigned, 32) : new PtxType(PtxKind.Unsigned, 64));
        offset = (ulong)memory.Offset;
        if (memory.Base is VariableOperand variable && variable.Variable.Space != space) throw i.Unknown($"{variable.Variable.Name} lies in another space");
    }

    public void Check(PtxWarp warp, uint mask) => origin.Check(warp, mask);

    public ulong this[PtxWarp warp, int lane] => origin[warp, lane] + offset;

    public ReadOnlySpan<byte> Read(PtxWarp warp, int lane, int count, bool strong = false)
    {
        (PtxSpace where, ulong address) = Resolve(this[warp, lane]);
        return where switch
        {
            PtxSpace.Param => address + (ulong)count <= (ulong)warp.Group.Parameters.Length
                ? warp.Group.Parameters.Slice((int)address, count)
                : throw new PtxFaultException($"{count} bytes at {address} are past the parameters' {warp.Group.Parameters.Length}"),
            PtxSpace.Shared => warp.Group.Shared.Read(warp, lane, address, count, strong),
            PtxSpace.Local => warp.Local(lane).Read((long)address, count),
            _ => warp.Group.Global.At(address, out long at).Read(at, count),
        };
    }

    public Span<byte> Write(PtxWarp warp, int lane, int count, bool strong = false)
    {
        (PtxSpace where, ulong address) = Resolve(this[warp, lane]);
        return where switch
        {
            PtxSpace.Shared => warp.Group.Shared.Write(warp, lane, address, count, strong),
            PtxSpace.Local => warp.Local(lane).Write((long)address, count),
            PtxSpace.Global => warp.Group.Global.At(address, out long at).Write(at, count),
            _ => throw new PtxFaultException("parameters cannot be written"),
        };
    }

    (PtxSpace Space, ulong Address) Resolve(ulong address) => space != PtxSpace.Generic ? (space, address)
        : address >= SharedWindow ? (PtxSpace.Shared, address - SharedWindow)
        : address >= LocalWindow ? (PtxSpace.Local, address - LocalWindow)
        : (PtxSpace.Global, address);

    public static PtxSpace Space(InstructionReader i) => i.Maybe("global", "shared", "shared::cta", "local", "param") switch
    {
        "global" => PtxSpace.Global,
        "shared" or "shared::cta" => PtxSpace.Shared,
        "local" => PtxSpace.Local,
        "param" => PtxSpace.Param,
        _ => PtxSpace.Generic,
    };

    public static ulong Get(ReadOnlySpan<byte> bytes)
    {
        ulong value = 0;
        for (int k = bytes.Length - 1; k >= 0; k--) value = value << 8 | bytes[k];
        return value;
    }

    public static void Put(Span<byte> bytes, ulong value)
    {
        for (int k = 0; k < bytes.Length; k++, value >>= 8) bytes[k] = (byte)value;
    }
}

/// <summary><c>mov</c>, <c>ld</c>, <c>st</c>, <c>cvta</c> and <c>cp.async</c>.</summary>
static class MemoryInstructions
{
    public static PtxOperation? Bind(InstructionReader i, string opcode) => opcode switch
    {
        "mov" => Move(i),
        "ld" => Load(i),
        "st" => Store(i),
        "cvta" => ConvertAddress(i),
        "cp" => AsyncCopy(i),
        _ => null,
    };

    static PtxOperation Move(InstructionReader i)
    {
        PtxType type = i.Type();
        i.End(2);
        if (i.Operand(1) is VectorOperand packed)
        {
            PtxType part = new(PtxKind.Bits, type.Bits / packed.Elements.Count);
            Source[] sources = i.Sources(1, part, packed.Elements.Count);
            Target whole = i.Target(0, type);
            return (warp, mask) =>
            {
                foreach (Source source in sources) source.Check(warp, mask);
                Lanes.Each(mask, lane =>
                {
                    ulong value = 0;
                    for (int k = 0; k < sources.Length; k++) value |= sources[k][warp, lane] << (k * part.Bits);
                    whole[warp, lane] = value;
                });
                whole.Define(warp, mask);
            };
        }
        Source a = i.Source(1, type);
        if (i.Operand(0) is not VectorOperand unpacked) return Lanes.Map(i.Target(0, type), a, value => value);
        int bits = type.Bits / unpacked.Elements.Count;
        Target[] targets = i.Targets(0, new PtxType(PtxKind.Bits, bits), unpacked.Elements.Count);
        return (warp, mask) =>
        {
            a.Check(warp, mask);
            Lanes.Each(mask, lane =>
            {
                ulong value = a[warp, lane];
                for (int k = 0; k < targets.Length; k++) targets[k][warp, lane] = value >> (k * bits);
            });
            foreach (Target target in targets) target.Define(warp, mask);
        };
    }

    /// <summary>Reads what comes before the type: whether the access is strong, its space and the length of its vector. Hints to caches change nothing.</summary>
    static int Access(InstructionReader i, out bool strong, out PtxSpace space)
    {
        string? order = i.Maybe("weak", "volatile", "relaxed", "acquire", "release");
        strong = order is not (null or "weak");
        if (strong) i.Maybe("cta", "gpu", "sys");
        space = AddressOperand.Space(i);
        while (i.Maybe("ca", "cg", "cs", "lu", "cv", "wb", "wt", "nc", "L1::no_allocate", "L1::evict_first", "L1::evict_last", "L2::64B", "L2::128B", "L2::256B") is not null)
        {
        }
        return i.Take("v2") ? 2 : i.Take("v4") ? 4 : 1;
    }

    static PtxOperation Load(InstructionReader i)
    {
        int length = Access(i, out bool strong, out PtxSpace space);
        PtxType type = i.Type();
        i.End(2);
        Target[] targets = i.Targets(0, type, length);
        var address = new AddressOperand(i, 1, space);
        int size = type.Bytes;
        return (warp, mask) =>
        {
            address.Check(warp, mask);
            for (uint m = mask; m != 0; m &= m - 1)
            {
                int lane = System.Numerics.BitOperations.TrailingZeroCount(m);
                ReadOnlySpan<byte> bytes = address.Read(warp, lane, length * size, strong);
                for (int k = 0; k < length; k++) targets[k][warp, lane] = AddressOperand.Get(bytes.Slice(k * size, size));
            }
            foreach (Target target in targets) target.Define(warp, mask);
        };
    }

    static PtxOperation Store(InstructionReader i)
    {
        int length = Access(i, out bool strong, out PtxSpace space);
        PtxType type = i.Type();
        i.End(2);
        var address = new AddressOperand(i, 0, space);
        Source[] sources = i.Sources(1, type, length);
        int size = type.Bytes;
        return (warp, mask) =>
        {
            address.Check(warp, mask);
            foreach (Source source in sources) source.Check(warp, mask);
            for (uint m = mask; m != 0; m &= m - 1)
            {
                int lane = System.Numerics.BitOperations.TrailingZeroCount(m);
                Span<byte> bytes = address.Write(warp, lane, length * size, strong);
                for (int k = 0; k < length; k++) AddressOperand.Put(bytes.Slice(k * size, size), sources[k][warp, lane]);
            }
        };
    }

    /// <summary>Between a space's own addresses and generic ones. Those of global memory are generic already.</summary>
    static PtxOperation ConvertAddress(InstructionReader i)
    {
        bool to = i.Take("to");
        ulong window = i.Need("global", "shared", "local") switch
        {
            "shared" => AddressOperand.SharedWindow,
            "local" => AddressOperand.LocalWindow,
            _ => 0,
        };
        PtxType type = i.Type();
        i.End(2);
        if (type.Bits != 64) throw i.Unknown("addresses are .u64");
        return Lanes.Map(i.Target(0, type), i.Source(1, type), to ? a => a - window : a => a + window);
    }

    static PtxOperation AsyncCopy(InstructionReader i)
    {
        i.Need("async");
        if (i.Take("commit_group"))
        {
            i.End(0);
            return (warp, mask) => Lanes.Each(mask, warp.Copies.Commit);
        }
        if (i.Take("wait_group"))
        {
            i.End(1);
            int pending = i.Constant(0);
            return (warp, mask) => Lanes.Each(mask, lane => warp.Copies.Wait(warp, lane, pending));
        }
        if (i.Take("wait_all"))
        {
            i.End(0);
            return (warp, mask) => Lanes.Each(mask, lane => warp.Copies.WaitAll(warp, lane));
        }
        bool whole = i.Need("ca", "cg") == "cg";
        i.Need("shared");
        i.Need("global");
        i.Maybe("L2::64B", "L2::128B", "L2::256B");
        i.End(3, 4);
        int bytes = i.Constant(2);
        if (bytes is not (4 or 8 or 16) || (whole && bytes != 16)) throw i.Unknown(".ca copies 4, 8 or 16 bytes, .cg 16");
        var target = new AddressOperand(i, 0, PtxSpace.Shared);
        var source = new AddressOperand(i, 1, PtxSpace.Global);
        Source? given = i.Count == 4 ? i.Source(3, new PtxType(PtxKind.Unsigned, 32)) : null;
        return (warp, mask) =>
        {
            target.Check(warp, mask);
            source.Check(warp, mask);
            given?.Check(warp, mask);
            Lanes.Each(mask, lane => warp.Copies.Begin(warp, lane, target[warp, lane], source[warp, lane], bytes, given is { } g ? (int)g[warp, lane] : bytes));
        };
    }
}
