using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Osprey.Kernels.Pooling;

/// <summary>How the channels of a slot are read and written. Two ways, so that the usual loop holds no call: one would keep every vector of it in memory.</summary>
internal unsafe interface IMapSlot
{
    static abstract Vector512<float> Load<T>(T* source, int count)
        where T : unmanaged;

    static abstract void Store<T>(Vector512<float> value, T* destination, int count)
        where T : unmanaged;
}

/// <summary>Sixteen channels.</summary>
internal readonly unsafe struct WholeSlot : IMapSlot
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load<T>(T* source, int count)
        where T : unmanaged =>
        MapLanes.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<T>(Vector512<float> value, T* destination, int count)
        where T : unmanaged =>
        MapLanes.Store(value, destination);
}

/// <summary>Fewer, of a map that has no more.</summary>
internal readonly unsafe struct ShortSlot : IMapSlot
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load<T>(T* source, int count)
        where T : unmanaged =>
        MapLanes.LoadUpTo(source, count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<T>(Vector512<float> value, T* destination, int count)
        where T : unmanaged =>
        MapLanes.StoreUpTo(value, destination, count);
}
