using NUnit.Framework;
using Osprey.Kernels;
using Osprey.Kernels.Pooling;

namespace Osprey.Tests.Kernels.Pooling;

[TestFixture]
public class PoolingKernelTests
{
    static readonly PoolingKind[] kinds = Enum.GetValues<PoolingKind>();

    /// <summary>Planes and channels around every edge of the sixteen lanes, of sixty-four, and of the blocks of sixteen planes.</summary>
    static IEnumerable<MapShape> Shapes()
    {
        foreach (int plane in (int[])[1, 2, 3, 7, 15, 16, 17, 31, 33, 48, 49, 63, 64, 65, 127, 196])
            foreach (int channels in (int[])[1, 5, 16, 17])
                yield return new MapShape(1, channels, 1, plane);
        yield return new MapShape(0, 8, 7, 7);
        yield return new MapShape(3, 64, 7, 7);
        yield return new MapShape(2, 37, 13, 11);
        yield return new MapShape(2, 3, 181, 183);
    }

    static IEnumerable<float> Powers(PoolingKind kind) => kind == PoolingKind.Gem ? [3f, 1f, 2.37f, 0.5f, 9f, 60f] : [1f];

    /// <summary>Half of it below zero, as before a ReLU, and some zeros, as after one.</summary>
    static float[] Map(MapShape shape, int seed = 1)
    {
        float[] map = Close.Random(seed, shape.Length, -2, 4);
        for (int i = 0; i < map.Length; i += 5) map[i] = 0;
        return map;
    }

    /// <summary>How many rounding errors a power multiplies: the tolerance in units of 2^-23.</summary>
    static double Tolerance(float p) => (16 + (6 * p)) / (1 << 23);

    [Test]
    public void A_case_by_hand()
    {
        float[] map = [1, 2, 3, 0];
        var shape = new MapShape(1, 1, 2, 2);
        float[] pooled = [0], gradient = [0, 0, 0, 0];
        using Device host = Device.Open("host");

        using var gem = new PoolingKernel(host, PoolingKind.Gem);
        gem.Forward(map, shape, 3, pooled);
        // (1 + 8 + 27)/4 = 9
        Assert.That(pooled[0], Is.EqualTo(2.0800838f).Within(3e-7f));
        float power = gem.Backward(map, shape, 3, pooled, [2], gradient);
        // 2·y^-2·x²/4
        Assert.That(gradient, Is.EqualTo(new[] { 0.11556f, 0.46224f, 1.04004f, 0 }).Within(1e-5f));
        // 2·(y/3)·((8 ln 2 + 27 ln 3)/36 − ln y)
        Assert.That(power, Is.EqualTo(0.340556).Within(1e-4));

        using var spoc = new PoolingKernel(host, PoolingKind.Spoc);
        spoc.Forward(map, shape, 1, pooled);
        Assert.That(pooled[0], Is.EqualTo(1.5f));
        Assert.That(spoc.Backward(map, shape, 1, pooled, [2], gradient), Is.Zero);
        Assert.That(gradient, Is.All.EqualTo(0.5f));

        using var mac = new PoolingKernel(host, PoolingKind.Mac);
        mac.Forward([3, 2, 3, 0], shape, 1, pooled);
        Assert.That(pooled[0], Is.EqualTo(3));
        mac.Backward([3, 2, 3, 0], shape, 1, pooled, [2], gradient);
        Assert.That(gradient, Is.EqualTo(new float[] { 2, 0, 0, 0 }), "all of it to the first maximum");
    }

    [TestCaseSource(nameof(kinds))]
    public void Host_follows_the_definition_on_hard_shapes(PoolingKind kind)
    {
        using Device host = Device.Open("host", 2);
        using var kernel = new PoolingKernel(host, kind);
        foreach (MapShape shape in Shapes())
            foreach (float p in Powers(kind))
                Check(kernel, kind, shape, p, Map(shape));
    }

