namespace Osprey.Engine.Retrieval;

/// <summary>
/// Alpha query expansion: a query is answered by the mean of itself and its n nearest rows, each weighted by its cosine to the power α, and the query by 1
/// (Radenović et al. 2018, §3.4). One record, one JSON object, one set of flags.
/// </summary>
public sealed record QueryExpansion
{
    /// <summary>n, 1 or more.</summary>
    public int Neighbours { get; init; } = 10;

    /// <summary>α, 0 or more; 0 weighs all alike, which is average query expansion (Chum et al. 2007).</summary>
    public double Alpha { get; init; } = 3;

    /// <exception cref="ArgumentException">A value is out of its range; the message shows both.</exception>
    public QueryExpansion Validate()
    {
        if (Neighbours < 1) throw new ArgumentException($"the number of neighbours of an expansion is {Neighbours}; give 1 or more");
        if (!(Alpha >= 0 && double.IsFinite(Alpha))) throw new ArgumentException($"α of an expansion is {Alpha}; give 0 or more");
        return this;
    }

    /// <summary>q' = q + Σ max(0, s_i)^α x_i, scaled to length 1, x_i the n nearest rows and s_i their cosines. A row at a right angle or beyond has no say.</summary>
    /// <param name="index">What is searched, by the cosine.</param>
    /// <param name="queries">[Q, D]; taken as unit vectors.</param>
    /// <param name="excluded">For each query an id that has no say in its expansion, −1 for none; or empty. Where queries are rows of the index, or made from them, it must be given, or each is its own first neighbour.</param>
    /// <param name="filter">Which rows may be neighbours; null for all.</param>
    /// <returns>[Q, D], unit rows.</returns>
    /// <exception cref="ArgumentException">A value is out of range, or the index is by another metric.</exception>
    public float[] Expand(ExactIndex index, ReadOnlySpan<float> queries, ReadOnlySpan<long> excluded = default, RowFilter? filter = null)
    {
        Validate();
        if (index.Metric != Metric.Cosine) throw new ArgumentException($"query expansion weighs rows by their cosine, and the index is by {index.Metric}; make it again by the cosine");
        int dimension = index.Dimension;
        float[] unit = UnitRows.Normalize(queries, dimension).ToArray(), row = new float[dimension];
        Ranking nearest = index.Search(unit, (int)Math.Min(Neighbours, Math.Max(1, index.Rows)), excluded, filter);
        var sum = new double[dimension];
        for (int q = 0; q < nearest.Queries; q++)
        {
            Span<float> query = unit.AsSpan(q * dimension, dimension);
            for (int d = 0; d < dimension; d++) sum[d] = query[d];
            for (int rank = 0; rank < nearest.K && nearest.Ids(q)[rank] is >= 0 and long id; rank++)
            {
                double weight = Math.Pow(Math.Max(0, (double)nearest.Scores(q)[rank]), Alpha);
                index.ReadRow(id, row);
                for (int d = 0; d < dimension; d++) sum[d] += weight * row[d];
            }
            double length = Math.Sqrt(sum.Sum(s => s * s));
            if (length > 0)
                for (int d = 0; d < dimension; d++) query[d] = (float)(sum[d] / length);
        }
        return unit;
    }
}
