using ILGPU.Algorithms;
using Osprey.Kernels.Arithmetic;

namespace Osprey.Kernels.Perturbation;

/// <summary>The per-image numbers of the ℓ2 threat, in double: what host and device combine from sums over an image.</summary>
internal static class L2Ball
{
    /// <summary>Added to the gradient's norm, so that a zero gradient moves nothing.</summary>
    public const double Epsilon = 1e-10;

    /// <summary>
    /// The factors (s, r) of x' = clean + r·(d + s·g), d = x − clean: s = α/(‖g‖₂ + 1e-10), and r brings d + s·g back onto the ball where it is outside.
    /// ‖d + s·g‖² follows from the three sums, so the image is read once for it.
    /// </summary>
    public static float Factors(double dd, double dg, double gg, float stepSize, float epsilon, out float shrink)
    {
        double s = stepSize / (XMath.Sqrt(gg) + Epsilon);
        double norm = XMath.Sqrt(Math.Max(0, dd + (2 * s * dg) + (s * s * gg)));
        shrink = norm > epsilon ? (float)(epsilon / norm) : 1;
        return (float)s;
    }

    /// <summary>
    /// What brings a vector of normal values, Σ v² = <paramref name="square"/>, to the radius of image n's random start: ε·u^(1/d), which with a uniform
    /// direction makes the start uniform in the ball of d dimensions (Muller 1959). For a picture that is nearly ε.
    /// </summary>
    public static float StartFactor(ulong seed, int image, int dimension, float epsilon, double square)
    {
        uint c0 = 0, c1 = 0, c2 = (uint)image, c3 = RandomStream.Radius;
        Philox.Generate(ref c0, ref c1, ref c2, ref c3, (uint)seed, (uint)(seed >> 32));
        float radius = epsilon * Elementary.Power((float)((c0 + 0.5) / 4294967296.0), 1f / dimension);
        return (float)(radius / XMath.Sqrt(square));
    }
}
