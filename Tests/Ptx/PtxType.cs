namespace Osprey.Tests.Ptx;

enum PtxKind
{
    Bits,
    Unsigned,
    Signed,
    Float,
    BFloat,
    Predicate,
}

/// <summary>A PTX type such as <c>.s32</c>, <c>.bf16x2</c> or <c>.pred</c>; <paramref name="Bits"/> is the whole width, packed halves included.</summary>
readonly record struct PtxType(PtxKind Kind, int Bits, bool Packed = false)
{
    static readonly Dictionary<string, PtxType> names = new()
    {
        ["pred"] = new(PtxKind.Predicate, 1),
        ["f16"] = new(PtxKind.Float, 16),
        ["f16x2"] = new(PtxKind.Float, 32, Packed: true),
        ["bf16"] = new(PtxKind.BFloat, 16),
        ["bf16x2"] = new(PtxKind.BFloat, 32, Packed: true),
        ["f32"] = new(PtxKind.Float, 32),
        ["f64"] = new(PtxKind.Float, 64),
    };

    static PtxType()
    {
        foreach (int bits in (int[])[8, 16, 32, 64])
        {
            names[$"b{bits}"] = new(PtxKind.Bits, bits);
            names[$"u{bits}"] = new(PtxKind.Unsigned, bits);
            names[$"s{bits}"] = new(PtxKind.Signed, bits);
        }
    }

    public int Bytes => (Bits + 7) / 8;

    public bool IsInteger => Kind is PtxKind.Bits or PtxKind.Unsigned or PtxKind.Signed;

    public bool IsFloat => Kind is PtxKind.Float or PtxKind.BFloat;

    public bool IsSigned => Kind == PtxKind.Signed;

    /// <summary>All ones over the width.</summary>
    public ulong Mask => Bits == 64 ? ulong.MaxValue : (1UL << Bits) - 1;

    /// <summary>The low bits of <paramref name="register"/> read as this type: signed types are sign-extended to 64 bits, others zero-extended.</summary>
    public ulong Extend(ulong register) => IsSigned ? (ulong)((long)(register << (64 - Bits)) >> (64 - Bits)) : register & Mask;

    public static bool TryParse(string name, out PtxType type) => names.TryGetValue(name, out type);

    public override string ToString()
    {
        PtxType type = this;
        return "." + names.First(n => n.Value == type).Key;
    }
}
