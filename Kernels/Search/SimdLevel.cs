using System.Runtime.Intrinsics;

namespace Osprey.Kernels.Search;

/// <summary>Which of the host's micro-kernels runs. All give the same bits.</summary>
enum SimdLevel
{
    /// <summary><see cref="System.Numerics.Vector{T}"/>, whatever its width.</summary>
    Portable,

    Vector256,

    Vector512,
}

static class SimdLevels
{
    /// <summary>The widest that this machine runs in hardware.</summary>
    public static SimdLevel Best =>
        Vector512.IsHardwareAccelerated ? SimdLevel.Vector512 :
        Vector256.IsHardwareAccelerated ? SimdLevel.Vector256 : SimdLevel.Portable;
}