    [TestCaseSource(nameof(kinds))]
    public void Simulator_follows_the_definition(PoolingKind kind)
    {
        using Device simulator = Device.Open("simulator");
        using var kernel = new PoolingKernel(simulator, kind);
        foreach (MapShape shape in (MapShape[])[new(0, 3, 2, 2), new(1, 1, 1, 1), new(1, 3, 1, 31), new(1, 5, 3, 11), new(2, 3, 7, 7), new(1, 2, 5, 13)])
            foreach (float p in Powers(kind).Take(3))
                Check(kernel, kind, shape, p, Map(shape));
    }

    static void Check(PoolingKernel kernel, PoolingKind kind, MapShape shape, float p, float[] map)
    {
        string what = $"{kind} p={p} {shape}:";
        var pooled = new float[shape.Rows];
        Array.Fill(pooled, float.NaN);
        kernel.Forward(map, shape, p, pooled);
        Close.Assert(pooled, PoolingReference.Forward(kind, map, shape, p), Tolerance(p), kind == PoolingKind.Spoc ? 1e-6 : 0, what);

        float[] g = Close.Random(2, shape.Rows, -1, 1);
        var gradient = new float[shape.Length];
        Array.Fill(gradient, float.NaN);
        float gradPower = kernel.Backward(map, shape, p, pooled, g, gradient);
        (double[] want, double wantPower) = PoolingReference.Backward(kind, map, shape, p, g);
        // Activations far below the rest: their share of a large power fades out of float32.
        Close.Assert(gradient, want, 3 * Tolerance(p), 1e-37, what + " gradient");
        Assert.That(gradPower, Is.EqualTo(wantPower).Within((2e-5 * shape.Rows) + (1e-5 * Math.Abs(wantPower))), what + " power");
    }

    [Test]
    public void The_power_gradient_is_the_slope_of_the_definition()
    {
        var shape = new MapShape(1, 6, 7, 7);
        float[] map = Map(shape), pooled = new float[6], g = Close.Random(3, 6, -1, 1), gradient = new float[shape.Length];
        using Device host = Device.Open("host");
        using var gem = new PoolingKernel(host, PoolingKind.Gem);
        foreach (float p in (float[])[1.5f, 3, 6])
        {
            gem.Forward(map, shape, p, pooled);
            float got = gem.Backward(map, shape, p, pooled, g, gradient);
            const double Step = 1e-5;
            double[] above = PoolingReference.Forward(PoolingKind.Gem, map, shape, p + Step), below = PoolingReference.Forward(PoolingKind.Gem, map, shape, p - Step);
            double slope = 0;
            for (int i = 0; i < 6; i++) slope += g[i] * (above[i] - below[i]) / (2 * Step);
            Assert.That(got, Is.EqualTo(slope).Within(1e-5));
            Assert.That(gem.Backward(map, shape, p, pooled, g, new float[shape.Length], powerGradient: false), Is.Zero);
        }
    }

    [TestCaseSource(nameof(kinds))]
    public void NaN_and_infinity_are_not_hidden(PoolingKind kind)
    {
        using Device host = Device.Open("host", 1), simulator = Device.Open("simulator");
        foreach (Device device in (Device[])[host, simulator])
        {
            using var kernel = new PoolingKernel(device, kind);
            foreach (int plane in device == simulator ? (int[])[35] : [3, 16, 49])
                foreach (int at in device == simulator ? (int[])[33] : [0, plane / 2, plane - 1])
                    foreach (float odd in (float[])[float.NaN, float.PositiveInfinity])
                        foreach (float p in Powers(kind).Take(3))
                        {
                            float[] map = Close.Random(1, 2 * plane, 0, 1), pooled = [0, 0], gradient = new float[2 * plane];
                            map[plane + at] = odd;
                            var shape = new MapShape(1, 2, 1, plane);
                            kernel.Forward(map, shape, p, pooled);
                            Assert.That(float.IsFinite(pooled[0]), Is.True, "the plane beside it");
                            Assert.That(pooled[1], Is.EqualTo(odd), $"{kind} p={p} plane {plane} at {at}");
                            kernel.Backward(map, shape, p, pooled, [1, 1], gradient);
                            Assert.That(gradient[..plane], Is.All.Not.NaN);
                            if (kind == PoolingKind.Mac) Assert.That(gradient[plane + at], Is.EqualTo(1));
                        }
        }
    }

