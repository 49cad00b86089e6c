using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Osprey.Kernels.Convolution;

/// <summary>
/// Six windows by sixteen outputs, for processors of sixteen registers of 256 bits: twelve sums, two vectors of filters and one value to all lanes, so two loads
/// and six broadcasts for twelve fused multiplications and additions of eight lanes.
/// </summary>
internal sealed unsafe class ConvolutionTile256 : ConvolutionTile
{
    public override int Rows => 6;

    public override int Width => 16;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Multiply(
        float* windows, nint distance, float* filters, int depth, float* bias, float* residual, float* output, nint pixelValues, int rows, bool half, bool relu)
    {
        Vector256<float> low = Vector256.Load(bias), high = Vector256.Load(bias + 8);
        Vector256<float> a0 = low, b0 = high, a1 = low, b1 = high, a2 = low, b2 = high, a3 = low, b3 = high, a4 = low, b4 = high, a5 = low, b5 = high;
        // Two pointers and one distance address all six.
        float* w0 = windows, w3 = windows + (3 * distance), end = filters + ((nint)depth * 16);
        do
        {
            low = Vector256.Load(filters);
            high = Vector256.Load(filters + 8);
            Vector256<float> x = Vector256.Create(*w0);
            a0 = Vector256.FusedMultiplyAdd(x, low, a0);
            b0 = Vector256.FusedMultiplyAdd(x, high, b0);
            x = Vector256.Create(w0[distance]);
            a1 = Vector256.FusedMultiplyAdd(x, low, a1);
            b1 = Vector256.FusedMultiplyAdd(x, high, b1);
            x = Vector256.Create(w0[2 * distance]);
            a2 = Vector256.FusedMultiplyAdd(x, low, a2);
            b2 = Vector256.FusedMultiplyAdd(x, high, b2);
            x = Vector256.Create(*w3);
            a3 = Vector256.FusedMultiplyAdd(x, low, a3);
            b3 = Vector256.FusedMultiplyAdd(x, high, b3);
            x = Vector256.Create(w3[distance]);
            a4 = Vector256.FusedMultiplyAdd(x, low, a4);
            b4 = Vector256.FusedMultiplyAdd(x, high, b4);
            x = Vector256.Create(w3[2 * distance]);
            a5 = Vector256.FusedMultiplyAdd(x, low, a5);
            b5 = Vector256.FusedMultiplyAdd(x, high, b5);
            filters += 16;
            w0++;
            w3++;
        }
        while (filters < end);
        Put(a0, b0, 0);
        Put(a1, b1, 1);
        Put(a2, b2, 2);
        Put(a3, b3, 3);
        Put(a4, b4, 4);
        Put(a5, b5, 5);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        void Put(Vector256<float> first, Vector256<float> second, int row)
        {
            if (row >= rows) return;
            nint at = row * pixelValues;
            if (residual != null)
            {
                first += Vector256.Load(residual + at);
                second += Vector256.Load(residual + at + 8);
            }
            (relu ? Vector256.Max(first, Vector256<float>.Zero) : first).Store(output + at);
            (relu ? Vector256.Max(second, Vector256<float>.Zero) : second).Store(output + at + 8);
        }
    }
}
