using NUnit.Framework;
using Osprey.Kernels;
using Osprey.Kernels.Normalization;
using Osprey.Kernels.Pooling;

namespace Osprey.Tests.Kernels.Pooling;

[TestFixture]
public class PoolingKernelTests
{
    static readonly PoolingKind[] kinds = Enum.GetValues<PoolingKind>();

    static readonly MapLayout[] layouts = Enum.GetValues<MapLayout>();

    /// <summary>Planes and channels around every edge of the sixteen lanes, of sixty-four, and of the blocks of sixteen planes.</summary>
    static IEnumerable<MapShape> Shapes(MapLayout layout)
    {
        foreach (int plane in (int[])[1, 2, 3, 7, 15, 16, 17, 31, 33, 48, 49, 63, 64, 65, 127, 196])
            foreach (int channels in (int[])[1, 5, 16, 17])
                yield return new MapShape(1, channels, 1, plane, layout);
        yield return new MapShape(0, 8, 7, 7, layout);
        yield return new MapShape(3, 64, 7, 7, layout);
        yield return new MapShape(2, 37, 13, 11, layout);
        yield return new MapShape(1, 1100, 3, 2, layout);
        yield return new MapShape(2, 3, 131, 133, layout);
    }

    static IEnumerable<float> Powers(PoolingKind kind) => kind == PoolingKind.Gem ? [3f, 1f, 2.37f, 0.5f, 9f, 60f] : [1f];

    static float[] Map(MapShape shape, int seed = 1) => PoolingMaps.Make(PoolingKind.Gem, shape, seed);

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

    [Test]
    public void Host_follows_the_definition_on_hard_shapes([ValueSource(nameof(kinds))] PoolingKind kind, [ValueSource(nameof(layouts))] MapLayout layout)
    {
        using Device host = Device.Open("host", 2);
        using var kernel = new PoolingKernel(host, kind);
        foreach (MapShape shape in Shapes(layout))
            foreach (float p in Powers(kind))
                PoolingCheck.Run<float>(kernel, kind, shape, [p], PoolingMaps.Make(kind, shape));
    }

    [Test]
    public void Sixteen_bit_maps_follow_it_too([ValueSource(nameof(kinds))] PoolingKind kind, [ValueSource(nameof(layouts))] MapLayout layout)
    {
        using Device host = Device.Open("host", 2);
        using var kernel = new PoolingKernel(host, kind);
        foreach (MapShape shape in (MapShape[])[new(0, 3, 2, 2, layout), new(1, 1, 1, 1, layout), new(2, 17, 3, 5, layout), new(1, 33, 7, 7, layout), new(2, 48, 4, 12, layout)])
        {
            foreach (float p in Powers(kind).Take(3))
            {
                PoolingCheck.Run<Half>(kernel, kind, shape, [p], PoolingMaps.Make(kind, shape));
                PoolingCheck.Run<BFloat16>(kernel, kind, shape, [p], PoolingMaps.Make(kind, shape));
            }
        }
    }

    [Test]
    public void Every_channel_may_have_its_own_power([ValueSource(nameof(layouts))] MapLayout layout, [ValueSource(typeof(TestDevices), nameof(TestDevices.All))] string name)
    {
        using Device device = TestDevices.Open(name, 2);
        using var gem = new PoolingKernel(device, PoolingKind.Gem);
        foreach (MapShape shape in (MapShape[])[new(2, 5, 3, 3, layout), new(2, 19, 2, 5, layout)])
        {
            float[] powers = [.. Enumerable.Range(0, shape.Channels).Select(c => 0.5f + (0.37f * c))];
            PoolingCheck.Run<float>(gem, PoolingKind.Gem, shape, powers, Map(shape));
        }
    }

    [Test]
    public void Cuda_follows_the_definition(
        [ValueSource(nameof(kinds))] PoolingKind kind, [ValueSource(nameof(layouts))] MapLayout layout, [ValueSource(typeof(TestDevices), nameof(TestDevices.Names))] string name)
    {
        using Device device = TestDevices.Open(name);
        using var kernel = new PoolingKernel(device, kind);
        // Regions meet at many barriers, which are slow there.
        MapShape[] shapes = kind == PoolingKind.Rmac ? [new(0, 3, 2, 2, layout), new(1, 33, 3, 4, layout)] : [new(0, 3, 2, 2, layout), new(1, 1, 1, 1, layout), new(1, 35, 3, 4, layout), new(2, 3, 7, 7, layout)];
        foreach (MapShape shape in shapes)
        {
            foreach (float p in Powers(kind).Take(3)) PoolingCheck.Run<float>(kernel, kind, shape, [p], PoolingMaps.Make(kind, shape));
        }
        var small = new MapShape(2, 3, 2, 3, layout);
        PoolingCheck.Run<Half>(kernel, kind, small, [3], PoolingMaps.Make(kind, small));
        PoolingCheck.Run<BFloat16>(kernel, kind, small, [2.2f], PoolingMaps.Make(kind, small));
    }

