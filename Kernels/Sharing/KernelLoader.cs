using ILGPU;
using ILGPU.Runtime;

namespace Osprey.Kernels.Sharing;

/// <summary>Where kernels are loaded and launched: ILGPU's own accelerator (<see cref="AcceleratorLoader"/>) or somebody else's context (<see cref="ContextLoader"/>).</summary>
internal abstract class KernelLoader : IDisposable
{
    /// <summary>Lanes of a warp, on every GPU and on the simulator.</summary>
    public const int WarpSize = 32;

    public abstract int Multiprocessors { get; }

    public abstract int MaxGroupSize { get; }

    /// <summary>Device memory, all zeros, for <see cref="ScratchBuffer{T}"/>.</summary>
    public abstract MemoryBuffer AllocateZeros(long length, int elementSize);

    /// <summary>Zeros into <paramref name="target"/>, in order with the launches.</summary>
    public abstract void Clear<T>(ArrayView<T> target)
        where T : unmanaged;

    /// <summary>A copy of <paramref name="values"/> into <paramref name="target"/>, after the launches before it, which it may wait for: for tables that seldom change.</summary>
    public abstract void Upload<T>(ArrayView<T> target, ReadOnlySpan<T> values)
        where T : unmanaged;

    public abstract Action<KernelConfig, T1, T2, T3> Load<T1, T2, T3>(Action<T1, T2, T3> kernel)
        where T1 : struct
        where T2 : struct
        where T3 : struct;

    public abstract Action<KernelConfig, T1, T2, T3, T4> Load<T1, T2, T3, T4>(Action<T1, T2, T3, T4> kernel)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct;

    public abstract Action<KernelConfig, T1, T2, T3, T4, T5> Load<T1, T2, T3, T4, T5>(Action<T1, T2, T3, T4, T5> kernel)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct;

    public abstract Action<KernelConfig, T1, T2, T3, T4, T5, T6> Load<T1, T2, T3, T4, T5, T6>(Action<T1, T2, T3, T4, T5, T6> kernel)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
        where T6 : struct;

    public abstract Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7> Load<T1, T2, T3, T4, T5, T6, T7>(Action<T1, T2, T3, T4, T5, T6, T7> kernel)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
        where T6 : struct
        where T7 : struct;

    public abstract Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8> Load<T1, T2, T3, T4, T5, T6, T7, T8>(Action<T1, T2, T3, T4, T5, T6, T7, T8> kernel)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
        where T6 : struct
        where T7 : struct
        where T8 : struct;

    public abstract Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8, T9> Load<T1, T2, T3, T4, T5, T6, T7, T8, T9>(Action<T1, T2, T3, T4, T5, T6, T7, T8, T9> kernel)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
        where T6 : struct
        where T7 : struct
        where T8 : struct
        where T9 : struct;

    public abstract void Dispose();
}
