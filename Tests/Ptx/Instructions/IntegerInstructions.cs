using System.Numerics;

namespace Osprey.Tests.Ptx.Instructions;

/// <summary>Arithmetic on integers. Sources come extended to 64 bits; what is written is cut to the register.</summary>
static class IntegerInstructions
{
    public static PtxOperation? Bind(InstructionReader i, string opcode) => opcode switch
    {
        "add" => Sum(i, (a, b) => a + b, (a, b) => a + b),
        "sub" => Sum(i, (a, b) => a - b, (a, b) => a - b),
        "mul" => Multiply(i),
        "mad" => MultiplyAdd(i),
        "div" => Divide(i, t => t.IsSigned ? (a, b) => (ulong)SignedQuotient((long)a, (long)b) : (a, b) => a / b),
        "rem" => Divide(i, t => t.IsSigned ? (a, b) => (ulong)((long)b == -1 ? 0 : (long)a % (long)b) : (a, b) => a % b),
        "neg" => Unary(i, a => 0 - a),
        "abs" => Unary(i, a => (long)a < 0 ? 0 - a : a),
        "min" => Binary(i, t => t.IsSigned ? (a, b) => (ulong)Math.Min((long)a, (long)b) : Math.Min),
        "max" => Binary(i, t => t.IsSigned ? (a, b) => (ulong)Math.Max((long)a, (long)b) : Math.Max),
        "sad" => Sad(i),
        "dp4a" => Dot(i),
        _ => null,
    };

    static long SignedQuotient(long a, long b) => b == -1 ? unchecked(-a) : a / b;

    static PtxOperation Unary(InstructionReader i, Func<ulong, ulong> f)
    {
        PtxType type = i.Type();
        i.End(2);
        return Lanes.Map(i.Target(0, type), i.Source(1, type), f);
    }

    static PtxOperation Binary(InstructionReader i, Func<PtxType, Func<ulong, ulong, ulong>> of)
    {
        PtxType type = i.Type();
        i.End(3);
        return Lanes.Map(i.Target(0, type), i.Source(1, type), i.Source(2, type), of(type));
    }

    static PtxOperation Divide(InstructionReader i, Func<PtxType, Func<ulong, ulong, ulong>> of) =>
        Binary(i, type =>
        {
            Func<ulong, ulong, ulong> f = of(type);
            return (a, b) => b == 0 ? throw new PtxFaultException("an integer is divided by zero") : f(a, b);
        });

    static PtxOperation Sum(InstructionReader i, Func<ulong, ulong, ulong> wrapping, Func<long, long, long> exact)
    {
        bool saturates = i.Take("sat");
        PtxType type = i.Type();
        i.End(3);
        if (saturates && type != new PtxType(PtxKind.Signed, 32)) throw i.Unknown(".sat is for .s32");
        return Lanes.Map(i.Target(0, type), i.Source(1, type), i.Source(2, type), saturates ? (a, b) => (ulong)Math.Clamp(exact((long)a, (long)b), int.MinValue, int.MaxValue) : wrapping);
    }

    /// <summary>The part of the product that the modifier names, and the type of the result.</summary>
    static Func<ulong, ulong, ulong> Product(InstructionReader i, out PtxType type, out PtxType result)
    {
        string part = i.Need("lo", "hi", "wide");
        type = i.Type();
        int bits = type.Bits;
        result = part == "wide" ? type with { Bits = 2 * bits } : type;
        if (part != "hi") return (a, b) => a * b;
        return type.IsSigned ? (a, b) => (ulong)(long)((Int128)(long)a * (long)b >> bits) : (a, b) => (ulong)((UInt128)a * b >> bits);
    }

    static PtxOperation Multiply(InstructionReader i)
    {
        Func<ulong, ulong, ulong> product = Product(i, out PtxType type, out PtxType result);
        i.End(3);
        return Lanes.Map(i.Target(0, result), i.Source(1, type), i.Source(2, type), product);
    }

    static PtxOperation MultiplyAdd(InstructionReader i)
    {
        Func<ulong, ulong, ulong> product = Product(i, out PtxType type, out PtxType result);
        i.End(4);
        return Lanes.Map(i.Target(0, result), i.Source(1, type), i.Source(2, type), i.Source(3, result), (a, b, c) => product(a, b) + c);
    }

