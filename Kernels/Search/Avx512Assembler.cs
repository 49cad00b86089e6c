namespace Osprey.Kernels.Search;

/// <summary>Writes the few x86-64 instructions that <see cref="Avx512VnniScan"/> is made of. Operands in Intel's order; memory is [base + displacement].</summary>
/// <remarks>Encodings: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2. A test holds the bytes against a disassembler.</remarks>
internal sealed class Avx512Assembler
{
    readonly List<byte> code = [];

    /// <summary>The general registers by their numbers.</summary>
    public enum Register
    {
        Rax = 0, Rcx = 1, Rdx = 2, Rsi = 6, Rdi = 7, R8 = 8, R9 = 9, R10 = 10, R11 = 11,
    }

    public ReadOnlySpan<byte> Code => System.Runtime.InteropServices.CollectionsMarshal.AsSpan(code);

    /// <summary>Where the next instruction will be: what a backward jump goes to.</summary>
    public int Here => code.Count;

    /// <summary><c>mov to, [at + displacement]</c></summary>
    public void Load(Register to, Register at, int displacement) => Plain(0x8b, (int)to, at, displacement);

    /// <summary><c>mov to, from</c></summary>
    public void Move(Register to, Register from) => Plain(0x89, (int)from, to);

    /// <summary><c>add to, from</c></summary>
    public void Add(Register to, Register from) => Plain(0x01, (int)from, to);

    /// <summary><c>cmp left, right</c></summary>
    public void Compare(Register left, Register right) => Plain(0x39, (int)right, left);

    /// <summary><c>add to, value</c></summary>
    public void Add(Register to, int value)
    {
        Plain(0x81, 0, to);
        Int32(value);
    }

    /// <summary><c>xor to, to</c></summary>
    public void Clear(Register to) => Plain(0x31, (int)to, to);

    /// <summary><c>jb target</c>: after a comparison of unsigned numbers, if left is below right.</summary>
    public void JumpIfBelow(int target) => Jump(0x82, target);

    /// <summary><c>jz</c> to a place further on, given to <see cref="Land"/>.</summary>
    public int JumpIfZero() => Jump(0x84, Here + 6);

    /// <summary>Makes a forward jump end here.</summary>
    public void Land(int jump)
    {
        int distance = Here - jump - 4;
        for (int i = 0; i < 4; i++) code[jump + i] = (byte)(distance >> 8 * i);
    }

    /// <summary><c>vzeroupper; ret</c></summary>
    public void Return() => code.AddRange([0xc5, 0xf8, 0x77, 0xc3]);

    /// <summary><c>prefetcht0 [at + displacement]</c></summary>
    public void Prefetch(Register at, int displacement)
    {
        if ((int)at >= 8) code.Add(0x41);
        code.AddRange([0x0f, 0x18]);
        Memory(1, at, displacement, 1);
    }

    /// <summary><c>prefetcht1 [at + 2·index]</c></summary>
    public void PrefetchTwice(Register at, Register index)
    {
        int extension = ((int)index >= 8 ? 2 : 0) | ((int)at >= 8 ? 1 : 0);
        if (extension != 0) code.Add((byte)(0x40 | extension));
        code.AddRange([0x0f, 0x18, (byte)(2 << 3 | 4), (byte)(1 << 6 | ((int)index & 7) << 3 | (int)at & 7)]);
    }

    /// <summary><c>vmovdqu32 zmm, [at + displacement]</c></summary>
    public void LoadVector(int zmm, Register at, int displacement)
    {
        Evex(map: 1, prefix: 2, zmm, source: 0, at, broadcast: false);
        code.Add(0x6f);
        Memory(zmm, at, displacement, 64);
    }

    /// <summary><c>vmovdqu32 [at + displacement], zmm</c></summary>
    public void StoreVector(Register at, int displacement, int zmm)
    {
        Evex(map: 1, prefix: 2, zmm, source: 0, at, broadcast: false);
        code.Add(0x7f);
        Memory(zmm, at, displacement, 64);
    }

    /// <summary><c>vpbroadcastd zmm, [at + displacement]</c></summary>
    public void Broadcast(int zmm, Register at, int displacement)
    {
        Evex(map: 2, prefix: 1, zmm, source: 0, at, broadcast: false);
        code.Add(0x58);
        Memory(zmm, at, displacement, 4);
    }

