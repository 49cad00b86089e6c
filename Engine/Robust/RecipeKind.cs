using System.Text.Json.Serialization;

namespace Osprey.Engine.Robust;

public enum RecipeKind
{
    /// <summary>Plain fine-tuning: L(x).</summary>
    None,

    /// <summary>(1−w)·L(x; main norms) + w·L(x_adv; auxiliary norms). Xie et al. 2020, <i>Adversarial Examples Improve Image Recognition</i>.</summary>
    [JsonStringEnumMemberName("advprop")]
    AdvProp,

    /// <summary>AdvProp on a part of the batch with one attack step; every image counts once. Mei et al. 2022, <i>Fast AdvProp</i>.</summary>
    [JsonStringEnumMemberName("fast-advprop")]
    FastAdvProp,

    /// <summary>L(x_adv) alone, x_adv moved as far as it can from its own descriptor. Zhou et al. 2020, <i>Adversarial Ranking Attack and Defense</i>.</summary>
    Est,

    /// <summary>L(x) + λ·mean d(f(x_adv), f(x)), the same attack. Zhou et al. 2020, supplementary material.</summary>
    Ses,

    /// <summary>mean ‖f(x_adv) − f₀(x)‖², f₀ the network before the first step; no labels. Schlarmann et al. 2024, <i>Robust CLIP</i>.</summary>
    Fare,
}
