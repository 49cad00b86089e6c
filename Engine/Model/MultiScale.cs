using static TorchSharp.torch;

namespace Osprey.Engine.Model;

/// <summary>
/// One description of an image at several sizes (Radenović et al. 2018, §3.3; public code cnnimageretrieval-pytorch, <c>extract_ms</c>):
/// v = (1/|S| Σ_s v_s^msp)^(1/msp), the generalised mean of the descriptors at each scale.
/// </summary>
static class MultiScale
{
    /// <summary>Smallest side of a scaled image, in pixels; the smallest that <see cref="EmbedderConfig.ImageSize"/> takes, too.</summary>
    public const int SmallestSide = 16;

    /// <summary>⌊scale · side⌋ pixels, as torch's <c>interpolate</c> has it; 1e-6 forgives a scale such as 0.7 of 10.</summary>
    public static int Side(int side, double scale) => (int)Math.Floor(scale * side + 1e-6);

    /// <summary>Differentiable. The image is scaled by torch's antialiased bilinear filter, the one that made it square; the public code scales without antialiasing.</summary>
    /// <param name="pixels">[N,3,H,W].</param>
    /// <param name="scales">S.</param>
    /// <param name="power">msp, above 0; other than 1 only for descriptors without negative values.</param>
    /// <param name="describe">[N,3,h,w] → [N,D], unit rows.</param>
    /// <returns>[N,D], not yet of unit length.</returns>
    public static Tensor Describe(Tensor pixels, ScaleSet scales, double power, Func<Tensor, Tensor> describe)
    {
        int height = (int)pixels.shape[2], width = (int)pixels.shape[3];
        Tensor all = stack(scales.Select(s => describe(s == 1 ? pixels : nn.functional.interpolate(
            pixels, size: [Side(height, s), Side(width, s)], mode: InterpolationMode.Bilinear, align_corners: false, antialias: true))), dim: 0);
        if (power == 1) return all.mean([0]);
        // Powers of small values run out of float32; relative to the largest of the scales they do not, and the mean is the same.
        Tensor largest = all.detach().amax([0]).clamp_min(1e-30);
        return largest * (all / largest).pow(power).mean([0]).pow(1 / power);
    }
}
