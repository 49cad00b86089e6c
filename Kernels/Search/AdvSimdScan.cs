using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;

namespace Osprey.Kernels.Search;

/// <summary><c>sdot</c> on ARM: signed by signed, so the rows' + 128 is taken off each byte and no bias is needed. Four queries make sixteen sums.</summary>
internal sealed unsafe class AdvSimdScan : BlockScan
{
    public static bool IsSupported => Dp.IsSupported;

    public override string Name => "AdvSimd";

    public override int PanelQueries => 8;

    public override int QueryLimit => 127;

    protected override void Sum(sbyte* panel, int queries, int groups, int* bias, byte* block, int* sums)
    {
        int q = 0;
        for (; q + 4 <= queries; q += 4) Four(panel + q * GroupValues, queries, groups, block, sums + q * 2 * BlockRows);
        for (; q < queries; q++) One(panel + q * GroupValues, queries, groups, block, sums + q * 2 * BlockRows);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Four(sbyte* panel, int queries, int groups, byte* block, int* sums)
    {
        Vector128<int> a0 = Vector128<int>.Zero, a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
        Vector128<int> c0 = a0, c1 = a0, c2 = a0, c3 = a0, d0 = a0, d1 = a0, d2 = a0, d3 = a0;
        for (int g = 0; g < groups; g++, block += GroupBytes, panel += queries * GroupValues)
        {
            Vector128<sbyte> v = Vector128.Load(panel), r0 = Rows(block), r1 = Rows(block + 16), r2 = Rows(block + 32), r3 = Rows(block + 48);
            (a0, a1, a2, a3) = (Add(a0, r0, v, 0), Add(a1, r1, v, 0), Add(a2, r2, v, 0), Add(a3, r3, v, 0));
            (b0, b1, b2, b3) = (Add(b0, r0, v, 1), Add(b1, r1, v, 1), Add(b2, r2, v, 1), Add(b3, r3, v, 1));
            (c0, c1, c2, c3) = (Add(c0, r0, v, 2), Add(c1, r1, v, 2), Add(c2, r2, v, 2), Add(c3, r3, v, 2));
            (d0, d1, d2, d3) = (Add(d0, r0, v, 3), Add(d1, r1, v, 3), Add(d2, r2, v, 3), Add(d3, r3, v, 3));
        }
        Store(sums, a0, a1, a2, a3);
        Store(sums + 2 * BlockRows, b0, b1, b2, b3);
        Store(sums + 4 * BlockRows, c0, c1, c2, c3);
        Store(sums + 6 * BlockRows, d0, d1, d2, d3);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void One(sbyte* panel, int queries, int groups, byte* block, int* sums)
    {
        Vector128<int> a0 = Vector128<int>.Zero, a1 = a0, a2 = a0, a3 = a0;
        for (int g = 0; g < groups; g++, block += GroupBytes, panel += queries * GroupValues)
        {
            Vector128<sbyte> v = Vector128.Create(*(int*)panel).AsSByte();
            (a0, a1, a2, a3) = (Add(a0, Rows(block), v, 0), Add(a1, Rows(block + 16), v, 0), Add(a2, Rows(block + 32), v, 0), Add(a3, Rows(block + 48), v, 0));
        }
        Store(sums, a0, a1, a2, a3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<int> Add(Vector128<int> sum, Vector128<sbyte> rows, Vector128<sbyte> queries, [ConstantExpected(Max = (byte)3)] byte query) =>
        Dp.DotProductBySelectedQuadruplet(sum, rows, queries, query);

    /// <summary>Four rows' values of a group, as signed codes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<sbyte> Rows(byte* block) => (Vector128.Load(block) ^ Vector128.Create((byte)128)).AsSByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Store(int* sums, Vector128<int> a, Vector128<int> b, Vector128<int> c, Vector128<int> d)
    {
        a.Store(sums);
        b.Store(sums + 4);
        c.Store(sums + 8);
        d.Store(sums + 12);
    }
}
