namespace Osprey.Kernels.Search;

/// <summary>
/// Where the integer dot products of a first pass go, while they are still in registers: survivors of a threshold, or a sample of scores.
/// The plain and the tensor-core first pass share it.
/// </summary>
interface ITileSink
{
    /// <summary>Bound of a row in 0 … rows − 1.</summary>
    RowBound Row(int row);

    /// <summary>Bound of a query in 0 … queries − 1.</summary>
    QueryBound Query(int query);

    /// <summary>Takes one dot product of codes. True: <see cref="Append"/> is to be called. Row and query may lie beyond the last; then the bounds are the last one's.</summary>
    bool Takes(int query, QueryBound queryBound, int row, RowBound rowBound, int dot);

    void Append(int query, int row);
}
