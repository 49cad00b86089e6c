using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using static Osprey.Kernels.Search.Avx512Assembler;

namespace Osprey.Kernels.Search;

/// <summary>
/// <c>vpdpbusd</c> on 512 bits: twelve queries by two blocks make twenty-four sums. .NET 10 has no name for the instruction (its AvxVnni is the
/// 256-bit form of later processors), and its JIT gives sixteen registers to such sums; so the loop is written here as machine code,
/// one routine for each number of queries. Linux on x86-64 with AVX-512 VNNI (Cascade Lake, Ice Lake, Zen 4 and later).
/// </summary>
internal sealed unsafe partial class Avx512VnniScan : CodeScan
{
    const int MostQueries = 12;

    /// <summary>Up to so many queries the scan waits for memory: it asks for what comes soon into the nearest cache. With more, for the next pair of blocks into L2.</summary>
    const int PrefetchQueries = 4;

    readonly nint[] routines = new nint[MostQueries + 1];

    Avx512VnniScan(byte* memory, int[] starts)
    {
        for (int q = 1; q <= MostQueries; q++) routines[q] = (nint)(memory + starts[q]);
    }

    public override string Name => "AVX-512 VNNI";

    public override int PanelQueries => MostQueries;

    public override int QueryLimit => 127;

    /// <summary>Null where the processor lacks the instruction or the system allows no memory that runs.</summary>
    public static Avx512VnniScan? TryCreate()
    {
        if (!IsSupported) return null;
        var routines = new List<byte[]>();
        int[] starts = new int[MostQueries + 1];
        int length = 0;
        for (int q = 1; q <= MostQueries; q++)
        {
            byte[] routine = Assemble(q);
            starts[q] = length;
            length = (length + routine.Length + 63) / 64 * 64;
            routines.Add(routine);
        }
        // Written first and made to run afterwards: the memory is never both. It stays for the life of the process, like the code of the JIT.
        byte* memory = (byte*)Map(0, (nuint)length, ReadWrite, PrivateAnonymous, -1, 0);
        if ((nint)memory == -1) return null;
        for (int q = 1; q <= MostQueries; q++) routines[q - 1].CopyTo(new Span<byte>(memory + starts[q], routines[q - 1].Length));
        return Protect((nint)memory, (nuint)length, ReadExecute) == 0 ? new Avx512VnniScan(memory, starts) : null;
    }

    /// <summary>CPUID leaf 7 names AVX512_VNNI in bit 11 of ECX; that the system keeps the registers follows from AVX-512 being on at all.</summary>
    static bool IsSupported =>
        OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64 &&
        Avx512BW.IsSupported && (X86Base.CpuId(7, 0).Ecx >> 11 & 1) != 0;

    public override int Run(sbyte* panel, int queries, int groups, int* bias, byte* codes, int pairs, int* thresholds, int* sums, uint* masks)
    {
        if (pairs == 0) return 0;
        var call = new Call
        {
            Panel = panel,
            PanelEnd = panel + (nint)groups * queries * GroupValues,
            BlockBytes = (nint)groups * GroupBytes,
            Bias = bias,
            Codes = codes,
            Pairs = pairs,
            Thresholds = thresholds,
            Sums = sums,
            Masks = masks,
        };
        return (int)((delegate* unmanaged<Call*, nint>)routines[queries])(&call);
    }

