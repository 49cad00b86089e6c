using NUnit.Framework;
using Osprey.Engine.Robust;
using Osprey.Kernels.Perturbation;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using Device = Osprey.Kernels.Device;

namespace Osprey.Tests.Engine.Robust;

[TestFixture]
public class AttackTests
{
    const double Epsilon = 8.0 / 255;

    readonly Device device = Device.Open("host", 2);
    DisposeScope scope = null!;

    [OneTimeTearDown]
    public void Close() => device.Dispose();

    [SetUp]
    public void Begin() => scope = NewDisposeScope();

    [TearDown]
    public void End() => scope.Dispose();

    [Test]
    public void It_stays_in_the_ball_and_in_the_pixel_range_and_raises_the_objective(
        [Values] PerturbationNorm norm, [Values(1, 7)] int steps, [Values] bool randomStart)
    {
        double epsilon = norm == PerturbationNorm.L2 ? 1.5 : Epsilon;
        using var attack = new Attack(device, new Threat { Norm = norm, Epsilon = epsilon, Steps = steps, RandomStart = randomStart });
        Tensor clean = Images(3, 1), target = Images(3, 2), before = clean.clone();
        Tensor Objective(Tensor x) => (x - target).square().sum(dim: [1, 2, 3]);
        Tensor attacked = attack.Perturb(clean, Objective, 5);

        Tensor change = attacked - clean;
        Tensor size = norm == PerturbationNorm.L2 ? change.square().sum(dim: [1, 2, 3]).sqrt() : change.abs().amax([1, 2, 3]);
        Assert.That(size.data<float>().ToArray(), Has.All.LessThanOrEqualTo(epsilon * (1 + 1e-5)).And.All.GreaterThan(epsilon / 3));
        Assert.That(attacked.min().item<float>(), Is.GreaterThanOrEqualTo(0));
        Assert.That(attacked.max().item<float>(), Is.LessThanOrEqualTo(1));
        Assert.That((Objective(attacked) - Objective(clean)).data<float>().ToArray(), Has.All.GreaterThan(0));
        Assert.That(clean.equal(before).all().item<bool>(), Is.True, "the clean images changed");
    }

    [Test]
    public void On_a_linear_objective_enough_steps_reach_the_far_corner_of_the_ball()
    {
        using var attack = new Attack(device, new Threat { Epsilon = Epsilon, Steps = 10 });
        Tensor clean = Images(2, 3), direction = Images(2, 4) - 0.5;
        Tensor attacked = attack.Perturb(clean, x => (x * direction).sum(), 1);
        Tensor corner = (clean + direction.sign() * Epsilon).clamp(0, 1);
        Assert.That((attacked - corner).abs().max().item<float>(), Is.LessThan(1e-6));
    }

    [Test]
    public void With_a_full_contrast_a_pixel_moves_by_its_share_of_the_radius([Values(1, 10)] int steps, [Values] bool randomStart)
    {
        using var attack = new Attack(device, new Threat { Epsilon = Epsilon, FullContrast = 0.4, Steps = steps, RandomStart = randomStart });
        // Away from black and white, so that the pixel range does not cut anything off; the second image is flat.
        Tensor clean = cat([(Images(1, 3) * 0.8) + 0.1, full([1, 3, 8, 8], 0.5f)]), direction = Images(2, 4) - 0.5;
        Tensor attacked = attack.Perturb(clean, x => (x * direction).sum(), 1);
        Tensor reach = ContrastMap.Of(clean, 0.4);
        Assert.That(reach[0].min().item<float>(), Is.InRange(0.2, 0.9), "a case between nothing and everything");
        Assert.That(((attacked - clean).abs() - reach * Epsilon).max().item<float>(), Is.LessThan(1e-6), "farther than its share");
        Assert.That((attacked - clean)[1].abs().max().item<float>(), Is.LessThan(1e-4), "a flat image stays as it is");
        Tensor corner = clean + (direction.sign() * reach * Epsilon);
        // One step from a random start does not get everywhere.
        if (steps == 10 || !randomStart) Assert.That((attacked - corner).abs().max().item<float>(), Is.LessThan(1e-6));
    }

