using NUnit.Framework;
using Osprey.Interop.Torch;
using Osprey.Kernels.Perturbation;
using Osprey.Kernels.Pooling;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using Device = Osprey.Kernels.Device;

namespace Osprey.Tests.Interop.Torch;

/// <summary>Our operations in torch's graph, against torch's own operations: values and gradients.</summary>
[TestFixture]
public class TorchOperationsTests
{
    Device host = null!;
    DisposeScope scope = null!;

    [OneTimeSetUp]
    public void Open() => host = Device.Open("host", 2);

    [OneTimeTearDown]
    public void Close() => host.Dispose();

    [SetUp]
    public void Begin()
    {
        manual_seed(7);
        scope = NewDisposeScope();
    }

    [TearDown]
    public void End() => scope.Dispose();

    static Tensor TorchGem(Tensor x, Tensor p) => x.clamp_min(1e-6).pow(p).mean([2, 3]).pow(1 / p);

    static void AssertClose(Tensor got, Tensor want, double tolerance, string what) =>
        Assert.That((got - want).abs().max().item<float>(), Is.LessThanOrEqualTo(tolerance * (1 + want.abs().max().item<float>())), what);

    [TestCase(PoolingKind.Gem, 3f)]
    [TestCase(PoolingKind.Gem, 2.2f)]
    [TestCase(PoolingKind.Spoc, 1f)]
    [TestCase(PoolingKind.Mac, 1f)]
    public void Pooling_equals_torch_forward_and_backward(PoolingKind kind, float power)
    {
        using var pooling = new TorchPooling(host, kind);
        foreach (long[] shape in (long[][])[[2, 5, 7, 7], [1, 17, 4, 4], [3, 3, 1, 1], [2, 64, 9, 5]])
        {
            Tensor ours = randn(shape).requires_grad_(true), theirs = ours.detach().clone().requires_grad_(true);
            Tensor p = tensor(power).requires_grad_(true), q = tensor(power).requires_grad_(true);
            Tensor weights = randn([shape[0], shape[1]]);
            Tensor a = pooling.Apply(ours, p);
            Tensor b = kind switch
            {
                PoolingKind.Gem => TorchGem(theirs, q),
                PoolingKind.Spoc => theirs.mean([2, 3]),
                // Max-pool and not amax: amax shares the gradient among equal maxima.
                _ => nn.functional.adaptive_max_pool2d(theirs, [1, 1]).flatten(1),
            };
            AssertClose(a, b, 1e-6, "pooled");
            (a * weights).sum().backward();
            (b * weights).sum().backward();
            AssertClose(ours.grad!, theirs.grad!, 2e-6, "gradient of the map");
            if (kind == PoolingKind.Gem) AssertClose(p.grad!, q.grad!, 1e-5, "gradient of the power");
            else Assert.That(p.grad is null || p.grad.item<float>() == 0, Is.True);
        }
    }

    [Test]
    public void Equal_maxima_send_the_gradient_where_torchs_max_pool_sends_it()
    {
        using var mac = new TorchPooling(host, PoolingKind.Mac);
        Tensor ours = zeros(2, 3, 5, 5).requires_grad_(true), theirs = zeros(2, 3, 5, 5).requires_grad_(true);
        mac.Apply(ours, tensor(1f)).sum().backward();
        nn.functional.adaptive_max_pool2d(theirs, [1, 1]).sum().backward();
        Assert.That(TensorMemory.ToArray(ours.grad!), Is.EqualTo(TensorMemory.ToArray(theirs.grad!)));
    }

    [Test]
    public void Channels_last_views_and_intermediate_results_are_taken()
    {
        using var gem = new TorchPooling(host, PoolingKind.Gem);
        Tensor p = tensor(3f);
        Tensor x = randn(2, 7, 6, 8).requires_grad_(true), y = x.detach().clone().requires_grad_(true);
        Tensor ours = gem.Apply((x * 2).transpose(1, 3), p), theirs = TorchGem((y * 2).transpose(1, 3), p);
        AssertClose(ours, theirs, 1e-6, "pooled");
        ours.square().sum().backward();
        theirs.square().sum().backward();
        AssertClose(x.grad!, y.grad!, 2e-6, "gradient");
    }

