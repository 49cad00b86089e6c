using static TorchSharp.torch;

namespace Osprey.Interop.Formats;

/// <summary>Tensor values to and from streams, without a second copy of them.</summary>
static class TensorBytes
{
    /// <summary>A contiguous CPU tensor filled with the next bytes of <paramref name="source"/>. The caller has checked that they are there.</summary>
    public static Tensor Read(Stream source, ScalarType type, ReadOnlySpan<long> shape, string what)
    {
        long bytes = ElementType.Size(type);
        foreach (long size in shape) bytes *= size;
        if (bytes > int.MaxValue) throw new NotSupportedException($"{what} has {bytes} bytes; one tensor may have up to {int.MaxValue}");
        Tensor tensor = empty(shape, dtype: type);
        try
        {
            if (bytes > 0) source.ReadExactly(tensor.bytes);
            return tensor;
        }
        catch (EndOfStreamException e)
        {
            tensor.Dispose();
            throw new InvalidDataException($"{what} ends before its {bytes} bytes do", e);
        }
    }

    public static void Write(Stream destination, Tensor tensor, string name)
    {
        using Tensor detached = tensor.detach();
        using Tensor local = detached.cpu();
        using Tensor dense = local.contiguous();
        long bytes = dense.NumberOfElements * ElementType.Size(dense.dtype);
        if (bytes > int.MaxValue) throw new NotSupportedException($"{name} has {bytes} bytes; one tensor may have up to {int.MaxValue}");
        // A view's bytes start at its own offset, and contiguous() leaves a dense view where it is.
        if (bytes > 0) destination.Write(dense.bytes[..(int)bytes]);
    }
}