    [Test]
    public void Unit_rows_are_those_of_two_steps([ValueSource(nameof(kinds))] PoolingKind kind, [ValueSource(typeof(TestDevices), nameof(TestDevices.All))] string name)
    {
        using Device device = TestDevices.Open(name, 2);
        using var kernel = new PoolingKernel(device, kind);
        using var rows = new RowNormalization(device);
        var shape = new MapShape(3, 5, 2, 3, MapLayout.ChannelsLast);
        float[] map = PoolingMaps.Make(kind, shape), g = Close.Random(3, shape.Rows, -1, 1), powers = [2.5f];
        float[] pooled = new float[shape.Rows], unit = new float[shape.Rows], norms = new float[3], gradPooled = new float[shape.Rows], gradient = new float[shape.Length];
        float[] together = PoolingCheck.Odd(shape.Rows), togetherUnit = PoolingCheck.Odd(shape.Rows), togetherNorms = PoolingCheck.Odd(3), togetherGradient = PoolingCheck.Odd(shape.Length);
        kernel.Forward<float>(map, shape, powers, pooled);
        rows.Forward(pooled, 3, 5, unit, norms);
        rows.Backward(unit, norms, g, 3, 5, gradPooled);
        kernel.Backward<float>(map, shape, powers, pooled, gradPooled, gradient, []);
        kernel.ForwardUnit<float>(map, shape, powers, together, togetherUnit, togetherNorms);
        kernel.BackwardUnit<float>(map, shape, powers, together, togetherUnit, togetherNorms, g, togetherGradient, []);
        Assert.That(together, Is.EqualTo(pooled));
        Assert.That(togetherUnit, Is.EqualTo(unit));
        Assert.That(togetherNorms, Is.EqualTo(norms));
        Assert.That(togetherGradient, Is.EqualTo(gradient));
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
            double[] exact = [.. map.Select(v => (double)v)];
            double[] above = PoolingReference.Forward(PoolingKind.Gem, exact, shape, p + Step), below = PoolingReference.Forward(PoolingKind.Gem, exact, shape, p - Step);
            double slope = 0;
            for (int i = 0; i < 6; i++) slope += g[i] * (above[i] - below[i]) / (2 * Step);
            Assert.That(got, Is.EqualTo(slope).Within(1e-5));
            Assert.That(gem.Backward(map, shape, p, pooled, g, new float[shape.Length], powerGradient: false), Is.Zero);
        }
    }

    [TestCase(PoolingKind.Gem)]
    [TestCase(PoolingKind.Spoc)]
    [TestCase(PoolingKind.Mac)]
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

    [Test]
    public void The_number_of_threads_changes_no_bit([ValueSource(nameof(kinds))] PoolingKind kind, [ValueSource(nameof(layouts))] MapLayout layout)
    {
        var shape = new MapShape(3, 701, 7, 7, layout);
        float[] map = PoolingMaps.Make(kind, shape), g = Close.Random(2, shape.Rows, -1, 1);
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
    public void Nothing_is_allocated_once_warm([ValueSource(nameof(kinds))] PoolingKind kind, [ValueSource(nameof(layouts))] MapLayout layout)
    {
        using Device host = Device.Open("host", 2);
        using var kernel = new PoolingKernel(host, kind);
        var shape = new MapShape(4, 128, 14, 14, layout);
        float[] map = PoolingMaps.Make(kind, shape), pooled = new float[shape.Rows], unit = new float[shape.Rows], norms = new float[4], gradient = new float[shape.Length];
        float[] powers = [3], gradPowers = kind == PoolingKind.Gem ? [0] : [];
        void Run()
        {
            kernel.ForwardUnit<float>(map, shape, powers, pooled, unit, norms);
            kernel.BackwardUnit<float>(map, shape, powers, pooled, unit, norms, unit, gradient, gradPowers);
        }
        for (int i = 0; i < 3; i++) Run();
        Allocations.AssertNoneOnceWarm(Run);
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
        Assert.That(() => gem.Forward<float>(new float[18], shape, [3, 3, 3], new float[2]), Throws.ArgumentException.With.Message.Contains("3 powers").And.Message.Contains("2 channels"));
        Assert.That(() => gem.Forward<double>(new double[18], shape, [3], new float[2]), Throws.ArgumentException.With.Message.Contains("Double"));
        Assert.That(() => gem.Backward<float>(new float[18], shape, [3], new float[2], new float[2], new float[18], new float[2]), Throws.ArgumentException.With.Message.Contains("2 values for 1"));
        using var mac = new PoolingKernel(host, PoolingKind.Mac);
        Assert.That(() => mac.Backward<float>(new float[18], shape, [], new float[2], new float[2], new float[18], new float[1]), Throws.ArgumentException.With.Message.Contains("Mac"));
        Assert.That(() => new MapShape(1, 2, 3, 3, (MapLayout)7), Throws.ArgumentException.With.Message.Contains("ChannelsLast"));
        Assert.That(() => new MapShape(1, 0, 3, 3), Throws.ArgumentException);
        Assert.That(() => new MapShape(1, 65536, 256, 256), Throws.ArgumentException);
    }
}
