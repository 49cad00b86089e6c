using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using NUnit.Framework;
using Osprey.Kernels.Perturbation;
using Device = Osprey.Kernels.Device;

namespace Osprey.Tests.Kernels.Perturbation;

[TestFixture]
public class PerturbationKernelTests
{
    static readonly int[] sizes = [1, 2, 3, 7, 15, 16, 17, 31, 33, 49, 63, 64, 65, 127, 3 * 17 * 19, (2 * 16384) + 5];

    static readonly PerturbationNorm[] norms = Enum.GetValues<PerturbationNorm>();

    /// <summary>The definition, in double.</summary>
    static double[] Reference(PerturbationNorm norm, float[] clean, float[] g, float[] x, int images, int values, double step, double epsilon) =>
        Reference(norm, clean, [.. g.Select(v => (double)v)], x, images, values, step, epsilon);

    static double[] Reference(PerturbationNorm norm, float[] clean, double[] g, float[] x, int images, int values, double step, double epsilon)
    {
        var next = new double[x.Length];
        for (int n = 0; n < images; n++)
        {
            int at = n * values;
            double length = Math.Sqrt(g.Skip(at).Take(values).Sum(v => v * v)), moved = 0;
            for (int i = at; i < at + values; i++)
            {
                double by = norm == PerturbationNorm.LInf ? step * Math.Sign(g[i]) : step * g[i] / (length + 1e-10);
                next[i] = x[i] + by - clean[i];
                moved += next[i] * next[i];
            }
            double shrink = norm == PerturbationNorm.L2 && Math.Sqrt(moved) > epsilon ? epsilon / Math.Sqrt(moved) : 1;
            for (int i = at; i < at + values; i++)
            {
                double d = norm == PerturbationNorm.LInf ? Math.Clamp(next[i], -epsilon, epsilon) : next[i] * shrink;
                next[i] = Math.Clamp(clean[i] + d, 0, 1);
            }
        }
        return next;
    }

    /// <summary>Equation 6 of Dong et al. 2018, in double: m·μ + g/‖g‖₁ per image, nothing added for a gradient of zeros.</summary>
    static double[] NextMomentum(float[] m, float[] g, int images, int values, double decay)
    {
        var next = new double[m.Length];
        for (int n = 0; n < images; n++)
        {
            double length = g.Skip(n * values).Take(values).Sum(v => Math.Abs((double)v));
            for (int i = n * values; i < (n + 1) * values; i++) next[i] = (decay * m[i]) + (length == 0 ? 0 : g[i] / length);
        }
        return next;
    }

    static double Distance(PerturbationNorm norm, ReadOnlySpan<float> clean, ReadOnlySpan<float> x)
    {
        double largest = 0, square = 0;
        for (int i = 0; i < x.Length; i++)
        {
            double d = (double)x[i] - clean[i];
            largest = Math.Max(largest, Math.Abs(d));
            square += d * d;
        }
        return norm == PerturbationNorm.LInf ? largest : Math.Sqrt(square);
    }

    [Test]
    public void A_case_by_hand()
    {
        using Device host = Device.Open("host");
        using PerturbationKernel linf = new(host, PerturbationNorm.LInf), l2 = new(host, PerturbationNorm.L2);
        float[] clean = [0.5f, 0.5f, 0.99f, 0.01f], x = [0.5f, 0.55f, 0.99f, 0.01f];
        linf.Step(clean, [1, 5, 2, -1], 1, 4, 0.03f, 0.06f, x);
        Assert.That(x, Is.EqualTo(new[] { 0.53f, 0.56f, 1, 0 }).Within(1e-6f));

        x = [0.5f, 0.5f, 0.5f, 0.5f];
        l2.Step([0.5f, 0.5f, 0.5f, 0.5f], [3, 4, 0, 0], 1, 4, 0.5f, 0.25f, x);
        // The step reaches 0.5 in the direction (0.6, 0.8), and the ball ends at 0.25.
        Assert.That(x, Is.EqualTo(new[] { 0.65f, 0.7f, 0.5f, 0.5f }).Within(1e-6f));
    }

