using Osprey.Kernels;
using Osprey.Kernels.Pooling;

namespace Osprey.Tests.Kernels.Pooling;

/// <summary>Maps for tests: made in the order N, C, h, w, and brought into a layout and a type.</summary>
static class PoolingMaps
{
    /// <summary>Half of it below zero, as before a ReLU, and some zeros, as after one. CroW gets no negative values: it is for maps after a ReLU.</summary>
    public static float[] Make(PoolingKind kind, MapShape shape, int seed = 1)
    {
        float[] map = Close.Random(seed, shape.Length, kind == PoolingKind.Crow ? 0 : -2, 4);
        for (int i = 0; i < map.Length; i += 5) map[i] = 0;
        return map;
    }

    public static T[] To<T>(float[] values) where T : unmanaged =>
        [.. values.Select(v => typeof(T) == typeof(float) ? (T)(object)v : typeof(T) == typeof(Half) ? (T)(object)(Half)v : (T)(object)(BFloat16)v)];

    public static float Single<T>(T value) where T : unmanaged => value switch
    {
        float v => v,
        Half v => (float)v,
        BFloat16 v => (float)v,
        _ => throw new ArgumentException(typeof(T).Name),
    };

    /// <summary>The same values in the shape's layout.</summary>
    public static T[] ToLayout<T>(T[] map, MapShape shape) => Move(map, shape, toLayout: true);

    public static T[] FromLayout<T>(T[] map, MapShape shape) => Move(map, shape, toLayout: false);

    static T[] Move<T>(T[] map, MapShape shape, bool toLayout)
    {
        if (shape.Layout == MapLayout.ChannelsFirst) return map;
        var moved = new T[map.Length];
        for (int n = 0; n < shape.Batch; n++)
        {
            for (int c = 0; c < shape.Channels; c++)
            {
                for (int i = 0; i < shape.Plane; i++)
                {
                    int first = (((n * shape.Channels) + c) * shape.Plane) + i, last = (((n * shape.Plane) + i) * shape.Channels) + c;
                    moved[toLayout ? last : first] = map[toLayout ? first : last];
                }
            }
        }
        return moved;
    }
}
