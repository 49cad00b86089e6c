using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Osprey.Kernels.Search;

/// <summary>The scan in portable vectors: products in 16 bits (255·127 fits), sums in 32.</summary>
internal sealed unsafe class PortableScan : BlockScan
{
    public override string Name => "portable";

    public override int PanelQueries => 8;

    public override int QueryLimit => 127;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override void Sum(sbyte* panel, int queries, int groups, int* bias, byte* block, int* sums)
    {
        for (int q = 0; q < queries; q++)
        {
            // Four rows at a time: each has its four products of a group in a vector of its own.
            for (int row = 0; row < BlockRows; row += 4)
            {
                Vector128<int> a = Vector128<int>.Zero, b = a, c = a, d = a;
                for (int g = 0; g < groups; g++)
                {
                    Vector128<short> query = Vector128.WidenLower(Vector128.Create(*(int*)(panel + ((nint)g * queries + q) * GroupValues)).AsSByte());
                    (Vector128<ushort> low, Vector128<ushort> high) = Vector128.Widen(Vector128.Load(block + (nint)g * GroupBytes + row * GroupValues));
                    Vector128<short> ab = low.AsInt16() * query, cd = high.AsInt16() * query;
                    a += Vector128.WidenLower(ab);
                    b += Vector128.WidenUpper(ab);
                    c += Vector128.WidenLower(cd);
                    d += Vector128.WidenUpper(cd);
                }
                int* to = sums + q * 2 * BlockRows + row;
                to[0] = bias[q] + Vector128.Sum(a);
                to[1] = bias[q] + Vector128.Sum(b);
                to[2] = bias[q] + Vector128.Sum(c);
                to[3] = bias[q] + Vector128.Sum(d);
            }
        }
    }
}
