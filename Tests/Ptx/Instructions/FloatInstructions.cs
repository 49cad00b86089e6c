namespace Osprey.Tests.Ptx.Instructions;

/// <summary>Bits and numbers, and what the modifiers <c>.ftz</c> and <c>.sat</c> do to them. A NaN that arithmetic makes is the canonical one.</summary>
static class FloatBits
{
    public static readonly PtxType Single = new(PtxKind.Float, 32), Double = new(PtxKind.Float, 64);

    public static float ToSingle(ulong bits) => BitConverter.UInt32BitsToSingle((uint)bits);

    public static double ToDouble(ulong bits) => BitConverter.UInt64BitsToDouble(bits);

    public static ulong Of(float value) => float.IsNaN(value) ? 0x7fffffffu : BitConverter.SingleToUInt32Bits(value);

    public static ulong Of(double value) => double.IsNaN(value) ? 0x7fffffff_ffffffffUL : BitConverter.DoubleToUInt64Bits(value);

    public static float Flush(float value) => float.IsSubnormal(value) ? MathF.CopySign(0, value) : value;

    public static float Saturate(float value) => value > 0 ? MathF.Min(value, 1) : 0;
}

/// <summary>
/// Arithmetic in f32 and f64, rounded to nearest even. Without <c>.rn</c> ptxas may fuse a <c>mul</c> with an <c>add</c>, so the last bit on a GPU can
/// differ. The approximate functions are off by the most that the PTX ISA allows, upwards or downwards by the last bit of the argument.
/// </summary>
static class FloatInstructions
{
    public static PtxOperation? Bind(InstructionReader i, string opcode) => opcode switch
    {
        "add" => Binary(i, (a, b) => a + b, (a, b) => a + b),
        "sub" => Binary(i, (a, b) => a - b, (a, b) => a - b),
        "mul" => Binary(i, (a, b) => a * b, (a, b) => a * b),
        "div" => Divide(i),
        "fma" or "mad" => Fused(i),
        "min" => Extreme(i, float.MinNumber, float.Min, double.MinNumber),
        "max" => Extreme(i, float.MaxNumber, float.Max, double.MaxNumber),
        "neg" => Sign(i, (a, sign) => a ^ sign),
        "abs" => Sign(i, (a, sign) => a & ~sign),
        "copysign" => CopySign(i),
        "sqrt" => Root(i, MathF.Sqrt, Math.Sqrt, Math.Pow(2, -23)),
        "rcp" => Root(i, a => 1 / a, a => 1 / a, Math.Pow(2, -23)),
        "rsqrt" => Approximate(i, a => 1 / Math.Sqrt(a), Math.Pow(2, -22.9), 0),
        "ex2" => Approximate(i, a => Math.Pow(2, a), Math.Pow(2, -22), 0),
        "lg2" => Approximate(i, Math.Log2, Math.Pow(2, -22), Math.Pow(2, -22)),
        "sin" => Approximate(i, Math.Sin, 0, Math.Pow(2, -20.5)),
        "cos" => Approximate(i, Math.Cos, 0, Math.Pow(2, -20.5)),
        "tanh" => Approximate(i, Math.Tanh, Math.Pow(2, -11), 0),
        "testp" => Test(i),
        _ => null,
    };

    static PtxType Type(InstructionReader i, int operands)
    {
        PtxType type = i.Type();
        i.End(operands);
        return type.Kind == PtxKind.Float && type.Bits >= 32 ? type : throw i.Unknown($"arithmetic in {type} is not known to the interpreter");
    }

    /// <summary>Reads <c>.ftz</c> and <c>.sat</c> and puts them around <paramref name="f"/>.</summary>
    static Func<float, float, float, float> Mode(InstructionReader i, Func<float, float, float, float> f)
    {
        bool flushes = i.Take("ftz"), saturates = i.Take("sat");
        return (flushes, saturates) switch
        {
            (false, false) => f,
            (true, false) => (a, b, c) => FloatBits.Flush(f(FloatBits.Flush(a), FloatBits.Flush(b), FloatBits.Flush(c))),
            (false, true) => (a, b, c) => FloatBits.Saturate(f(a, b, c)),
            (true, true) => (a, b, c) => FloatBits.Saturate(FloatBits.Flush(f(FloatBits.Flush(a), FloatBits.Flush(b), FloatBits.Flush(c)))),
        };
    }

    static PtxOperation Binary(InstructionReader i, Func<float, float, float> single, Func<double, double, double> twice)
    {
        i.Take("rn");
        Func<float, float, float, float> f = Mode(i, (a, b, _) => single(a, b));
        PtxType type = Type(i, 3);
        return Lanes.Map(i.Target(0, type), i.Source(1, type), i.Source(2, type), type.Bits == 32
            ? (a, b) => FloatBits.Of(f(FloatBits.ToSingle(a), FloatBits.ToSingle(b), 0))
            : (a, b) => FloatBits.Of(twice(FloatBits.ToDouble(a), FloatBits.ToDouble(b))));
    }

    static PtxOperation Divide(InstructionReader i)
    {
        if (i.Need("rn", "approx", "full") == "rn") return Binary(i, (a, b) => a / b, (a, b) => a / b);
        return Binary(i, (a, b) => Approximated((double)a / b, a, Math.Pow(2, -22), 0), (_, _) => throw i.Unknown("only .f32 is approximate"));
    }

