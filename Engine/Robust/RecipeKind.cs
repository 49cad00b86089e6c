using System.Text.Json.Serialization;

namespace Osprey.Engine.Robust;

public enum RecipeKind
{
    /// <summary>Plain fine-tuning: L(x).</summary>
    None,

    /// <summary>(1−w)·L(x; main norms) + w·L(x_adv; auxiliary norms). Xie et al. 2020, <i>Adversarial Examples Improve Image Recognition</i>.</summary>
    [JsonStringEnumMemberName("advprop")]
    AdvProp,
}