    /// <summary><c>vpdpbusd sum, unsigned, signed</c>: to each 32 bits of sum, four products of an unsigned and a signed byte.</summary>
    public void AddDotProducts(int sum, int unsigned, int signed)
    {
        // Between registers the base's two high bits stand in B and X.
        code.Add(0x62);
        code.Add((byte)(Inverted(sum, 3, 7) | Inverted(signed, 4, 6) | Inverted(signed, 3, 5) | Inverted(sum, 4, 4) | 2));
        code.Add((byte)((~unsigned & 15) << 3 | 4 | 1));
        code.Add((byte)(0x40 | Inverted(unsigned, 4, 3)));
        code.Add(0x50);
        code.Add((byte)(0xc0 | (sum & 7) << 3 | signed & 7));
    }

    /// <summary><c>vpcmpnltd k, zmm, [at + displacement]{1to16}</c>: where a lane is at least the number in memory.</summary>
    public void CompareAtLeast(int mask, int zmm, Register at, int displacement)
    {
        Evex(map: 3, prefix: 1, mask, zmm, at, broadcast: true);
        code.Add(0x1f);
        Memory(mask, at, displacement, 4);
        code.Add(5);
    }

    /// <summary><c>kunpckwd to, high, low</c></summary>
    public void Unpack(int to, int high, int low) => Mask(0x4b, to, high, low, wide: false);

    /// <summary><c>kord to, a, b</c></summary>
    public void Or(int to, int a, int b) => Mask(0x45, to, a, b, wide: true);

    /// <summary><c>kxord to, to, to</c></summary>
    public void ClearMask(int to) => Mask(0x47, to, to, to, wide: true);

    /// <summary><c>kortestd mask, mask</c>: the zero flag is set if no bit is.</summary>
    public void Test(int mask) => code.AddRange([0xc4, 0xe1, 0xf9, 0x98, (byte)(0xc0 | mask << 3 | mask)]);

    /// <summary><c>kmovd [at + displacement], mask</c></summary>
    public void StoreMask(Register at, int displacement, int mask)
    {
        code.AddRange([0xc4, (byte)(0xc1 | (((int)at & 8) == 0 ? 0x20 : 0)), 0xf9, 0x91]);
        Memory(mask, at, displacement, 1);
    }

    void Mask(byte opcode, int to, int a, int b, bool wide)
    {
        // VEX.L1 with the first operand inverted in vvvv; kunpckwd has no prefix and W0, the 32-bit operations 66 and W1.
        byte third = (byte)((wide ? 0x80 : 0) | (~a & 15) << 3 | 4 | (wide ? 1 : 0));
        code.AddRange([0xc4, 0xe1, third, opcode, (byte)(0xc0 | to << 3 | b)]);
    }

    void Plain(byte opcode, int register, Register other)
    {
        code.Add((byte)(0x48 | (register >= 8 ? 4 : 0) | ((int)other >= 8 ? 1 : 0)));
        code.Add(opcode);
        code.Add((byte)(0xc0 | (register & 7) << 3 | (int)other & 7));
    }

    void Plain(byte opcode, int register, Register at, int displacement)
    {
        code.Add((byte)(0x48 | (register >= 8 ? 4 : 0) | ((int)at >= 8 ? 1 : 0)));
        code.Add(opcode);
        Memory(register, at, displacement, 1);
    }

    int Jump(byte condition, int target)
    {
        code.AddRange([0x0f, condition]);
        int at = Here;
        Int32(target - at - 4);
        return at;
    }

    /// <summary>The four bytes before an opcode of 512 bits with an operand in memory.</summary>
    void Evex(int map, int prefix, int register, int source, Register at, bool broadcast)
    {
        code.Add(0x62);
        code.Add((byte)(Inverted(register, 3, 7) | 0x40 | Inverted((int)at, 3, 5) | Inverted(register, 4, 4) | map));
        code.Add((byte)((~source & 15) << 3 | 4 | prefix));
        code.Add((byte)(0x40 | (broadcast ? 0x10 : 0) | Inverted(source, 4, 3)));
    }

    /// <summary>Bit <paramref name="bit"/> of a number, inverted, at place <paramref name="to"/>.</summary>
    static int Inverted(int number, int bit, int to) => (~number >> bit & 1) << to;

    /// <summary>The bytes that name an operand in memory. A short displacement counts in units of what is read.</summary>
    void Memory(int register, Register at, int displacement, int unit)
    {
        bool isShort = displacement % unit == 0 && displacement / unit is >= -128 and <= 127;
        code.Add((byte)((isShort ? 0x40 : 0x80) | (register & 7) << 3 | (int)at & 7));
        if (isShort) code.Add((byte)(displacement / unit));
        else Int32(displacement);
    }

    void Int32(int value)
    {
        for (int i = 0; i < 4; i++) code.Add((byte)(value >> 8 * i));
    }
}
