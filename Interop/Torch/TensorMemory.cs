using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Osprey.Interop.Torch;

/// <summary>
/// Spans over a tensor's own memory, without a copy. A span is valid while its tensor lives: keep the tensor referenced until the last use.
/// </summary>
public static class TensorMemory
{
    /// <summary>The values of a contiguous float32 tensor on the CPU, in row-major order.</summary>
    /// <exception cref="ArgumentException">The tensor is of another type, elsewhere, or not contiguous.</exception>
    public static ReadOnlySpan<float> Read(Tensor t) => Write(t);

    /// <summary>As <see cref="Read"/>, to write into. Autograd does not see what is written.</summary>
    /// <exception cref="ArgumentException">The tensor is of another type, elsewhere, or not contiguous.</exception>
    public static Span<float> Write(Tensor t) => Write<float>(t, ScalarType.Float32);

    /// <summary>As <see cref="Write(Tensor)"/>, of a tensor whose values are <typeparamref name="T"/>, which torch calls <paramref name="type"/>.</summary>
    internal static unsafe Span<T> Write<T>(Tensor t, ScalarType type) where T : unmanaged
    {
        if (t.dtype != type) throw new ArgumentException($"the tensor {Describe(t)} holds {t.dtype}; kernels take {type.ToString().ToLowerInvariant()}: use .to({type.ToString().ToLowerInvariant()})");
        if (t.device_type != DeviceType.CPU) throw new ArgumentException($"the tensor {Describe(t)} is on {t.device}; use .cpu()");
        if (!t.is_contiguous()) throw new ArgumentException($"the tensor {Describe(t)} is not contiguous; use .contiguous()");
        long count = t.numel();
        if (count > int.MaxValue) throw new ArgumentException($"the tensor {Describe(t)} has {count} values, more than {int.MaxValue}; use a smaller batch");
        if (count == 0) return [];
        if (count <= int.MaxValue / sizeof(T)) return MemoryMarshal.Cast<byte, T>(t.bytes);
        // TorchSharp's span counts bytes in an int; its first value shows where the others are.
        using Tensor plain = t.detach(), flat = plain.view(-1), first = flat.narrow(0, 0, 1);
        fixed (byte* start = first.bytes) return new Span<T>(start, (int)count);
    }

    /// <summary>A copy of the values of any float32 tensor on the CPU, contiguous or not.</summary>
    public static float[] ToArray(Tensor t)
    {
        using Tensor values = t.detach(), contiguous = values.contiguous();
        return Read(contiguous).ToArray();
    }

    /// <summary>A new float32 tensor with a copy of the values.</summary>
    /// <exception cref="ArgumentException">The shape has another number of values.</exception>
    public static Tensor FromSpan(ReadOnlySpan<float> values, params long[] shape)
    {
        long count = 1;
        foreach (long size in shape) count *= size;
        if (count != values.Length) throw new ArgumentException($"{values.Length} values make no tensor of [{string.Join(", ", shape)}]");
        Tensor t = empty(shape, float32);
        values.CopyTo(Write(t));
        return t;
    }

    internal static string Describe(Tensor t) => $"[{string.Join(", ", t.shape)}]";
}
