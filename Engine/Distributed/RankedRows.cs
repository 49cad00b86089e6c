using System.Runtime.InteropServices;
using Osprey.Interop.Mpi;

namespace Osprey.Engine.Distributed;

/// <summary>For each of some queries the rows that were found, best first: what one rank sends and rank 0 merges.</summary>
/// <param name="Found">Rows of each query.</param>
/// <param name="Ids">Of all queries one after the other, in the numbering of the whole.</param>
/// <param name="Scores">Beside them.</param>
sealed record RankedRows(int[] Found, long[] Ids, float[] Scores)
{
    /// <summary>Every rank's rows on rank 0. They go in pieces: what one rank has found may be more than one array of bytes holds. The ranks are of one kind of machine.</summary>
    /// <param name="ranks">The processes; all call it.</param>
    /// <param name="atOnce">Rows of a rank in a piece, 1 or more, the same on all.</param>
    /// <returns>On rank 0 those of each rank, in their order; elsewhere none.</returns>
    public RankedRows[] Gather(ICommunicator ranks, int atOnce)
    {
        RankedRows[] all = [.. ranks.Gather(MemoryMarshal.AsBytes(Found.AsSpan()), 0).Select(bytes => Empty(MemoryMarshal.Cast<byte, int>(bytes).ToArray()))];
        long longest = (long)ranks.Counts(Ids.Length).Max();
        for (long at = 0; at < longest; at += atOnce)
        {
            int first = (int)Math.Min(at, Ids.Length), count = Math.Min(atOnce, Ids.Length - first);
            byte[][] ids = ranks.Gather(MemoryMarshal.AsBytes(Ids.AsSpan(first, count)), 0), scores = ranks.Gather(MemoryMarshal.AsBytes(Scores.AsSpan(first, count)), 0);
            for (int r = 0; r < all.Length; r++)
            {
                // A rank that has sent all it has sends nothing more.
                int to = (int)Math.Min(at, all[r].Ids.Length);
                MemoryMarshal.Cast<byte, long>(ids[r]).CopyTo(all[r].Ids.AsSpan(to));
                MemoryMarshal.Cast<byte, float>(scores[r]).CopyTo(all[r].Scores.AsSpan(to));
            }
        }
        return all;
    }

    static RankedRows Empty(int[] found) => new(found, new long[found.Sum()], new float[found.Sum()]);

    /// <summary>The rows of all parts in one order: better score first, then the lower id.</summary>
    /// <param name="parts">Of the same queries.</param>
    /// <param name="most">Rows kept of each query.</param>
    /// <param name="smallerIsBetter">Squared distances; otherwise inner products.</param>
    public static RankedRows Merge(IReadOnlyList<RankedRows> parts, int most, bool smallerIsBetter)
    {
        int queries = parts[0].Found.Length;
        int[] found = new int[queries], next = new int[parts.Count], end = new int[parts.Count];
        List<long> ids = [];
        List<float> scores = [];
        for (int q = 0; q < queries; q++)
        {
            for (int p = 0; p < parts.Count; p++) end[p] = next[p] + parts[p].Found[q];
            for (; found[q] < most; found[q]++)
            {
                int best = -1;
                for (int p = 0; p < parts.Count; p++)
                    if (next[p] < end[p] && (best < 0 || Precedes(parts[p], next[p], parts[best], next[best], smallerIsBetter))) best = p;
                if (best < 0) break;
                ids.Add(parts[best].Ids[next[best]]);
                scores.Add(parts[best].Scores[next[best]++]);
            }
            end.CopyTo(next, 0);
        }
        return new RankedRows(found, [.. ids], [.. scores]);
    }

    static bool Precedes(RankedRows a, int i, RankedRows b, int j, bool smallerIsBetter) =>
        a.Scores[i] == b.Scores[j] ? a.Ids[i] < b.Ids[j] : smallerIsBetter ? a.Scores[i] < b.Scores[j] : a.Scores[i] > b.Scores[j];
}
