using System.Runtime.InteropServices;

namespace Osprey.Engine.Distributed;

/// <summary>For each of some queries the rows that were found, best first: what one rank sends and rank 0 merges.</summary>
/// <param name="Found">Rows of each query.</param>
/// <param name="Ids">Of all queries one after the other, in the numbering of the whole.</param>
/// <param name="Scores">Beside them.</param>
sealed record RankedRows(int[] Found, long[] Ids, float[] Scores)
{
    /// <summary>int32 found of each query, int64 ids, float32 scores: the ranks are of one kind of machine.</summary>
    public byte[] ToBytes() => [.. MemoryMarshal.AsBytes(Found.AsSpan()), .. MemoryMarshal.AsBytes(Ids.AsSpan()), .. MemoryMarshal.AsBytes(Scores.AsSpan())];

    public static RankedRows Parse(byte[] bytes, int queries)
    {
        int[] found = MemoryMarshal.Cast<byte, int>(bytes.AsSpan(0, queries * sizeof(int))).ToArray();
        int total = found.Sum(), scoresAt = (queries * sizeof(int)) + (total * sizeof(long));
        return new RankedRows(found, MemoryMarshal.Cast<byte, long>(bytes.AsSpan(queries * sizeof(int), total * sizeof(long))).ToArray(), MemoryMarshal.Cast<byte, float>(bytes.AsSpan(scoresAt)).ToArray());
    }

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
