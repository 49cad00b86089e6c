using System.Text.Json.Serialization;

namespace Osprey.Engine.Evaluation;

/// <summary>What is done to a query or to its answer beyond comparing descriptors.</summary>
public enum RefinementKind
{
    /// <summary><see cref="Osprey.Engine.Retrieval.QueryExpansion"/>.</summary>
    QueryExpansion,

    /// <summary><see cref="Osprey.Engine.Retrieval.ReRanking"/>.</summary>
    ReRanking,
}

/// <summary>Retrieval with expanded queries or re-ranked answers.</summary>
/// <param name="Kind">What was done.</param>
/// <param name="Retrieval">The same figures of the same queries as the plain ones.</param>
/// <param name="MapGain">Mean difference of AP against the plain ranking, paired by query, positive where it helps.</param>
/// <param name="MapGainCi">Its 95 % interval.</param>
public sealed record RefinedReport(RefinementKind Kind, RetrievalReport Retrieval, double MapGain, double[] MapGainCi)
{
    [JsonIgnore]
    public Figure Gain => new(MapGain, MapGainCi[0], MapGainCi[1]);
}