    /// <summary>[N,C]: the definitions written with torch's operations.</summary>
    static Tensor TorchCrow(Tensor x)
    {
        Tensor sums = x.sum(1), spatial = (sums / sums.flatten(1).norm(1, keepdim: false, p: 2).view(-1, 1, 1)).sqrt();
        using var _ = no_grad();
        Tensor shares = x.ne(0).to(float32).mean([2, 3]), weights = (shares.sum(1, keepdim: true) / shares).log();
        using var __ = enable_grad();
        return (x * spatial.unsqueeze(1)).sum([2, 3]) * weights;
    }

    static Tensor TorchRmac(Tensor x)
    {
        Tensor pooled = Unit(nn.functional.adaptive_max_pool2d(x, [1, 1]).flatten(1));
        long side = x.shape[2];
        for (int level = 1; level <= 3; level++)
        {
            long width = 2 * side / (level + 1);
            for (int i = 0; i < level; i++)
            {
                for (int j = 0; j < level; j++)
                {
                    Tensor region = x.narrow(2, Place(i), width).narrow(3, Place(j), width);
                    pooled += Unit(nn.functional.adaptive_max_pool2d(region, [1, 1]).flatten(1));
                }
            }
            long Place(int i) => level == 1 ? 0 : i * (side - width) / (level - 1);
        }
        return pooled;

        static Tensor Unit(Tensor v) => v / (v.norm(1, keepdim: true, p: 2) + 1e-6);
    }

    [TestCase(PoolingKind.Crow)]
    [TestCase(PoolingKind.Rmac)]
    public void Poolings_that_mix_the_channels_equal_torch_forward_and_backward(PoolingKind kind)
    {
        using var pooling = new TorchPooling(host, kind);
        foreach (long[] shape in (long[][])[[2, 5, 7, 7], [1, 17, 4, 4], [2, 33, 9, 9]])
        {
            Tensor ours = randn(shape).relu_().requires_grad_(true), theirs = ours.detach().clone().requires_grad_(true), weights = randn([shape[0], shape[1]]);
            Tensor a = pooling.Apply(ours, tensor(1f)), b = kind == PoolingKind.Crow ? TorchCrow(theirs) : TorchRmac(theirs);
            AssertClose(a, b, 2e-6, "pooled");
            (a * weights).sum().backward();
            (b * weights).sum().backward();
            AssertClose(ours.grad!, theirs.grad!, 5e-6, "gradient of the map");
        }
    }

    [Test]
    public void A_channels_last_map_is_read_in_place_and_its_gradient_lies_likewise([Values(ScalarType.Float32, ScalarType.Float16, ScalarType.BFloat16)] ScalarType type)
    {
        using var gem = new TorchPooling(host, PoolingKind.Gem);
        Tensor rows = rand(2, 6, 5, 19).to(type), map = rows.permute(0, 3, 1, 2).requires_grad_(true), first = map.detach().contiguous().requires_grad_(true);
        Tensor powers = linspace(1.5, 4, 19).requires_grad_(true);
        Tensor last = gem.Apply(map, powers, unitRows: true);
        Assert.That(MapTensor.Dense(map), Is.SameAs(map), "no copy");
        Assert.That(last.dtype, Is.EqualTo(ScalarType.Float32));
        Assert.That(last.norm(1, keepdim: false, p: 2).sub(1).abs().max().item<float>(), Is.LessThan(1e-5));
        Tensor weights = randn(2, 19), plain = gem.Apply(first, powers.detach(), unitRows: true);
        AssertClose(last, plain, 1e-6, "layouts");
        (last * weights).sum().backward();
        (plain * weights).sum().backward();
        Assert.That(map.grad!.dtype, Is.EqualTo(type));
        Assert.That(map.grad!.permute(0, 2, 3, 1).is_contiguous(), Is.True);
        AssertClose(map.grad!.to(float32), first.grad!.to(float32), type == ScalarType.Float32 ? 1e-6 : 1e-2, "gradients");
        Assert.That(powers.grad!.shape, Is.EqualTo(new long[] { 19 }));
    }

    [Test]
    public void Powers_per_channel_and_unit_rows_equal_torch_forward_and_backward()
    {
        using var gem = new TorchPooling(host, PoolingKind.Gem);
        Tensor ours = rand(3, 11, 5, 4).requires_grad_(true), theirs = ours.detach().clone().requires_grad_(true);
        Tensor p = linspace(1.2, 6, 11).requires_grad_(true), q = p.detach().clone().requires_grad_(true), weights = randn(3, 11);
        Tensor a = gem.Apply(ours, p, unitRows: true);
        Tensor y = theirs.clamp_min(1e-6).pow(q.view(1, -1, 1, 1)).mean([2, 3]).pow(1 / q), b = y / (y.norm(1, keepdim: true, p: 2) + 1e-6);
        AssertClose(a, b, 1e-6, "unit rows");
        (a * weights).sum().backward();
        (b * weights).sum().backward();
        AssertClose(ours.grad!, theirs.grad!, 2e-6, "gradient of the map");
        AssertClose(p.grad!, q.grad!, 1e-5, "gradient of the powers");
    }

