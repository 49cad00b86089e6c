using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Osprey.Kernels.Arithmetic;

namespace Osprey.Kernels.Pooling;

/// <summary>Sixteen channels of one image as [h·w][16 lanes] in float32, whatever the map's layout and type. Lanes beyond the last channel hold 0.</summary>
internal static unsafe class MapTile<T>
    where T : unmanaged
{
    const int Side = Lanes.Count;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Load(T* map, MapShape shape, int image, int channel, float* tile)
    {
        int plane = shape.Plane, channels = Math.Min(Side, shape.Channels - channel);
        if (shape.Layout == MapLayout.ChannelsLast)
        {
            T* row = map + ((long)image * plane * shape.Channels) + channel;
            for (int i = 0; i < plane; i++, row += shape.Channels) MapLanes.LoadUpTo(row, channels).Store(tile + (i * Side));
            return;
        }
        T* x = map + (((long)image * shape.Channels) + channel) * plane;
        if (channels < Side || plane < Side)
        {
            LoadPart(x, plane, channels, tile);
            return;
        }
        // The last sixteen positions may come a second time.
        for (int i = 0; i < plane; i += Side)
        {
            int at = Math.Min(i, plane - Side);
            Transpose(x + at, plane, tile + (at * Side), Side);
        }
    }

    /// <summary>Writes what <see cref="Load"/> reads.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Store(float* tile, T* map, MapShape shape, int image, int channel)
    {
        int plane = shape.Plane, channels = Math.Min(Side, shape.Channels - channel);
        if (shape.Layout == MapLayout.ChannelsLast)
        {
            T* row = map + ((long)image * plane * shape.Channels) + channel;
            for (int i = 0; i < plane; i++, row += shape.Channels) MapLanes.StoreUpTo(Vector512.Load(tile + (i * Side)), row, channels);
            return;
        }
        T* x = map + (((long)image * shape.Channels) + channel) * plane;
        if (channels < Side || plane < Side)
        {
            StorePart(tile, x, plane, channels);
            return;
        }
        for (int i = 0; i < plane; i += Side)
        {
            int at = Math.Min(i, plane - Side);
            Transpose(tile + (at * Side), Side, x + at, plane);
        }
    }

    static void LoadPart(T* x, int plane, int channels, float* tile)
    {
        new Span<float>(tile, plane * Side).Clear();
        T* value = stackalloc T[Side];
        for (int c = 0; c < channels; c++)
        {
            for (int i = 0; i < plane; i++)
            {
                *value = x[((long)c * plane) + i];
                tile[(i * Side) + c] = MapLanes.Load(value)[0];
            }
        }
    }

    static void StorePart(float* tile, T* x, int plane, int channels)
    {
        for (int c = 0; c < channels; c++)
            for (int i = 0; i < plane; i++) MapLanes.StoreUpTo(Vector512.Create(tile[(i * Side) + c]), x + ((long)c * plane) + i, 1);
    }

    /// <summary>destination[j][i] = source[i][j] for 16 × 16 values.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Transpose<TFrom, TTo>(TFrom* source, int stride, TTo* destination, int destinationStride)
        where TFrom : unmanaged
        where TTo : unmanaged
    {
        if (!Avx512F.IsSupported)
        {
            TransposeOneByOne(source, stride, destination, destinationStride);
            return;
        }
        Four(source, stride, out var a0, out var a1, out var a2, out var a3);
        Four(source + (4L * stride), stride, out var b0, out var b1, out var b2, out var b3);
        Four(source + (8L * stride), stride, out var c0, out var c1, out var c2, out var c3);
        Four(source + (12L * stride), stride, out var d0, out var d1, out var d2, out var d3);
        Meet(a0, b0, c0, d0, destination, destinationStride);
        Meet(a1, b1, c1, d1, destination + destinationStride, destinationStride);
        Meet(a2, b2, c2, d2, destination + (2L * destinationStride), destinationStride);
        Meet(a3, b3, c3, d3, destination + (3L * destinationStride), destinationStride);
    }

    /// <summary>Four rows: in out k, 128-bit lane L, stands column 4L + k.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Four<TFrom>(TFrom* source, int stride, out Vector512<double> k0, out Vector512<double> k1, out Vector512<double> k2, out Vector512<double> k3)
        where TFrom : unmanaged
    {
        Vector512<float> a = MapLanes.Load(source), b = MapLanes.Load(source + stride), c = MapLanes.Load(source + (2L * stride)), d = MapLanes.Load(source + (3L * stride));
        Vector512<double> abLow = Avx512F.UnpackLow(a, b).AsDouble(), abHigh = Avx512F.UnpackHigh(a, b).AsDouble();
        Vector512<double> cdLow = Avx512F.UnpackLow(c, d).AsDouble(), cdHigh = Avx512F.UnpackHigh(c, d).AsDouble();
        k0 = Avx512F.UnpackLow(abLow, cdLow);
        k1 = Avx512F.UnpackHigh(abLow, cdLow);
        k2 = Avx512F.UnpackLow(abHigh, cdHigh);
        k3 = Avx512F.UnpackHigh(abHigh, cdHigh);
    }

    /// <summary>Columns k, k + 4, k + 8 and k + 12 of all sixteen rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Meet<TTo>(Vector512<double> a, Vector512<double> b, Vector512<double> c, Vector512<double> d, TTo* destination, int stride)
        where TTo : unmanaged
    {
        Vector512<double> abEven = Avx512F.Shuffle4x128(a, b, 0x88), cdEven = Avx512F.Shuffle4x128(c, d, 0x88);
        Vector512<double> abOdd = Avx512F.Shuffle4x128(a, b, 0xdd), cdOdd = Avx512F.Shuffle4x128(c, d, 0xdd);
        MapLanes.Store(Avx512F.Shuffle4x128(abEven, cdEven, 0x88).AsSingle(), destination);
        MapLanes.Store(Avx512F.Shuffle4x128(abOdd, cdOdd, 0x88).AsSingle(), destination + (4L * stride));
        MapLanes.Store(Avx512F.Shuffle4x128(abEven, cdEven, 0xdd).AsSingle(), destination + (8L * stride));
        MapLanes.Store(Avx512F.Shuffle4x128(abOdd, cdOdd, 0xdd).AsSingle(), destination + (12L * stride));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static void TransposeOneByOne<TFrom, TTo>(TFrom* source, int stride, TTo* destination, int destinationStride)
        where TFrom : unmanaged
        where TTo : unmanaged
    {
        float* block = stackalloc float[Side * Side];
        for (int i = 0; i < Side; i++)
        {
            Vector512<float> row = MapLanes.Load(source + ((long)i * stride));
            for (int j = 0; j < Side; j++) block[(j * Side) + i] = row[j];
        }
        for (int j = 0; j < Side; j++) MapLanes.Store(Vector512.Load(block + (j * Side)), destination + ((long)j * destinationStride));
    }
}
