using NUnit.Framework;
using Osprey.Interop.Cuda;
using Osprey.Kernels;
using Osprey.Kernels.Perturbation;
using Osprey.Tests.Kernels;
using Osprey.Tests.Ptx;
using static Osprey.Tests.Interop.Cuda.SharedCalls;

namespace Osprey.Tests.Interop.Cuda;

/// <summary>
/// The way of a step into somebody else's CUDA context, up to the driver's door, and behind it the very PTX that was handed over, interpreted. What only a GPU
/// can show is left: the driver itself and libtorch's CUDA tensors.
/// </summary>
[TestFixture]
public class SharedPerturbationTests
{
    static readonly PerturbationNorm[] norms = Enum.GetValues<PerturbationNorm>();

    [TestCaseSource(nameof(norms))]
    public void The_text_handed_to_the_driver_does_what_the_host_does(PerturbationNorm norm)
    {
        const int Images = 2, Values = 147;
        float epsilon = norm == PerturbationNorm.LInf ? 0.05f : 1, step = 0.6f * epsilon;
        float[] clean = Close.Random(1, Images * Values, 0, 1), g = Close.Random(2, clean.Length, -1, 1), x = new float[clean.Length], m = new float[clean.Length];

        // One multiprocessor: the interpreter runs groups one after the other, so that none may wait for another.
        var driver = new RecordingDriver(1, 64) { Runs = true };
        using var context = new PrimaryContext(driver, 0);
        using var shared = new SharedPerturbation(context, norm);
        PtxBuffer<float> c = driver.Memory.Holding(clean), there = driver.Memory.Empty<float>(x.Length), gradient = driver.Memory.Holding(g), momentum = driver.Memory.Holding(m);
        using Device host = Device.Open("host", 1);
        using var kernel = new PerturbationKernel(host, norm);

        kernel.Start(clean, Images, Values, epsilon, 9, x);
        shared.Start(Span(c), Images, Values, epsilon, 9, Span(there));
        Assert.That(there.ToArray(), Is.EqualTo(x).Within(1e-6f), "start");
        kernel.Step(clean, g, Images, Values, step, epsilon, x);
        shared.Step(Span(c), Span(gradient), Images, Values, step, epsilon, Span(there));
        Assert.That(there.ToArray(), Is.EqualTo(x).Within(1e-6f), "step");
        for (int t = 0; t < 2; t++)
        {
            kernel.MomentumStep(clean, g, Images, Values, step, epsilon, 0.9f, m, x);
            shared.MomentumStep(Span(c), Span(gradient), Images, Values, step, epsilon, 0.9f, Span(momentum), Span(there));
        }
        Assert.That(momentum.ToArray(), Is.EqualTo(m).Within(1e-6f), "momentum");
        Assert.That(there.ToArray(), Is.EqualTo(x).Within(1e-6f), "momentum step");
        Assert.That(driver.Launches, Has.Count.EqualTo(4), "one launch each");
        Assert.That(driver.Launches.Select(l => l.Parameters.Count), Is.All.GreaterThanOrEqualTo(3));
    }

    [Test]
    public void A_launch_has_its_geometry_stream_and_arguments_byte_for_byte()
    {
        RecordingDriver driver = H200();
        using var context = new PrimaryContext(driver, 0);
        using var shared = new SharedPerturbation(context, PerturbationNorm.L2);
        const int Images = 32, Values = 3 * 224 * 224;
        // 150,528 values: nineteen parts of at least 8,192, cut to whole tiles of 64.
        const long Part = 7936;
        const int Parts = 19;
        shared.Step(new(0x10_0000, Images * Values), new(0x20_0000, Images * Values), Images, Values, 0.5f, 2f, new(0x30_0000, Images * Values));

        RecordedLaunch launch = driver.Launches.Single();
        Assert.That((launch.Entry, launch.Groups, launch.GroupSize, launch.SharedBytes, launch.Stream), Is.EqualTo(("Kernel_StepL2", Images * Parts, 512, 0, (nint)0)));
        nint counters = driver.Allocated.Single(a => a.Value == (Images + 1) * sizeof(int)).Key, sums = driver.Allocated.Single(a => a.Value == Images * Parts * 4 * sizeof(double)).Key;
        byte[][] expected =
        [
            View(0x10_0000, Images * Values), View(0x20_0000, Images * Values), View(0x30_0000, Images * Values), View(counters, Images + 1), View(sums, Images * Parts * 4),
            [.. Bytes<long>(Values, Part), .. Bytes(Parts, 0), .. Bytes(0.5f, 2f, 0, 0)],
        ];
        for (int i = 0; i < expected.Length - 1; i++) Assert.That(launch.Parameters[i], Is.EqualTo(expected[i]), $"parameter {i}");
        // The four bytes after an image's number of parts and the last four are padding.
        Assert.That(launch.Parameters[^1][..20], Is.EqualTo(expected[^1][..20]));
        Assert.That(launch.Parameters[^1][24..36], Is.EqualTo(expected[^1][24..36]));
        Assert.That(launch.Parameters, Has.Count.EqualTo(expected.Length));
    }

