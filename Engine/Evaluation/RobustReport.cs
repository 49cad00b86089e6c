using System.Text.Json.Serialization;
using Osprey.Engine.Robust;
using Osprey.Kernels.Perturbation;

namespace Osprey.Engine.Evaluation;

/// <summary>Retrieval and classification with attacked images as queries against clean ones.</summary>
/// <remarks>
/// As JSON, for each figure <c>map</c>, <c>map_ci</c> under attack and <c>clean_map</c>, <c>clean_map_ci</c> of the same images before it: the
/// queries are a sample, so only these two may be compared.
/// </remarks>
public sealed class RobustReport
{
    internal RobustReport(Threat threat, IReadOnlyDictionary<string, Figure> attacked, IReadOnlyDictionary<string, Figure> clean)
    {
        Threat = threat;
        Attacked = attacked;
        Clean = clean;
    }

    [JsonIgnore]
    public Threat Threat { get; }

    public PerturbationNorm Norm => Threat.Norm;

    /// <summary>Radius, in units of the pixel range.</summary>
    public double Epsilon => Threat.Epsilon;

    public int Steps => Threat.Steps;

    public int Restarts => Threat.Restarts;

    /// <summary>Images attacked.</summary>
    public required int Queries { get; init; }

    /// <summary>Mean of 1 − cosine between the descriptors before and after: what the attack increases. Of several restarts the largest of each image.</summary>
    public required double Shift { get; init; }

    /// <summary>A few of the attacked images, to look at.</summary>
    [JsonIgnore]
    public IReadOnlyList<AdversarialExample> Examples { get; init; } = [];

    /// <summary>By name: <c>map</c>, <c>p_at_k</c> for each cut-off, and the classifiers' where there are classes to tell apart. Of several restarts, each figure of each image is its worst.</summary>
    [JsonIgnore]
    public IReadOnlyDictionary<string, Figure> Attacked { get; }

    /// <summary>The same figures of the same images, not attacked.</summary>
    [JsonIgnore]
    public IReadOnlyDictionary<string, Figure> Clean { get; }

    [JsonExtensionData]
    public IDictionary<string, object> Json =>
        Figure.Flatten([.. Attacked, .. Clean.Select(c => KeyValuePair.Create("clean_" + c.Key, c.Value))]);
}
