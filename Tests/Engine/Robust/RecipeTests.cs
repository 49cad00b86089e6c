using NUnit.Framework;
using Osprey.Engine.Datasets;
using Osprey.Engine.Model;
using Osprey.Engine.Robust;
using Osprey.Engine.Training;
using static TorchSharp.torch;

namespace Osprey.Tests.Engine.Robust;

[TestFixture]
public class RecipeTests : RecipeFixture
{
    [Test]
    public void Plain_gradients_are_those_of_the_loss()
    {
        using Embedder embedder = Small();
        using Recipe recipe = Recipe.Create(new TrainConfig(), embedder, device);
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
        AssertReady(embedder);

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
        AssertSameGradients(embedder, twin);
    }

    [Test]
    public void AdvProp_without_split_norms_sends_both_parts_through_the_main_ones([Values] bool fast)
    {
        using Embedder embedder = Small(split: false);
        using Recipe recipe = fast ? new FastAdvProp(device, OneStep, 0.5, splitsNorms: false) : new AdvProp(device, OneStep, 0.5, splitsNorms: false);
        using var loss = new ArcFace(4, embedder.Dimension, 30, 0.5, 1);
        (Tensor pixels, Tensor labels) = Batch();
        Assert.That(recipe.SplitsNorms, Is.False);
        long before = embedder.State(includeAuxiliary: true).Single(t => t.Key.EndsWith("head.bn.num_batches_tracked", StringComparison.Ordinal)).Value.item<long>();
        StepLoss value = recipe.Backward(embedder, loss, pixels, labels, 11);
        AssertReady(embedder);
        long after = embedder.State(includeAuxiliary: true).Single(t => t.Key.EndsWith("head.bn.num_batches_tracked", StringComparison.Ordinal)).Value.item<long>();
        Assert.That(after - before, Is.EqualTo(2), "the clean and the attacked part are batches of the same statistics");
        Assert.That(value.Total, Is.EqualTo(0.5 * value.Clean! + 0.5 * value.Adversarial!).Within(1e-6));
    }

    [Test]
    public void AdvProp_of_a_share_attacks_whole_classes_and_learns_from_every_image_as_it_is()
    {
        const ulong Seed = 11;
        const double Weight = 0.3;
        using Embedder embedder = Small(split: true);
        using Recipe recipe = new AdvProp(device, OneStep, Weight, 0.25);
        using var loss = new ArcFace(4, embedder.Dimension, 30, 0.5, 1);
        (Tensor pixels, Tensor labels) = Batch();
        StepLoss value = recipe.Backward(embedder, loss, pixels, labels, Seed);
        AssertReady(embedder);

        using Embedder twin = Small(split: true);
        (Tensor attacked, _) = AttackedQuarter(twin, loss, pixels, labels, Seed);
        twin.Branch = NormBranch.Main;
        Tensor clean = loss.Compute(twin.Describe(pixels), labels);
        (clean * (1 - Weight) + attacked * Weight).backward();

        Assert.That(value.Clean, Is.EqualTo(clean.item<float>()).Within(1e-5));
        Assert.That(value.Adversarial, Is.EqualTo(attacked.item<float>()).Within(1e-5));
        AssertSameGradients(embedder, twin);
        AssertSameStatistics(embedder, twin);
    }

    [Test]
    public void Fast_AdvProp_attacks_whole_classes_and_every_image_counts_once()
    {
        const ulong Seed = 11;
        using Embedder embedder = Small(split: true);
        using Recipe recipe = new FastAdvProp(device, OneStep, 0.25);
        using var loss = new ArcFace(4, embedder.Dimension, 30, 0.5, 1);
        (Tensor pixels, Tensor labels) = Batch();
        StepLoss value = recipe.Backward(embedder, loss, pixels, labels, Seed);
        AssertReady(embedder);

        using Embedder twin = Small(split: true);
        (Tensor attacked, Tensor rest) = AttackedQuarter(twin, loss, pixels, labels, Seed);
        twin.Branch = NormBranch.Main;
        Tensor clean = loss.Compute(twin.Describe(pixels.index_select(0, rest)), labels.index_select(0, rest));
        (clean * 0.75 + attacked * 0.25).backward();

        AssertValue(value, 0.75 * clean.item<float>() + 0.25 * attacked.item<float>(), clean, attacked);
        AssertSameGradients(embedder, twin);
        AssertSameStatistics(embedder, twin);
    }

    [TestCase(64, 0.25, 16)]
    [TestCase(8, 0.25, 2)]
    [TestCase(8, 0.01, 2)]
    [TestCase(8, 0.99, 6)]
    [TestCase(4, 0.25, 2)]
    [TestCase(10, 0.33, 3)]
    public void Fast_AdvProp_leaves_two_images_on_each_side(int batch, double share, int attacked)
        => Assert.That(AttackedPart.CountOf(batch, share), Is.EqualTo(attacked));

    [Test]
    public void Est_minimises_the_loss_of_images_moved_from_their_own_descriptor()
    {
        using Embedder embedder = Small(), twin = Small();
        using Recipe recipe = new Est(device, Threat);
        using var loss = new ArcFace(4, embedder.Dimension, 30, 0.5, 1);
        (Tensor pixels, Tensor labels) = Batch();
        StepLoss value = recipe.Backward(embedder, loss, pixels, labels, 11);
        AssertReady(embedder);

        Tensor attacked = loss.Compute(twin.Describe(Shifted(twin, pixels, 11)), labels);
        attacked.backward();
        AssertValue(value, attacked.item<float>(), null, attacked);
        AssertSameGradients(embedder, twin);
        // The attacked batch once, and nothing else.
        AssertSameStatistics(embedder, twin);
        Assert.That(embedder.HasSplitNorms, Is.False);
    }