    [Test]
    public void A_momentum_case_by_hand()
    {
        using Device host = Device.Open("host");
        using PerturbationKernel linf = new(host, PerturbationNorm.LInf), l2 = new(host, PerturbationNorm.L2);
        // ‖g‖₁ = 4: the momentum [0.5, −0.2, 0.1] becomes half of itself and [0.25, 0.25, −0.5].
        float[] clean = [0.5f, 0.5f, 0.5f], x = [.. clean], m = [0.5f, -0.2f, 0.1f];
        linf.MomentumStep(clean, [1, 1, -2], 1, 3, 0.03f, 0.06f, 0.5f, m, x);
        Assert.That(m, Is.EqualTo(new[] { 0.5f, 0.15f, -0.45f }).Within(1e-6f));
        Assert.That(x, Is.EqualTo(new[] { 0.53f, 0.53f, 0.47f }).Within(1e-6f));

        // ‖g‖₁ = 1, no decay: the momentum is (3, 4)/5 and as long as 1; the step of 0.5 ends on the ball of 0.25.
        float[] flat = [0.5f, 0.5f], y = [.. flat], n = [0.6f - (1f / 3), 0.8f - (2f / 3)];
        l2.MomentumStep(flat, [1, 2], 1, 2, 0.5f, 0.25f, 1, n, y);
        Assert.That(n, Is.EqualTo(new[] { 0.6f, 0.8f }).Within(1e-6f));
        Assert.That(y, Is.EqualTo(new[] { 0.65f, 0.7f }).Within(1e-6f));
    }

    [TestCaseSource(nameof(norms))]
    public void Without_a_gradient_momentum_goes_on_and_decays(PerturbationNorm norm)
    {
        using Device host = Device.Open("host");
        using var kernel = new PerturbationKernel(host, norm);
        float[] clean = [0.5f, 0.5f], x = [.. clean], m = [0.75f, 0];
        kernel.MomentumStep(clean, [0, 0], 1, 2, 0.1f, 0.5f, 0.5f, m, x);
        Assert.That(m, Is.EqualTo(new[] { 0.375f, 0 }));
        Assert.That(x, Is.EqualTo(new[] { 0.6f, 0.5f }).Within(1e-6f));
        kernel.MomentumStep(clean, [0, 0], 1, 2, 0.1f, 0.5f, 0, m, x);
        Assert.That(m, Is.EqualTo(new[] { 0f, 0 }), "forgotten");
        Assert.That(x, Is.EqualTo(new[] { 0.6f, 0.5f }).Within(1e-6f), "no direction, no step");
    }

    /// <summary>A gradient that turns round cancels the momentum all but its rounding errors: the step must not leave the ball then.</summary>
    [TestCaseSource(nameof(norms))]
    public void Momentum_that_cancels_stays_in_the_ball(PerturbationNorm norm)
    {
        using Device host = Device.Open("host"), simulator = Device.Open("simulator");
        foreach (Device device in (Device[])[host, simulator])
            foreach (int values in (int[])[1, 5, 1003])
            {
                using var kernel = new PerturbationKernel(device, norm);
                float epsilon = 0.03f;
                float[] clean = Close.Random(1, values, 0.1, 0.9), x = [.. clean], g = Close.Random(2, values, -1, 1), m = new float[values];
                for (int t = 0; t < 4; t++)
                {
                    kernel.MomentumStep(clean, g, 1, values, epsilon, epsilon, 1, m, x);
                    for (int i = 0; i < values; i++) g[i] = -g[i];
                    Assert.That(Distance(norm, clean, x), Is.LessThanOrEqualTo((epsilon * (1 + 1e-5)) + 6e-8), $"{device.Name} {values} {t}");
                }
            }
    }

    [TestCaseSource(nameof(norms))]
    public void Host_follows_the_definition_on_hard_shapes(PerturbationNorm norm)
    {
        using Device host = Device.Open("host", 2);
        using var kernel = new PerturbationKernel(host, norm);
        foreach (int values in sizes)
            foreach (int images in (int[])[0, 1, 3])
                Check(kernel, norm, images, values);
    }

