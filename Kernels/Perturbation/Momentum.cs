using System.Runtime.Intrinsics;
using Osprey.Kernels.Arithmetic;

namespace Osprey.Kernels.Perturbation;

/// <summary>The accumulated gradient of MI-FGSM (Dong et al. 2018, equation 6): m ← μ·m + ∇/‖∇‖₁. The float and the vector form give the same bits.</summary>
internal static class Momentum
{
    /// <summary>Added to ‖∇‖₁, so that a zero gradient adds nothing; far below the norm of any other.</summary>
    const double Epsilon = 1e-30;

    public static float Scale(double l1) => (float)(1 / (l1 + Epsilon));

    public static float Next(float momentum, float gradient, float decay, float scale) => CudaMath.Fma(decay, momentum, scale * gradient);

    public static Vector512<float> Next(Vector512<float> momentum, Vector512<float> gradient, Vector512<float> decay, Vector512<float> scale) =>
        Vector512.FusedMultiplyAdd(decay, momentum, scale * gradient);
}