    [TestCaseSource(nameof(norms))]
    public void Whatever_fails_the_context_that_was_current_is_current_again(PerturbationNorm norm) => AssertContextIsRestored(
        (_, context) =>
        {
            using var shared = new SharedPerturbation(context, norm);
            shared.MomentumStep(new(4, 6), new(8, 6), 2, 3, 0.1f, 0.1f, 1, new(12, 6), new(16, 6));
        },
        "Init",
        "DeviceGet",
        "DriverGetVersion",
        "DeviceGetAttribute",
        "DevicePrimaryCtxRetain",
        "CtxPushCurrent",
        "ModuleLoadData",
        "ModuleGetFunction",
        "MemAlloc",
        "MemsetD8Async",
        "LaunchKernel");

    [Test]
    public void A_module_is_loaded_once_per_device_and_everything_is_given_back()
    {
        RecordingDriver driver = H200();
        using (var first = new PrimaryContext(driver, 0))
        using (var second = new PrimaryContext(driver, 1))
        {
            var kernels = new List<SharedPerturbation> { new(first, PerturbationNorm.L2), new(first, PerturbationNorm.L2) };
            Assert.That(driver.Calls.Count(c => c == "ModuleLoadData"), Is.EqualTo(3), "start, step, step with momentum");
            kernels.Add(new(second, PerturbationNorm.L2));
            Assert.That(driver.Calls.Count(c => c == "ModuleLoadData"), Is.EqualTo(6));
            foreach (SharedPerturbation kernel in kernels)
                for (int t = 0; t < 3; t++) kernel.Step(new(4, 6), new(8, 6), 2, 3, 0.1f, 0.1f, new(12, 6));
            Assert.That(driver.Launches, Has.Count.EqualTo(9));
            Assert.That(driver.Allocated, Has.Count.EqualTo(6), "counters and sums, kept");
            foreach (SharedPerturbation kernel in kernels) kernel.Dispose();
            Assert.That(driver.Allocated, Is.Empty);
        }
        Assert.That(driver.Calls.Count(c => c == "ModuleUnload"), Is.EqualTo(6));
        Assert.That(driver.Retained, Is.Zero);
        Assert.That(driver.Current, Is.Empty);
    }

    [Test]
    public void Misuse_is_named_and_no_images_are_no_launch()
    {
        RecordingDriver driver = H200();
        using var context = new PrimaryContext(driver, 0);
        using var shared = new SharedPerturbation(context, PerturbationNorm.LInf);
        Assert.That(() => shared.Step(new(4, 5), new(8, 6), 2, 3, 0.1f, 0.1f, new(12, 6)), Throws.ArgumentException.With.Message.Contains("clean has 5"));
        Assert.That(() => shared.Start(new(4, 6), 2, 3, float.NaN, 1, new(12, 6)), Throws.ArgumentException.With.Message.Contains("epsilon"));
        Assert.That(() => shared.MomentumStep(new(4, 6), new(4, 6), 2, 3, 0.1f, 0.1f, -1, new(4, 6), new(12, 6)), Throws.ArgumentException.With.Message.Contains("decay"));
        Assert.That(() => new SharedPerturbation(context, (PerturbationNorm)7), Throws.ArgumentException);
        shared.Step(new(0, 0), new(0, 0), 0, 3, 0.1f, 0.1f, new(0, 0));
        Assert.That(driver.Launches, Is.Empty);
    }
}
