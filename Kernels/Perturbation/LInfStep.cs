using System.Runtime.Intrinsics;

namespace Osprey.Kernels.Perturbation;

/// <summary>
/// One ascent step under ℓ∞: x + α·sign(g), back into [clean − ε, clean + ε] ∩ [0, 1]. A gradient of 0 moves nothing; a NaN
/// stays one. The float and the vector form give the same bits.
/// </summary>
internal static class LInfStep
{
    public static float Apply(float clean, float gradient, float x, float stepSize, float epsilon)
    {
        float step = gradient > 0 ? stepSize : gradient < 0 ? -stepSize : gradient;
        return Project(clean, x + step, epsilon);
    }

    public static float Project(float clean, float x, float epsilon)
    {
        float low = clean - epsilon, high = clean + epsilon;
        if (low < 0) low = 0;
        if (high > 1) high = 1;
        return x < low ? low : x > high ? high : x;
    }

    public static Vector512<float> Apply(Vector512<float> clean, Vector512<float> gradient, Vector512<float> x, Vector512<float> stepSize, Vector512<float> epsilon)
    {
        Vector512<float> step = Vector512.ConditionalSelect(
            Vector512.GreaterThan(gradient, Vector512<float>.Zero),
            stepSize,
            Vector512.ConditionalSelect(Vector512.LessThan(gradient, Vector512<float>.Zero), -stepSize, gradient));
        return Project(clean, x + step, epsilon);
    }

    public static Vector512<float> Project(Vector512<float> clean, Vector512<float> x, Vector512<float> epsilon)
    {
        Vector512<float> low = clean - epsilon, high = clean + epsilon;
        low = Vector512.ConditionalSelect(Vector512.LessThan(low, Vector512<float>.Zero), Vector512<float>.Zero, low);
        high = Vector512.ConditionalSelect(Vector512.GreaterThan(high, Vector512<float>.One), Vector512<float>.One, high);
        x = Vector512.ConditionalSelect(Vector512.LessThan(x, low), low, x);
        return Vector512.ConditionalSelect(Vector512.GreaterThan(x, high), high, x);
    }
}
