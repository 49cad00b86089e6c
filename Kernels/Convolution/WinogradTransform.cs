using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Osprey.Kernels.Convolution;

/// <summary>
/// Minimal filtering F(2×2, 3×3): four neighbouring results of a 3×3 convolution from the products of sixteen points instead of 36 taps. y = Aᵀ[(G g Gᵀ) ⊙ (Bᵀ d B)]A,
/// d being the 4×4 pixels that the four windows cover. Points, like pixels, are counted row by row. Lavin and Gray 2016, arXiv 1509.09308; Winograd 1980.
/// </summary>
internal static unsafe class WinogradTransform
{
    /// <summary>Products of one patch, and its pixels.</summary>
    public const int Points = 16;

    /// <summary>Side of a patch, pixels.</summary>
    public const int Patch = 4;

    /// <summary>Side of its results, pixels.</summary>
    public const int Results = 2;

    /// <summary>G g Gᵀ, in float64 and then rounded.</summary>
    /// <param name="filter">[3,3].</param>
    /// <param name="points">[16].</param>
    public static void Filter(ReadOnlySpan<float> filter, Span<float> points)
    {
        Span<double> rows = stackalloc double[12], g = stackalloc double[4];
        for (int x = 0; x < 3; x++)
        {
            Expand(filter[x], filter[3 + x], filter[6 + x], g);
            for (int i = 0; i < 4; i++) rows[(3 * i) + x] = g[i];
        }
        for (int i = 0; i < 4; i++)
        {
            Expand(rows[3 * i], rows[(3 * i) + 1], rows[(3 * i) + 2], g);
            for (int j = 0; j < 4; j++) points[(4 * i) + j] = (float)g[j];
        }

        static void Expand(double a, double b, double c, Span<double> g) => (g[0], g[1], g[2], g[3]) = (a, (a + b + c) / 2, (a - b + c) / 2, c);
    }

    /// <summary>Bᵀ d B of one patch.</summary>
    /// <param name="pixels">Sixteen, each of <paramref name="inputs"/> values.</param>
    /// <param name="inputs">A multiple of 8.</param>
    /// <param name="points">Where the first point's values go.</param>
    /// <param name="distance">Values from there to where the next one's go.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Input(float** pixels, int inputs, float* points, nint distance)
    {
        for (int i = 0; i < inputs; i += Vector256<float>.Count)
        {
            // Bᵀd by rows: 0 − 2, 1 + 2, 2 − 1, 1 − 3; and each of them B the same way.
            Columns(Row(0, i) - Row(8, i), Row(1, i) - Row(9, i), Row(2, i) - Row(10, i), Row(3, i) - Row(11, i), points + i);
            Columns(Row(4, i) + Row(8, i), Row(5, i) + Row(9, i), Row(6, i) + Row(10, i), Row(7, i) + Row(11, i), points + (4 * distance) + i);
            Columns(Row(8, i) - Row(4, i), Row(9, i) - Row(5, i), Row(10, i) - Row(6, i), Row(11, i) - Row(7, i), points + (8 * distance) + i);
            Columns(Row(4, i) - Row(12, i), Row(5, i) - Row(13, i), Row(6, i) - Row(14, i), Row(7, i) - Row(15, i), points + (12 * distance) + i);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        Vector256<float> Row(int pixel, int i) => Vector256.Load(pixels[pixel] + i);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        void Columns(Vector256<float> a, Vector256<float> b, Vector256<float> c, Vector256<float> d, float* to)
        {
            (a - c).Store(to);
            (b + c).Store(to + distance);
            (c - b).Store(to + (2 * distance));
            (b - d).Store(to + (3 * distance));
        }
    }

    /// <summary>Aᵀ m A of one patch, + bias, + residual, the larger of that and 0.</summary>
    /// <param name="points">The first product's values.</param>
    /// <param name="distance">Values from there to the next one's.</param>
    /// <param name="outputs">A multiple of 8.</param>
    /// <param name="bias">[<paramref name="outputs"/>].</param>
    /// <param name="residual">As <paramref name="output"/>, or null.</param>
    /// <param name="output">Where the upper left result goes.</param>
    /// <param name="right">Values from there to the right one's; 0 where there is none.</param>
    /// <param name="down">Values from there to the lower one's; 0 where there is none.</param>
    /// <param name="relu">Whether negative results become 0.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Output(float* points, nint distance, int outputs, float* bias, float* residual, float* output, nint right, nint down, bool relu)
    {
        for (int o = 0; o < outputs; o += Vector256<float>.Count)
        {
            Vector256<float> b = Vector256.Load(bias + o);
            // By rows of points, so that few are held at a time: above 0 + 1 + 2, below 1 − 2 − 3.
            (Vector256<float> left0, Vector256<float> right0) = Pair(0, o);
            (Vector256<float> left1, Vector256<float> right1) = Pair(4, o);
            (Vector256<float> left2, Vector256<float> right2) = Pair(8, o);
            (Vector256<float> left3, Vector256<float> right3) = Pair(12, o);
            Put(left0 + left1 + left2 + b, o);
            if (right != 0) Put(right0 + right1 + right2 + b, right + o);
            if (down == 0) continue;
            Put(left1 - left2 - left3 + b, down + o);
            if (right != 0) Put(right1 - right2 - right3 + b, down + right + o);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        (Vector256<float> Left, Vector256<float> Right) Pair(int point, int o)
        {
            float* from = points + (point * distance) + o;
            Vector256<float> m1 = Vector256.Load(from + distance), m2 = Vector256.Load(from + (2 * distance));
            return (Vector256.Load(from) + m1 + m2, m1 - m2 - Vector256.Load(from + (3 * distance)));
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        void Put(Vector256<float> value, nint at)
        {
            if (residual != null) value += Vector256.Load(residual + at);
            (relu ? Vector256.Max(value, Vector256<float>.Zero) : value).Store(output + at);
        }
    }
}
