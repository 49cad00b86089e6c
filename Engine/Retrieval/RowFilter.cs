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
        words = new ulong[(rows + 63) / 64];
    }

    /// <summary>N.</summary>
    public long Rows { get; }

    /// <summary>Rows that are allowed.</summary>
    public long Count { get; private set; }

    internal ReadOnlySpan<ulong> Words => words;

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
