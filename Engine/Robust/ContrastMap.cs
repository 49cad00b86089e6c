using TorchSharp;
using static TorchSharp.torch;

namespace Osprey.Engine.Robust;

/// <summary>
/// How far each pixel may move: all of ε where its surroundings vary by a full contrast or more, in proportion less where they vary less, nothing in a flat
/// area. After Croce and Hein 2019 ("Sparse and Imperceivable Adversarial Attacks"), who hold changes to such a map because the eye overlooks them in
/// texture; here so that images of little contrast keep the small differences that tell them apart.
/// </summary>
internal static class ContrastMap
{
    /// <summary>Side of the surroundings, pixels. At 112 px, on which it was tried, a twelfth of the image.</summary>
    public const int Window = 9;

    /// <param name="pixels">[N,C,H,W] in 0..1, of any side.</param>
    /// <param name="fullContrast">σ₀, above 0: the standard deviation of brightness, the mean of the channels, within the window from which on a pixel may move by all of ε.</param>
    /// <returns>[N,1,H,W]: min(1, σ/σ₀). Windows at the border hold fewer pixels.</returns>
    public static Tensor Of(Tensor pixels, double fullContrast)
    {
        using var disabled = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor brightness = pixels.mean([1L], keepdim: true);
        // About the middle, or float32 would lose the contrast of a bright and nearly flat image.
        brightness = brightness - brightness.mean([2L, 3L], keepdim: true);
        Tensor mean = Surroundings(brightness), variance = (Surroundings(brightness * brightness) - (mean * mean)).clamp_min(0);
        return (variance.sqrt() / fullContrast).clamp_max(1).MoveToOuterDisposeScope();
    }

    static Tensor Surroundings(Tensor values) => nn.functional.avg_pool2d(values, [Window, Window], [1, 1], [Window / 2, Window / 2], ceil_mode: false, count_include_pad: false);
}
