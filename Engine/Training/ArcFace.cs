using static TorchSharp.torch;

namespace Osprey.Engine.Training;

/// <summary>
/// <see cref="NormSoftmax"/> whose true class must win by an angle m: cosθ becomes cos(θ+m) where cosθ &gt; cos(π−m), and
/// cosθ − m·sin(π−m) beyond, where θ+m would pass π and the cosine rise again. Deng et al. 2019.
/// </summary>
/// <param name="margin">m, radians, in [0, π/2).</param>
public sealed class ArcFace(int classes, int dimension, double scale, double margin, long seed) : NormSoftmax(classes, dimension, scale, seed)
{
    private protected override Tensor WithMargin(Tensor cosine)
    {
        // The clamp keeps the root's slope finite where a descriptor lies on its class direction (cosθ = ±1): zero instead of NaN.
        Tensor sine = (1 - cosine * cosine).clamp_min(1e-10).sqrt();
        Tensor moved = cosine * Math.Cos(margin) - sine * Math.Sin(margin);
        return where(cosine > Math.Cos(Math.PI - margin), moved, cosine - margin * Math.Sin(Math.PI - margin));
    }
}
