using System.Text.Json.Serialization;
using Osprey.Engine.Robust;

namespace Osprey.Engine.Evaluation;

/// <summary>Retrieval and classification with corrupted images as queries against clean ones.</summary>
/// <remarks>As JSON, for each figure <c>map</c>, <c>map_ci</c> of the corrupted images and <c>clean_map</c>, <c>clean_map_ci</c> of the same images as they are.</remarks>
public sealed class CorruptionReport
{
    readonly Corruption corruption;

    internal CorruptionReport(Corruption corruption, IReadOnlyDictionary<string, Figure> corrupted, IReadOnlyDictionary<string, Figure> clean)
    {
        this.corruption = corruption;
        Corrupted = corrupted;
        Clean = clean;
    }

    public CorruptionKind Kind => corruption.Kind;

    /// <summary>1, the mildest, to <see cref="Corruption.Severities"/>.</summary>
    public int Severity => corruption.Severity;

    /// <summary>The severity in the kind's own unit; see <see cref="Corruption.Amount"/>.</summary>
    public double Amount => corruption.Amount;

    /// <summary>Images corrupted.</summary>
    public required int Queries { get; init; }

    /// <summary>Mean of 1 − cosine between the descriptors before and after.</summary>
    public required double Shift { get; init; }

    /// <summary>By name, as in <see cref="RobustReport.Attacked"/>.</summary>
    [JsonIgnore]
    public IReadOnlyDictionary<string, Figure> Corrupted { get; }

    /// <summary>The same figures of the same images, not corrupted.</summary>
    [JsonIgnore]
    public IReadOnlyDictionary<string, Figure> Clean { get; }

    [JsonExtensionData]
    public IDictionary<string, object> Json =>
        Figure.Flatten([.. Corrupted, .. Clean.Select(c => KeyValuePair.Create("clean_" + c.Key, c.Value))]);
}
