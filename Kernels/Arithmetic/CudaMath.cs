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

    public static double WarpSum(double value)
    {
        for (int distance = Warp.WarpSize / 2; distance > 0; distance /= 2) value += Warp.ShuffleXor(value, distance);
        return value;
    }

    /// <summary>The sum over a group of at most 32 whole warps, in every thread, always in the same order. Every thread of the group must call it.</summary>
    public static float GroupSum(float value)
    {
        ArrayView<float> warps = SharedMemory.Allocate<float>(32);
        value = WarpSum(value);
        if (Warp.LaneIdx == 0) warps[Group.IdxX / Warp.WarpSize] = value;
        Group.Barrier();
        float sum = 0;
        for (int w = 0; w < Group.DimX / Warp.WarpSize; w++) sum += warps[w];
        // The next call may write only when all have read.
        Group.Barrier();
        return sum;
    }
}
