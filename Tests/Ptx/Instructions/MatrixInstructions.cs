using System.Buffers.Binary;

namespace Osprey.Tests.Ptx.Instructions;

/// <summary>
/// <c>ldmatrix</c> and <c>mma.sync</c> of 16 × 8 tiles. A lane is 4·g + t. Register r of A holds four bytes at 16·(r/2) + 4t of row g + 8·(r mod 2);
/// register r of B four bytes at 16r + 4t of column g; C and D i is row g + 8·(i/2), column 2t + i mod 2. Four bytes are two halves or four bytes of the
/// inner dimension (PTX ISA, "Matrix Fragments for mma.m16n8k16" and "k32").
/// </summary>
static class MatrixInstructions
{
    static readonly PtxType word = new(PtxKind.Bits, 32);

    public static PtxProgram.Bound? Bind(InstructionReader i, string opcode) => opcode switch
    {
        "ldmatrix" => Load(i),
        "mma" => Multiply(i),
        _ => null,
    };

    static PtxProgram.Bound WholeWarp(InstructionReader i, PtxOperation operation) => new(i.Instruction, operation, Members: (_, _) => uint.MaxValue);

    /// <summary>Matrices of 8 rows of 16 bytes. Lane 8m + r gives the address of row r of matrix m; lane 4g + t receives four bytes of row g, transposed two halves of column g.</summary>
    static PtxProgram.Bound Load(InstructionReader i)
    {
        i.Need("sync");
        i.Need("aligned");
        i.Need("m8n8");
        int count = i.Need("x1", "x2", "x4")[1] - '0';
        bool transposed = i.Take("trans");
        i.Need("shared");
        i.Need("b16");
        i.End(2);
        Target[] targets = i.Targets(0, word, count);
        var address = new AddressOperand(i, 1, PtxSpace.Shared);
        return WholeWarp(i, (warp, mask) =>
        {
            address.Check(warp, count == 4 ? mask : (1u << (8 * count)) - 1);
            Span<byte> rows = stackalloc byte[8 * 16];
            for (int matrix = 0; matrix < count; matrix++)
            {
                for (int row = 0; row < 8; row++) address.Read(warp, 8 * matrix + row, 16).CopyTo(rows[(16 * row)..]);
                for (int lane = 0; lane < 32; lane++)
                {
                    int g = lane / 4, t = lane % 4;
                    targets[matrix][warp, lane] = transposed
                        ? BinaryPrimitives.ReadUInt16LittleEndian(rows[(16 * (2 * t) + 2 * g)..]) | (uint)BinaryPrimitives.ReadUInt16LittleEndian(rows[(16 * (2 * t + 1) + 2 * g)..]) << 16
                        : BinaryPrimitives.ReadUInt32LittleEndian(rows[(16 * g + 4 * t)..]);
                }
                targets[matrix].Define(warp, mask);
            }
        });
    }

