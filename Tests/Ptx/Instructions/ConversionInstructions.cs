namespace Osprey.Tests.Ptx.Instructions;

/// <summary><c>cvt</c>: between integers, between floats, and between the two, with the rounding that the instruction names.</summary>
static class ConversionInstructions
{
    public static PtxOperation? Bind(InstructionReader i, string opcode)
    {
        if (opcode != "cvt") return null;
        string? rounding = i.Maybe("rn", "rz", "rm", "rp", "rni", "rzi", "rmi", "rpi");
        bool relu = i.Take("relu"), flushes = i.Take("ftz"), saturates = i.Take("sat");
        PtxType to = i.Type(), from = i.Type();
        if (to.Packed)
        {
            i.End(3);
            if (from != FloatBits.Single || rounding is not ("rn" or "rz")) throw i.Unknown("pairs are converted from .f32 by .rn or .rz");
            return Lanes.Map(i.Target(0, to), i.Source(1, from), i.Source(2, from), (high, low) => Half(high, to, rounding, relu) << 16 | Half(low, to, rounding, relu));
        }
        i.End(2);
        return Lanes.Map(i.Target(0, to), i.Source(1, from), Conversion(i, to, from, rounding, relu, flushes, saturates));
    }

    static Func<ulong, ulong> Conversion(InstructionReader i, PtxType to, PtxType from, string? rounding, bool relu, bool flushes, bool saturates)
    {
        if (to.IsInteger && from.IsInteger) return saturates ? a => Saturate(from.IsSigned ? (Int128)(long)a : a, to) : a => a;
        if (to.IsInteger)
        {
            string direction = rounding is "rni" or "rzi" or "rmi" or "rpi" ? rounding : throw i.Unknown("a float becomes an integer by .rni, .rzi, .rmi or .rpi");
            return a => ToInteger(Value(a, from, flushes), to, direction);
        }
        if (from.IsInteger)
        {
            if (to.Bits < 32 || rounding is not ("rn" or "rz" or "rm" or "rp")) throw i.Unknown("an integer becomes .f32 or .f64 by .rn, .rz, .rm or .rp");
            return a => FromInteger(from.IsSigned ? (Int128)(long)a : a, to, rounding);
        }
        if (rounding is "rni" or "rzi" or "rmi" or "rpi")
        {
            if (to != from || to.Bits < 32) throw i.Unknown("rounding to an integer keeps .f32 or .f64");
            return a => Bits(Whole(Value(a, from, flushes), rounding), to, "rn");
        }
        if (to.Bits == 16)
        {
            if (from != FloatBits.Single || rounding is not ("rn" or "rz")) throw i.Unknown("half a word is converted from .f32 by .rn or .rz");
            return a => Half(a, to, rounding, relu);
        }
        if (rounding is null && to.Bits < from.Bits) throw i.Unknown("a rounding is wanted");
        return a =>
        {
            double value = Value(a, from, flushes);
            if (saturates) value = value > 0 ? Math.Min(value, 1) : 0;
            ulong bits = Bits(value, to, rounding ?? "rn");
            return flushes && to.Bits == 32 ? FloatBits.Of(FloatBits.Flush(FloatBits.ToSingle(bits))) : bits;
        };
    }

    /// <summary>What the bits stand for; every float type is exact in double.</summary>
    static double Value(ulong bits, PtxType type, bool flushes) => (type.Kind, type.Bits) switch
    {
        (PtxKind.BFloat, _) => FloatBits.ToSingle(bits << 16),
        (_, 16) => (double)BitConverter.UInt16BitsToHalf((ushort)bits),
        (_, 32) => flushes ? FloatBits.Flush(FloatBits.ToSingle(bits)) : FloatBits.ToSingle(bits),
        _ => FloatBits.ToDouble(bits),
    };

    static ulong Bits(double value, PtxType type, string rounding)
    {
        if (type.Bits == 64) return FloatBits.Of(value);
        float nearest = (float)value;
        return FloatBits.Of(rounding == "rn" ? nearest : Directed(nearest, ((double)nearest).CompareTo(value), rounding));
    }

    /// <summary>The neighbour in the direction of the rounding, where the nearest lies on the other side of the exact value.</summary>
    static float Directed(float nearest, int above, string rounding)
    {
        bool down = rounding == "rm" || (rounding == "rz" && nearest > 0), up = rounding == "rp" || (rounding == "rz" && nearest < 0);
        return above > 0 && down ? MathF.BitDecrement(nearest) : above < 0 && up ? MathF.BitIncrement(nearest) : nearest;
    }

    static double Whole(double value, string rounding) => rounding switch
    {
        "rni" => Math.Round(value, MidpointRounding.ToEven),
        "rzi" => Math.Truncate(value),
        "rmi" => Math.Floor(value),
        _ => Math.Ceiling(value),
    };

    /// <summary>Beyond the range, its end; NaN becomes 0.</summary>
    static ulong ToInteger(double value, PtxType type, string rounding) => double.IsNaN(value) ? 0 : Saturate((Int128)Math.Clamp(Whole(value, rounding), -1e30, 1e30), type);

    static ulong Saturate(Int128 value, PtxType type)
    {
        Int128 least = type.IsSigned ? -(Int128.One << (type.Bits - 1)) : 0, most = (Int128.One << (type.IsSigned ? type.Bits - 1 : type.Bits)) - 1;
        return (ulong)Int128.Clamp(value, least, most);
    }

    static ulong FromInteger(Int128 value, PtxType type, string rounding)
    {
        if (type.Bits == 64)
        {
            if (rounding != "rn" && (Int128)(double)value != value) throw new PtxFaultException($"an integer beyond 2^53 becomes .f64 by .{rounding}");
            return FloatBits.Of((double)value);
        }
        float nearest = (float)value;
        return FloatBits.Of(rounding == "rn" ? nearest : Directed(nearest, ((Int128)nearest).CompareTo(value), rounding));
    }

