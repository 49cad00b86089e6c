using NUnit.Framework;
using Osprey.Kernels.Pooling;

namespace Osprey.Tests.Kernels.Pooling;

/// <summary>One map through the kernel and through the reference, forward and backward, in any layout and type.</summary>
static class PoolingCheck
{
    public static void Run<T>(PoolingKernel kernel, PoolingKind kind, MapShape shape, float[] powers, float[] values) where T : unmanaged
    {
        string what = $"{kind} {typeof(T).Name} p={string.Join(',', powers.Take(3))} {shape}:";
        T[] typed = PoolingMaps.To<T>(values), map = PoolingMaps.ToLayout(typed, shape);
        double[] exact = [.. typed.Select(v => (double)PoolingMaps.Single(v))], p = [.. powers.Select(v => (double)v)];
        float[] pooled = Odd(shape.Rows), g = Close.Random(2, shape.Rows, -1, 1), gradPowers = kind == PoolingKind.Gem ? Odd(powers.Length) : [];
        double tolerance = Tolerance(powers.Max());
        kernel.Forward<T>(map, shape, powers, pooled);
        // Sums of both signs: what cancels was rounded at its full size.
        double size = kind is PoolingKind.Spoc or PoolingKind.Rmac ? 1e-6 : 0;
        Close.Assert(pooled, PoolingReference.Forward(kind, exact, shape, p), tolerance, size, what);

        var gradient = new T[shape.Length];
        Array.Fill(gradient, PoolingMaps.To<T>([float.NaN])[0]);
        kernel.Backward<T>(map, shape, powers, pooled, g, gradient, gradPowers);
        (double[] want, double[] wantPowers) = PoolingReference.Backward(kind, exact, shape, p, g);
        if (typeof(T) == typeof(Half)) want = [.. want.Select(v => Math.Abs(v) >= 65520 ? Math.Sign(v) * double.PositiveInfinity : v)];
        // A rounding to half a unit of the type's last place, and half of its smallest number.
        double rounding = typeof(T) == typeof(float) ? 0 : typeof(T) == typeof(Half) ? 1.0 / (1 << 11) : 1.0 / (1 << 8);
        // Activations far below the rest: their share of a large power fades out of float32.
        double smallest = typeof(T) == typeof(Half) ? 1.0 / (1 << 24) : 1e-37;
        if (kind is PoolingKind.Rmac or PoolingKind.Crow) smallest += 2e-6 * want.DefaultIfEmpty().Max(Math.Abs);
        Close.Assert([.. PoolingMaps.FromLayout(gradient, shape).Select(PoolingMaps.Single)], want, (3 * tolerance) + rounding, smallest, what + " gradient");
        for (int i = 0; i < gradPowers.Length; i++)
            Assert.That(gradPowers[i], Is.EqualTo(wantPowers[i]).Within((2e-5 * shape.Rows / powers.Length) + (1e-5 * Math.Abs(wantPowers[i]))), what + " power");
    }

    /// <summary>How many rounding errors a power multiplies: the tolerance in units of 2^-23.</summary>
    public static double Tolerance(float p) => (16 + (6 * p)) / (1 << 23);

    /// <summary>To see what was not written.</summary>
    public static float[] Odd(int length)
    {
        var values = new float[length];
        Array.Fill(values, float.NaN);
        return values;
    }
}
