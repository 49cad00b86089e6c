using NUnit.Framework;
using Osprey.Engine.Model;
using Osprey.Engine.Robust;
using Osprey.Engine.Training;
using Osprey.Interop.Torch;
using TorchSharp;
using static TorchSharp.torch;
using Device = Osprey.Kernels.Device;

namespace Osprey.Tests.Engine.Robust;

[TestFixture]
public class RecipeTests
{
    const double Epsilon = 8.0 / 255;

    static readonly Threat Threat = new() { Epsilon = Epsilon, Steps = 3 };

    readonly Device device = Device.Open("host", 1);
    DisposeScope scope = null!;

    [OneTimeSetUp]
    public void OneThread() => TorchRuntime.Configure(1, 0);

    [OneTimeTearDown]
    public void Close() => device.Dispose();

    [SetUp]
    public void Begin() => scope = NewDisposeScope();

    [TearDown]
    public void End() => scope.Dispose();

    [Test]
    public void Plain_gradients_are_those_of_the_loss()
    {
        using Embedder embedder = Small();
        using Recipe recipe = Recipe.Create(new TrainConfig(), device);
        using var loss = new ArcFace(4, embedder.Dimension, 30, 0.5, 1);
        (Tensor pixels, Tensor labels) = Batch();
        StepLoss value = recipe.Backward(embedder, loss, pixels, labels, 1);
        Dictionary<string, float[]> got = Gradients(embedder);

        using Embedder twin = Small();
        Tensor expected = loss.Compute(twin.Describe(pixels), labels);
        expected.backward();
        Assert.That(value, Is.EqualTo(new StepLoss(expected.item<float>(), expected.item<float>(), null)));
        Dictionary<string, float[]> wanted = Gradients(twin);
        Assert.That(got.Keys, Is.EquivalentTo(wanted.Keys));
        foreach ((string name, float[] gradient) in got) Assert.That(gradient, Is.EqualTo(wanted[name]).Within(1e-6), name);
    }

    [Test]
    public void AdvProp_minimises_the_weighted_sum_each_part_through_its_own_norms()
    {
        const double Weight = 0.3;
        using Embedder embedder = Small(split: true);
        using Recipe recipe = new AdvProp(device, Threat, Weight);
        using var loss = new ArcFace(4, embedder.Dimension, 30, 0.5, 1);
        (Tensor pixels, Tensor labels) = Batch();
        StepLoss value = recipe.Backward(embedder, loss, pixels, labels, 11);
        Assert.That(embedder.Branch, Is.EqualTo(NormBranch.Main));
        Assert.That(embedder.training, Is.True);

        using Embedder twin = Small(split: true);
        using var attack = new Attack(device, Threat);
        twin.Branch = NormBranch.Auxiliary;
        twin.eval();
        Tensor adversarial = attack.Perturb(pixels, x => loss.Compute(twin.Describe(x), labels), 11);
        twin.train();
        Tensor attacked = loss.Compute(twin.Describe(adversarial), labels);
        twin.Branch = NormBranch.Main;
        Tensor clean = loss.Compute(twin.Describe(pixels), labels);
        (clean * (1 - Weight) + attacked * Weight).backward();

        Assert.That(value.Clean, Is.EqualTo(clean.item<float>()).Within(1e-5));
        Assert.That(value.Adversarial, Is.EqualTo(attacked.item<float>()).Within(1e-5));
        Assert.That(value.Total, Is.EqualTo((1 - Weight) * clean.item<float>() + Weight * attacked.item<float>()).Within(1e-5));
        Dictionary<string, float[]> got = Gradients(embedder), wanted = Gradients(twin);
        Assert.That(got.Keys, Is.EquivalentTo(wanted.Keys));
        foreach ((string name, float[] gradient) in got)
            Assert.That(gradient, Is.EqualTo(wanted[name]).Within(1e-4 * (1 + wanted[name].Max(Math.Abs))), name);
    }

