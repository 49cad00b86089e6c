using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ILGPU;

namespace Osprey.Kernels.Sharing;

/// <summary>
/// A kernel's arguments as ILGPU's PTX declares them: a view is an address and a length in elements, 16 bytes; anything else its own bytes. Each
/// begins at a multiple of eight, which suits every parameter.
/// </summary>
internal unsafe struct KernelArguments
{
    const int MostBytes = 256, MostArguments = 16;

    fixed byte bytes[MostBytes];
    fixed int offsets[MostArguments];
    int length, count;

    [UnscopedRef]
    public ref KernelArguments Add<T>(T value)
        where T : struct
    {
        if (value is IContiguousArrayView view) AddView(view);
        else if (RuntimeHelpers.IsReferenceOrContainsReferences<T>()) throw new NotSupportedException($"a kernel's argument is {typeof(T)}, which is no view and no plain bytes");
        else AddBytes(MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)));
        return ref this;
    }

    /// <summary>Where a view's memory lies on its device; 0 where it has no values.</summary>
    public static nint AddressOf(IContiguousArrayView view) => view.Length == 0 ? 0 : view.Buffer.NativePtr + (nint)view.IndexInBytes;

    void AddView(IContiguousArrayView view) => AddBytes(MemoryMarshal.AsBytes<long>([AddressOf(view), view.Length]));

    void AddBytes(ReadOnlySpan<byte> value)
    {
        if (count == MostArguments || length + value.Length > MostBytes) throw new NotSupportedException($"a kernel has more than {MostArguments} arguments or {MostBytes} bytes of them");
        offsets[count++] = length;
        fixed (byte* all = bytes) value.CopyTo(new Span<byte>(all + length, MostBytes - length));
        length += (value.Length + 7) / 8 * 8;
    }

    public void Launch(ICudaContext context, nint kernel, KernelConfig config)
    {
        fixed (byte* b = bytes)
        fixed (int* o = offsets)
            context.Launch(kernel, config.GridDim.X, config.GroupDim.X, new ReadOnlySpan<byte>(b, length), new ReadOnlySpan<int>(o, count));
    }
}