    [Test]
    public void Cuda_follows_the_definition([ValueSource(nameof(norms))] PerturbationNorm norm, [ValueSource(typeof(TestDevices), nameof(TestDevices.Names))] string name)
    {
        using Device device = TestDevices.Open(name);
        using var kernel = new PerturbationKernel(device, norm);
        foreach ((int images, int values) in ((int, int)[])[(0, 5), (1, 1), (2, 33), (3, 147), (2, 8192 + 3)]) Check(kernel, norm, images, values);
    }

    /// <summary>Several groups share an image and meet inside the launch, as on a GPU; on one multiprocessor they never do.</summary>
    [TestCaseSource(nameof(norms))]
    public void Groups_that_share_an_image_follow_the_definition(PerturbationNorm norm)
    {
        using Context context = Context.Create(b => Device.Configure(b).CPU(new CPUDevice(32, 1, 3)));
        using Accelerator accelerator = context.GetCPUDevice(0).CreateCPUAccelerator(context, CPUAcceleratorMode.Parallel);
        Assert.That(new ImageParts((2 * 8192) + 5, accelerator.NumMultiprocessors).Count, Is.EqualTo(3), "what is tested");
        using var kernel = new CopiedPerturbation(accelerator, norm);
        // Twice over: counters must be zero again, and for fewer images too.
        Check(kernel.Start, kernel.Step, kernel.MomentumStep, norm, 2, (2 * 8192) + 5);
        Check(kernel.Start, kernel.Step, kernel.MomentumStep, norm, 1, 8192 + 1);
    }

    /// <summary>A start and three steps, each against the definition; inside the ball and the cube all the way.</summary>
    static void Check(PerturbationKernel kernel, PerturbationNorm norm, int images, int values) => Check(kernel.Start, kernel.Step, kernel.MomentumStep, norm, images, values);

    delegate void Start(ReadOnlySpan<float> clean, int images, int values, float epsilon, ulong seed, Span<float> perturbed);

    delegate void Step(ReadOnlySpan<float> clean, ReadOnlySpan<float> gradient, int images, int values, float stepSize, float epsilon, Span<float> perturbed);

    delegate void MomentumStep(
        ReadOnlySpan<float> clean, ReadOnlySpan<float> gradient, int images, int values, float stepSize, float epsilon, float decay, Span<float> momentum, Span<float> perturbed);

    static void Check(Start start, Step takeStep, MomentumStep takeMomentumStep, PerturbationNorm norm, int images, int values)
    {
        string what = $"{norm} {images} x {values}:";
        float epsilon = norm == PerturbationNorm.LInf ? 8 / 255f : 0.1f * MathF.Sqrt(values), step = 0.6f * epsilon;
        float[] clean = Close.Random(values, images * values, -0.05, 1.05), x = new float[clean.Length];
        for (int i = 0; i < clean.Length; i++) clean[i] = Math.Clamp(clean[i], 0, 1);
        Array.Fill(x, float.NaN);
        start(clean, images, values, epsilon, 5, x);
        Inside();
        for (int t = 0; t < 3; t++)
        {
            float[] g = Close.Random(t, clean.Length, -1, 1);
            for (int i = 0; i < g.Length; i += 7) g[i] = 0;
            // A gradient of nothing but zeros moves nothing.
            if (images > 1) g.AsSpan(values, values).Clear();
            double[] want = Reference(norm, clean, g, x, images, values, step, epsilon);
            takeStep(clean, g, images, values, step, epsilon, x);
            Close.Assert(x, want, 0, 1e-6, what);
            Inside();
        }
        // A longer way, and a decay that is no power of two.
        var m = new float[x.Length];
        for (int t = 0; t < 3; t++)
        {
            float[] g = Close.Random(10 + t, clean.Length, -2, 2);
            for (int i = 0; i < g.Length; i += 5) g[i] = 0;
            if (images > 1) g.AsSpan(values, values).Clear();
            double[] direction = NextMomentum(m, g, images, values, 0.9);
            double[] want = Reference(norm, clean, direction, x, images, values, step, epsilon);
            takeMomentumStep(clean, g, images, values, step, epsilon, 0.9f, m, x);
            Close.Assert(m, direction, 1e-5, 2e-7 * direction.DefaultIfEmpty(0).Max(Math.Abs), $"{what} momentum");
            Close.Assert(x, want, 0, 1e-6, $"{what} momentum step");
            Inside();
        }

        void Inside()
        {
            for (int n = 0; n < images; n++)
                Assert.That(Distance(norm, clean.AsSpan(n * values, values), x.AsSpan(n * values, values)), Is.LessThanOrEqualTo((epsilon * (1 + 1e-5)) + 6e-8), what);
            Assert.That(x, Is.All.InRange(0f, 1f), what);
        }
    }

