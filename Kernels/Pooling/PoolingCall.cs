using System.Runtime.CompilerServices;
namespace Osprey.Kernels.Pooling;

/// <summary>What a call on the host works on: pinned memory of the caller.</summary>
/// <typeparam name="T">The map's type: float, <see cref="Half"/> or <see cref="BFloat16"/>.</typeparam>
internal unsafe struct PoolingCall<T>
    where T : unmanaged
{
    public MapShape Shape;

    public T* Map, GradMap;

    /// <summary>[N,C].</summary>
    public float* Pooled, GradPooled;

    /// <summary>GeM's powers: one, or one per channel.</summary>
    public float* Powers;

    /// <summary>0: one power for all channels; 1: one for each.</summary>
    public int PowerStep;

    /// <summary>[N,C], written: Σ t^p·ln t with t = x/y, for ∂L/∂p; null where that is not wanted.</summary>
    public float* Terms;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly float Power(int channel) => Powers[channel * PowerStep];
}
