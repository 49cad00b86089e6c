using System.Runtime.InteropServices;
using Osprey.Kernels.Sharing;
using TorchSharp;
using static TorchSharp.torch;

namespace Osprey.Interop.Torch;

/// <summary>
/// Spans over a tensor's own memory, without a copy. A span is valid while its tensor lives: keep the tensor referenced until the last use.
/// </summary>
public static partial class TensorMemory
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
        CheckLayout(t, type);
        if (t.device_type != DeviceType.CPU) throw new ArgumentException($"the tensor {Describe(t)} is on {t.device}; use .cpu()");
        long count = t.numel();
        if (count > int.MaxValue) throw new ArgumentException($"the tensor {Describe(t)} has {count} values, more than {int.MaxValue}; use a smaller batch");
        if (count == 0) return [];
        if (count <= int.MaxValue / sizeof(T)) return MemoryMarshal.Cast<byte, T>(t.bytes);
        // TorchSharp's span counts bytes in an int; its first value shows where the others are.
        using Tensor plain = t.detach(), flat = plain.view(-1), first = flat.narrow(0, 0, 1);
        fixed (byte* start = first.bytes) return new Span<T>(start, (int)count);
    }

    /// <summary>The values of a contiguous float32 tensor on a CUDA device, for kernels in that device's primary context.</summary>
    /// <param name="t">Kept until the kernel has run: libtorch gives memory of a tensor that is gone to the next one on the same stream, which is in order.</param>
    /// <param name="device">Index of the device it must be on.</param>
    /// <exception cref="ArgumentException">The tensor is of another type, elsewhere, or not contiguous.</exception>
    internal static DeviceSpan<float> OnDevice(Tensor t, int device) => OnDevice<float>(t, ScalarType.Float32, device);

    /// <summary>As <see cref="OnDevice(Tensor, int)"/>, of a tensor whose values are <typeparamref name="T"/>, which torch calls <paramref name="type"/>.</summary>
    internal static DeviceSpan<T> OnDevice<T>(Tensor t, ScalarType type, int device) where T : unmanaged
    {
        CheckLayout(t, type);
        if (t.device_type != DeviceType.CUDA || t.device_index != device) throw new ArgumentException($"the tensor {Describe(t)} is on {t.device}, and another of the call on cuda:{device}; use .cuda()");
        return new DeviceSpan<T>(Address(t), t.numel());
    }

    /// <summary>The bytes of a contiguous tensor on the CPU, whatever it holds, to read and to write.</summary>
    /// <exception cref="ArgumentException">The tensor is elsewhere, not contiguous, or of more than 2 GiB.</exception>
    public static Span<byte> Bytes(Tensor t)
    {
        CheckLayout(t, t.dtype);
        if (t.device_type != DeviceType.CPU) throw new ArgumentException($"the tensor {Describe(t)} is on {t.device}; use .cpu()");
        long bytes = t.numel() * t.element_size();
        if (bytes > int.MaxValue) throw new ArgumentException($"the tensor {Describe(t)} has {bytes} bytes, more than {int.MaxValue}");
        return bytes == 0 ? [] : t.bytes;
    }

    /// <summary>Where the tensor's first value lies, on whatever device; 0 where there is none. Objects that stand for one tensor have the same.</summary>
    public static nint Address(Tensor t)
    {
        if (t.numel() == 0) return 0;
        nint address = THSTensor_data(t.Handle);
        GC.KeepAlive(t);
        return address;
    }

    /// <summary>
    /// libtorch's <c>data_ptr</c>, as TorchSharp's own library exports it. Its C# gives it for tensors on the CPU alone, and <c>storage&lt;float&gt;</c> of a 16-bit
    /// tensor is that of a converted copy.
    /// </summary>
    [LibraryImport("LibTorchSharp")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint THSTensor_data(nint tensor);

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

    static void CheckLayout(Tensor t, ScalarType type)
    {
        if (t.dtype != type) throw new ArgumentException($"the tensor {Describe(t)} holds {t.dtype}; kernels take {type.ToString().ToLowerInvariant()}: use .to({type.ToString().ToLowerInvariant()})");
        if (!t.is_contiguous()) throw new ArgumentException($"the tensor {Describe(t)} is not contiguous; use .contiguous()");
    }

    internal static string Describe(Tensor t) => $"[{string.Join(", ", t.shape)}]";
}
