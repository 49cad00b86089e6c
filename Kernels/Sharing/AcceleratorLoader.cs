using ILGPU;
using ILGPU.Runtime;

namespace Osprey.Kernels.Sharing;

/// <summary>Kernels on ILGPU's own accelerator, which stays its owner's: CUDA in a context of its own, or the simulator.</summary>
internal sealed class AcceleratorLoader(Accelerator accelerator) : KernelLoader
{
    public override int Multiprocessors => accelerator.NumMultiprocessors;

    public override int MaxGroupSize => accelerator.MaxNumThreadsPerGroup;

    public override MemoryBuffer AllocateZeros(long length, int elementSize)
    {
        MemoryBuffer memory = accelerator.AllocateRaw(length, elementSize);
        memory.AsRawArrayView().MemSetToZero(accelerator.DefaultStream);
        return memory;
    }

    public override void Clear<T>(ArrayView<T> target) => target.MemSetToZero(accelerator.DefaultStream);

    public override void Upload<T>(ArrayView<T> target, ReadOnlySpan<T> values) => target.CopyFromCPU(accelerator.DefaultStream, values);

    public override Action<KernelConfig, T1, T2, T3> Load<T1, T2, T3>(Action<T1, T2, T3> kernel) => accelerator.LoadStreamKernel(kernel);

    public override Action<KernelConfig, T1, T2, T3, T4> Load<T1, T2, T3, T4>(Action<T1, T2, T3, T4> kernel) => accelerator.LoadStreamKernel(kernel);

    public override Action<KernelConfig, T1, T2, T3, T4, T5> Load<T1, T2, T3, T4, T5>(Action<T1, T2, T3, T4, T5> kernel) => accelerator.LoadStreamKernel(kernel);

    public override Action<KernelConfig, T1, T2, T3, T4, T5, T6> Load<T1, T2, T3, T4, T5, T6>(Action<T1, T2, T3, T4, T5, T6> kernel) => accelerator.LoadStreamKernel(kernel);

    public override Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7> Load<T1, T2, T3, T4, T5, T6, T7>(Action<T1, T2, T3, T4, T5, T6, T7> kernel) =>
        accelerator.LoadStreamKernel(kernel);

    public override Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8> Load<T1, T2, T3, T4, T5, T6, T7, T8>(Action<T1, T2, T3, T4, T5, T6, T7, T8> kernel) =>
        accelerator.LoadStreamKernel(kernel);

    public override Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8, T9> Load<T1, T2, T3, T4, T5, T6, T7, T8, T9>(Action<T1, T2, T3, T4, T5, T6, T7, T8, T9> kernel) =>
        accelerator.LoadStreamKernel(kernel);

    public override void Dispose()
    {
    }
}
