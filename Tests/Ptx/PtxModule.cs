namespace Osprey.Tests.Ptx;

enum PtxSpace
{
    Generic,
    Global,
    Shared,
    Local,
    Param,
}

/// <summary>A variable at <paramref name="Offset"/> bytes into its space. Size −1: dynamic shared memory, as long as the launch says.</summary>
sealed record PtxVariable(string Name, PtxSpace Space, int Offset, int Size, int Align);

abstract record PtxOperand;

sealed record RegisterOperand(int Index, PtxType Type, string Name, bool Negated = false) : PtxOperand;

/// <summary>An integer, or the bits of a float; <paramref name="IsDecimal"/>: written as a decimal fraction, so its bits are those of a double.</summary>
sealed record ImmediateOperand(ulong Bits, bool IsDecimal = false) : PtxOperand;

sealed record SpecialOperand(string Name) : PtxOperand;

/// <summary>The address of a variable in its own space.</summary>
sealed record VariableOperand(PtxVariable Variable) : PtxOperand;

sealed record LabelOperand(string Name, int Target) : PtxOperand;

/// <summary><c>[base + offset]</c>.</summary>
sealed record MemoryOperand(PtxOperand Base, long Offset) : PtxOperand;

sealed record VectorOperand(IReadOnlyList<PtxOperand> Elements) : PtxOperand;

/// <summary><c>d|p</c>: two results.</summary>
sealed record PairOperand(PtxOperand First, PtxOperand Second) : PtxOperand;

/// <summary><c>_</c>: a result that nobody wants.</summary>
sealed record SinkOperand : PtxOperand;

/// <summary>One instruction: <c>@guard opcode.modifiers operands;</c>.</summary>
sealed record PtxInstruction(int Line, string Text, RegisterOperand? Guard, string Opcode, IReadOnlyList<string> Modifiers, IReadOnlyList<PtxOperand> Operands)
{
    public PtxFaultException Unknown(string why) => new($"line {Line}: {Text}: {why}");

    public override string ToString() => $"line {Line}: {Text}";
}

/// <summary>A kernel as parsed. Offsets in shared memory leave gaps between the variables, so that a small overrun hits none.</summary>
sealed class PtxEntry
{
    public required string Name { get; init; }

    public required IReadOnlyList<PtxVariable> Parameters { get; init; }

    public required int ParameterBytes { get; init; }

    public required IReadOnlyList<PtxType> Registers { get; init; }

    public required IReadOnlyList<PtxVariable> Variables { get; init; }

    public required IReadOnlyList<PtxInstruction> Instructions { get; init; }
}