    /// <summary>|a − b| + c.</summary>
    static PtxOperation Sad(InstructionReader i)
    {
        PtxType type = i.Type();
        i.End(4);
        Func<ulong, ulong, ulong> difference = type.IsSigned ? (a, b) => (long)a < (long)b ? b - a : a - b : (a, b) => a < b ? b - a : a - b;
        return Lanes.Map(i.Target(0, type), i.Source(1, type), i.Source(2, type), i.Source(3, type), (a, b, c) => difference(a, b) + c);
    }

    /// <summary>The products of four bytes of a and b, added to c.</summary>
    static PtxOperation Dot(InstructionReader i)
    {
        PtxType left = i.Type(), right = i.Type();
        i.End(4);
        if (left.Bits != 32 || right.Bits != 32) throw i.Unknown("dp4a takes .u32 and .s32");
        PtxType result = left.IsSigned || right.IsSigned ? new PtxType(PtxKind.Signed, 32) : left;
        return Lanes.Map(i.Target(0, result), i.Source(1, left), i.Source(2, right), i.Source(3, result), (a, b, c) =>
        {
            for (int k = 0; k < 32; k += 8) c += Byte(a, k, left.IsSigned) * Byte(b, k, right.IsSigned);
            return c;
        });
    }

    static ulong Byte(ulong word, int shift, bool signed) => signed ? (ulong)(sbyte)(word >> shift) : (byte)(word >> shift);
}

/// <summary>Logic, shifts and fields of bits.</summary>
static class BitInstructions
{
    static readonly PtxType word = new(PtxKind.Bits, 32), count = new(PtxKind.Unsigned, 32);

    public static PtxOperation? Bind(InstructionReader i, string opcode) => opcode switch
    {
        "and" => Binary(i, (a, b) => a & b),
        "or" => Binary(i, (a, b) => a | b),
        "xor" => Binary(i, (a, b) => a ^ b),
        "not" => Unary(i, a => ~a),
        "cnot" => Unary(i, a => a == 0 ? 1UL : 0),
        "shl" => Shift(i, type => (a, n) => n >= (ulong)type.Bits ? 0 : a << (int)n),
        "shr" => Shift(i, type => type.IsSigned ? (a, n) => (ulong)((long)a >> (int)Math.Min(n, 63)) : (a, n) => n >= (ulong)type.Bits ? 0 : a >> (int)n),
        "shf" => Funnel(i),
        "bfe" => Extract(i),
        "bfi" => Insert(i),
        "brev" => Reverse(i),
        "popc" => Counting(i, (a, _) => (ulong)BitOperations.PopCount(a)),
        "clz" => Counting(i, (a, bits) => (ulong)(BitOperations.LeadingZeroCount(a) - (64 - bits))),
        "bfind" => Find(i),
        "prmt" => Permute(i),
        "lop3" => Logic(i),
        _ => null,
    };

    static PtxOperation Unary(InstructionReader i, Func<ulong, ulong> f)
    {
        PtxType type = i.Type();
        i.End(2);
        return Lanes.Map(i.Target(0, type), i.Source(1, type), f);
    }

    static PtxOperation Binary(InstructionReader i, Func<ulong, ulong, ulong> f)
    {
        PtxType type = i.Type();
        i.End(3);
        return Lanes.Map(i.Target(0, type), i.Source(1, type), i.Source(2, type), f);
    }

    static PtxOperation Shift(InstructionReader i, Func<PtxType, Func<ulong, ulong, ulong>> of)
    {
        PtxType type = i.Type();
        i.End(3);
        return Lanes.Map(i.Target(0, type), i.Source(1, type), i.Source(2, count), of(type));
    }

    /// <summary>The 64 bits b:a shifted, of which the upper (left) or lower (right) word stays.</summary>
    static PtxOperation Funnel(InstructionReader i)
    {
        bool left = i.Need("l", "r") == "l", clamps = i.Need("clamp", "wrap") == "clamp";
        i.Need("b32");
        i.End(4);
        Source a = i.Source(1, word), b = i.Source(2, word), n = i.Source(3, count);
        return Lanes.Map(i.Target(0, word), a, b, n, (low, high, by) =>
        {
            int shift = clamps ? (int)Math.Min(by, 32) : (int)(by & 31);
            ulong both = high << 32 | low;
            return left ? both << shift >> 32 : both >> shift;
        });
    }

