using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Runtime.Cuda;

namespace Osprey.Kernels.Arithmetic;

/// <summary>What CUDA kernels share. Each also runs on the simulator.</summary>
internal static class CudaMath
{
    /// <summary>a·b + c rounded once, on every device. ILGPU knows no PTX for <see cref="MathF.FusedMultiplyAdd"/>.</summary>
    public static float Fma(float a, float b, float c)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit("fma.rn.f32 %0, %1, %2, %3;", out float fused, a, b, c);
            return fused;
        }
        // The product is exact in double; the second rounding differs from a true fma once in 2^29.
        return (float)((double)a * b + c);
    }

    public static float Sqrt(float x) => XMath.Sqrt(x);

    /// <summary>The sum over the warp, in every lane, always in the same order.</summary>
    public static float WarpSum(float value)
    {
        for (int distance = Warp.WarpSize / 2; distance > 0; distance /= 2) value += Warp.ShuffleXor(value, distance);
        return value;
    }
}
