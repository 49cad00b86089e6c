using System.Runtime.InteropServices;
using ILGPU;
using NUnit.Framework;

namespace Osprey.Tests.Ptx.Instructions;

/// <summary>
/// <c>mma.sync</c>, <c>ldmatrix</c> and <c>cp.async</c>. Fragments are filled and read element by element, as the tables of the PTX ISA place them,
/// and the product is a plain one of matrices in which no two rows or columns are alike.
/// </summary>
[TestFixture]
public class MatrixInstructionTests
{
    /// <summary>Runs one mma on fragments [lane][register].</summary>
    static uint[] Multiply(string shapeAndTypes, uint[] a, uint[] b, uint[] c)
    {
        int an = a.Length / 32, bn = b.Length / 32;
        var memory = new PtxGlobalMemory();
        PtxBuffer<uint> d = memory.Empty<uint>(128);
        string Load(string name, string buffer, int count) =>
            $"ld.param.b64 %at, [{buffer}]; mul.wide.u32 %offset, %lane, {4 * count}; add.u64 %at, %at, %offset; " +
            string.Concat(Enumerable.Range(0, count).Select(r => $"ld.global.b32 {name}{r}, [%at+{4 * r}]; "));
        string Vector(string name, int count) => "{" + string.Join(", ", Enumerable.Range(0, count).Select(r => $"{name}{r}")) + "}";
        PtxKernel kernel = PtxKernel.FromText($$"""
            .version 7.8
            .target sm_80
            .address_size 64
            .visible .entry Snippet(.param .align 8 .b8 pd[16], .param .align 8 .b8 pa[16], .param .align 8 .b8 pb[16], .param .align 8 .b8 pc[16])
            {
            .reg .b32 a<4>; .reg .b32 b<2>; .reg .b32 c<4>; .reg .b32 %lane; .reg .b64 %at, %offset;
            mov.u32 %lane, %laneid;
            {{Load("a", "pa", an)}}
            {{Load("b", "pb", bn)}}
            {{Load("c", "pc", 4)}}
            mma.sync.aligned.{{shapeAndTypes}} {{Vector("c", 4)}}, {{Vector("a", an)}}, {{(bn == 1 ? "b0" : Vector("b", bn))}}, {{Vector("c", 4)}};
            ld.param.b64 %at, [pd]; mul.wide.u32 %offset, %lane, 16; add.u64 %at, %at, %offset;
            st.global.v4.b32 [%at], {c0, c1, c2, c3};
            ret;
            }
            """, stepLimit: 100_000);
        kernel.Launch(memory, new KernelConfig(1, 32), d, memory.Holding<uint>(a), memory.Holding<uint>(b), memory.Holding<uint>(c));
        return d.ToArray();
    }

    static int RowOfC(int lane, int i) => lane / 4 + (i < 2 ? 0 : 8);

    static int ColumnOfC(int lane, int i) => lane % 4 * 2 + i % 2;

    [TestCase(32, "m16n8k32.row.col.s32.s8.s8.s32")]
    [TestCase(16, "m16n8k16.row.col.s32.s8.s8.s32")]
    public void Bytes(int inner, string name)
    {
        var random = new Random(1);
        var a = new sbyte[16, inner];
        var b = new sbyte[inner, 8];
        for (int k = 0; k < inner; k++)
        {
            for (int m = 0; m < 16; m++) a[m, k] = (sbyte)random.Next(-128, 128);
            for (int n = 0; n < 8; n++) b[k, n] = (sbyte)random.Next(-128, 128);
        }
        byte[] fa = new byte[32 * inner / 2], fb = new byte[32 * inner / 4];
        uint[] c = new uint[128], expected = new uint[128];
        for (int lane = 0; lane < 32; lane++)
        {
            int group = lane / 4, thread = lane % 4;
            // a0…a15 and b0…b7 of the ISA's tables for .s8 (k32), of which k16 has the first half.
            for (int i = 0; i < inner / 2; i++)
            {
                int row = i < 4 || (i >= 8 && i < 12) ? group : group + 8, column = i < 8 ? thread * 4 + (i & 3) : thread * 4 + (i & 3) + 16;
                fa[lane * inner / 2 + i] = (byte)a[row, column];
            }
            for (int i = 0; i < inner / 4; i++) fb[lane * inner / 4 + i] = (byte)b[i < 4 ? thread * 4 + (i & 3) : thread * 4 + (i & 3) + 16, group];
            for (int i = 0; i < 4; i++)
            {
                int start = 1000 * RowOfC(lane, i) + ColumnOfC(lane, i), sum = start;
                for (int k = 0; k < inner; k++) sum += a[RowOfC(lane, i), k] * b[k, ColumnOfC(lane, i)];
                c[lane * 4 + i] = (uint)start;
                expected[lane * 4 + i] = (uint)sum;
            }
        }
        Assert.That(Multiply(name, [.. MemoryMarshal.Cast<byte, uint>(fa)], [.. MemoryMarshal.Cast<byte, uint>(fb)], c), Is.EqualTo(expected));
    }

