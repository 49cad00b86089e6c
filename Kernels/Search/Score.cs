using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Osprey.Kernels.Arithmetic;

namespace Osprey.Kernels.Search;

/// <summary>One dimension's part of a score, added to the sum so far with a single rounding. The same operation at every vector width, so the same bits.</summary>
interface IScore
{
    /// <summary>For CUDA kernels. An instance method, because ILGPU calls no static members of interfaces.</summary>
    float Add(float sum, float query, float row);

    static abstract Vector512<float> Add(Vector512<float> sum, Vector512<float> query, Vector512<float> row);

    static abstract Vector256<float> Add(Vector256<float> sum, Vector256<float> query, Vector256<float> row);

    static abstract Vector<float> Add(Vector<float> sum, Vector<float> query, Vector<float> row);
}

/// <summary>Σ q·x.</summary>
readonly struct ProductScore : IScore
{
    public float Add(float sum, float query, float row) => CudaMath.Fma(query, row, sum);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Add(Vector512<float> sum, Vector512<float> query, Vector512<float> row) => Vector512.FusedMultiplyAdd(query, row, sum);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Add(Vector256<float> sum, Vector256<float> query, Vector256<float> row) => Vector256.FusedMultiplyAdd(query, row, sum);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Add(Vector<float> sum, Vector<float> query, Vector<float> row) => Vector.FusedMultiplyAdd(query, row, sum);
}

/// <summary>Σ (q−x)². Not ‖q‖²+‖x‖²−2q·x, which is twice as fast and loses every digit of a small distance between long vectors.</summary>
readonly struct DistanceScore : IScore
{
    public float Add(float sum, float query, float row)
    {
        float difference = query - row;
        return CudaMath.Fma(difference, difference, sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Add(Vector512<float> sum, Vector512<float> query, Vector512<float> row)
    {
        Vector512<float> difference = query - row;
        return Vector512.FusedMultiplyAdd(difference, difference, sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Add(Vector256<float> sum, Vector256<float> query, Vector256<float> row)
    {
        Vector256<float> difference = query - row;
        return Vector256.FusedMultiplyAdd(difference, difference, sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Add(Vector<float> sum, Vector<float> query, Vector<float> row)
    {
        Vector<float> difference = query - row;
        return Vector.FusedMultiplyAdd(difference, difference, sum);
    }
}
