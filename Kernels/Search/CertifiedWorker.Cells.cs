using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Osprey.Kernels.Search;

/// <summary>What a thread does with a cell: for some of the queries, whose codes are gathered into panels of their own.</summary>
sealed unsafe partial class CertifiedWorker
{
    readonly Scratch<sbyte> gathered = new();
    readonly Scratch<int> gatheredBiases = new(), gatheredSlots = new();
    readonly Scratch<float> gatheredShares = new();

    float* Scales => gatheredShares.Pointer;

    float* ResidualShares => gatheredShares.Pointer + CodedQueries.Lane;

    float* NormShares => gatheredShares.Pointer + (2 * CodedQueries.Lane);

    /// <summary>Room for a gathered panel.</summary>
    public void ReadyForCells(int most, int groups)
    {
        gathered.Ensure(most * groups * CodeScan.GroupValues);
        gatheredBiases.Ensure(CodedQueries.Lane);
        gatheredSlots.Ensure(CodedQueries.Lane);
        new Span<float>(gatheredShares.Ensure(3 * CodedQueries.Lane), 3 * CodedQueries.Lane).Clear();
    }

    /// <summary>The next marked slots, from <paramref name="word"/> on, taken out of <paramref name="rest"/>; returns how many.</summary>
    static int Collect(uint* marks, int words, ref int word, ref uint rest, int most, int* to)
    {
        int found = 0;
        while (found < most)
        {
            if (rest == 0)
            {
                if (++word >= words) break;
                rest = marks[word];
                continue;
            }
            to[found++] = (word * 32) + System.Numerics.BitOperations.TrailingZeroCount(rest);
            rest &= rest - 1;
        }
        return found;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void Gather(CodedQueries prepared, int groups, int count)
    {
        for (int q = 0; q < count; q++)
        {
            int slot = gatheredSlots.Pointer[q], panel = prepared.PanelOf(slot), at = slot - prepared.FirstSlot(panel), stride = prepared.SlotsOf(panel);
            int* from = (int*)prepared.Panel(panel) + at, to = (int*)gathered.Pointer + q;
            for (int g = 0; g < groups; g++, from += stride, to += count) *to = *from;
            gatheredBiases.Pointer[q] = prepared.Bias(panel)[at];
            Scales[q] = prepared.Scale(panel)[at];
            ResidualShares[q] = prepared.ResidualShare(panel)[at];
            NormShares[q] = prepared.NormShare(panel)[at];
        }
    }

    /// <summary>Which rows of a cell's pairs of blocks are in the cell and allowed, a bit each; returns the pairs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    int Open(CertifiedRun run, int first, int end)
    {
        int begin = first / 32 * 32, pairsOfBlocks = ((end - begin) + 31) / 32;
        if (run.Allowed is not null) Allow(run.Allowed, rows!.Ids + begin, pairsOfBlocks);
        else new Span<uint>(allowed.Pointer, pairsOfBlocks).Fill(uint.MaxValue);
        allowed.Pointer[0] &= uint.MaxValue << (first - begin);
        int past = begin + (pairsOfBlocks * 32) - end;
        allowed.Pointer[pairsOfBlocks - 1] &= uint.MaxValue >> past;
        return pairsOfBlocks;
    }

    /// <summary>Scans a cell for the slots whose bound of it reaches what they seek, and scores what passes.</summary>
    /// <param name="scan">Which level.</param>
    /// <param name="run">The queries.</param>
    /// <param name="cells">The cells.</param>
    /// <param name="cell">Which.</param>
    /// <param name="marks">A bit for each slot.</param>
    /// <param name="words">Words of them.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void ScanCell(CodeScan scan, CertifiedRun run, CodedCells cells, int cell, uint* marks, int words)
    {
        CodedRows coded = rows!;
        CodedQueries prepared = run.Prepared;
        int word = -1;
        uint rest = 0;
        int inPanel = Collect(marks, words, ref word, ref rest, scan.PanelQueries, gatheredSlots.Pointer);
        if (inPanel == 0) return;
        int first = cells.First(cell), end = cells.End(cell);
        int pairsOfBlocks = Open(run, first, end), firstBlock = first / 32 * 2;
        uint* rowIds = coded.Ids + ((nint)firstBlock * CodeScan.BlockRows), open = allowed.Pointer;
        byte* codes = coded.Codes + ((nint)firstBlock * coded.BlockBytes);
        for (; inPanel > 0; inPanel = Collect(marks, words, ref word, ref rest, scan.PanelQueries, gatheredSlots.Pointer))
        {
            Gather(prepared, coded.Groups, inPanel);
            for (int q = 0; q < inPanel; q++) limits.Pointer[q] = prepared.Threshold(gatheredSlots.Pointer[q], run.Limit(gatheredSlots.Pointer[q]));
            Thresholds(Scales, ResidualShares, NormShares, coded.BlockBounds + firstBlock, 2 * pairsOfBlocks);
            for (int at = 0; at < pairsOfBlocks; at++)
            {
                at += scan.Run(
                    gathered.Pointer, inPanel, coded.Groups, gatheredBiases.Pointer, codes + ((nint)at * 2 * coded.BlockBytes), pairsOfBlocks - at, thresholds.Pointer + (at * 32),
                    sums.Pointer, masks.Pointer);
                if (at >= pairsOfBlocks) break;
                for (int q = 0; q < inPanel; q++)
                {
                    for (uint m = masks.Pointer[q] & open[at]; m != 0; m &= m - 1)
                        pairs.Pointer[count++] = (ulong)(uint)((at * 32) + System.Numerics.BitOperations.TrailingZeroCount(m)) << 32 | (uint)gatheredSlots.Pointer[q];
                }
                if (count > MostPairs - MostPassing) Score(run, rowIds);
            }
        }
        Score(run, rowIds);
    }

    /// <summary>Estimates of a cell's rows for the slots that it leads: what p·y − offset will hardly be below.</summary>
    /// <param name="scan">Which level.</param>
    /// <param name="run">The queries.</param>
    /// <param name="cells">The cells.</param>
    /// <param name="cell">Which.</param>
    /// <param name="marks">A bit for each slot.</param>
    /// <param name="words">Words of them.</param>
    /// <param name="places">[slot][places of centres]: where among the slot's estimates this cell's go.</param>
    /// <param name="part">Of a sum's bound, what is taken off.</param>
    /// <param name="values">[slots][stride].</param>
    /// <param name="stride">Values of a slot.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void LeadCell(CodeScan scan, CertifiedRun run, CodedCells cells, int cell, uint* marks, int words, int* places, float part, float* values, int stride)
    {
        CodedRows coded = rows!;
        CodedQueries prepared = run.Prepared;
        int word = -1;
        uint rest = 0;
        int inPanel = Collect(marks, words, ref word, ref rest, scan.PanelQueries, gatheredSlots.Pointer);
        if (inPanel == 0) return;
        int first = cells.First(cell), end = cells.End(cell);
        int pairsOfBlocks = Open(run, first, end), firstBlock = first / 32 * 2;
        byte* codes = coded.Codes + ((nint)firstBlock * coded.BlockBytes);
        new Span<int>(thresholds.Pointer, 32).Fill(int.MinValue);
        for (; inPanel > 0; inPanel = Collect(marks, words, ref word, ref rest, scan.PanelQueries, gatheredSlots.Pointer))
        {
            Gather(prepared, coded.Groups, inPanel);
            int written = 0;
            for (int at = 0; at < pairsOfBlocks; at++)
            {
                scan.Run(
                    gathered.Pointer, inPanel, coded.Groups, gatheredBiases.Pointer, codes + ((nint)at * 2 * coded.BlockBytes), 1, thresholds.Pointer, sums.Pointer, masks.Pointer);
                CodedBlock* bounds = coded.BlockBounds + firstBlock + (2 * at);
                uint open = allowed.Pointer[at];
                for (int q = 0; q < inPanel; q++)
                {
                    int own = gatheredSlots.Pointer[q];
                    float* to = values + ((nint)own * stride) + places[((nint)own * cells.Centres.Places) + cell] + written;
                    Vector512<float> low = Estimates(q, 0, bounds[0], part), high = Estimates(q, 16, bounds[1], part);
                    if (open == uint.MaxValue)
                    {
                        low.Store(to);
                        high.Store(to + 16);
                        continue;
                    }
                    low.Store(scores.Pointer);
                    high.Store(scores.Pointer + 16);
                    for (uint m = open; m != 0; m &= m - 1) *to++ = scores.Pointer[System.Numerics.BitOperations.TrailingZeroCount(m)];
                }
                written += System.Numerics.BitOperations.PopCount(open);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    Vector512<float> Estimates(int q, int half, CodedBlock bounds, float part)
    {
        float slack = part * ((ResidualShares[q] * bounds.Residual) + (NormShares[q] * bounds.Norm));
        // The block's offset is that of its shortest row, with which the others would seem nearer than they are.
        float offset = rows!.Similarity == Similarity.L2 ? bounds.Norm * bounds.Norm / 2 : 0;
        Vector512<float> unit = Vector512.Create(1 / (bounds.Scale * Scales[q]));
        return (Vector512.ConvertToSingle(Vector512.Load(sums.Pointer + (q * 32) + half)) * unit) - Vector512.Create(offset + slack);
    }

    /// <summary>Rows of a run of positions that the filter allows.</summary>
    public int CountAllowed(ulong* filter, int first, int end)
    {
        int found = 0;
        for (int i = first; i < end; i++)
        {
            uint id = rows!.Ids[i];
            found += (int)(filter[id / 64] >> (int)(id % 64) & 1);
        }
        return found;
    }
}
