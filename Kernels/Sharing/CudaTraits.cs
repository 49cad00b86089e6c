namespace Osprey.Kernels.Sharing;

/// <summary>What the compiler and the launches must know of a CUDA device.</summary>
/// <param name="Major">Of the compute capability: 9 for an H100 or H200.</param>
/// <param name="Minor">Of the compute capability.</param>
/// <param name="DriverVersion">1000·major + 10·minor of the CUDA version that the driver serves: it refuses newer PTX.</param>
/// <param name="Multiprocessors">1 or more.</param>
/// <param name="MaxGroupSize">The most threads of a group.</param>
public readonly record struct CudaTraits(int Major, int Minor, int DriverVersion, int Multiprocessors, int MaxGroupSize);
