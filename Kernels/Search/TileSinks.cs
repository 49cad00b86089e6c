using ILGPU;

namespace Osprey.Kernels.Search;

/// <summary>Which rows may be returned for a query: all but one excluded id, and of those the ids whose bit is set.</summary>
/// <param name="excluded">[queries]; −1 for none.</param>
/// <param name="filter">Bit id mod 64 of word id / 64; empty for all, and ids beyond its end are left out.</param>
/// <param name="firstId">Id of row 0.</param>
readonly struct EligibleRows(ArrayView<long> excluded, ArrayView<ulong> filter, long firstId)
{
    readonly ArrayView<long> excluded = excluded;
    readonly ArrayView<ulong> filter = filter;
    readonly long firstId = firstId;

    public long Id(long row) => firstId + row;

    public bool Has(int query, long row)
    {
        long id = firstId + row;
        if (excluded[query] == id) return false;
        if (filter.Length == 0) return true;
        return id >> 6 < filter.Length && (filter[id >> 6] >> (int)(id & 63) & 1) != 0;
    }
}

/// <summary>Keeps the rows whose score can reach the query's threshold: a list per query, and a count that goes on beyond the list's end.</summary>
/// <param name="rows">[rowCount].</param>
/// <param name="queries">[queryCount] and padding.</param>
/// <param name="eligible">Asked only for what survives.</param>
/// <param name="counts">[queryCount], survivors so far.</param>
/// <param name="entries">[queryCount, capacity]; an entry is the row's number.</param>
/// <param name="capacity">Entries per query.</param>
readonly struct SurvivorSink(
    ArrayView<RowBound> rows, ArrayView<QueryBound> queries, EligibleRows eligible, ArrayView<int> counts, ArrayView<ulong> entries, int capacity) : ITileSink
{
    readonly ArrayView<RowBound> rows = rows;
    readonly ArrayView<QueryBound> queries = queries;
    readonly EligibleRows eligible = eligible;
    readonly ArrayView<int> counts = counts;
    readonly ArrayView<ulong> entries = entries;
    readonly int capacity = capacity;

    public RowBound Row(int row) => rows[row];

    public QueryBound Query(int query) => queries[query];

    /// <summary>Not "upper ≥ threshold": where a bound is not a number, the row survives and its exact score decides.</summary>
    public bool Takes(int query, QueryBound queryBound, int row, RowBound rowBound, int dot) => !(CodeScore.Upper(queryBound, rowBound, dot) < queryBound.Threshold);

    public void Append(int query, int row)
    {
        if (row >= rows.Length || query >= counts.Length || !eligible.Has(query, row)) return;
        int at = Atomic.Add(ref counts[query], 1);
        if (at < capacity) entries[(long)query * capacity + at] = (ulong)row;
    }
}

/// <summary>Writes the approximate scores of a sample of rows: row i of the sample is row i·stride of the gallery.</summary>
/// <param name="rows">Bounds of all rows.</param>
/// <param name="queries">[queryCount] and padding.</param>
/// <param name="eligible">Of all rows; NaN is written for a row that is not.</param>
/// <param name="scores">[queryCount, pitch].</param>
/// <param name="sampled">Rows in the sample.</param>
/// <param name="stride">Rows of the gallery from one of the sample to the next.</param>
/// <param name="pitch">Scores per query; at least first + sampled.</param>
/// <param name="first">Column of this sample's first row.</param>
/// <param name="queryCount">Queries without padding.</param>
readonly struct SampleSink(
    ArrayView<RowBound> rows, ArrayView<QueryBound> queries, EligibleRows eligible, ArrayView<float> scores, int sampled, int stride, int pitch, int first, int queryCount) : ITileSink
{
    readonly ArrayView<RowBound> rows = rows;
    readonly ArrayView<QueryBound> queries = queries;
    readonly EligibleRows eligible = eligible;
    readonly ArrayView<float> scores = scores;
    readonly int sampled = sampled, stride = stride, pitch = pitch, first = first, queryCount = queryCount;

    public RowBound Row(int row) => rows[(long)row * stride];

    public QueryBound Query(int query) => queries[query];

    public bool Takes(int query, QueryBound queryBound, int row, RowBound rowBound, int dot)
    {
        if (row < sampled && query < queryCount)
        {
            long inGallery = (long)row * stride;
            scores[(long)query * pitch + first + row] = eligible.Has(query, inGallery) ? CodeScore.Approximate(queryBound, rowBound, dot) : float.NaN;
        }
        return false;
    }

    public void Append(int query, int row)
    {
    }
}
