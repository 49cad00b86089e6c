using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Osprey.Kernels.Convolution;

/// <summary>
/// Twelve windows by 32 outputs: 24 sums in registers, two loads of filters and twelve broadcasts for 24 fused multiplications and additions of sixteen lanes. In one
/// method, because the compiler keeps only locals in registers.
/// </summary>
internal sealed unsafe class ConvolutionTile512 : ConvolutionTile
{
    public override int Rows => 12;

    public override int Width => 32;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Multiply(
        float* windows, nint distance, float* filters, int depth, float* bias, float* residual, float* output, nint pixelValues, int rows, bool half, bool relu)
    {
        Vector512<float> low = Vector512.Load(bias), high = Vector512.Load(bias + 16);
        Vector512<float> a0 = low, b0 = high, a1 = low, b1 = high, a2 = low, b2 = high, a3 = low, b3 = high, a4 = low, b4 = high, a5 = low, b5 = high;
        Vector512<float> a6 = low, b6 = high, a7 = low, b7 = high, a8 = low, b8 = high, a9 = low, b9 = high, aA = low, bA = high, aB = low, bB = high;
        // Four pointers and one distance address all twelve.
        float* w0 = windows, w3 = windows + (3 * distance), w6 = windows + (6 * distance), w9 = windows + (9 * distance), end = filters + ((nint)depth * 32);
        do
        {
            low = Vector512.Load(filters);
            high = Vector512.Load(filters + 16);
            Vector512<float> x = Vector512.Create(*w0);
            a0 = Vector512.FusedMultiplyAdd(x, low, a0);
            b0 = Vector512.FusedMultiplyAdd(x, high, b0);
            x = Vector512.Create(w0[distance]);
            a1 = Vector512.FusedMultiplyAdd(x, low, a1);
            b1 = Vector512.FusedMultiplyAdd(x, high, b1);
            x = Vector512.Create(w0[2 * distance]);
            a2 = Vector512.FusedMultiplyAdd(x, low, a2);
            b2 = Vector512.FusedMultiplyAdd(x, high, b2);
            x = Vector512.Create(*w3);
            a3 = Vector512.FusedMultiplyAdd(x, low, a3);
            b3 = Vector512.FusedMultiplyAdd(x, high, b3);
            x = Vector512.Create(w3[distance]);
            a4 = Vector512.FusedMultiplyAdd(x, low, a4);
            b4 = Vector512.FusedMultiplyAdd(x, high, b4);
            x = Vector512.Create(w3[2 * distance]);
            a5 = Vector512.FusedMultiplyAdd(x, low, a5);
            b5 = Vector512.FusedMultiplyAdd(x, high, b5);
            x = Vector512.Create(*w6);
            a6 = Vector512.FusedMultiplyAdd(x, low, a6);
            b6 = Vector512.FusedMultiplyAdd(x, high, b6);
            x = Vector512.Create(w6[distance]);
            a7 = Vector512.FusedMultiplyAdd(x, low, a7);
            b7 = Vector512.FusedMultiplyAdd(x, high, b7);
            x = Vector512.Create(w6[2 * distance]);
            a8 = Vector512.FusedMultiplyAdd(x, low, a8);
            b8 = Vector512.FusedMultiplyAdd(x, high, b8);
            x = Vector512.Create(*w9);
            a9 = Vector512.FusedMultiplyAdd(x, low, a9);
            b9 = Vector512.FusedMultiplyAdd(x, high, b9);
            x = Vector512.Create(w9[distance]);
            aA = Vector512.FusedMultiplyAdd(x, low, aA);
            bA = Vector512.FusedMultiplyAdd(x, high, bA);
            x = Vector512.Create(w9[2 * distance]);
            aB = Vector512.FusedMultiplyAdd(x, low, aB);
            bB = Vector512.FusedMultiplyAdd(x, high, bB);
            filters += 32;
            w0++;
            w3++;
            w6++;
            w9++;
        }
        while (filters < end);
        Put(a0, b0, 0);
        Put(a1, b1, 1);
        Put(a2, b2, 2);
        Put(a3, b3, 3);
        Put(a4, b4, 4);
        Put(a5, b5, 5);
        Put(a6, b6, 6);
        Put(a7, b7, 7);
        Put(a8, b8, 8);
        Put(a9, b9, 9);
        Put(aA, bA, 10);
        Put(aB, bB, 11);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        void Put(Vector512<float> first, Vector512<float> second, int row)
        {
            if (row >= rows) return;
            nint at = row * pixelValues;
            if (residual != null) first += Vector512.Load(residual + at);
            (relu ? Vector512.Max(first, Vector512<float>.Zero) : first).Store(output + at);
            if (half) return;
            if (residual != null) second += Vector512.Load(residual + at + 16);
            (relu ? Vector512.Max(second, Vector512<float>.Zero) : second).Store(output + at + 16);
        }
    }
}
