using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Osprey.Kernels.Search;

/// <summary>
/// A random rotation: signs and a Hadamard transform on the first P dimensions, then the same on the last P, P being the largest power of two
/// in D. It spreads a spike over all dimensions, so that one scale of 8-bit codes fits them all; distances and products stay as they were.
/// </summary>
sealed class CodedRotation
{
    /// <summary>Fewer dimensions are not rotated.</summary>
    public const int LeastDimension = 64;

    readonly int dimension, block;
    readonly float[] firstSigns, lastSigns;

    /// <param name="dimension"><see cref="LeastDimension"/> or more.</param>
    /// <param name="seed">Which rotation.</param>
    public CodedRotation(int dimension, ulong seed)
    {
        this.dimension = dimension;
        block = 1 << System.Numerics.BitOperations.Log2((uint)dimension);
        var random = new SplitMix(seed ^ 0x5157_4F54_4154_4531);
        firstSigns = Signs(ref random);
        lastSigns = Signs(ref random);
    }

    /// <summary>‖computed − exact‖ in float32 is at most this times ‖x‖: a rounding per level, two for the scale, for each of two blocks.</summary>
    public double RelativeError => 2 * (System.Numerics.BitOperations.Log2((uint)block) + 3) * 1.01 / (1 << 24);

    float[] Signs(ref SplitMix random)
    {
        float[] signs = new float[block];
        foreach (ref float sign in signs.AsSpan()) sign = (random.Next() & 1) == 0 ? 1 : -1;
        return signs;
    }

    /// <summary>Rotates D values in place, in float32.</summary>
    public unsafe void Apply(float* values)
    {
        Transform(values, firstSigns);
        if (block < dimension) Transform(values + dimension - block, lastSigns);
    }

    /// <summary>The same in double precision, for queries.</summary>
    public void Apply(Span<double> values)
    {
        Transform(values[..block], firstSigns);
        if (block < dimension) Transform(values[(dimension - block)..dimension], lastSigns);
    }

    void Transform(Span<double> values, float[] signs)
    {
        for (int i = 0; i < values.Length; i++) values[i] *= signs[i];
        for (int half = 1; half < values.Length; half *= 2)
        {
            for (int first = 0; first < values.Length; first += 2 * half)
            {
                for (int i = first; i < first + half; i++) (values[i], values[i + half]) = (values[i] + values[i + half], values[i] - values[i + half]);
            }
        }
        double scale = 1 / Math.Sqrt(block);
        foreach (ref double value in values) value *= scale;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    unsafe void Transform(float* values, float[] signs)
    {
        Vector512<float> scale = Vector512.Create((float)(1 / Math.Sqrt(block)));
        Vector512<float> one = Vector512.Create(1f, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1);
        Vector512<float> two = Vector512.Create(1f, 1, -1, -1, 1, 1, -1, -1, 1, 1, -1, -1, 1, 1, -1, -1);
        Vector512<float> four = Vector512.Create(1f, 1, 1, 1, -1, -1, -1, -1, 1, 1, 1, 1, -1, -1, -1, -1);
        Vector512<float> eight = Vector512.Create(1f, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1, -1);
        fixed (float* sign = signs)
        {
            for (int i = 0; i < block; i += 16)
            {
                // Within a vector: each half is added to, or subtracted from, its partner.
                Vector512<float> x = Vector512.Load(values + i) * Vector512.Load(sign + i);
                x = Vector512.FusedMultiplyAdd(x, one, Vector512.Shuffle(x, Vector512.Create(1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14)));
                x = Vector512.FusedMultiplyAdd(x, two, Vector512.Shuffle(x, Vector512.Create(2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13)));
                x = Vector512.FusedMultiplyAdd(x, four, Vector512.Shuffle(x, Vector512.Create(4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11)));
                x = Vector512.FusedMultiplyAdd(x, eight, Vector512.Shuffle(x, Vector512.Create(8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7)));
                (x * scale).Store(values + i);
            }
        }
        for (int half = 16; half < block; half *= 2)
        {
            for (int first = 0; first < block; first += 2 * half)
            {
                for (int i = first; i < first + half; i += 16)
                {
                    Vector512<float> a = Vector512.Load(values + i), b = Vector512.Load(values + i + half);
                    (a + b).Store(values + i);
                    (a - b).Store(values + i + half);
                }
            }
        }
    }
}