    /// <summary>An f32 as f16 or bf16.</summary>
    static ulong Half(ulong bits, PtxType type, string rounding, bool relu)
    {
        float value = FloatBits.ToSingle(bits);
        if (relu && value < 0) return 0;
        if (float.IsNaN(value)) return relu && type.Kind == PtxKind.Float ? 0x7fffu : 0x7fff;
        if (type.Kind == PtxKind.BFloat) return rounding == "rz" ? bits >> 16 : bits + 0x7fff + (bits >> 16 & 1) >> 16;
        Half nearest = (Half)value;
        ulong half = BitConverter.HalfToUInt16Bits(nearest);
        return rounding == "rz" && MathF.Abs((float)nearest) > MathF.Abs(value) ? half - 1 : half;
    }
}

/// <summary><c>setp</c> and <c>selp</c>.</summary>
static class ComparisonInstructions
{
    static readonly PtxType predicate = new(PtxKind.Predicate, 1);

    public static PtxOperation? Bind(InstructionReader i, string opcode) => opcode switch
    {
        "setp" => Compare(i),
        "selp" => Select(i),
        _ => null,
    };

    static PtxOperation Compare(InstructionReader i)
    {
        string comparison = i.Need("equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan", "eq", "ne", "lt", "le", "gt", "ge", "lo", "ls", "hi", "hs");
        string? combination = i.Maybe("and", "or", "xor");
        bool flushes = i.Take("ftz");
        PtxType type = i.Type();
        i.End(combination is null ? 3 : 4);
        Func<ulong, ulong, bool> holds = type.IsFloat ? Floats(i, comparison, type, flushes) : Integers(i, comparison, type);
        Source a = i.Source(1, type), b = i.Source(2, type);
        Source? c = combination is null ? null : i.Source(3, predicate);
        (PtxOperand first, PtxOperand second) = i.Operand(0) is PairOperand pair ? (pair.First, pair.Second) : (i.Operand(0), new SinkOperand());
        var yes = new Target(i.Instruction, first, predicate);
        var no = new Target(i.Instruction, second, predicate);
        return (warp, mask) =>
        {
            a.Check(warp, mask);
            b.Check(warp, mask);
            c?.Check(warp, mask);
            Lanes.Each(mask, lane =>
            {
                bool result = holds(a[warp, lane], b[warp, lane]), with = c is { } s && s[warp, lane] != 0;
                yes[warp, lane] = Combined(combination, result, with) ? 1UL : 0;
                no[warp, lane] = Combined(combination, !result, with) ? 1UL : 0;
            });
            yes.Define(warp, mask);
            no.Define(warp, mask);
        };
    }

    static bool Combined(string? combination, bool result, bool with) => combination switch
    {
        "and" => result && with,
        "or" => result || with,
        "xor" => result != with,
        _ => result,
    };

    static Func<ulong, ulong, bool> Integers(InstructionReader i, string comparison, PtxType type)
    {
        bool signed = type.IsSigned;
        return comparison switch
        {
            "eq" => (a, b) => a == b,
            "ne" => (a, b) => a != b,
            "lt" or "lo" => signed ? (a, b) => (long)a < (long)b : (a, b) => a < b,
            "le" or "ls" => signed ? (a, b) => (long)a <= (long)b : (a, b) => a <= b,
            "gt" or "hi" => signed ? (a, b) => (long)a > (long)b : (a, b) => a > b,
            "ge" or "hs" => signed ? (a, b) => (long)a >= (long)b : (a, b) => a >= b,
            _ => throw i.Unknown($".{comparison} is for floats"),
        };
    }

    /// <summary>Without a trailing u the comparison is false where either is NaN, <c>ne</c> too.</summary>
    static Func<ulong, ulong, bool> Floats(InstructionReader i, string comparison, PtxType type, bool flushes)
    {
        if (type.Bits < 32) throw i.Unknown($"comparing {type} is not known to the interpreter");
        Func<double, double, bool> holds = comparison switch
        {
            "eq" => (a, b) => a == b,
            "ne" => (a, b) => a < b || a > b,
            "lt" => (a, b) => a < b,
            "le" => (a, b) => a <= b,
            "gt" => (a, b) => a > b,
            "ge" => (a, b) => a >= b,
            "equ" => (a, b) => !(a < b || a > b),
            "neu" => (a, b) => a != b,
            "ltu" => (a, b) => !(a >= b),
            "leu" => (a, b) => !(a > b),
            "gtu" => (a, b) => !(a <= b),
            "geu" => (a, b) => !(a < b),
            "num" => (a, b) => !double.IsNaN(a) && !double.IsNaN(b),
            "nan" => (a, b) => double.IsNaN(a) || double.IsNaN(b),
            _ => throw i.Unknown($".{comparison} is for integers"),
        };
        return type.Bits == 64 ? (a, b) => holds(FloatBits.ToDouble(a), FloatBits.ToDouble(b))
            : flushes ? (a, b) => holds(FloatBits.Flush(FloatBits.ToSingle(a)), FloatBits.Flush(FloatBits.ToSingle(b)))
            : (a, b) => holds(FloatBits.ToSingle(a), FloatBits.ToSingle(b));
    }

    static PtxOperation Select(InstructionReader i)
    {
        PtxType type = i.Type();
        i.End(4);
        return Lanes.Map(i.Target(0, type), i.Source(1, type), i.Source(2, type), i.Source(3, predicate), (a, b, c) => c != 0 ? a : b);
    }
}