    [Test]
    public void A_batch_of_none_passes()
    {
        using var gem = new TorchPooling(host, PoolingKind.Gem);
        using var normalization = new TorchRowNormalization(host);
        Tensor x = zeros(0, 4, 3, 3).requires_grad_(true);
        Tensor unit = normalization.Apply(gem.Apply(x, tensor(3f)));
        Assert.That(unit.shape, Is.EqualTo(new long[] { 0, 4 }));
        unit.sum().backward();
        Assert.That(x.grad!.shape, Is.EqualTo(new long[] { 0, 4, 3, 3 }));
    }

    [Test]
    public void Only_what_asks_for_a_gradient_gets_one()
    {
        using var gem = new TorchPooling(host, PoolingKind.Gem);
        Tensor map = rand(2, 3, 4, 4), p = new Parameter(full([1], 3f));
        Tensor pooled = gem.Apply(map, p);
        Assert.That(pooled.requires_grad, Is.True, "by the power alone");
        pooled.sum().backward();
        Assert.That(p.grad!.shape, Is.EqualTo(new long[] { 1 }), "the gradient has the power's shape");
        Assert.That(map.grad, Is.Null);
        Assert.That(gem.Apply(map, tensor(3f)).requires_grad, Is.False);
        using (no_grad()) Assert.That(gem.Apply(map, p).requires_grad, Is.False);
    }

    [Test]
    public void Row_normalization_equals_torch_forward_and_backward()
    {
        using var normalization = new TorchRowNormalization(host);
        Tensor x = randn(9, 33).requires_grad_(true), y = x.detach().clone().requires_grad_(true), weights = randn(9, 33);
        Tensor ours = normalization.Apply(x), theirs = y / (y.norm(1, keepdim: true, p: 2) + 1e-6);
        AssertClose(ours, theirs, 1e-6, "unit");
        (ours * weights).sum().backward();
        (theirs * weights).sum().backward();
        AssertClose(x.grad!, y.grad!, 2e-6, "gradient");
        using (no_grad()) Assert.That(normalization.Apply(x).requires_grad, Is.False);
        AssertClose(normalization.Apply(randn(33, 9).t()).norm(1, keepdim: false, p: 2), ones(9), 1e-5, "transposed rows");
    }

    [TestCase(true)]
    [TestCase(false)]
    public void Steps_keep_their_gradients_and_leak_nothing(bool collect)
    {
        using var gem = new TorchPooling(host, PoolingKind.Gem);
        using var normalization = new TorchRowNormalization(host);
        Tensor map = rand(2, 8, 5, 5).requires_grad_(true), p = tensor(3f).requires_grad_(true);
        float[]? first = null;
        long flat = 0;
        for (int step = 0; step < 50; step++)
        {
            using (NewDisposeScope())
            {
                Tensor unit;
                using (var inner = NewDisposeScope()) unit = inner.MoveToOuter(normalization.Apply(gem.Apply(map * 1.5, p)));
                if (collect)
                {
                    // What the graph alone holds must survive this.
                    GC.Collect();
                    GC.WaitForPendingFinalizers();
                }
                (unit * arange(8, dtype: float32)).sum().backward();
                float[] gradient = TensorMemory.ToArray(map.grad!);
                first ??= gradient;
                Assert.That(gradient, Is.EqualTo(first), $"step {step}");
                map.grad!.zero_();
            }
            if (step == 5) flat = LiveTensors.Count();
        }
        Assert.That(Tensor.TotalCount, Is.EqualTo(flat), "live tensors after 5 and after 50 steps");
    }

