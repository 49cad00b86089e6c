using NUnit.Framework;
using Osprey.Interop.Cuda;
using Osprey.Kernels;
using Osprey.Kernels.Pooling;
using Osprey.Kernels.Sharing;
using Osprey.Tests.Kernels;
using Osprey.Tests.Kernels.Pooling;
using Osprey.Tests.Ptx;
using static Osprey.Tests.Interop.Cuda.SharedCalls;

namespace Osprey.Tests.Interop.Cuda;

/// <summary>Pooling in somebody else's CUDA context, as <see cref="SharedPerturbationTests"/> tests steps there.</summary>
[TestFixture]
public class SharedPoolingTests
{
    static readonly PoolingKind[] kinds = Enum.GetValues<PoolingKind>();

    static readonly MapShape small = new(2, 3, 2, 2);

    [Test]
    public void The_text_handed_to_the_driver_does_what_the_host_does([ValueSource(nameof(kinds))] PoolingKind kind, [Values] MapLayout layout)
    {
        var shape = new MapShape(2, 35, 5, 4, layout);
        float[] powers = kind == PoolingKind.Gem ? [2.7f] : [];
        Compare<float>(kind, shape, powers, known: true);
        Compare<Half>(kind, shape, powers, known: true);
        Compare<BFloat16>(kind, shape, powers, known: true);
    }

    [TestCase(true)]
    [TestCase(false)]
    public void Powers_may_be_known_or_not_one_or_many(bool known)
    {
        var shape = new MapShape(3, 37, 3, 3);
        Compare<float>(PoolingKind.Gem, shape, [3], known);
        Compare<float>(PoolingKind.Gem, shape, Close.Random(5, shape.Channels, 1, 6), known);
        Compare<float>(PoolingKind.Gem, new(4, 1, 3, 3), [2], known);
    }

    static void Compare<T>(PoolingKind kind, MapShape shape, float[] powers, bool known)
        where T : unmanaged
    {
        string what = $"{kind} {typeof(T).Name} {shape}, {powers.Length} powers";
        T[] map = PoolingMaps.ToLayout(PoolingMaps.To<T>(PoolingMaps.Make(kind, shape)), shape), gradMap = new T[map.Length], gradMapUnit = new T[map.Length];
        float[] g = Close.Random(3, shape.Rows, -1, 1), pooled = new float[shape.Rows], unit = new float[shape.Rows], norms = new float[shape.Batch], gradPowers = new float[powers.Length], gradPowersUnit = new float[powers.Length];
        using Device host = Device.Open("host", 1);
        using var kernel = new PoolingKernel(host, kind);
        kernel.ForwardUnit<T>(map, shape, powers, pooled, unit, norms);
        kernel.Backward<T>(map, shape, powers, pooled, g, gradMap, gradPowers);
        kernel.BackwardUnit<T>(map, shape, powers, pooled, unit, norms, g, gradMapUnit, gradPowersUnit);

        var driver = new RecordingDriver(2, 64) { Runs = true };
        using var context = new PrimaryContext(driver, 0);
        using var shared = new SharedPooling(context, kind);
        PtxGlobalMemory memory = driver.Memory;
        PtxBuffer<T> x = memory.Holding(map), gx = memory.Empty<T>(map.Length), gxUnit = memory.Empty<T>(map.Length);
        PtxBuffer<float> p = memory.Holding(powers), y = memory.Empty<float>(shape.Rows), again = memory.Empty<float>(shape.Rows), u = memory.Empty<float>(shape.Rows), n = memory.Empty<float>(shape.Batch);
        PtxBuffer<float> gy = memory.Holding(g), gp = memory.Empty<float>(powers.Length), gpUnit = memory.Empty<float>(powers.Length);
        var there = new DevicePowers(Span(p), known ? powers : []);
        shared.Forward(Span(x), shape, there, Span(y));
        shared.ForwardUnit(Span(x), shape, there, Span(again), Span(u), Span(n));
        shared.Backward(Span(x), shape, there, Span(y), Span(gy), Span(gx), Span(gp));
        shared.BackwardUnit(Span(x), shape, there, Span(y), Span(u), Span(n), Span(gy), Span(gxUnit), Span(gpUnit));

        AssertClose(y.ToArray(), pooled, 1e-5, "pooled");
        Assert.That(again.ToArray(), Is.EqualTo(y.ToArray()), what);
        AssertClose(u.ToArray(), unit, 1e-5, "unit");
        AssertClose(n.ToArray(), norms, 1e-5, "norms");
        double rounding = typeof(T) == typeof(float) ? 1e-5 : typeof(T) == typeof(Half) ? 1.0 / (1 << 10) : 1.0 / (1 << 7);
        AssertClose(Singles(gx.ToArray()), Singles(gradMap), rounding, "gradient");
        AssertClose(Singles(gxUnit.ToArray()), Singles(gradMapUnit), rounding, "gradient of unit rows");
        AssertClose(gp.ToArray(), gradPowers, 1e-5, "powers");
        AssertClose(gpUnit.ToArray(), gradPowersUnit, 1e-5, "powers of unit rows");

        // Of both signs: what cancels was rounded at its full size.
        void AssertClose(float[] got, float[] want, double tolerance, string name) =>
            Close.Assert(got, [.. want.Select(v => (double)v)], tolerance, tolerance * want.DefaultIfEmpty().Max(Math.Abs), $"{what}: {name}");
        static float[] Singles(T[] values) => [.. values.Select(PoolingMaps.Single)];
    }