    [Test]
    public void Host_and_cuda_start_alike([ValueSource(nameof(norms))] PerturbationNorm norm, [ValueSource(typeof(TestDevices), nameof(TestDevices.Names))] string name)
    {
        using Device host = Device.Open("host"), device = TestDevices.Open(name);
        using PerturbationKernel a = new(host, norm), b = new(device, norm);
        float[] clean = Close.Random(1, 2 * 1003, 0, 1), x = new float[clean.Length], y = new float[clean.Length];
        a.Start(clean, 2, 1003, 0.1f, 0x0123456789abcdef, x);
        b.Start(clean, 2, 1003, 0.1f, 0x0123456789abcdef, y);
        if (norm == PerturbationNorm.LInf) Assert.That(y, Is.EqualTo(x), "the same bits");
        else Assert.That(y, Is.EqualTo(x).Within(1e-7f), "but for the order of the norm's sum");
    }

    [Test]
    public void The_uniform_start_is_uniform()
    {
        using Device host = Device.Open("host");
        using var kernel = new PerturbationKernel(host, PerturbationNorm.LInf);
        float[] clean = new float[100_000], x = new float[clean.Length];
        Array.Fill(clean, 0.5f);
        kernel.Start(clean, 2, 50_000, 0.25f, 3, x);
        var histogram = new int[20];
        foreach (float v in x) histogram[(int)Math.Min(19, (v - 0.25f) / 0.5f * 20)]++;
        // 5,000 expected, standard deviation 69.
        Assert.That(histogram, Is.All.InRange(4650, 5350));
        Assert.That(x.AsSpan(0, 50_000).SequenceEqual(x.AsSpan(50_000)), Is.False, "images differ");
        Assert.That(x.Zip(x.Skip(1)).Average(p => (p.First - 0.5) * (p.Second - 0.5)), Is.Zero.Within(3e-4), "neighbours are independent");
    }

    [Test]
    public void The_l2_start_is_uniform_in_the_ball()
    {
        using Device host = Device.Open("host");
        using var kernel = new PerturbationKernel(host, PerturbationNorm.L2);
        const int Images = 4000, Values = 3;
        float[] clean = new float[Images * Values], x = new float[clean.Length];
        Array.Fill(clean, 0.5f);
        kernel.Start(clean, Images, Values, 0.4f, 3, x);
        double[] radii = [.. Enumerable.Range(0, Images).Select(n => Distance(PerturbationNorm.L2, clean.AsSpan(n * 3, 3), x.AsSpan(n * 3, 3)) / 0.4)];
        Assert.That(radii.Max(), Is.LessThanOrEqualTo(1.00001));
        // In three dimensions r³ is uniform, and every octant holds an eighth.
        Assert.That(radii.Average(r => r * r * r), Is.EqualTo(0.5).Within(0.02));
        Assert.That(radii.Count(r => r * r * r < 0.25), Is.EqualTo(1000).Within(110));
        var octants = new int[8];
        for (int n = 0; n < Images; n++) octants[(x[n * 3] > 0.5f ? 1 : 0) + (x[(n * 3) + 1] > 0.5f ? 2 : 0) + (x[(n * 3) + 2] > 0.5f ? 4 : 0)]++;
        Assert.That(octants, Is.All.InRange(410, 590));
    }

