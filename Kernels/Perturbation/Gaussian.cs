using System.Runtime.Intrinsics;
using ILGPU.Algorithms;
using Osprey.Kernels.Arithmetic;

namespace Osprey.Kernels.Perturbation;

/// <summary>Box and Muller's transform: two random words to two independent standard normal values.</summary>
internal static class Gaussian
{
    public static float Pair(uint word0, uint word1, out float second)
    {
        // 1 − u lies in (0, 1]: its logarithm is finite.
        float radius = XMath.Sqrt(-2 * Elementary.Log(1 - Philox.Unit(word0)));
        float sine = Elementary.SinCosTurn(Philox.Unit(word1), out float cosine);
        second = radius * sine;
        return radius * cosine;
    }

    public static Vector512<float> Pair(Vector512<uint> word0, Vector512<uint> word1, out Vector512<float> second)
    {
        Vector512<float> radius = Vector512.Sqrt(ElementaryLanes.Log(Vector512<float>.One - Philox.Unit(word0)) * -2);
        Vector512<float> sine = ElementaryLanes.SinCosTurn(Philox.Unit(word1), out Vector512<float> cosine);
        second = radius * sine;
        return radius * cosine;
    }
}
