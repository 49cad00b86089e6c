using ILGPU;
using ILGPU.Runtime;

namespace Osprey.Kernels.Sharing;

/// <summary>Device memory of another context as ILGPU's views need it. Nothing is copied through it: only its address is read, at a launch.</summary>
internal sealed class ContextMemory : MemoryBuffer
{
    readonly ICudaContext? owner;

    /// <summary>All of the device's addresses, from 0, none of them ours: a view of it begins at its address.</summary>
    public ContextMemory(Accelerator accelerator)
        : base(accelerator, long.MaxValue / sizeof(float), sizeof(float))
    {
    }

    /// <summary>Memory of ours in <paramref name="owner"/>, freed when this is disposed.</summary>
    /// <param name="accelerator">Whose books it stands in.</param>
    /// <param name="owner">The context.</param>
    /// <param name="length">In elements.</param>
    /// <param name="elementSize">In bytes.</param>
    public ContextMemory(Accelerator accelerator, ICudaContext owner, long length, int elementSize)
        : base(accelerator, length, elementSize)
    {
        this.owner = owner;
        NativePtr = owner.AllocateZeros(checked(length * elementSize));
    }

    protected override void MemSet(AcceleratorStream stream, byte value, in ArrayView<byte> targetView) => throw Unreachable();

    protected override void CopyFrom(AcceleratorStream stream, in ArrayView<byte> sourceView, in ArrayView<byte> targetView) => throw Unreachable();

    protected override void CopyTo(AcceleratorStream stream, in ArrayView<byte> sourceView, in ArrayView<byte> targetView) => throw Unreachable();

    static InvalidOperationException Unreachable() => new("memory of another CUDA context is read and written by kernels alone");

    protected override void DisposeAcceleratorObject(bool disposing)
    {
        if (disposing && NativePtr != 0) owner?.Free(NativePtr);
        NativePtr = 0;
    }
}