    [Test]
    public void A_launch_has_its_geometry_stream_and_arguments_byte_for_byte()
    {
        RecordingDriver driver = H200();
        using var context = new PrimaryContext(driver, 0);
        using var shared = new SharedPooling(context, PoolingKind.Gem);
        var shape = new MapShape(3, 100, 7, 9);
        const int Rows = 300, Length = Rows * 63;
        DeviceSpan<Half> map = new(0x10_0002, Length), gradMap = new(0x20_0000, Length);
        var powers = new DevicePowers(new(0x30_0000, 100), []);
        DeviceSpan<float> pooled = new(0x40_0000, Rows), unit = new(0x50_0000, Rows), norms = new(0x60_0000, 3), g = new(0x70_0000, Rows), gradPowers = new(0x80_0000, 100);
        shared.ForwardUnit(map, shape, powers, pooled, unit, norms);
        shared.BackwardUnit(map, shape, powers, pooled, unit, norms, g, gradMap, gradPowers);

        Assert.That(driver.Launches, Has.Count.EqualTo(6));
        // Images, channels, h·w, w, and 0 for channels-first; nothing for the power; and that the 16 bits are a Half.
        byte[] grid = Bytes(3, 100, 63, 9, 0), half = Bytes(1);
        // Eight warps of a group, a plane or a row each.
        AssertLaunch(driver.Launches[0], "Kernel_GemForward", 38, 256, View(0x10_0002, Length), View(0x30_0000, 100), View(0x40_0000, Rows), grid, [], half);
        AssertLaunch(driver.Launches[1], "Kernel_NormalizeRows", 1, 256, View(0x40_0000, Rows), View(0x50_0000, Rows), View(0x60_0000, 3), Bytes(100));
        nint[] scratch = [.. driver.Allocated.Where(a => a.Value == Rows * sizeof(float)).Select(a => a.Key)];
        Assert.That(scratch, Has.Length.EqualTo(2), "gradient of the pooled rows, terms of the powers");
        nint sums = Scratch(driver, 100 * sizeof(double));
        nint gradPooled = scratch[0], terms = scratch[1];
        AssertLaunch(
            driver.Launches[2], "Kernel_NormalizeRowsBack", 1, 256, View(0x50_0000, Rows), View(0x60_0000, 3), View(0x70_0000, Rows), View(gradPooled, Rows), Bytes(100));
        AssertLaunch(
            driver.Launches[3],
            "Kernel_GemBackward",
            38,
            256,
            View(0x10_0002, Length),
            View(0x30_0000, 100),
            View(0x40_0000, Rows),
            View(gradPooled, Rows),
            View(0x20_0000, Length),
            View(terms, Rows),
            grid,
            [],
            half);
        AssertLaunch(driver.Launches[4], "Kernel_ChannelSums", 1, 256, View(0x40_0000, Rows), View(gradPooled, Rows), View(terms, Rows), View(sums, 100));
        AssertLaunch(driver.Launches[5], "Kernel_PowerSums", 13, 256, View(0x30_0000, 100), View(sums, 100), View(0x80_0000, 100), Bytes(63));
    }