    [Test]
    public void The_main_norms_see_clean_batches_only_and_the_auxiliary_ones_each_attacked_batch_once()
    {
        using Embedder embedder = Small(split: true), plain = Small();
        using Recipe advprop = new AdvProp(device, Threat, 0.5), none = new PlainRecipe();
        using var loss = new ArcFace(4, embedder.Dimension, 30, 0.5, 1);
        (Tensor pixels, Tensor labels) = Batch();
        advprop.Backward(embedder, loss, pixels, labels, 1);
        none.Backward(plain, loss, pixels, labels, 1);

        Dictionary<string, Tensor> ours = embedder.State(true), theirs = plain.State(false);
        string[] statistics = [.. theirs.Keys.Where(k => k.Contains("running_") || k.Contains("num_batches"))];
        Assert.That(statistics, Has.Length.GreaterThan(10));
        foreach (string name in statistics)
            Assert.That(ours[name].equal(theirs[name]).all().item<bool>(), Is.True, name);
        string[] auxiliary = [.. ours.Keys.Where(k => k.Contains("aux"))];
        foreach (string name in auxiliary.Where(k => k.Contains("num_batches")))
            Assert.That(ours[name].item<long>(), Is.EqualTo(1), name);
        foreach (string name in auxiliary.Where(k => k.Contains("running_mean")))
            Assert.That(ours[name].equal(ours[name.Replace("aux.", "")]).all().item<bool>(), Is.False, name);
    }

    [Test]
    public void The_attack_of_a_step_raises_the_loss_it_is_aimed_at()
    {
        using Embedder embedder = Small(split: true);
        using var loss = new ArcFace(4, embedder.Dimension, 30, 0.5, 1);
        using var attack = new Attack(device, Threat);
        (Tensor pixels, Tensor labels) = Batch();
        embedder.eval();
        using var off = no_grad();
        Tensor Objective(Tensor x) => loss.Compute(embedder.Describe(x), labels);
        double clean = Objective(pixels).item<float>();
        double attacked = Objective(attack.Perturb(pixels, Objective, 1)).item<float>();
        Assert.That(attacked, Is.GreaterThan(clean + 0.05));
    }

    [Test]
    public void A_backbone_without_norms_splits_the_heads()
    {
        using Embedder embedder = Small(split: true, Architecture.Squeezenet);
        using Recipe recipe = new AdvProp(device, Threat, 0.5);
        using var loss = new ArcFace(4, embedder.Dimension, 30, 0.5, 1);
        (Tensor pixels, Tensor labels) = Batch();
        recipe.Backward(embedder, loss, pixels, labels, 1);
        string[] auxiliary = [.. embedder.State(true).Keys.Where(k => k.Contains("aux"))];
        Assert.That(auxiliary, Has.Length.EqualTo(5));
    }

    [Test]
    public void A_failure_in_the_attack_leaves_the_network_as_it_was()
    {
        using Embedder embedder = Small(split: true);
        using Recipe recipe = new AdvProp(device, Threat, 0.5);
        using var loss = new ArcFace(4, embedder.Dimension + 1, 30, 0.5, 1);
        (Tensor pixels, Tensor labels) = Batch();
        Assert.That(() => recipe.Backward(embedder, loss, pixels, labels, 1), Throws.Exception);
        Assert.That(embedder.Branch, Is.EqualTo(NormBranch.Main));
        Assert.That(embedder.training, Is.True);
    }

    Embedder Small(bool split = false, Architecture architecture = Architecture.Resnet18)
    {
        Embedder embedder = Embedder.Create(
            new EmbedderConfig { Architecture = architecture, Stage = architecture == Architecture.Resnet18 ? 2 : 4, ImageSize = 32 }, device, 3);
        embedder.AddHead(8, 4);
        if (split) embedder.SplitNorms();
        embedder.train();
        return embedder;
    }

    static (Tensor Pixels, Tensor Labels) Batch()
    {
        var random = new Random(1);
        return (tensor(Enumerable.Range(0, 8 * 3 * 32 * 32).Select(_ => random.NextSingle()).ToArray(), [8, 3, 32, 32]),
            tensor(Enumerable.Range(0, 8).Select(i => (long)i % 4).ToArray()));
    }

    static Dictionary<string, float[]> Gradients(Embedder embedder) => embedder.BackboneParameters.Concat(embedder.HeadParameters)
        .Where(p => p.Parameter.grad is not null).ToDictionary(p => p.Name, p => p.Parameter.grad!.data<float>().ToArray());
}