    [TestCase("bf16")]
    [TestCase("f16")]
    public void Halves(string type)
    {
        var random = new Random(2);
        var a = new float[16, 16];
        var b = new float[16, 8];
        for (int k = 0; k < 16; k++)
        {
            // Small integers: every sum is exact, in any order.
            for (int m = 0; m < 16; m++) a[m, k] = random.Next(-100, 101);
            for (int n = 0; n < 8; n++) b[k, n] = random.Next(-100, 101);
        }
        ushort Half(float value) => type == "bf16" ? (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16) : BitConverter.HalfToUInt16Bits((System.Half)value);
        ushort[] fa = new ushort[32 * 8], fb = new ushort[32 * 4];
        uint[] c = new uint[128], expected = new uint[128];
        for (int lane = 0; lane < 32; lane++)
        {
            int group = lane / 4, thread = lane % 4;
            for (int i = 0; i < 8; i++) fa[lane * 8 + i] = Half(a[i < 2 || (i >= 4 && i < 6) ? group : group + 8, i < 4 ? thread * 2 + (i & 1) : thread * 2 + (i & 1) + 8]);
            for (int i = 0; i < 4; i++) fb[lane * 4 + i] = Half(b[i < 2 ? thread * 2 + (i & 1) : thread * 2 + (i & 1) + 8, group]);
            for (int i = 0; i < 4; i++)
            {
                float start = 100 * RowOfC(lane, i) + ColumnOfC(lane, i), sum = start;
                for (int k = 0; k < 16; k++) sum += a[RowOfC(lane, i), k] * b[k, ColumnOfC(lane, i)];
                c[lane * 4 + i] = BitConverter.SingleToUInt32Bits(start);
                expected[lane * 4 + i] = BitConverter.SingleToUInt32Bits(sum);
            }
        }
        Assert.That(Multiply($"m16n8k16.row.col.f32.{type}.{type}.f32", [.. MemoryMarshal.Cast<ushort, uint>(fa)], [.. MemoryMarshal.Cast<ushort, uint>(fb)], c), Is.EqualTo(expected));
    }

    [TestCase(new[] { 1f, 0, 0, 0, 0, 0, 0, 0 }, 5.9604645e-8f, 1f)] // 2^-24 beside 1 is cut off
    [TestCase(new[] { 1f, 0, 0, 0, 0, 0, 0, 0 }, -5.9604645e-8f, 1f)] // towards zero, not to nearest
    [TestCase(new[] { 3f, 4, 0, 0, 0, 0, 0, 0 }, 0.5f, 7.5f)]
    [TestCase(new[] { float.PositiveInfinity, 1, 0, 0, 0, 0, 0, 0 }, 1f, float.PositiveInfinity)]
    [TestCase(new[] { float.NaN, 1, 0, 0, 0, 0, 0, 0 }, 1f, float.NaN)]
    public void A_tensor_core_cuts_what_it_cannot_hold(float[] row, float start, float sum)
    {
        byte[] ones = new byte[16], values = new byte[16];
        for (int k = 0; k < 8; k++)
        {
            ones[2 * k + 1] = 0x3f;
            ones[2 * k] = 0x80;
            BitConverter.TryWriteBytes(values.AsSpan(2 * k), (ushort)(BitConverter.SingleToUInt32Bits(row[k]) >> 16));
        }
        Assert.That(BitConverter.UInt32BitsToSingle((uint)TensorCore.Sum(values, ones, brain: true, start)), Is.EqualTo(sum));
    }

    /// <summary>Thread t writes its 16 bytes of a tile of 8·count rows; ldmatrix reads with the rows' addresses from lanes 0, 1, ….</summary>
    static uint[] LoadMatrix(int count, bool transposed, int register)
    {
        string targets = count == 1 ? "%a4" : "{" + string.Join(", ", Enumerable.Range(4, count).Select(r => $"%a{r}")) + "}";
        return PtxSnippet.Run($$"""
            .shared .align 16 .b8 tile[512];
            mov.u64 %b0, tile; mul.wide.u32 %b1, %thread, 16; add.u64 %b0, %b0, %b1;
            shl.b32 %a0, %thread, 4; or.b32 %a1, %a0, 4; or.b32 %a2, %a0, 8; or.b32 %a3, %a0, 12;
            shl.b32 %a0, %a0, 16; shl.b32 %a1, %a1, 16; shl.b32 %a2, %a2, 16; shl.b32 %a3, %a3, 16;
            or.b32 %a0, %a0, 0x7; or.b32 %a1, %a1, 0x7; or.b32 %a2, %a2, 0x7; or.b32 %a3, %a3, 0x7;
            st.shared.v4.b32 [%b0], {%a0, %a1, %a2, %a3};
            bar.warp.sync -1;
            ldmatrix.sync.aligned.m8n8.x{{count}}{{(transposed ? ".trans" : "")}}.shared.b16 {{targets}}, [%b0];
            mov.b32 %d, %a{{4 + register}};
            """);
    }

