using NUnit.Framework;
using Osprey.Interop.Cuda;
using Osprey.Kernels;
using Osprey.Kernels.Normalization;
using Osprey.Tests.Kernels;
using Osprey.Tests.Ptx;
using static Osprey.Tests.Interop.Cuda.SharedCalls;

namespace Osprey.Tests.Interop.Cuda;

/// <summary>Whitening in somebody else's CUDA context, as <see cref="SharedPerturbationTests"/> tests steps there.</summary>
[TestFixture]
public class SharedWhiteningTests
{
    [Test]
    public void The_text_handed_to_the_driver_does_what_the_host_does([Values] bool unitRows, [Values] bool biased)
    {
        const int Rows = 3, Dimension = 35, Outputs = 7;
        float[] rows = Close.Random(1, Rows * Dimension, -1, 1), weights = Close.Random(2, Outputs * Dimension, -1, 1), bias = biased ? Close.Random(3, Outputs, -1, 1) : [], want = new float[Rows * Outputs];
        using Device host = Device.Open("host", 1);
        using var kernel = new Whitening(host);
        kernel.Apply(rows, Rows, Dimension, weights, bias, Outputs, want, unitRows);

        var driver = new RecordingDriver(2, 64) { Runs = true };
        using var context = new PrimaryContext(driver, 0);
        using (var shared = new SharedWhitening(context))
        {
            PtxBuffer<float> x = driver.Memory.Holding(rows), w = driver.Memory.Holding(weights), b = driver.Memory.Holding(bias), y = driver.Memory.Empty<float>(want.Length);
            shared.Apply(Span(x), Rows, Dimension, Span(w), Span(b), Outputs, Span(y), unitRows);
            Assert.That(y.ToArray(), Is.EqualTo(want).Within(1e-5f));
        }
        Assert.That(driver.Launches, Has.Count.EqualTo(unitRows ? 2 : 1));
        Assert.That(driver.Allocated, Is.Empty);
    }

    [Test]
    public void A_launch_has_its_geometry_stream_and_arguments_byte_for_byte()
    {
        RecordingDriver driver = H200();
        using var context = new PrimaryContext(driver, 0);
        using var shared = new SharedWhitening(context);
        shared.Apply(new(0x10_0000, 20), 2, 10, new(0x20_0000, 50), default, 5, new(0x30_0000, 10), unitRows: true);
        nint plain = Scratch(driver, 10 * sizeof(float)), norms = Scratch(driver, 2 * sizeof(float));
        AssertLaunch(driver.Launches[0], "Kernel_Products", 2, 256, View(0x10_0000, 20), View(0x20_0000, 50), View(0, 0), View(plain, 10), Bytes(10), Bytes(5));
        AssertLaunch(driver.Launches[1], "Kernel_NormalizeRows", 1, 256, View(plain, 10), View(0x30_0000, 10), View(norms, 2), Bytes(5));
        Assert.That(driver.Launches, Has.Count.EqualTo(2));
    }

    [Test]
    public void Whatever_fails_the_context_that_was_current_is_current_again() => AssertContextIsRestored(
        (_, context) =>
        {
            using var shared = new SharedWhitening(context);
            shared.Apply(new(4, 6), 2, 3, new(8, 12), new(12, 4), 4, new(16, 8), unitRows: true);
        },
        "CtxPushCurrent",
        "ModuleLoadData",
        "ModuleGetFunction",
        "MemAlloc",
        "LaunchKernel");

    [Test]
    public void Misuse_is_named_and_no_rows_are_no_launch()
    {
        RecordingDriver driver = H200();
        using var context = new PrimaryContext(driver, 0);
        using var shared = new SharedWhitening(context);
        Assert.That(() => shared.Apply(new(4, 5), 2, 3, new(8, 12), default, 4, new(16, 8), false), Throws.ArgumentException.With.Message.Contains("rows has 5"));
        Assert.That(() => shared.Apply(new(4, 6), 2, 3, new(8, 12), new(12, 3), 4, new(16, 8), false), Throws.ArgumentException.With.Message.Contains("bias has 3"));
        Assert.That(() => shared.Apply(new(4, 6), 2, 3, new(8, 12), default, 0, new(16, 8), false), Throws.ArgumentException.With.Message.Contains("become 0 values"));
        shared.Apply(default, 0, 3, new(8, 12), default, 4, default, true);
        Assert.That(driver.Launches, Is.Empty);
    }
}
