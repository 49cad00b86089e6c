using Osprey.Tests.Ptx.Instructions;

namespace Osprey.Tests.Ptx;

/// <summary>All instructions that the interpreter knows. Any other is an error that names it and its line.</summary>
static class InstructionSet
{
    static readonly Func<InstructionReader, PtxProgram.Bound?>[] groups =
    [
        i => ControlInstructions.Bind(i, i.Instruction.Opcode),
        i => WarpInstructions.Bind(i, i.Instruction.Opcode),
        i => MatrixInstructions.Bind(i, i.Instruction.Opcode),
        i => Lanewise(i, MemoryInstructions.Bind),
        i => Lanewise(i, AtomicInstructions.Bind),
        i => Lanewise(i, ConversionInstructions.Bind),
        i => Lanewise(i, ComparisonInstructions.Bind),
        i => IsFloat(i.Instruction) ? Lanewise(i, FloatInstructions.Bind) : Lanewise(i, IntegerInstructions.Bind) ?? Lanewise(i, BitInstructions.Bind),
    ];

    public static PtxProgram.Bound Bind(PtxInstruction instruction)
    {
        var reader = new InstructionReader(instruction);
        foreach (Func<InstructionReader, PtxProgram.Bound?> group in groups)
            if (group(reader) is { } bound) return bound;
        throw instruction.Unknown($"'{instruction.Opcode}' is not known to the interpreter");
    }

    static PtxProgram.Bound? Lanewise(InstructionReader i, Func<InstructionReader, string, PtxOperation?> group) =>
        group(i, i.Instruction.Opcode) is { } operation ? new PtxProgram.Bound(i.Instruction, operation) : null;

    static bool IsFloat(PtxInstruction instruction) => instruction.Modifiers.Count > 0 && PtxType.TryParse(instruction.Modifiers[^1], out PtxType type) && type.IsFloat;
}