    [TestCase(PerturbationNorm.LInf)]
    [TestCase(PerturbationNorm.L2)]
    public void Attack_steps_equal_torch(PerturbationNorm norm)
    {
        using var perturbation = new TorchPerturbation(host, norm);
        Tensor clean = rand(3, 3, 11, 13);
        (double eps, double step) = norm == PerturbationNorm.LInf ? (8 / 255.0, 3 / 255.0) : (1.5, 0.7);
        Tensor ours = empty_like(clean);
        perturbation.Start(clean, eps, 11, ours);
        Tensor theirs = ours.clone();
        for (int t = 0; t < 4; t++)
        {
            Tensor g = randn(3, 13, 11, 3).transpose(1, 3).transpose(2, 3).transpose(2, 3);
            g = g.reshape(3, 3, 11, 13).contiguous();
            perturbation.Step(clean, g, step, eps, ours);
            if (norm == PerturbationNorm.LInf)
            {
                theirs = torch.min(torch.max(theirs + (step * g.sign()), clean - eps), clean + eps).clamp(0, 1);
            }
            else
            {
                Tensor z = theirs + (step * g / (g.flatten(1).norm(1, keepdim: false, p: 2).view(-1, 1, 1, 1) + 1e-10)) - clean;
                Tensor length = z.flatten(1).norm(1, keepdim: false, p: 2).view(-1, 1, 1, 1);
                theirs = (clean + (z * (eps / length).clamp_max(1))).clamp(0, 1);
            }
            AssertClose(ours, theirs, 1e-6, $"step {t}");
        }
    }

    [TestCase(PerturbationNorm.LInf)]
    [TestCase(PerturbationNorm.L2)]
    public void Momentum_steps_equal_torch(PerturbationNorm norm)
    {
        using var perturbation = new TorchPerturbation(host, norm);
        (double eps, double step, double decay) = norm == PerturbationNorm.LInf ? (8 / 255.0, 3 / 255.0, 0.9) : (1.5, 0.7, 1.0);
        Tensor clean = rand(3, 3, 11, 13), ours = clean.clone(), theirs = clean.clone(), m = zeros_like(clean), n = zeros_like(clean);
        for (int t = 0; t < 4; t++)
        {
            Tensor g = randn(3, 3, 11, 13);
            perturbation.MomentumStep(clean, g, step, eps, decay, m, ours);
            n = (decay * n) + (g / g.abs().sum([1, 2, 3], keepdim: true));
            if (norm == PerturbationNorm.LInf)
            {
                theirs = torch.min(torch.max(theirs + (step * n.sign()), clean - eps), clean + eps).clamp(0, 1);
            }
            else
            {
                Tensor z = theirs + (step * n / n.square().sum([1, 2, 3], keepdim: true).sqrt()) - clean;
                theirs = (clean + (z * (eps / z.square().sum([1, 2, 3], keepdim: true).sqrt()).clamp_max(1))).clamp(0, 1);
            }
            AssertClose(m, n, 1e-7, $"momentum of step {t}");
            AssertClose(ours, theirs, 1e-6, $"step {t}");
        }
        Assert.That(() => perturbation.MomentumStep(clean, clean, step, eps, decay, rand(3, 3, 11, 12), ours), Throws.ArgumentException.With.Message.Contains("momentum [3, 3, 11, 12]"));
    }

    [Test]
    public void Perturbation_takes_clean_and_gradient_in_any_layout_and_says_what_it_cannot_take()
    {
        using var perturbation = new TorchPerturbation(host, PerturbationNorm.LInf);
        Tensor clean = rand(2, 5, 4, 3).permute(0, 3, 1, 2), gradient = randn(2, 5, 4, 3).permute(0, 3, 1, 2), x = clean.contiguous().clone();
        perturbation.Step(clean, gradient, 0.01, 0.03, x);
        AssertClose(x, (clean + (0.01 * gradient.sign())).clamp(0, 1), 1e-6, "one step");
        Assert.That(() => perturbation.Step(clean, gradient, 0.01, 0.03, clean), Throws.ArgumentException.With.Message.Contains("contiguous"));
        Assert.That(() => perturbation.Step(clean, gradient, 0.01, 0.03, rand(2, 3, 5, 5)), Throws.ArgumentException.With.Message.Contains("[2, 3, 5, 5]"));
    }