    [Test]
    public void A_dead_channel_and_large_activations_survive_any_power()
    {
        using Device host = Device.Open("host");
        using var gem = new PoolingKernel(host, PoolingKind.Gem);
        var shape = new MapShape(1, 2, 4, 5);
        float[] map = new float[40], pooled = [0, 0], gradient = new float[40];
        map.AsSpan(20).Fill(1e8f);
        foreach (float p in (float[])[3, 8, 30, 100])
        {
            gem.Forward(map, shape, p, pooled);
            Assert.That(pooled[0], Is.EqualTo(1e-6f).Within(1e-11f), $"p={p}: all below the floor");
            Assert.That(pooled[1], Is.EqualTo(1e8f).Within(2e3f), $"p={p}");
            float power = gem.Backward(map, shape, p, pooled, [1, 1], gradient);
            Assert.That(gradient[..20], Is.All.Zero);
            Assert.That(gradient[20..], Is.All.EqualTo(0.05f).Within(1e-6f * Math.Max(8, p)));
            Assert.That(float.IsFinite(power), Is.True);
        }
    }

    [TestCaseSource(nameof(kinds))]
    public void The_number_of_threads_changes_no_bit(PoolingKind kind)
    {
        var shape = new MapShape(3, 701, 7, 7);
        float[] map = Map(shape), g = Close.Random(2, shape.Rows, -1, 1);
        (float[] Pooled, float[] Gradient, float Power)[] results = [.. ((int[])[1, 2, 3]).Select(threads =>
        {
            using Device host = Device.Open("host", threads);
            using var kernel = new PoolingKernel(host, kind);
            float[] pooled = new float[shape.Rows], gradient = new float[shape.Length];
            kernel.Forward(map, shape, 2.5f, pooled);
            float power = kernel.Backward(map, shape, 2.5f, pooled, g, gradient);
            return (pooled, gradient, power);
        })];
        foreach (var other in results[1..])
        {
            Assert.That(other.Pooled, Is.EqualTo(results[0].Pooled));
            Assert.That(other.Gradient, Is.EqualTo(results[0].Gradient));
            Assert.That(other.Power, Is.EqualTo(results[0].Power));
        }
    }

    [Test]
    public void Nothing_is_allocated_once_warm()
    {
        using Device host = Device.Open("host", 2);
        using var gem = new PoolingKernel(host, PoolingKind.Gem);
        var shape = new MapShape(2, 128, 14, 14);
        float[] map = Map(shape), pooled = new float[shape.Rows], g = new float[shape.Rows], gradient = new float[shape.Length];
        void Run()
        {
            gem.Forward(map, shape, 3, pooled);
            gem.Backward(map, shape, 3, pooled, g, gradient);
        }
        for (int i = 0; i < 3; i++) Run();
        Assert.That(Allocations.OfHundred(Run), Is.Zero);
    }

    [Test]
    public void Misuse_is_named()
    {
        using Device host = Device.Open("host");
        using var gem = new PoolingKernel(host, PoolingKind.Gem);
        var shape = new MapShape(1, 2, 3, 3);
        Assert.That(() => gem.Forward(new float[17], shape, 3, new float[2]), Throws.ArgumentException.With.Message.Contains("17").And.Message.Contains("18"));
        Assert.That(() => gem.Forward(new float[18], shape, 3, new float[3]), Throws.ArgumentException.With.Message.Contains("pooled"));
        foreach (float p in (float[])[0, -1, 0.009f, float.NaN, 101, float.PositiveInfinity])
            Assert.That(() => gem.Forward(new float[18], shape, p, new float[2]), Throws.ArgumentException.With.Message.Contains("power"));
        Assert.That(() => gem.Forward(new float[18], shape, PoolingKernel.SmallestPower, new float[2]), Throws.Nothing);
        Assert.That(() => new MapShape(1, 0, 3, 3), Throws.ArgumentException);
        Assert.That(() => new MapShape(1, 65536, 256, 256), Throws.ArgumentException);
    }
}