    [Test]
    public void The_table_of_regions_is_copied_once_for_a_height_and_width()
    {
        RecordingDriver driver = H200();
        using var context = new PrimaryContext(driver, 0);
        using var shared = new SharedPooling(context, PoolingKind.Rmac);
        foreach ((int side, int copies) in ((int, int)[])[(7, 1), (7, 1), (8, 2)])
        {
            var shape = new MapShape(1, 2, side, side);
            shared.Forward<float>(new(0x10_0000, shape.Length), shape, default, new(0x20_0000, 2));
            Assert.That(Count(driver, "MemcpyHtoD"), Is.EqualTo(copies));
        }
    }

    [TestCaseSource(nameof(kinds))]
    public void Whatever_fails_the_context_that_was_current_is_current_again(PoolingKind kind) => AssertContextIsRestored(
        (driver, context) =>
        {
            using var shared = new SharedPooling(context, kind);
            PtxBuffer<float> gradMap = driver.Memory.Empty<float>(24);
            DeviceSpan<float> powers = new(4, 1);
            shared.Forward<BFloat16>(new(8, 24), small, new(powers, [2]), new(16, 6));
            shared.Backward(new(8, 24), small, new(powers, [2]), new(16, 6), new(24, 6), Span(gradMap), kind == PoolingKind.Gem ? new(12, 1) : default);
        },
        [
            "CtxPushCurrent",
            "ModuleLoadData",
            "ModuleGetFunction",
            "LaunchKernel",
            "MemAlloc",
            .. (string[])(kind == PoolingKind.Rmac ? ["MemcpyHtoD", "MemsetD8Async"] : []),
        ]);

    [TestCaseSource(nameof(kinds))]
    public void A_module_is_loaded_once_per_device_and_everything_is_given_back(PoolingKind kind)
    {
        RecordingDriver driver = H200();
        int once;
        using (var first = new PrimaryContext(driver, 0))
        using (var second = new PrimaryContext(driver, 1))
        {
            Run(first);
            once = Count(driver, "ModuleLoadData");
            int launches = driver.Launches.Count;
            Assert.That(driver.Launches.Select(l => l.Entry).Distinct().Count(), Is.LessThanOrEqualTo(once));
            Run(first);
            Assert.That(Count(driver, "ModuleLoadData"), Is.EqualTo(once));
            Run(second);
            Assert.That(Count(driver, "ModuleLoadData"), Is.EqualTo(2 * once));
            Assert.That(driver.Launches, Has.Count.EqualTo(3 * launches));
        }
        Assert.That(Count(driver, "ModuleUnload"), Is.EqualTo(2 * once));
        Assert.That(driver.Retained, Is.Zero);
        Assert.That(driver.Current, Is.Empty);

        void Run(ICudaContext context)
        {
            using (var shared = new SharedPooling(context, kind))
            {
                int held = 0;
                for (int t = 0; t < 3; t++)
                {
                    PtxBuffer<float> gradMap = driver.Memory.Empty<float>(24);
                    var powers = new DevicePowers(new(4, 1), [3]);
                    shared.ForwardUnit<float>(new(8, 24), small, powers, new(16, 6), new(40, 6), new(64, 2));
                    shared.BackwardUnit<float>(new(8, 24), small, powers, new(16, 6), new(40, 6), new(64, 2), new(24, 6), Span(gradMap), kind == PoolingKind.Gem ? new(12, 1) : default);
                    if (t > 0) Assert.That(driver.Allocated, Has.Count.EqualTo(held), "kept");
                    held = driver.Allocated.Count;
                }
            }
            Assert.That(driver.Allocated, Is.Empty);
        }
    }

