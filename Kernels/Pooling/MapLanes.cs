using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Osprey.Kernels.Arithmetic;
using static System.Runtime.Intrinsics.Vector512;

namespace Osprey.Kernels.Pooling;

/// <summary>
/// Sixteen activations of a map as float32, and back to the map's type (float, <see cref="Half"/> or <see cref="BFloat16"/>), rounded to the nearest,
/// ties to even. A NaN stays one.
/// </summary>
internal static unsafe class MapLanes
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load<T>(T* source)
        where T : unmanaged
    {
        if (typeof(T) == typeof(float)) return Vector512.Load((float*)source);
        (Vector256<uint> low, Vector256<uint> high) = Vector256.Widen(Vector256.Load((ushort*)source));
        Vector512<uint> bits = Create(low, high);
        return typeof(T) == typeof(BFloat16) ? (bits << 16).AsSingle() : FromHalf(bits);
    }

    /// <summary>Calls what lies <paramref name="bytes"/> after <paramref name="source"/> into the cache, where the processor can be asked; it need not be the caller's.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch<T>(T* source, int bytes)
        where T : unmanaged
    {
        if (Sse.IsSupported) Sse.Prefetch0((byte*)source + bytes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<T>(Vector512<float> value, T* destination)
        where T : unmanaged
    {
        if (typeof(T) == typeof(float))
        {
            value.Store((float*)destination);
            return;
        }
        Vector512<uint> bits = typeof(T) == typeof(BFloat16) ? ToBFloat16(value) : ToHalf(value);
        Vector256.Narrow(bits.GetLower(), bits.GetUpper()).Store((ushort*)destination);
    }

    /// <summary>The last sixteen of <paramref name="n"/> values; of fewer, zeros and then the values.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadLast<T>(T* source, int n)
        where T : unmanaged =>
        n >= Lanes.Count ? Load(source + n - Lanes.Count) : LoadShort(source, n, Lanes.Count - n);

    /// <summary>Writes what <see cref="LoadLast"/> reads.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreLast<T>(Vector512<float> value, T* destination, int n)
        where T : unmanaged
    {
        if (n >= Lanes.Count) Store(value, destination + n - Lanes.Count);
        else StoreShort(value, destination, n, Lanes.Count - n);
    }

    /// <summary>Sixteen values, or fewer and zeros after them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadUpTo<T>(T* source, int count)
        where T : unmanaged =>
        count >= Lanes.Count ? Load(source) : LoadShort(source, count, 0);

    /// <summary>Writes the first sixteen lanes, or fewer.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreUpTo<T>(Vector512<float> value, T* destination, int count)
        where T : unmanaged
    {
        if (count >= Lanes.Count) Store(value, destination);
        else StoreShort(value, destination, count, 0);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static Vector512<float> LoadShort<T>(T* source, int count, int lane)
        where T : unmanaged
    {
        T* lanes = stackalloc T[Lanes.Count];
        for (int i = 0; i < count; i++) lanes[lane + i] = source[i];
        return Load(lanes);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static void StoreShort<T>(Vector512<float> value, T* destination, int count, int lane)
        where T : unmanaged
    {
        T* lanes = stackalloc T[Lanes.Count];
        Store(value, lanes);
        for (int i = 0; i < count; i++) destination[i] = lanes[lane + i];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<float> FromHalf(Vector512<uint> bits)
    {
        // Read as a float the exponent is too small by 112; the product is exact, for what is not normal too.
        Vector512<uint> magnitude = (bits & Create(0x7fffu)) << 13;
        Vector512<uint> value = (magnitude.AsSingle() * Create(BitConverter.UInt32BitsToSingle((127u + 112) << 23))).AsUInt32();
        value |= GreaterThanOrEqual(magnitude, Create(0x7c00u << 13)) & Create(0x7f800000u);
        return (value | ((bits & Create(0x8000u)) << 16)).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<uint> ToHalf(Vector512<float> value)
    {
        Vector512<uint> bits = value.AsUInt32(), sign = bits & Create(0x80000000u), magnitude = bits ^ sign;
        // Adding 0.5 leaves a subnormal half in the last bits, rounded by the addition itself.
        Vector512<uint> small = (magnitude.AsSingle() + Create(0.5f)).AsUInt32() - Create(0x3f000000u);
        Vector512<uint> normal = (magnitude - Create(112u << 23) + Create(0xfffu) + ((magnitude >> 13) & Vector512<uint>.One)) >> 13;
        Vector512<uint> half = ConditionalSelect(LessThan(magnitude, Create(113u << 23)), small, normal);
        half = ConditionalSelect(GreaterThanOrEqual(magnitude, Create(0x477ff000u)), Create(0x7c00u), half);
        half = ConditionalSelect(GreaterThan(magnitude, Create(0x7f800000u)), Create(0x7e00u), half);
        return half | (sign >> 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<uint> ToBFloat16(Vector512<float> value)
    {
        Vector512<uint> bits = value.AsUInt32();
        Vector512<uint> rounded = (bits + Create(0x7fffu) + ((bits >> 16) & Vector512<uint>.One)) >> 16;
        return ConditionalSelect(Vector512.Equals(value, value).AsUInt32(), rounded, (bits >> 16) | Create(0x40u));
    }
}
