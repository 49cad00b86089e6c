using System.Text.Json.Serialization;

namespace Osprey.Kernels.Perturbation;

/// <summary>The norm that bounds a perturbation of one image.</summary>
public enum PerturbationNorm
{
    /// <summary>The largest change of any value: ℓ∞.</summary>
    [JsonStringEnumMemberName("linf")]
    LInf,

    /// <summary>The Euclidean length of the change of the whole image: ℓ2.</summary>
    [JsonStringEnumMemberName("l2")]
    L2,
}
