using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Osprey.Kernels.Arithmetic;

/// <summary>The ends of rows whose length is no multiple of sixteen.</summary>
internal static unsafe class Lanes
{
    public const int Count = 16;

    static ReadOnlySpan<int> Masks => [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1];

    /// <summary>All bits in the last <paramref name="count"/> lanes, 0 to 16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Last(int count) => Vector512.LoadUnsafe(in Masks[0], (nuint)count).AsSingle();

    /// <summary>The first start of a cache line from <paramref name="memory"/> on; sixteen floats more than are needed must be there.</summary>
    public static float* Align(float* memory) => (float*)(((nint)memory + 63) & ~63);

    /// <summary>The last sixteen of <paramref name="n"/> values; of fewer, zeros and then the values.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadLast(float* source, int n) => n >= Count ? Vector512.Load(source + n - Count) : LoadShortRow(source, n);

    /// <summary>Writes what <see cref="LoadLast"/> reads.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreLast(Vector512<float> value, float* destination, int n)
    {
        if (n >= Count) value.Store(destination + n - Count);
        else StoreShortRow(value, destination, n);
    }

    static Vector512<float> LoadShortRow(float* source, int n)
    {
        float* lanes = stackalloc float[Count];
        for (int i = 0; i < Count; i++) lanes[i] = i < Count - n ? 0 : source[i - (Count - n)];
        return Vector512.Load(lanes);
    }

    static void StoreShortRow(Vector512<float> value, float* destination, int n)
    {
        float* lanes = stackalloc float[Count];
        value.Store(lanes);
        for (int i = 0; i < n; i++) destination[i] = lanes[Count - n + i];
    }

    /// <summary><paramref name="count"/> values (fewer than 16) and <paramref name="fill"/> after them; reads no further.</summary>
    public static Vector512<float> LoadFirst(float* source, int count, float fill)
    {
        float* lanes = stackalloc float[Count];
        for (int i = 0; i < Count; i++) lanes[i] = i < count ? source[i] : fill;
        return Vector512.Load(lanes);
    }

    /// <summary>Sixteen values, or fewer and zeros.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadUpTo(float* source, int count) => count >= Count ? Vector512.Load(source) : LoadFirst(source, count, 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreUpTo(Vector512<float> value, float* destination, int count)
    {
        if (count >= Count) value.Store(destination);
        else StoreFirst(value, destination, count);
    }

    /// <summary>Writes the first <paramref name="count"/> lanes (fewer than 16) and nothing after them.</summary>
    public static void StoreFirst(Vector512<float> value, float* destination, int count)
    {
        float* lanes = stackalloc float[Count];
        value.Store(lanes);
        for (int i = 0; i < count; i++) destination[i] = lanes[i];
    }

    /// <summary>Σ x·y over <paramref name="n"/> values, in an order that only n decides.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Dot(float* x, float* y, int n)
    {
        Vector512<float> a = Vector512<float>.Zero, b = a, c = a, d = a;
        int i = 0;
        for (; i + (4 * Count) <= n; i += 4 * Count)
        {
            a = Vector512.FusedMultiplyAdd(Vector512.Load(x + i), Vector512.Load(y + i), a);
            b = Vector512.FusedMultiplyAdd(Vector512.Load(x + i + 16), Vector512.Load(y + i + 16), b);
            c = Vector512.FusedMultiplyAdd(Vector512.Load(x + i + 32), Vector512.Load(y + i + 32), c);
            d = Vector512.FusedMultiplyAdd(Vector512.Load(x + i + 48), Vector512.Load(y + i + 48), d);
        }
        for (; i + Count <= n; i += Count) a = Vector512.FusedMultiplyAdd(Vector512.Load(x + i), Vector512.Load(y + i), a);
        if (i < n) b = Vector512.FusedMultiplyAdd(LoadFirst(x + i, n - i, 0), LoadFirst(y + i, n - i, 0), b);
        return ElementaryLanes.Sum((a + b) + (c + d));
    }
}