    [Test]
    public void Memory_is_the_tensors_own()
    {
        Tensor t = arange(12, dtype: float32).view(3, 4);
        Span<float> span = TensorMemory.Write(t);
        span[5] = 50;
        Assert.That(t[1, 1].item<float>(), Is.EqualTo(50));
        Assert.That(TensorMemory.Read(t[2]).ToArray(), Is.EqualTo(new float[] { 8, 9, 10, 11 }), "with the storage's offset");
        Assert.That(TensorMemory.ToArray(t.t()), Is.EqualTo(new float[] { 0, 4, 8, 1, 50, 9, 2, 6, 10, 3, 7, 11 }));
        Assert.That(() => TensorMemory.Read(t.t()), Throws.ArgumentException.With.Message.Contains("contiguous"));
        Assert.That(() => TensorMemory.Read(t.to(float64)), Throws.ArgumentException.With.Message.Contains("Float64"));
        Assert.That(() => TensorMemory.FromSpan([1, 2, 3], 2, 2), Throws.ArgumentException);
        Assert.That(TensorMemory.FromSpan([1, 2, 3, 4], 2, 2)[1, 0].item<float>(), Is.EqualTo(3));
        Assert.That(TensorMemory.Read(empty([0, 3], float32)).Length, Is.Zero);

        Tensor labels = tensor(new long[] { 1, 256 });
        Assert.That(TensorMemory.Bytes(labels).ToArray(), Is.EqualTo(new byte[] { 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0 }));
        TensorMemory.Bytes(labels)[0] = 7;
        Assert.That(labels[0].item<long>(), Is.EqualTo(7));
        Assert.That(() => TensorMemory.Bytes(t.t()).Length, Throws.ArgumentException.With.Message.Contains("contiguous"));
    }

    [Test]
    public unsafe void The_address_of_a_tensor_is_that_of_its_first_value()
    {
        Tensor t = arange(12, dtype: float32).view(3, 4), row = t[2];
        fixed (float* first = TensorMemory.Read(t)) Assert.That(TensorMemory.Address(t), Is.EqualTo((nint)first));
        fixed (float* first = TensorMemory.Read(row)) Assert.That(TensorMemory.Address(row), Is.EqualTo((nint)first), "with the storage's offset");
        Assert.That(TensorMemory.Address(empty([0, 3], float32)), Is.EqualTo((nint)0));
        Tensor halves = t.to(float16);
        fixed (System.Half* first = TensorMemory.Write<System.Half>(halves, ScalarType.Float16)) Assert.That(TensorMemory.Address(halves), Is.EqualTo((nint)first));
        Assert.That(TensorMemory.Address(halves[2]) - TensorMemory.Address(halves), Is.EqualTo((nint)(8 * 2)), "in steps of its type");
        Assert.That(row[1].item<float>(), Is.EqualTo(9), "still there");
        Assert.That(() => TensorMemory.OnDevice(t, 0), Throws.ArgumentException.With.Message.Contains("cuda:0"));
        Assert.That(() => MapTensor.OnDevice<System.Half>(rand(1, 2, 2, 3).to(float16).permute(0, 3, 1, 2), 1), Throws.ArgumentException.With.Message.Contains("cuda:1"));
        Assert.That(() => TensorMemory.OnDevice(t.to(float64), 0), Throws.ArgumentException.With.Message.Contains("Float64"));
        Assert.That(() => TensorMemory.OnDevice(t.t(), 0), Throws.ArgumentException.With.Message.Contains("contiguous"));
    }

    [Test]
    public void Misuse_is_named()
    {
        using var gem = new TorchPooling(host, PoolingKind.Gem);
        using var normalization = new TorchRowNormalization(host);
        Assert.That(() => gem.Apply(rand(3, 4), tensor(3f)), Throws.ArgumentException.With.Message.Contains("[3, 4]"));
        Assert.That(() => gem.Apply(rand(1, 1, 3, 4).to(float64), tensor(3f)), Throws.ArgumentException.With.Message.Contains("Float64"));
        Assert.That(() => gem.Apply(rand(1, 1, 3, 4), ones(2)), Throws.ArgumentException.With.Message.Contains("[2]"));
        Assert.That(() => gem.Apply(rand(1, 1, 3, 4).requires_grad_(true), tensor(-3f)), Throws.ArgumentException.With.Message.Contains("-3"));
        Assert.That(() => normalization.Apply(rand(3)), Throws.ArgumentException);
        Assert.That(() => TorchRuntime.Configure(-1, 0), Throws.ArgumentException);
    }

    [Test]
    public void The_runtime_repeats_its_random_numbers()
    {
        int threads = get_num_threads();
        TorchRuntime.Configure(1, 42);
        float[] once = TensorMemory.ToArray(randn(5));
        Assert.That(get_num_threads(), Is.EqualTo(1));
        TorchRuntime.Configure(threads, 42);
        Assert.That(TensorMemory.ToArray(randn(5)), Is.EqualTo(once));
    }
}
