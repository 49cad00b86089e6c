using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Osprey.Kernels.Search;

/// <summary>Adds to each lane of 32 bits the products of its four row bytes with the same four codes of a query.</summary>
internal interface ICodeDot
{
    Vector256<int> Add(Vector256<int> sum, Vector256<byte> rows, Vector256<sbyte> query);
}

/// <summary>
/// The scan with 256-bit vectors: two hold a group of a block. Eight queries at a time make sixteen sums, which is what the JIT keeps in
/// registers (24 spill); what is left over goes by fours and ones.
/// </summary>
internal abstract unsafe class Vector256Scan<TDot> : BlockScan
    where TDot : struct, ICodeDot
{
    public override int PanelQueries => 8;

    protected sealed override void Sum(sbyte* panel, int queries, int groups, int* bias, byte* block, int* sums)
    {
        int q = 0;
        for (; q + 8 <= queries; q += 8) Eight(panel + q * GroupValues, queries, groups, bias + q, block, sums + q * 2 * BlockRows);
        for (; q + 4 <= queries; q += 4) Four(panel + q * GroupValues, queries, groups, bias + q, block, sums + q * 2 * BlockRows);
        for (; q < queries; q++) One(panel + q * GroupValues, queries, groups, bias + q, block, sums + q * 2 * BlockRows);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Eight(sbyte* panel, int queries, int groups, int* bias, byte* block, int* sums)
    {
        var dot = default(TDot);
        Vector256<int> a0 = Vector256.Create(bias[0]), b0 = a0, a1 = Vector256.Create(bias[1]), b1 = a1, a2 = Vector256.Create(bias[2]), b2 = a2;
        Vector256<int> a3 = Vector256.Create(bias[3]), b3 = a3, a4 = Vector256.Create(bias[4]), b4 = a4, a5 = Vector256.Create(bias[5]), b5 = a5;
        Vector256<int> a6 = Vector256.Create(bias[6]), b6 = a6, a7 = Vector256.Create(bias[7]), b7 = a7;
        int* query = (int*)panel;
        for (int g = 0; g < groups; g++, block += GroupBytes, query += queries)
        {
            Vector256<byte> low = Vector256.Load(block), high = Vector256.Load(block + 32);
            Vector256<sbyte> v = Vector256.Create(query[0]).AsSByte();
            (a0, b0) = (dot.Add(a0, low, v), dot.Add(b0, high, v));
            v = Vector256.Create(query[1]).AsSByte();
            (a1, b1) = (dot.Add(a1, low, v), dot.Add(b1, high, v));
            v = Vector256.Create(query[2]).AsSByte();
            (a2, b2) = (dot.Add(a2, low, v), dot.Add(b2, high, v));
            v = Vector256.Create(query[3]).AsSByte();
            (a3, b3) = (dot.Add(a3, low, v), dot.Add(b3, high, v));
            v = Vector256.Create(query[4]).AsSByte();
            (a4, b4) = (dot.Add(a4, low, v), dot.Add(b4, high, v));
            v = Vector256.Create(query[5]).AsSByte();
            (a5, b5) = (dot.Add(a5, low, v), dot.Add(b5, high, v));
            v = Vector256.Create(query[6]).AsSByte();
            (a6, b6) = (dot.Add(a6, low, v), dot.Add(b6, high, v));
            v = Vector256.Create(query[7]).AsSByte();
            (a7, b7) = (dot.Add(a7, low, v), dot.Add(b7, high, v));
        }
        Store(sums, 0, a0, b0);
        Store(sums, 1, a1, b1);
        Store(sums, 2, a2, b2);
        Store(sums, 3, a3, b3);
        Store(sums, 4, a4, b4);
        Store(sums, 5, a5, b5);
        Store(sums, 6, a6, b6);
        Store(sums, 7, a7, b7);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Four(sbyte* panel, int queries, int groups, int* bias, byte* block, int* sums)
    {
        var dot = default(TDot);
        Vector256<int> a0 = Vector256.Create(bias[0]), b0 = a0, a1 = Vector256.Create(bias[1]), b1 = a1;
        Vector256<int> a2 = Vector256.Create(bias[2]), b2 = a2, a3 = Vector256.Create(bias[3]), b3 = a3;
        int* query = (int*)panel;
        for (int g = 0; g < groups; g++, block += GroupBytes, query += queries)
        {
            Vector256<byte> low = Vector256.Load(block), high = Vector256.Load(block + 32);
            Vector256<sbyte> v = Vector256.Create(query[0]).AsSByte();
            (a0, b0) = (dot.Add(a0, low, v), dot.Add(b0, high, v));
            v = Vector256.Create(query[1]).AsSByte();
            (a1, b1) = (dot.Add(a1, low, v), dot.Add(b1, high, v));
            v = Vector256.Create(query[2]).AsSByte();
            (a2, b2) = (dot.Add(a2, low, v), dot.Add(b2, high, v));
            v = Vector256.Create(query[3]).AsSByte();
            (a3, b3) = (dot.Add(a3, low, v), dot.Add(b3, high, v));
        }
        Store(sums, 0, a0, b0);
        Store(sums, 1, a1, b1);
        Store(sums, 2, a2, b2);
        Store(sums, 3, a3, b3);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void One(sbyte* panel, int queries, int groups, int* bias, byte* block, int* sums)
    {
        var dot = default(TDot);
        // Even and odd groups apart: four chains instead of two.
        Vector256<int> a = Vector256.Create(bias[0]), b = a, c = Vector256<int>.Zero, d = c;
        int* query = (int*)panel;
        int g = 0;
        for (; g + 2 <= groups; g += 2, block += 2 * GroupBytes, query += 2 * queries)
        {
            Vector256<sbyte> v = Vector256.Create(query[0]).AsSByte(), w = Vector256.Create(query[queries]).AsSByte();
            (a, b) = (dot.Add(a, Vector256.Load(block), v), dot.Add(b, Vector256.Load(block + 32), v));
            (c, d) = (dot.Add(c, Vector256.Load(block + 64), w), dot.Add(d, Vector256.Load(block + 96), w));
        }
        if (g < groups)
        {
            Vector256<sbyte> v = Vector256.Create(query[0]).AsSByte();
            (a, b) = (dot.Add(a, Vector256.Load(block), v), dot.Add(b, Vector256.Load(block + 32), v));
        }
        Store(sums, 0, a + c, b + d);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Store(int* sums, int query, Vector256<int> low, Vector256<int> high)
    {
        low.Store(sums + query * 2 * BlockRows);
        high.Store(sums + query * 2 * BlockRows + 8);
    }
}