    [Test]
    public void What_the_objective_sees_is_what_comes_back()
    {
        using var attack = new Attack(device, new Threat { Epsilon = Epsilon, FullContrast = 0.4, Steps = 3, Restarts = 2 });
        Tensor clean = Images(2, 3), reach = ContrastMap.Of(clean, 0.4);
        attack.Perturb(clean, Seen, 1);

        Tensor Seen(Tensor x)
        {
            Assert.That(((x - clean).abs() - reach * Epsilon).max().item<float>(), Is.LessThan(1e-6));
            return x.square().sum(dim: [1, 2, 3]);
        }
    }

    /// <summary>The second gradient points back and is as long: the second step follows it unless more than all of the first is remembered.</summary>
    [TestCase(0, -1)]
    [TestCase(0.25, -1)]
    [TestCase(1.5, 1)]
    public void Momentum_remembers_the_steps_before(double momentum, int lastSign)
    {
        using var attack = new Attack(device, new Threat { Epsilon = Epsilon, Steps = 2, StepSize = Epsilon / 4, RandomStart = false, Momentum = momentum });
        int call = 0;
        Tensor clean = full([1, 3, 8, 8], 0.5);
        Tensor attacked = attack.Perturb(clean, x => x.sum() * (call++ == 0 ? 1 : -1), 1);
        double expected = 0.5 + (Epsilon / 4 * (1 + lastSign));
        Assert.That((attacked - expected).abs().max().item<float>(), Is.LessThan(1e-6));
    }

    [Test]
    public void An_epsilon_of_zero_gives_a_copy_of_the_clean_images()
    {
        using var attack = new Attack(device, new Threat { Epsilon = 0, Steps = 3 });
        Tensor clean = Images(2, 5);
        Tensor attacked = attack.Perturb(clean, x => x.sum(), 1);
        Assert.That(attacked.equal(clean).all().item<bool>(), Is.True);
        attacked.zero_();
        Assert.That(clean.max().item<float>(), Is.GreaterThan(0));
    }

    [Test]
    public void Of_several_tries_the_best_of_each_image_is_kept()
    {
        // Where a try ends depends on its start: ascending a wave finds the nearest crest.
        static Tensor Wave(Tensor x) => ((x * 400).sin() * x).sum(dim: [1, 2, 3]);
        Tensor clean = Images(4, 6);
        var threat = new Threat { Epsilon = Epsilon, Steps = 4, StepSize = 0.001 };
        using var one = new Attack(device, threat);
        using var many = new Attack(device, threat with { Restarts = 5 });
        float[] single = [.. Wave(one.Perturb(clean, Wave, 7)).data<float>()];
        float[] several = [.. Wave(many.Perturb(clean, Wave, 7)).data<float>()];
        for (int i = 0; i < 4; i++) Assert.That(several[i], Is.GreaterThanOrEqualTo(single[i]));
        Assert.That(several, Is.Not.EqualTo(single));

        static Tensor Total(Tensor x) => Wave(x).sum();
        float whole = Total(many.Perturb(clean, Total, 7)).item<float>();
        Assert.That(whole, Is.InRange(single.Sum() - 1e-3f, several.Sum() + 1e-3f));
    }

    [Test]
    public void A_restart_can_be_had_by_itself()
    {
        static Tensor Wave(Tensor x) => ((x * 400).sin() * x).sum(dim: [1, 2, 3]);
        Tensor clean = Images(4, 6);
        using var attack = new Attack(device, new Threat { Epsilon = Epsilon, Steps = 4, StepSize = 0.001, Restarts = 3 });
        Tensor[] tries = [.. Enumerable.Range(0, 3).Select(r => attack.Try(clean, Wave, 7, r))];
        Tensor best = stack([.. tries.Select(Wave)]).amax([0]);
        Assert.That((Wave(attack.Perturb(clean, Wave, 7)) - best).abs().max().item<float>(), Is.Zero);
        Assert.That(tries[0].equal(tries[1]).all().item<bool>(), Is.False);
    }

