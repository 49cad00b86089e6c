using System.Text.Json.Serialization;

namespace Osprey.Engine.Evaluation;

/// <summary>Retrieval over one data set: every image a query against all the others.</summary>
/// <remarks>As JSON: the counts, then for each figure <c>map</c> and <c>map_ci</c>, <c>p_at_10</c> and <c>p_at_10_ci</c>, and so on.</remarks>
public sealed class RetrievalReport
{
    internal RetrievalReport(IReadOnlyDictionary<string, Figure> figures, int[] queryIds, double[] averagePrecisions, double[] precisionRecall)
    {
        Figures = figures;
        QueryIds = queryIds;
        AveragePrecisions = averagePrecisions;
        PrecisionRecall = precisionRecall;
    }

    /// <summary>Queries in the means.</summary>
    public int Queries => QueryIds.Length;

    /// <summary>Images whose class has no other image: they are ranked, yet are no queries.</summary>
    public required int LeftOut { get; init; }

    /// <summary>
    /// By name: <c>map</c>, <c>map_trapezoid</c>, <c>map_at_r</c>, <c>r_precision</c>, <c>anmrr</c>, <c>anmrr_manjunath</c>, and for each cut-off
    /// k <c>p_at_k</c>, <c>r_at_k</c>, <c>map_at_k</c> (divided by min(n, k)) and <c>map_at_k_over_k</c> (divided by k).
    /// </summary>
    [JsonIgnore]
    public IReadOnlyDictionary<string, Figure> Figures { get; }

    /// <summary>Ids of the queries in the means, rising.</summary>
    [JsonIgnore]
    public int[] QueryIds { get; }

    /// <summary>Standard AP of each of <see cref="QueryIds"/>.</summary>
    [JsonIgnore]
    public double[] AveragePrecisions { get; }

    /// <summary>Mean interpolated precision at recalls 0, 0.01, …, 1.</summary>
    [JsonIgnore]
    public double[] PrecisionRecall { get; }

    [JsonIgnore]
    public Figure Map => Figures["map"];

    [JsonExtensionData]
    public IDictionary<string, object> Json => Figure.Flatten(Figures);
}
