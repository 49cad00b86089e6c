using System.Reflection;

namespace Osprey.Kernels.Sharing;

/// <summary>
/// A CUDA context and a stream of it that somebody else owns (torch, say): kernels are launched there, on memory that is there already. ILGPU is then
/// only the compiler; its own accelerator has a context of its own, in which that memory cannot be read.
/// </summary>
public interface ICudaContext
{
    CudaTraits Traits { get; }

    /// <summary>A kernel as a handle for <see cref="Launch"/>. It is compiled and loaded when it is first asked for, and kept with the context.</summary>
    /// <param name="kernel">The method. Its text is not asked: ILGPU numbers the names in it anew each time.</param>
    /// <param name="compile">Makes the module's PTX and the kernel's name in it.</param>
    nint Load(MethodInfo kernel, Func<MethodInfo, (string Ptx, string Entry)> compile);

    /// <summary>So many bytes of device memory, zero. For what a kernel keeps between launches, not for one of them.</summary>
    nint AllocateZeros(long bytes);

    void Free(nint address);

    /// <summary>Puts zeros on the stream, as <see cref="Launch"/> does a launch.</summary>
    void Clear(nint address, long bytes);

    /// <summary>Copies values to the device after all that is on the stream, and returns when they are the caller's again. It may wait for the stream.</summary>
    void Upload(nint address, ReadOnlySpan<byte> values);

    /// <summary>Puts a launch on the stream, after all that is there, and does not wait for it.</summary>
    /// <param name="kernel">From <see cref="Load"/>.</param>
    /// <param name="groups">Of the grid, 1 or more.</param>
    /// <param name="groupSize">Threads of a group.</param>
    /// <param name="arguments">The kernel's parameters, each where its offset says, as PTX declares them.</param>
    /// <param name="offsets">One for each parameter.</param>
    void Launch(nint kernel, int groups, int groupSize, ReadOnlySpan<byte> arguments, ReadOnlySpan<int> offsets);
}
