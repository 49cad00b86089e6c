using NUnit.Framework;
using Osprey.Interop.Cuda;
using Osprey.Kernels;
using Osprey.Kernels.Normalization;
using Osprey.Tests.Kernels;
using Osprey.Tests.Ptx;
using static Osprey.Tests.Interop.Cuda.SharedCalls;

namespace Osprey.Tests.Interop.Cuda;

/// <summary>Row normalisation in somebody else's CUDA context, as <see cref="SharedPerturbationTests"/> tests steps there.</summary>
[TestFixture]
public class SharedRowNormalizationTests
{
    [TestCase(1, 1)]
    [TestCase(3, 33)]
    [TestCase(5, 97)]
    public void The_text_handed_to_the_driver_does_what_the_host_does(int count, int dimension)
    {
        float[] rows = Close.Random(1, count * dimension, -3, 3), g = Close.Random(2, rows.Length, -1, 1), unit = new float[rows.Length], norms = new float[count], back = new float[rows.Length];
        if (count > 1) rows.AsSpan(dimension, dimension).Clear();
        using Device host = Device.Open("host", 1);
        using var kernel = new RowNormalization(host);
        kernel.Forward(rows, count, dimension, unit, norms);
        kernel.Backward(unit, norms, g, count, dimension, back);

        var driver = new RecordingDriver(2, 64) { Runs = true };
        using var context = new PrimaryContext(driver, 0);
        using var shared = new SharedRowNormalization(context);
        PtxBuffer<float> x = driver.Memory.Holding(rows), y = driver.Memory.Empty<float>(rows.Length), n = driver.Memory.Empty<float>(count), gy = driver.Memory.Holding(g), gx = driver.Memory.Empty<float>(rows.Length);
        shared.Forward(Span(x), count, dimension, Span(y), Span(n));
        shared.Backward(Span(y), Span(n), Span(gy), count, dimension, Span(gx));
        Assert.That(y.ToArray(), Is.EqualTo(unit).Within(1e-6f));
        Assert.That(n.ToArray(), Is.EqualTo(norms).Within(1e-6).Percent.Or.EqualTo(norms).Within(1e-5f));
        Close.Assert(gx.ToArray(), [.. back.Select(v => (double)v)], 1e-5, 1e-6, "gradient");
        Assert.That(driver.Launches, Has.Count.EqualTo(2), "one launch each");
        Assert.That(driver.Allocated, Is.Empty);
    }

    [Test]
    public void A_launch_has_its_geometry_stream_and_arguments_byte_for_byte()
    {
        RecordingDriver driver = H200();
        using var context = new PrimaryContext(driver, 0);
        using var shared = new SharedRowNormalization(context);
        const int Count = 1001, Dimension = 512;
        shared.Forward(new(0x10_0000, Count * Dimension), Count, Dimension, new(0x20_0004, Count * Dimension), new(0x30_0000, Count));
        shared.Backward(new(0x10_0000, Count * Dimension), new(0x30_0000, Count), new(0x20_0004, Count * Dimension), Count, Dimension, new(0x40_0000, Count * Dimension));
        // Eight warps of a group, a row each.
        AssertLaunch(
            driver.Launches[0], "Kernel_NormalizeRows", 126, 256, View(0x10_0000, Count * Dimension), View(0x20_0004, Count * Dimension), View(0x30_0000, Count), Bytes(Dimension));
        AssertLaunch(
            driver.Launches[1],
            "Kernel_NormalizeRowsBack",
            126,
            256,
            View(0x10_0000, Count * Dimension),
            View(0x30_0000, Count),
            View(0x20_0004, Count * Dimension),
            View(0x40_0000, Count * Dimension),
            Bytes(Dimension));
    }

    [Test]
    public void Whatever_fails_the_context_that_was_current_is_current_again() => AssertContextIsRestored(
        (_, context) =>
        {
            using var shared = new SharedRowNormalization(context);
            shared.Forward(new(4, 6), 2, 3, new(8, 6), new(12, 2));
        },
        "CtxPushCurrent",
        "ModuleLoadData",
        "ModuleGetFunction",
        "LaunchKernel");

    [Test]
    public void A_module_is_loaded_once_per_device_and_everything_is_given_back()
    {
        RecordingDriver driver = H200();
        using (var first = new PrimaryContext(driver, 0))
        using (var second = new PrimaryContext(driver, 1))
        {
            using SharedRowNormalization a = new(first), b = new(first);
            Assert.That(Count(driver, "ModuleLoadData"), Is.EqualTo(2), "forward, backward");
            using SharedRowNormalization c = new(second);
            Assert.That(Count(driver, "ModuleLoadData"), Is.EqualTo(4));
        }
        Assert.That(Count(driver, "ModuleUnload"), Is.EqualTo(4));
        Assert.That(driver.Retained, Is.Zero);
        Assert.That(driver.Current, Is.Empty);
    }

    [Test]
    public void Misuse_is_named_and_no_rows_are_no_launch()
    {
        RecordingDriver driver = H200();
        using var context = new PrimaryContext(driver, 0);
        using var shared = new SharedRowNormalization(context);
        Assert.That(() => shared.Forward(new(4, 5), 2, 3, new(8, 6), new(12, 2)), Throws.ArgumentException.With.Message.Contains("rows has 5"));
        Assert.That(() => shared.Forward(new(4, 6), 2, 3, new(8, 6), new(12, 3)), Throws.ArgumentException.With.Message.Contains("norms has 3"));
        Assert.That(() => shared.Backward(new(4, 6), new(12, 2), new(8, 6), 2, 3, new(8, 7)), Throws.ArgumentException.With.Message.Contains("gradRows has 7"));
        Assert.That(() => shared.Forward(new(4, 0), 2, 0, new(8, 0), new(12, 2)), Throws.ArgumentException.With.Message.Contains("2 rows of 0"));
        shared.Forward(default, 0, 3, default, default);
        shared.Backward(default, default, default, 0, 3, default);
        Assert.That(driver.Launches, Is.Empty);
    }
}
