using Osprey.Kernels.Pooling;
using Osprey.Kernels.Sharing;
using static TorchSharp.torch;

namespace Osprey.Interop.Torch;

/// <summary>A feature map in the memory that it has, in either layout.</summary>
static class MapTensor
{
    /// <summary>The map itself where its values lie without gaps, by channels or by positions, else a copy that does; in torch's graph.</summary>
    public static Tensor Dense(Tensor map) => map.is_contiguous() || IsChannelsLast(map) ? map : map.contiguous();

    /// <summary>Shape and layout of a dense map.</summary>
    public static MapShape Shape(Tensor map)
    {
        long[] s = map.shape;
        MapLayout layout = map.is_contiguous() ? MapLayout.ChannelsFirst : MapLayout.ChannelsLast;
        return new MapShape(checked((int)s[0]), checked((int)s[1]), checked((int)s[2]), checked((int)s[3]), layout);
    }

    /// <summary>A tensor [N,C,h,w] of the same type and layout on the same device, its values not set.</summary>
    public static Tensor EmptyLike(Tensor map, MapShape shape)
    {
        if (shape.Layout == MapLayout.ChannelsFirst) return empty(map.shape, map.dtype, map.device);
        using Tensor rows = empty([shape.Batch, shape.Height, shape.Width, shape.Channels], map.dtype, map.device);
        return rows.permute(0, 3, 1, 2);
    }

    /// <summary>The values of a dense map on the CPU, in the order they lie.</summary>
    public static Span<T> Values<T>(Tensor map) where T : unmanaged
    {
        using Tensor plain = AsTheyLie(map);
        return TensorMemory.Write<T>(plain, TypeOf<T>());
    }

    /// <summary>As <see cref="Values{T}"/>, of a map on a CUDA device.</summary>
    public static DeviceSpan<T> OnDevice<T>(Tensor map, int device) where T : unmanaged
    {
        using Tensor plain = AsTheyLie(map);
        return TensorMemory.OnDevice<T>(plain, TypeOf<T>(), device);
    }

    static Tensor AsTheyLie(Tensor map)
    {
        Tensor plain = map.detach();
        if (plain.is_contiguous()) return plain;
        using (plain) return plain.permute(0, 2, 3, 1);
    }

    static ScalarType TypeOf<T>() => typeof(T) == typeof(float) ? ScalarType.Float32 : typeof(T) == typeof(Half) ? ScalarType.Float16 : ScalarType.BFloat16;

    static bool IsChannelsLast(Tensor map)
    {
        using Tensor plain = map.detach(), rows = plain.permute(0, 2, 3, 1);
        return rows.is_contiguous();
    }
}