    static PtxOperation Fused(InstructionReader i)
    {
        i.Need("rn");
        Func<float, float, float, float> f = Mode(i, MathF.FusedMultiplyAdd);
        PtxType type = Type(i, 4);
        return Lanes.Map(i.Target(0, type), i.Source(1, type), i.Source(2, type), i.Source(3, type), type.Bits == 32
            ? (a, b, c) => FloatBits.Of(f(FloatBits.ToSingle(a), FloatBits.ToSingle(b), FloatBits.ToSingle(c)))
            : (a, b, c) => FloatBits.Of(Math.FusedMultiplyAdd(FloatBits.ToDouble(a), FloatBits.ToDouble(b), FloatBits.ToDouble(c))));
    }

    /// <summary>The number where the other is NaN; with <c>.NaN</c>, NaN.</summary>
    static PtxOperation Extreme(InstructionReader i, Func<float, float, float> number, Func<float, float, float> nan, Func<double, double, double> twice)
    {
        bool flushes = i.Take("ftz");
        Func<float, float, float> f = i.Take("NaN") ? nan : number;
        PtxType type = Type(i, 3);
        return Lanes.Map(i.Target(0, type), i.Source(1, type), i.Source(2, type), type.Bits == 64
            ? (a, b) => FloatBits.Of(twice(FloatBits.ToDouble(a), FloatBits.ToDouble(b)))
            : flushes
                ? (a, b) => FloatBits.Of(f(FloatBits.Flush(FloatBits.ToSingle(a)), FloatBits.Flush(FloatBits.ToSingle(b))))
                : (a, b) => FloatBits.Of(f(FloatBits.ToSingle(a), FloatBits.ToSingle(b))));
    }

    static PtxOperation Sign(InstructionReader i, Func<ulong, ulong, ulong> f)
    {
        bool flushes = i.Take("ftz");
        PtxType type = Type(i, 2);
        ulong sign = 1UL << (type.Bits - 1);
        return Lanes.Map(i.Target(0, type), i.Source(1, type), flushes ? a => FloatBits.Of(FloatBits.Flush(FloatBits.ToSingle(f(a, sign)))) : a => f(a, sign));
    }

    /// <summary>b with the sign of a.</summary>
    static PtxOperation CopySign(InstructionReader i)
    {
        PtxType type = Type(i, 3);
        ulong sign = 1UL << (type.Bits - 1);
        return Lanes.Map(i.Target(0, type), i.Source(1, type), i.Source(2, type), (a, b) => a & sign | b & ~sign);
    }

    static PtxOperation Root(InstructionReader i, Func<float, float> single, Func<double, double> twice, double error)
    {
        if (i.Need("rn", "approx") == "approx") return Approximate(i, twice, error, 0, named: true);
        bool flushes = i.Take("ftz");
        PtxType type = Type(i, 2);
        return Lanes.Map(i.Target(0, type), i.Source(1, type), type.Bits == 64
            ? a => FloatBits.Of(twice(FloatBits.ToDouble(a)))
            : flushes
                ? a => FloatBits.Of(FloatBits.Flush(single(FloatBits.Flush(FloatBits.ToSingle(a)))))
                : a => FloatBits.Of(single(FloatBits.ToSingle(a))));
    }

    static PtxOperation Approximate(InstructionReader i, Func<double, double> exact, double relative, double absolute, bool named = false)
    {
        if (!named) i.Need("approx");
        bool flushes = i.Take("ftz");
        PtxType type = Type(i, 2);
        if (type != FloatBits.Single) throw i.Unknown("only .f32 is approximate");
        return Lanes.Map(i.Target(0, type), i.Source(1, type), bits =>
        {
            float a = flushes ? FloatBits.Flush(FloatBits.ToSingle(bits)) : FloatBits.ToSingle(bits);
            float result = Approximated(exact(a), a, relative, absolute);
            return FloatBits.Of(flushes ? FloatBits.Flush(result) : result);
        });
    }

    /// <summary>As far from the exact value as the errors allow. At zero, infinity and NaN the functions are exact.</summary>
    static float Approximated(double exact, float argument, double relative, double absolute)
    {
        if (argument == 0 || !float.IsFinite(argument) || exact == 0 || !double.IsFinite(exact)) return (float)exact;
        double error = 0.99 * Math.Max(relative * Math.Abs(exact), absolute);
        return (float)((BitConverter.SingleToUInt32Bits(argument) & 1) == 0 ? exact - error : exact + error);
    }

    static PtxOperation Test(InstructionReader i)
    {
        string what = i.Need("finite", "infinite", "number", "notanumber", "normal", "subnormal");
        PtxType type = Type(i, 2);
        return Lanes.Map(i.Target(0, new PtxType(PtxKind.Predicate, 1)), i.Source(1, type), bits =>
        {
            double a = type.Bits == 32 ? FloatBits.ToSingle(bits) : FloatBits.ToDouble(bits);
            bool subnormal = type.Bits == 32 ? float.IsSubnormal(FloatBits.ToSingle(bits)) : double.IsSubnormal(a);
            bool holds = what switch
            {
                "finite" => double.IsFinite(a),
                "infinite" => double.IsInfinity(a),
                "number" => !double.IsNaN(a),
                "notanumber" => double.IsNaN(a),
                "normal" => double.IsFinite(a) && a != 0 && !subnormal,
                _ => subnormal,
            };
            return holds ? 1UL : 0;
        });
    }
}
