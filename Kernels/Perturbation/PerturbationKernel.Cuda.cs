using ILGPU;

namespace Osprey.Kernels.Perturbation;

/// <summary>The CUDA kernels: a thread per value, neighbours in neighbouring threads.</summary>
internal static class PerturbationCuda
{
    [CudaKernel]
    public static void StepLInf(ArrayView<float> clean, ArrayView<float> gradient, ArrayView<float> perturbed, float stepSize, float epsilon)
    {
        long stride = (long)Grid.DimX * Group.DimX;
        for (long i = (long)Grid.IdxX * Group.DimX + Group.IdxX; i < perturbed.Length; i += stride)
            perturbed[i] = LInfStep.Apply(clean[i], gradient[i], perturbed[i], stepSize, epsilon);
    }
}