    static PtxProgram.Bound Multiply(InstructionReader i)
    {
        i.Need("sync");
        i.Need("aligned");
        string shape = i.Need("m16n8k8", "m16n8k16", "m16n8k32");
        i.Need("row");
        i.Need("col");
        bool saturates = i.Take("satfinite");
        string result = i.Need("f32", "s32"), left = i.Need("bf16", "f16", "s8", "u8"), right = i.Need("bf16", "f16", "s8", "u8");
        i.Need(result);
        bool integers = left is "s8" or "u8";
        int inner = int.Parse(shape.AsSpan(6)), bytes = inner * (integers ? 1 : 2);
        if (integers != (result == "s32") || integers != (right is "s8" or "u8") || (!integers && left != right) || bytes is not (16 or 32) || (saturates && !integers))
            throw i.Unknown("this product is not known to the interpreter");
        i.End(4);
        Target[] d = i.Targets(0, word, 4);
        Source[] a = i.Sources(1, word, bytes / 8), b = i.Sources(2, word, bytes / 16), c = i.Sources(3, word, 4);
        return WholeWarp(i, (warp, mask) =>
        {
            foreach (Source source in (Source[])[.. a, .. b, .. c]) source.Check(warp, mask);
            Span<byte> rows = stackalloc byte[16 * bytes], columns = stackalloc byte[8 * bytes];
            for (int lane = 0; lane < 32; lane++)
            {
                int g = lane / 4, t = lane % 4;
                for (int r = 0; r < a.Length; r++) BinaryPrimitives.WriteUInt32LittleEndian(rows[((g + 8 * (r % 2)) * bytes + 16 * (r / 2) + 4 * t)..], (uint)a[r][warp, lane]);
                for (int r = 0; r < b.Length; r++) BinaryPrimitives.WriteUInt32LittleEndian(columns[(g * bytes + 16 * r + 4 * t)..], (uint)b[r][warp, lane]);
            }
            for (int lane = 0; lane < 32; lane++)
            {
                for (int k = 0; k < 4; k++)
                {
                    ReadOnlySpan<byte> row = rows.Slice((lane / 4 + 8 * (k / 2)) * bytes, bytes), column = columns.Slice((lane % 4 * 2 + k % 2) * bytes, bytes);
                    ulong start = c[k][warp, lane];
                    d[k][warp, lane] = integers ? Integers(row, left == "s8", column, right == "s8", (int)start, saturates) : TensorCore.Sum(row, column, left == "bf16", FloatBits.ToSingle(start));
                }
            }
            foreach (Target target in d) target.Define(warp, mask);
        });
    }

    static ulong Integers(ReadOnlySpan<byte> row, bool rowSigned, ReadOnlySpan<byte> column, bool columnSigned, int start, bool saturates)
    {
        long sum = start;
        for (int k = 0; k < row.Length; k++) sum += (rowSigned ? (sbyte)row[k] : row[k]) * (columnSigned ? (sbyte)column[k] : column[k]);
        return saturates ? (uint)Math.Clamp(sum, int.MinValue, int.MaxValue) : (uint)sum;
    }
}

/// <summary>
/// How a tensor core adds: eight products at a time, exact, and the sum so far are aligned to the largest of them, cut to 24 bits below its leading bit,
/// added, and cut again. Measured on A100 (Fasi et al. 2021, "Numerical behavior of NVIDIA tensor cores"); devices keep a bit or two more than here.
/// </summary>
static class TensorCore
{
    const int Block = 8, Kept = 24;

    public static ulong Sum(ReadOnlySpan<byte> row, ReadOnlySpan<byte> column, bool brain, float start)
    {
        double sum = start;
        Span<double> terms = stackalloc double[Block + 1];
        for (int first = 0; first < row.Length / 2; first += Block)
        {
            for (int k = 0; k < Block; k++) terms[k] = (double)Half(row, first + k, brain) * Half(column, first + k, brain);
            terms[Block] = sum;
            sum = Truncated(terms);
        }
        return FloatBits.Of((float)sum);
    }

    static float Half(ReadOnlySpan<byte> bytes, int index, bool brain)
    {
        ushort bits = BinaryPrimitives.ReadUInt16LittleEndian(bytes[(2 * index)..]);
        return brain ? BitConverter.UInt32BitsToSingle((uint)bits << 16) : (float)BitConverter.UInt16BitsToHalf(bits);
    }

    static double Truncated(ReadOnlySpan<double> terms)
    {
        double largest = 0, plain = 0;
        foreach (double term in terms)
        {
            plain += term;
            largest = Math.Max(largest, Math.Abs(term));
        }
        if (!double.IsFinite(plain) || largest == 0) return plain;
        double unit = Math.ScaleB(1, Math.ILogB(largest) - Kept + 1), units = 0;
        foreach (double term in terms) units += Math.Truncate(term / unit);
        if (units == 0) return 0;
        // At most 28 bits by now; a float has 24, and fewer where it is subnormal.
        double cut = Math.ScaleB(1, Math.Max(Math.ILogB(units) - Kept + 1, -149 - Math.ILogB(unit)));
        double sum = cut > 1 ? Math.Truncate(units / cut) * cut * unit : units * unit;
        return Math.Abs(sum) > float.MaxValue ? Math.CopySign(float.MaxValue, sum) : sum;
    }
}