    [Test]
    public void The_number_of_threads_changes_no_bit_and_the_seed_all([ValueSource(nameof(norms))] PerturbationNorm norm, [Values(50_021, 1_001)] int values)
    {
        const int Images = 37;
        float[] clean = Close.Random(1, Images * values, 0, 1), g = Close.Random(2, clean.Length, -1, 1);
        float[] Run(int threads, ulong seed)
        {
            using Device host = Device.Open("host", threads);
            using var kernel = new PerturbationKernel(host, norm);
            float[] x = new float[clean.Length], m = new float[clean.Length];
            kernel.Start(clean, Images, values, 0.1f, seed, x);
            kernel.Step(clean, g, Images, values, 0.05f, 0.1f, x);
            for (int t = 0; t < 2; t++) kernel.MomentumStep(clean, g, Images, values, 0.05f, 0.1f, 0.9f, m, x);
            return x;
        }
        float[] one = Run(1, 9);
        Assert.That(Run(2, 9), Is.EqualTo(one));
        Assert.That(Run(3, 9), Is.EqualTo(one));
        Assert.That(Run(1, 10), Is.Not.EqualTo(one));
        Assert.That(Run(1, 9 + (1UL << 32)), Is.Not.EqualTo(one), "all 64 bits of the seed count");
    }

    [TestCaseSource(nameof(norms))]
    public void A_NaN_gradient_is_not_hidden(PerturbationNorm norm)
    {
        using Device host = Device.Open("host"), simulator = Device.Open("simulator");
        foreach (Device device in (Device[])[host, simulator])
        {
            using var kernel = new PerturbationKernel(device, norm);
            float[] clean = Close.Random(1, 2 * 35, 0, 1), x = [.. clean], g = Close.Random(2, 2 * 35, -1, 1);
            g[35 + 33] = float.NaN;
            kernel.Step(clean, g, 2, 35, 0.01f, 0.02f, x);
            Assert.That(x[..35], Is.All.Not.NaN);
            Assert.That(x[35 + 33], Is.NaN);
            Assert.That(x[35], norm == PerturbationNorm.L2 ? Is.NaN : Is.Not.NaN);

            float[] m = new float[2 * 35], y = [.. clean];
            kernel.MomentumStep(clean, g, 2, 35, 0.01f, 0.02f, 1, m, y);
            Assert.That(y[..35].Concat(m[..35]), Is.All.Not.NaN);
            Assert.That(y[35..].Concat(m[35..]), Is.All.NaN, "the norm is the image's");
        }
    }

    [TestCaseSource(nameof(norms))]
    public void Nothing_is_allocated_once_warm(PerturbationNorm norm)
    {
        using Device host = Device.Open("host", 2);
        using var kernel = new PerturbationKernel(host, norm);
        float[] clean = Close.Random(1, 60_000, 0, 1), g = Close.Random(2, 60_000, -1, 1), x = new float[60_000], m = new float[60_000];
        // Three images for two threads: one of them is shared.
        void Run()
        {
            kernel.Start(clean, 3, 20_000, 0.1f, 1, x);
            kernel.Step(clean, g, 3, 20_000, 0.05f, 0.1f, x);
            kernel.MomentumStep(clean, g, 3, 20_000, 0.05f, 0.1f, 1, m, x);
        }
        for (int i = 0; i < 3; i++) Run();
        Allocations.AssertNoneOnceWarm(Run);
    }

    [Test]
    public void Misuse_is_named()
    {
        using Device host = Device.Open("host");
        using var kernel = new PerturbationKernel(host, PerturbationNorm.LInf);
        float[] x = new float[6];
        Assert.That(() => kernel.Step(new float[5], x, 2, 3, 0.1f, 0.1f, x), Throws.ArgumentException.With.Message.Contains("clean has 5"));
        Assert.That(() => kernel.Step(x, x, 2, 3, -0.1f, 0.1f, new float[6]), Throws.ArgumentException.With.Message.Contains("stepSize is -0.1"));
        Assert.That(() => kernel.MomentumStep(x, x, 2, 3, 0.1f, 0.1f, -1, new float[6], new float[6]), Throws.ArgumentException.With.Message.Contains("decay is -1"));
        Assert.That(() => kernel.MomentumStep(x, x, 2, 3, 0.1f, 0.1f, 1, new float[3], new float[6]), Throws.ArgumentException.With.Message.Contains("momentum has 3"));
        Assert.That(() => kernel.Start(x, 2, 3, float.NaN, 1, new float[6]), Throws.ArgumentException.With.Message.Contains("epsilon"));
        Assert.That(() => kernel.Start(x, 2, 0, 0.1f, 1, new float[6]), Throws.ArgumentException);
    }
}