    [TestCase(1, 0)]
    [TestCase(2, 1)]
    [TestCase(4, 3)]
    public void Ldmatrix_hands_out_rows(int count, int matrix) =>
        // Row r of matrix m is what thread 8m + r wrote: words (16·thread + 4·word) << 16 | 7.
        Assert.That(LoadMatrix(count, transposed: false, matrix), Is.EqualTo(PtxSnippet.Each(lane => (uint)(16 * (8 * matrix + lane / 4) + 4 * (lane % 4)) << 16 | 7)));

    [TestCase(1, 0)]
    [TestCase(4, 2)]
    public void Ldmatrix_hands_out_columns(int count, int matrix)
    {
        // Lane 4g + t gets elements (2t, g) and (2t + 1, g); element (row, column) is half a word of the row's.
        uint Element(int row, int column) => column % 2 == 0 ? 7u : (uint)(16 * (8 * matrix + row) + 4 * (column / 2));
        Assert.That(LoadMatrix(count, transposed: true, matrix), Is.EqualTo(PtxSnippet.Each(lane => Element(2 * (lane % 4), lane / 4) | Element(2 * (lane % 4) + 1, lane / 4) << 16)));
    }

    const string Copy = """
        .shared .align 16 .b8 tile[1024]; mov.u64 %b0, tile; mul.wide.u32 %b1, %thread, 16; add.u64 %b1, %b0, %b1;
        ld.param.b64 %at, [in0]; mul.wide.u32 %offset, %thread, 16; add.u64 %at, %at, %offset;
        cp.async.cg.shared.global [%b1], [%at], 16GIVEN; cp.async.commit_group;
        cp.async.ca.shared.global [%b1+512], [%at], 4; cp.async.commit_group;
        WAIT
        xor.b32 %a1, %thread, 1; mul.wide.u32 %b1, %a1, 16; add.u64 %b1, %b0, %b1; ld.shared.b32 %d, [%b1+FROM];
        """;

    static string Copying(string wait, string from = "4", string given = "") =>
        Copy.Replace("WAIT", wait, StringComparison.Ordinal).Replace("FROM", from, StringComparison.Ordinal).Replace("GIVEN", given, StringComparison.Ordinal);

    static readonly uint[] source = [.. Enumerable.Range(0, 128).Select(i => (uint)(i * i))];

    static uint At(int index) => (uint)(index * index);

    [Test]
    public void Asynchronous_copies_arrive_when_they_are_waited_for()
    {
        Assert.That(PtxSnippet.Run(Copying("cp.async.wait_group 1; bar.warp.sync -1;"), source), Is.EqualTo(PtxSnippet.Each(t => At(4 * (t ^ 1) + 1))));
        Assert.That(PtxSnippet.Run(Copying("cp.async.wait_group 0; bar.sync 0;", "512"), source), Is.EqualTo(PtxSnippet.Each(t => At(4 * (t ^ 1)))));
        Assert.That(PtxSnippet.Run(Copying("cp.async.wait_all; bar.sync 0;", "12"), source), Is.EqualTo(PtxSnippet.Each(t => At(4 * (t ^ 1) + 3))));
        Assert.That(PtxSnippet.Run(Copying("cp.async.wait_all; bar.sync 0;", "4", ", 4"), source), Is.EqualTo(PtxSnippet.All(0u)), "zeros after what is given");
    }

    [TestCase("bar.sync 0;", "4", "while cp.async is still bringing it")]
    [TestCase("cp.async.wait_group 1; bar.sync 0;", "512", "while cp.async is still bringing it")]
    [TestCase("cp.async.wait_group 2; bar.sync 0;", "4", "while cp.async is still bringing it")]
    [TestCase("cp.async.wait_group 0;", "4", "race")]
    [TestCase("bar.sync 0; cp.async.wait_group 0;", "4", "race")]
    public void A_missing_wait_or_barrier_is_found(string wait, string from, string why) =>
        Assert.That(() => PtxSnippet.Run(Copying(wait, from), source), Throws.InstanceOf<PtxFaultException>().With.Message.Contains(why));
}
