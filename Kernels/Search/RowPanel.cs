using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Osprey.Kernels.Search;

/// <summary>A panel of rows in the place of queries, to be multiplied with <see cref="CentreCodes"/>: approximate products, of which no bound is made.</summary>
sealed unsafe class RowPanel : IDisposable
{
    readonly CodeScan scan;
    readonly int groups;
    readonly Scratch<sbyte> codes = new();
    readonly Scratch<int> biases = new();
    readonly Scratch<float> scales = new(), products = new();

    public RowPanel(CodeScan scan, int dimension)
    {
        this.scan = scan;
        groups = (dimension + CodeScan.GroupValues - 1) / CodeScan.GroupValues;
        codes.Ensure(scan.PanelQueries * groups * CodeScan.GroupValues);
        biases.Ensure(16);
        scales.Ensure(16);
        Squares = new float[scan.PanelQueries];
    }

    /// <summary>Rows at most.</summary>
    public int Most => scan.PanelQueries;

    /// <summary>‖y‖² of each row.</summary>
    public float[] Squares { get; }

    /// <summary>Codes a row.</summary>
    /// <param name="q">Its place.</param>
    /// <param name="rows">Rows of this panel.</param>
    /// <param name="y">Its values, zeros up to a multiple of sixteen.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Set(int q, int rows, float* y)
    {
        Vector512<float> most = Vector512<float>.Zero, square = most;
        for (int d = 0; d < groups * 4; d += 16)
        {
            Vector512<float> x = Vector512.Load(y + d);
            most = Vector512.Max(most, Vector512.Abs(x));
            square = Vector512.FusedMultiplyAdd(x, x, square);
        }
        float largest = 0;
        for (int i = 0; i < 16; i++) largest = MathF.Max(largest, most[i]);
        Squares[q] = Vector512.Sum(square);
        float scale = largest is > 1e-25f and < 1e25f ? scan.QueryLimit * (1 - 1e-6f) / largest : 0;
        Vector512<float> s = Vector512.Create(scale);
        Vector512<int> sum = Vector512<int>.Zero;
        int* to = (int*)codes.Pointer + q;
        for (int g = 0; g < groups; g += 4)
        {
            Vector512<int> code = Vector512.ConvertToInt32Native(Vector512.Round(Vector512.Load(y + (4 * g)) * s));
            sum += code;
            Vector512<short> narrow = Vector512.Narrow(code, code);
            Vector128<int> four = Vector512.Narrow(narrow, narrow).GetLower().GetLower().AsInt32();
            for (int i = 0; i < 4 && g + i < groups; i++) to[(g + i) * rows] = four[i];
        }
        biases.Pointer[q] = -128 * Vector512.Sum(sum);
        scales.Pointer[q] = scale > 0 ? scale : 1;
    }

    /// <summary>Products of each row with the vectors of the first pairs of blocks: <c>[rows][32·pairs]</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public float* Multiply(int rows, CentreCodes centres, int pairs)
    {
        products.Ensure((nint)Most * pairs * 32);
        centres.Multiply(scan, codes.Pointer, rows, biases.Pointer, scales.Pointer, pairs, products.Pointer, pairs * 32);
        return products.Pointer;
    }

    /// <summary>Where value[i] − half[i] is largest, and how large.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int Nearest(float* values, float* half, int count, out float best)
    {
        Vector512<float> most = Vector512.Create(float.NegativeInfinity);
        Vector512<int> at = Vector512<int>.Zero, here = Vector512<int>.Indices;
        for (int i = 0; i < count; i += 16, here += Vector512.Create(16))
        {
            Vector512<float> value = Vector512.Load(values + i) - Vector512.Load(half + i);
            Vector512<float> better = Vector512.GreaterThan(value, most);
            most = Vector512.ConditionalSelect(better, value, most);
            at = Vector512.ConditionalSelect(better.AsInt32(), here, at);
        }
        best = most[0];
        int found = at[0];
        for (int i = 1; i < 16; i++)
        {
            if (most[i] > best || (most[i] == best && at[i] < found)) (best, found) = (most[i], at[i]);
        }
        return found;
    }

    public void Dispose()
    {
        codes.Dispose();
        biases.Dispose();
        scales.Dispose();
        products.Dispose();
    }
}