    [Test]
    public void Misuse_is_named()
    {
        RecordingDriver driver = H200();
        using var context = new PrimaryContext(driver, 0);
        using SharedPooling gem = new(context, PoolingKind.Gem), mac = new(context, PoolingKind.Mac);
        Assert.That(() => gem.Forward<float>(new(8, 23), small, new(new(4, 1), []), new(16, 6)), Throws.ArgumentException.With.Message.Contains("map has 23"));
        Assert.That(() => gem.Forward<float>(new(8, 24), small, new(new(4, 1), []), new(16, 7)), Throws.ArgumentException.With.Message.Contains("pooled has 7"));
        Assert.That(() => gem.Forward<double>(new(8, 24), small, new(new(4, 1), []), new(16, 6)), Throws.ArgumentException.With.Message.Contains("Double"));
        Assert.That(() => gem.Forward<float>(new(8, 24), small, default, new(16, 6)), Throws.ArgumentException.With.Message.Contains("0 powers for 3 channels"));
        Assert.That(() => gem.Forward<float>(new(8, 24), small, new(new(4, 1), [0]), new(16, 6)), Throws.ArgumentException.With.Message.Contains("power is 0"));
        Assert.That(() => gem.Forward<float>(new(8, 24), small, new(new(4, 3), [3]), new(16, 6)), Throws.ArgumentException.With.Message.Contains("3 powers on the device and 1 known"));
        Assert.That(
            () => gem.ForwardUnit<float>(new(8, 24), small, new(new(4, 1), []), new(16, 6), new(20, 6), new(24, 3)), Throws.ArgumentException.With.Message.Contains("norms has 3"));
        Assert.That(
            () => gem.Backward<float>(new(8, 24), small, new(new(4, 1), []), new(16, 6), new(20, 6), new(24, 24), new(28, 3)), Throws.ArgumentException.With.Message.Contains("gradPowers has 3"));
        Assert.That(
            () => mac.Backward<float>(new(8, 24), small, default, new(16, 6), new(20, 6), new(24, 24), new(28, 1)), Throws.ArgumentException.With.Message.Contains("Mac has no powers"));
        Assert.That(() => mac.Backward<float>(new(8, 24), small, default, new(16, 6), new(20, 5), new(24, 24), default), Throws.ArgumentException.With.Message.Contains("gradPooled has 5"));
        Assert.That(() => new SharedPooling(context, (PoolingKind)9), Throws.ArgumentException);
    }

    [Test]
    public void No_images_are_no_launch_and_no_gradient_of_the_powers()
    {
        var driver = new RecordingDriver(2, 64);
        using var context = new PrimaryContext(driver, 0);
        using var gem = new SharedPooling(context, PoolingKind.Gem);
        var none = new MapShape(0, 3, 2, 2);
        PtxBuffer<float> gradPowers = driver.Memory.Empty<float>(3);
        var powers = new DevicePowers(new(4, 3), []);
        gem.ForwardUnit<float>(default, none, powers, default, default, default);
        gem.BackwardUnit<float>(default, none, powers, default, default, default, default, default, Span(gradPowers));
        Assert.That(driver.Launches, Is.Empty);
        Assert.That(gradPowers.ToArray(), Is.All.Zero);
    }
}
