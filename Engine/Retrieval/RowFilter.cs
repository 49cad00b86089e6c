namespace Osprey.Engine.Retrieval;

/// <summary>Which rows a search may find: a bit for each of N.</summary>
public sealed class RowFilter
{
    readonly ulong[] words;

    /// <summary>Allows no row yet.</summary>
    /// <param name="rows">N, 0 or more.</param>
    public RowFilter(long rows)
    {
        if (rows < 0) throw new ArgumentException($"rows is {rows}; give 0 or more");
        Rows = rows;
        words = new ulong[WordsOf(rows)];
    }

    /// <param name="rows">N.</param>
    /// <param name="words">What <see cref="Words"/> of another such filter were; taken, not copied.</param>
    internal RowFilter(long rows, ulong[] words)
    {
        Rows = rows;
        this.words = words;
        foreach (ulong word in words) Count += System.Numerics.BitOperations.PopCount(word);
    }

    internal static long WordsOf(long rows) => (rows + 63) / 64;

    /// <summary>N.</summary>
    public long Rows { get; }

    /// <summary>Rows that are allowed.</summary>
    public long Count { get; private set; }

    internal ReadOnlySpan<ulong> Words => words;

    /// <summary>Whether a row may be found.</summary>
    /// <exception cref="ArgumentException">There is no such row.</exception>
    public bool Allows(long id) => id >= 0 && id < Rows ? (words[id / 64] & (1UL << (int)(id % 64))) != 0 : throw new ArgumentException($"row {id} was asked for, and there are {Rows}");

    /// <summary>The same for rows <paramref name="first"/> … first + count − 1 alone, which are numbered from 0 there.</summary>
    internal RowFilter Slice(long first, long count)
    {
        var slice = new RowFilter(count);
        for (long i = 0; i < count; i++)
            if (Allows(first + i)) slice.Allow(i);
        return slice;
    }

    /// <exception cref="ArgumentException">There is no such row.</exception>
    public void Allow(long id)
    {
        if (id < 0 || id >= Rows) throw new ArgumentException($"row {id} was allowed, and there are {Rows}");
        ref ulong word = ref words[id / 64];
        ulong bit = 1UL << (int)(id % 64);
        if ((word & bit) == 0) Count++;
        word |= bit;
    }
}
