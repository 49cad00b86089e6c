namespace Osprey.Engine.Benchmarks.Scale;

/// <summary>What one query more costs: the difference of two searches that differ in their number of queries alone, so that nothing of start, opening and warming up is in it.</summary>
/// <param name="Rows">N.</param>
/// <param name="Dimension">D.</param>
/// <param name="Ranks">R.</param>
/// <param name="Workers">Cores at work.</param>
/// <param name="K">Neighbours.</param>
/// <param name="Seconds">Above 0.</param>
public sealed record QueryCost(long Rows, int Dimension, int Ranks, int Workers, int K, double Seconds)
{
    /// <summary>Of the most queries and the second most of each shape, medians over the turns. A shape with one number of queries, or whose difference is lost in other work, has none.</summary>
    public static IReadOnlyList<QueryCost> Of(IReadOnlyList<ScaleRun> runs) =>
    [
        .. from shape in runs.GroupBy(r => (r.Rows, r.Dimension, r.Ranks, r.Workers, r.K))
           let byQueries = shape.GroupBy(r => r.Queries).OrderByDescending(g => g.Key).Take(2).ToArray()
           where byQueries.Length == 2
           let seconds = (ScaleRun.Median(byQueries[0], r => r.SearchSeconds) - ScaleRun.Median(byQueries[1], r => r.SearchSeconds)) / (byQueries[0].Key - byQueries[1].Key)
           where seconds > 0
           orderby shape.Key.Rows, shape.Key.Ranks
           select new QueryCost(shape.Key.Rows, shape.Key.Dimension, shape.Key.Ranks, shape.Key.Workers, shape.Key.K, seconds),
    ];
}
