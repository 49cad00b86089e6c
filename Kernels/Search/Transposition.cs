using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Osprey.Kernels.Search;

/// <summary>Small matrices of floats, transposed.</summary>
static unsafe class Transposition
{
    /// <summary>A 16×16 block, transposed; strides in floats.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Sixteen(float* from, nint fromStride, float* to, nint toStride)
    {
        if (Avx512F.IsSupported)
        {
            for (int j = 0; j < 16; j += 4) FourColumns(from + j, fromStride, to + (j * toStride), toStride);
            return;
        }
        for (int i = 0; i < 16; i += 4)
            for (int j = 0; j < 16; j += 4)
                Four(from + i * fromStride + j, fromStride, to + j * toStride + i, toStride);
    }

    /// <summary>Four columns of sixteen rows: 4×4 blocks side by side in the quarters of a vector, where the processor has such vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void FourColumns(float* from, nint fromStride, float* to, nint toStride)
    {
        Vector512<float> a = EveryFourth(from, fromStride), b = EveryFourth(from + fromStride, fromStride);
        Vector512<float> c = EveryFourth(from + (2 * fromStride), fromStride), e = EveryFourth(from + (3 * fromStride), fromStride);
        Vector512<float> acLow = Avx512F.UnpackLow(a, c), acHigh = Avx512F.UnpackHigh(a, c), beLow = Avx512F.UnpackLow(b, e), beHigh = Avx512F.UnpackHigh(b, e);
        Avx512F.UnpackLow(acLow, beLow).Store(to);
        Avx512F.UnpackHigh(acLow, beLow).Store(to + toStride);
        Avx512F.UnpackLow(acHigh, beHigh).Store(to + (2 * toStride));
        Avx512F.UnpackHigh(acHigh, beHigh).Store(to + (3 * toStride));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<float> EveryFourth(float* from, nint stride) =>
        Vector512.Create(
            Vector256.Create(Vector128.Load(from), Vector128.Load(from + (4 * stride))),
            Vector256.Create(Vector128.Load(from + (8 * stride)), Vector128.Load(from + (12 * stride))));

    /// <summary>A 4×4 block, transposed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Four(float* from, nint fromStride, float* to, nint toStride)
    {
        Vector128<float> a = Vector128.Load(from), b = Vector128.Load(from + fromStride);
        Vector128<float> c = Vector128.Load(from + 2 * fromStride), e = Vector128.Load(from + 3 * fromStride);
        // ac = a0 c0 a1 c1 | a2 c2 a3 c3 and be likewise; interleaved again they are a0 b0 c0 e0 | a1 b1 c1 e1, and so on.
        Vector128<float> acLow = Low(a, c), acHigh = High(a, c), beLow = Low(b, e), beHigh = High(b, e);
        Low(acLow, beLow).Store(to);
        High(acLow, beLow).Store(to + toStride);
        Low(acHigh, beHigh).Store(to + 2 * toStride);
        High(acHigh, beHigh).Store(to + 3 * toStride);
    }

    /// <summary>a0 b0 a1 b1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<float> Low(Vector128<float> a, Vector128<float> b) =>
        Sse.IsSupported ? Sse.UnpackLow(a, b) :
        AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipLow(a, b) : Vector128.Create(a[0], b[0], a[1], b[1]);

    /// <summary>a2 b2 a3 b3.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<float> High(Vector128<float> a, Vector128<float> b) =>
        Sse.IsSupported ? Sse.UnpackHigh(a, b) :
        AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipHigh(a, b) : Vector128.Create(a[2], b[2], a[3], b[3]);
}
