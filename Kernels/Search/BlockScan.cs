using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Osprey.Kernels.Search;

/// <summary>A <see cref="CodeScan"/> in C#: a level only says how the sums of one block are made.</summary>
internal abstract unsafe class BlockScan : CodeScan
{
    /// <summary>The sums of one block: sums[q·32 + row], row 0 … 15.</summary>
    protected abstract void Sum(sbyte* panel, int queries, int groups, int* bias, byte* block, int* sums);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public sealed override int Run(sbyte* panel, int queries, int groups, int* bias, byte* codes, int pairs, int* thresholds, int* sums, uint* masks)
    {
        nint blockBytes = (nint)groups * GroupBytes;
        for (int pair = 0; pair < pairs; pair++, codes += 2 * blockBytes, thresholds += 2 * BlockRows)
        {
            Sum(panel, queries, groups, bias, codes, sums);
            Sum(panel, queries, groups, bias, codes + blockBytes, sums + BlockRows);
            uint any = 0;
            for (int q = 0; q < queries; q++)
            {
                Vector512<int> first = Vector512.Load(sums + q * 2 * BlockRows), second = Vector512.Load(sums + q * 2 * BlockRows + BlockRows);
                uint low = (uint)Vector512.GreaterThanOrEqual(first, Vector512.Create(thresholds[q])).ExtractMostSignificantBits();
                uint high = (uint)Vector512.GreaterThanOrEqual(second, Vector512.Create(thresholds[BlockRows + q])).ExtractMostSignificantBits();
                masks[q] = low | high << BlockRows;
                any |= masks[q];
            }
            if (any != 0) return pair;
        }
        return pairs;
    }
}