    [Test]
    public void Wandering_goes_the_whole_radius_in_a_random_direction([Values] PerturbationNorm norm)
    {
        double epsilon = norm == PerturbationNorm.L2 ? 1.5 : Epsilon;
        using var attack = new Attack(device, new Threat { Norm = norm, Epsilon = epsilon });
        Tensor clean = full([3, 3, 8, 8], 0.5), wandered = attack.Wander(clean, 4), change = wandered - clean;
        Tensor size = norm == PerturbationNorm.L2 ? change.square().sum(dim: [1, 2, 3]).sqrt() : change.abs().amax([1, 2, 3]);
        Assert.That(size.data<float>().ToArray(), Has.All.EqualTo(epsilon).Within(1e-5));
        if (norm == PerturbationNorm.LInf) Assert.That(change.abs().min().item<float>(), Is.EqualTo(epsilon).Within(1e-6), "a corner of the ball");
        Assert.That(Math.Abs(change.sign().mean().item<float>()), Is.LessThan(0.2), "576 fair coins");
        Assert.That(attack.Wander(clean, 5).equal(wandered).all().item<bool>(), Is.False);
        using var held = new Attack(device, new Threat { Norm = norm, Epsilon = epsilon, FullContrast = 0.1 });
        Assert.That((held.Wander(clean, 4) - clean).abs().max().item<float>(), Is.LessThan(1e-4), "nothing moves in a flat image");
        Tensor edge = attack.Wander(zeros([1, 3, 8, 8]), 4);
        Assert.That(edge.min().item<float>(), Is.Zero, "pixels stay in their range");
    }

    [Test]
    public void It_writes_no_parameter_gradient_and_works_where_gradients_are_off()
    {
        using var weight = new Parameter(rand(3, 8, 8));
        using var attack = new Attack(device, new Threat { Epsilon = Epsilon, Steps = 2 });
        Tensor clean = Images(2, 8);
        using (no_grad())
        {
            Tensor attacked = attack.Perturb(clean, x => (x * weight).sum(), 1);
            Assert.That(attacked.requires_grad, Is.False);
            Assert.That((attacked - clean).abs().max().item<float>(), Is.GreaterThan(0));
        }
        Assert.That(weight.grad, Is.Null);
        Assert.That(weight.requires_grad, Is.True);
    }

    [Test]
    public void Its_passes_compute_gradients_of_the_pixels_and_of_no_parameter()
    {
        using var weight = new Parameter(rand(3 * 8 * 8, 4));
        using var attack = new Attack(device, new Threat { Epsilon = Epsilon, Steps = 3, Restarts = 2 });
        Tensor clean = Images(2, 8);
        Tensor Objective(Tensor x) => x.flatten(1).mm(Counted.apply(weight)).square().sum(dim: 1);
        Counted.Backwards = 0;
        Tensor attacked = attack.Perturb(clean, Objective, 1);
        Assert.That((attacked - clean).abs().max().item<float>(), Is.GreaterThan(0));
        Assert.That(Counted.Backwards, Is.Zero, "a parameter's gradient was computed");
        Objective(clean).sum().backward();
        Assert.That(Counted.Backwards, Is.EqualTo(1), "what the counter would have seen");
    }

    /// <summary>The identity, which notes when a gradient of what it was given is asked for.</summary>
    sealed class Counted : autograd.SingleTensorFunction<Counted>
    {
        public static int Backwards { get; set; }

        public override string Name => "Counted";

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars) => ((Tensor)vars[0]).clone();

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
        {
            Backwards++;
            List<Tensor> gradients = [grad_output.clone()];
            ctx.save_data(nameof(gradients), gradients);
            return gradients;
        }
    }

    [Test]
    public void The_seed_decides()
    {
        using var attack = new Attack(device, new Threat { Epsilon = Epsilon });
        Tensor clean = Images(2, 9);
        Tensor Run(ulong seed) => attack.Perturb(clean, x => x.square().sum() * 0.01, seed);
        Assert.That(Run(1).equal(Run(1)).all().item<bool>(), Is.True);
        using var wandering = new Attack(device, new Threat { Epsilon = Epsilon, Steps = 2, StepSize = 1e-4 });
        Tensor one = wandering.Perturb(clean, x => x.sum(), 1), other = wandering.Perturb(clean, x => x.sum(), 2);
        Assert.That(one.equal(other).all().item<bool>(), Is.False);
    }

    [Test]
    public void A_threat_out_of_range_is_refused()
        => Assert.That(() => new Attack(device, new Threat { Steps = 0 }), Throws.ArgumentException.With.Message.Contains("steps is 0"));

    static Tensor Images(int n, int seed)
    {
        var random = new Random(seed);
        return tensor(Enumerable.Range(0, n * 3 * 64).Select(_ => random.NextSingle()).ToArray(), [n, 3, 8, 8]);
    }
}