    static PtxOperation Extract(InstructionReader i)
    {
        PtxType type = i.Type();
        i.End(4);
        return Lanes.Map(i.Target(0, type), i.Source(1, type), i.Source(2, count), i.Source(3, count), (a, position, length) =>
        {
            int first = (int)(position & 255), bits = (int)(length & 255), top = type.Bits - 1;
            ulong sign = !type.IsSigned || bits == 0 ? 0 : a >> Math.Min(first + bits - 1, top) & 1;
            ulong field = first > top ? (sign == 1 ? ulong.MaxValue : 0) : (type.IsSigned ? (ulong)((long)a >> first) : a >> first);
            return bits >= 64 ? field : field & ((1UL << bits) - 1) | (sign == 1 ? ulong.MaxValue << bits : 0);
        });
    }

    /// <summary>The low bits of a, put over b.</summary>
    static PtxOperation Insert(InstructionReader i)
    {
        PtxType type = i.Type();
        i.End(5);
        Source a = i.Source(1, type), b = i.Source(2, type), position = i.Source(3, count), length = i.Source(4, count);
        Target d = i.Target(0, type);
        return (warp, mask) =>
        {
            foreach (Source source in (Source[])[a, b, position, length]) source.Check(warp, mask);
            Lanes.Each(mask, lane =>
            {
                int first = (int)(position[warp, lane] & 255), bits = (int)(length[warp, lane] & 255);
                ulong field = first >= type.Bits ? 0 : (bits >= 64 ? ulong.MaxValue : (1UL << bits) - 1) << first;
                d[warp, lane] = b[warp, lane] & ~field | (first >= 64 ? 0 : a[warp, lane] << first) & field;
            });
            d.Define(warp, mask);
        };
    }

    static PtxOperation Reverse(InstructionReader i)
    {
        PtxType type = i.Type();
        i.End(2);
        return Lanes.Map(i.Target(0, type), i.Source(1, type), a =>
        {
            ulong reversed = 0;
            for (int bit = 0; bit < type.Bits; bit++) reversed |= (a >> bit & 1) << (type.Bits - 1 - bit);
            return reversed;
        });
    }

    static PtxOperation Counting(InstructionReader i, Func<ulong, int, ulong> f)
    {
        PtxType type = i.Type();
        i.End(2);
        return Lanes.Map(i.Target(0, count), i.Source(1, type), a => f(a, type.Bits));
    }

    /// <summary>The place of the highest bit that differs from the sign, or all ones.</summary>
    static PtxOperation Find(InstructionReader i)
    {
        bool shift = i.Take("shiftamt");
        PtxType type = i.Type();
        i.End(2);
        return Lanes.Map(i.Target(0, count), i.Source(1, type), a =>
        {
            if (type.IsSigned && (long)a < 0) a = ~a;
            if (a == 0) return uint.MaxValue;
            int place = BitOperations.Log2(a);
            return (ulong)(shift ? type.Bits - 1 - place : place);
        });
    }

    /// <summary>Four bytes picked from the eight of b:a. A selector's fourth bit spreads the picked byte's sign instead.</summary>
    static PtxOperation Permute(InstructionReader i)
    {
        i.Need("b32");
        i.End(4);
        return Lanes.Map(i.Target(0, word), i.Source(1, word), i.Source(2, word), i.Source(3, word), (a, b, selectors) =>
        {
            ulong both = b << 32 | a, picked = 0;
            for (int k = 0; k < 4; k++)
            {
                int selector = (int)(selectors >> (4 * k)) & 15;
                byte value = (byte)(both >> (8 * (selector & 7)));
                if ((selector & 8) != 0) value = (byte)((sbyte)value < 0 ? 0xff : 0);
                picked |= (ulong)value << (8 * k);
            }
            return picked;
        });
    }

    /// <summary>Any function of three bits: bit 4a+2b+c of the table.</summary>
    static PtxOperation Logic(InstructionReader i)
    {
        i.Need("b32");
        i.End(5);
        int table = i.Constant(4);
        return Lanes.Map(i.Target(0, word), i.Source(1, word), i.Source(2, word), i.Source(3, word), (a, b, c) =>
        {
            ulong result = 0;
            for (int bit = 0; bit < 32; bit++)
            {
                int index = (int)((a >> bit & 1) << 2 | (b >> bit & 1) << 1 | c >> bit & 1);
                result |= (ulong)(table >> index & 1) << bit;
            }
            return result;
        });
    }
}