    [Test]
    public void Ses_adds_the_shift_to_the_loss_and_both_descriptors_learn()
    {
        const double Lambda = 7;
        using Embedder embedder = Small(), twin = Small();
        using Recipe recipe = new Ses(device, Threat, Lambda);
        using var loss = new ArcFace(4, embedder.Dimension, 30, 0.5, 1);
        (Tensor pixels, Tensor labels) = Batch();
        StepLoss value = recipe.Backward(embedder, loss, pixels, labels, 11);
        AssertReady(embedder);

        Tensor adversarial = Shifted(twin, pixels, 11), unit = twin.Describe(pixels);
        Tensor clean = loss.Compute(unit, labels), shift = (1 - nn.functional.cosine_similarity(twin.Describe(adversarial), unit, 1)).mean();
        (clean + Lambda * shift).backward();
        Assert.That(shift.item<float>(), Is.GreaterThan(1e-4), "nothing would be tested");
        AssertValue(value, clean.item<float>() + Lambda * shift.item<float>(), clean, shift);
        AssertSameGradients(embedder, twin);
        // The clean batch, then the attacked one.
        AssertSameStatistics(embedder, twin);
    }

    [Test]
    public void The_descriptors_attack_has_no_gradient_where_it_starts_from_the_image()
    {
        using Embedder embedder = Small();
        (Tensor pixels, _) = Batch();
        embedder.eval();
        Tensor clean = embedder.Describe(pixels).detach();
        Tensor start = pixels.clone().requires_grad_(true);
        DescriptorShift.Between(embedder.Describe(start), clean).sum().backward();
        using Embedder other = Small();
        other.eval();
        Tensor away = (pixels + 0.01).requires_grad_(true);
        DescriptorShift.Between(other.Describe(away), clean).sum().backward();
        Assert.That(start.grad!.abs().max().item<float>(), Is.LessThan(1e-2 * away.grad!.abs().max().item<float>()));
    }

    [Test]
    public void An_attack_on_a_network_leaves_no_gradient_in_its_parameters([Values(1, 4)] int steps)
    {
        using Embedder embedder = Small();
        using var loss = new ArcFace(4, embedder.Dimension, 30, 0.5, 1);
        using var attack = new Attack(device, Threat with { Steps = steps, Restarts = 2 });
        (Tensor pixels, Tensor labels) = Batch();
        embedder.eval();
        attack.Perturb(pixels, x => loss.Compute(embedder.Describe(x), labels), 1);
        Assert.That(Gradients(embedder), Is.Empty);
        Assert.That(loss.Parameters[0].Value.grad, Is.Null);
        Assert.That(embedder.parameters().Select(p => p.requires_grad), Has.All.True);
    }

    [Test]
    public void Recipes_that_split_the_norms_say_so()
    {
        using Embedder embedder = Small();
        foreach (RecipeKind kind in Enum.GetValues<RecipeKind>())
        {
            using Recipe recipe = Recipe.Create(new TrainConfig { Recipe = kind }, embedder, device);
            Assert.That(recipe.SplitsNorms, Is.EqualTo(kind is RecipeKind.AdvProp or RecipeKind.FastAdvProp), $"{kind}");
            Assert.That(recipe.UsesLoss, Is.EqualTo(kind != RecipeKind.Fare), $"{kind}");
        }
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
    public void A_failure_in_the_attack_leaves_the_network_as_it_was(
        [Values(RecipeKind.AdvProp, RecipeKind.FastAdvProp, RecipeKind.Est, RecipeKind.Ses)] RecipeKind kind)
    {
        using Embedder embedder = Small(split: true);
        using Recipe recipe = Recipe.Create(new TrainConfig { Recipe = kind }, embedder, device);
        using var loss = new ArcFace(4, embedder.Dimension + 1, 30, 0.5, 1);
        (Tensor pixels, Tensor labels) = Batch();
        Assert.That(() => recipe.Backward(embedder, loss, pixels, labels, 1), Throws.Exception);
        AssertReady(embedder);
    }

    /// <summary>The loss of the quarter that advprop and fast-advprop attack, by hand, and where the rest is: of 8 images one of the four classes of two, images c and c+4.</summary>
    (Tensor Loss, Tensor Others) AttackedQuarter(Embedder embedder, MetricLoss loss, Tensor pixels, Tensor labels, ulong seed)
    {
        var random = new SeededRandom((long)seed);
        long[] classes = [0, 1, 2, 3];
        random.Shuffle<long>(classes);
        Tensor chosen = tensor(new[] { classes[0], classes[0] + 4 }), rest = tensor(classes[1..].SelectMany(c => new[] { c, c + 4 }).ToArray());
        Tensor chosenLabels = labels.index_select(0, chosen);
        using var attack = new Attack(device, OneStep);
        embedder.Branch = NormBranch.Auxiliary;
        embedder.eval();
        Tensor adversarial = attack.Perturb(pixels.index_select(0, chosen), x => loss.Compute(embedder.Describe(x), chosenLabels), random.NextBits());
        embedder.train();
        return (loss.Compute(embedder.Describe(adversarial), chosenLabels), rest);
    }

    /// <summary>What est and ses attack, by hand: the descriptors' shift by the main norms' running statistics.</summary>
    Tensor Shifted(Embedder embedder, Tensor pixels, ulong seed)
    {
        using var attack = new Attack(device, Threat);
        embedder.eval();
        Tensor clean = embedder.Describe(pixels).detach();
        Tensor adversarial = attack.Perturb(pixels, x => 1 - (embedder.Describe(x) * clean).sum(1), seed);
        embedder.train();
        return adversarial;
    }
}