    /// <summary>The routine for a number of queries, as bytes; a test disassembles it.</summary>
    internal static byte[] Assemble(int queries)
    {
        const int Low = 24, High = 25, Query = 26, QueryRegisters = 4;
        var a = new Avx512Assembler();
        a.Load(Register.Rsi, Register.Rdi, 0);        // panel
        a.Load(Register.Rax, Register.Rdi, 8);        // its end
        a.Load(Register.Rdx, Register.Rdi, 16);       // bytes of a block
        a.Load(Register.Rcx, Register.Rdi, 32);       // codes
        a.Load(Register.R9, Register.Rdi, 48);        // thresholds
        a.Clear(Register.R8);                         // pair

        int nextPair = a.Here;
        a.Load(Register.R10, Register.Rdi, 24);       // bias
        for (int q = 0; q < queries; q++)
        {
            a.Broadcast(2 * q, Register.R10, 4 * q);
            a.Broadcast(2 * q + 1, Register.R10, 4 * q);
        }
        a.Move(Register.R10, Register.Rsi);
        a.Move(Register.R11, Register.Rcx);
        a.Add(Register.R11, Register.Rdx);            // second block of the pair

        int nextGroup = a.Here;
        a.LoadVector(Low, Register.Rcx, 0);
        a.LoadVector(High, Register.R11, 0);
        for (int q = 0; q < queries; q++)
        {
            int query = Query + q % QueryRegisters;
            a.Broadcast(query, Register.R10, GroupValues * q);
            a.AddDotProducts(2 * q, Low, query);
            a.AddDotProducts(2 * q + 1, High, query);
        }
        if (queries <= PrefetchQueries)
        {
            a.Prefetch(Register.Rcx, 32 * GroupBytes);
            a.Prefetch(Register.R11, 32 * GroupBytes);
        }
        else
        {
            a.PrefetchTwice(Register.Rcx, Register.Rdx);
            a.PrefetchTwice(Register.R11, Register.Rdx);
        }
        a.Add(Register.Rcx, GroupBytes);
        a.Add(Register.R11, GroupBytes);
        a.Add(Register.R10, GroupValues * queries);
        a.Compare(Register.R10, Register.Rax);
        a.JumpIfBelow(nextGroup);

        a.ClearMask(7);
        for (int q = 0; q < queries; q++)
        {
            a.CompareAtLeast(1, 2 * q, Register.R9, 4 * q);
            a.CompareAtLeast(2, 2 * q + 1, Register.R9, 4 * (BlockRows + q));
            a.Or(7, 7, 1);
            a.Or(7, 7, 2);
        }
        a.Move(Register.Rcx, Register.R11);           // past the second block: the next pair
        a.Test(7);
        int quiet = a.JumpIfZero();

        a.Load(Register.R10, Register.Rdi, 56);       // sums
        a.Load(Register.R11, Register.Rdi, 64);       // masks
        for (int q = 0; q < queries; q++)
        {
            a.StoreVector(Register.R10, 128 * q, 2 * q);
            a.StoreVector(Register.R10, 128 * q + 64, 2 * q + 1);
            a.CompareAtLeast(1, 2 * q, Register.R9, 4 * q);
            a.CompareAtLeast(2, 2 * q + 1, Register.R9, 4 * (BlockRows + q));
            a.Unpack(1, 2, 1);
            a.StoreMask(Register.R11, 4 * q, 1);
        }
        a.Move(Register.Rax, Register.R8);
        a.Return();

        a.Land(quiet);
        a.Add(Register.R9, 2 * BlockRows * sizeof(int));
        a.Add(Register.R8, 1);
        a.Load(Register.R10, Register.Rdi, 40);       // pairs
        a.Compare(Register.R8, Register.R10);
        a.JumpIfBelow(nextPair);
        a.Move(Register.Rax, Register.R8);
        a.Return();
        return a.Code.ToArray();
    }

    /// <summary>The routine's only argument; it reads the fields by their offsets.</summary>
    [StructLayout(LayoutKind.Sequential)]
    struct Call
    {
        public sbyte* Panel, PanelEnd;
        public nint BlockBytes;
        public int* Bias;
        public byte* Codes;
        public nint Pairs;
        public int* Thresholds, Sums;
        public uint* Masks;
    }

    const int ReadWrite = 1 | 2, ReadExecute = 1 | 4, PrivateAnonymous = 2 | 0x20;

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = false)]
    private static partial nint Map(nint address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect", SetLastError = false)]
    private static partial int Protect(nint address, nuint length, int protection);
}
