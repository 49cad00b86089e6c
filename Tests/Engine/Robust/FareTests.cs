using NUnit.Framework;
using Osprey.Engine.Datasets;
using Osprey.Engine.Model;
using Osprey.Engine.Robust;
using Osprey.Interop.Torch;
using static TorchSharp.torch;

namespace Osprey.Tests.Engine.Robust;

[TestFixture]
public class FareTests : RecipeFixture
{
    [Test]
    public void Attacked_descriptors_are_held_to_the_starting_networks_and_no_labels_are_asked_for([Values(1, 2, 4)] int turns)
    {
        using Embedder embedder = Small(), twin = Small(), start = Small();
        Recipe recipe = new Fare(device, Threat, embedder, turns);
        (Tensor pixels, _) = Batch();
        foreach (Embedder moved in new[] { embedder, twin }) Move(moved);
        Dictionary<string, float[]> statistics = Statistics(embedder);
        StepLoss value = recipe.Backward(embedder, null!, pixels, null!, 11);
        AssertReady(embedder);

        start.eval();
        twin.eval();
        // Folded, for the same last digits: the attack goes by the signs of gradients, some of them next to nothing.
        start.Fold();
        // The other way round (these angles go clockwise), so that the sum has the same last digits, too.
        int[] angles = turns switch { 1 => [0], 2 => [0, 180], _ => [0, 270, 180, 90] };
        Tensor sum = angles.Select(a => Embedded(start, Turned(pixels, a))).Aggregate((a, b) => a + b), target = sum / sum.norm(1, keepdim: true, p: 2);
        using var attack = new Attack(device, Threat);
        Tensor adversarial = attack.Perturb(pixels, x => (twin.Describe(x) - target).square().sum(), 11);
        Tensor distance = (twin.Describe(adversarial) - target).square().sum(1).mean();
        distance.backward();
        Assert.That(distance.item<float>(), Is.GreaterThan(1e-4), "nothing would be tested");
        AssertValue(value, distance.item<float>(), null, distance);
        AssertSameGradients(embedder, twin);
        Assert.That(Statistics(embedder), Is.EqualTo(statistics), "the running statistics are those of the start");

        recipe.Dispose();
        Assert.That(embedder.Describe(pixels).shape[0], Is.EqualTo(8), "only the copy went");
    }

    [Test]
    public void Of_an_attacked_share_the_rest_is_held_to_the_target_as_it_is()
    {
        using Embedder embedder = Small(), twin = Small(), start = Small();
        using Recipe recipe = new Fare(device, OneStep, embedder, turns: 1, share: 0.25);
        (Tensor pixels, _) = Batch();
        foreach (Embedder moved in new[] { embedder, twin }) Move(moved);
        StepLoss value = recipe.Backward(embedder, null!, pixels, null!, 11);
        AssertReady(embedder);

        start.eval();
        start.Fold();
        twin.eval();
        var random = new SeededRandom(11);
        long[] order = [0, 1, 2, 3, 4, 5, 6, 7];
        random.Shuffle<long>(order);
        Tensor target = Embedded(start, pixels), chosen = tensor(order[..2]), rest = tensor(order[2..]), held = target.index_select(0, chosen);
        using var attack = new Attack(device, OneStep);
        Tensor adversarial = attack.Perturb(pixels.index_select(0, chosen), x => (twin.Describe(x) - held).square().sum(), random.NextBits());
        Tensor attacked = (twin.Describe(adversarial) - held).square().sum(1).mean();
        Tensor clean = (twin.Describe(pixels.index_select(0, rest)) - target.index_select(0, rest)).square().sum(1).mean();
        (attacked * 0.25 + clean * 0.75).backward();
        Assert.That(clean.item<float>(), Is.GreaterThan(1e-4).And.LessThan(attacked.item<float>()), "nothing would be tested");
        AssertValue(value, 0.25 * attacked.item<float>() + 0.75 * clean.item<float>(), clean, attacked);
        AssertSameGradients(embedder, twin);
    }

    [Test]
    public void Training_begins_at_0_but_for_rounding_where_nothing_is_attacked()
    {
        using Embedder embedder = Small();
        using Recipe recipe = new Fare(device, new Threat { Epsilon = 0 }, embedder, turns: 1);
        (Tensor pixels, _) = Batch();
        Assert.That(recipe.Backward(embedder, null!, pixels, null!, 1).Total, Is.LessThan(1e-10));
        Assert.That(Gradients(embedder).Values.SelectMany(g => g), Has.All.InRange(-1e-4, 1e-4));
    }

    [Test]
    public void Networks_that_see_alike_at_every_turn_have_the_target_of_one()
    {
        // Pictures of one colour are the same at every turn.
        using Embedder embedder = Small();
        using Recipe one = new Fare(device, new Threat { Epsilon = 0 }, embedder, turns: 1), four = new Fare(device, new Threat { Epsilon = 0 }, embedder, turns: 4);
        Tensor pixels = linspace(0, 1, 8 * 3).view(8, 3, 1, 1).expand(8, 3, 32, 32).contiguous();
        Move(embedder);
        double value = one.Backward(embedder, null!, pixels, null!, 1).Total;
        Assert.That(value, Is.GreaterThan(1e-4), "nothing would be tested");
        Assert.That(four.Backward(embedder, null!, pixels, null!, 1).Total, Is.EqualTo(value).Within(1e-6));
    }

    /// <summary>As after some steps: f is no longer f₀.</summary>
    static void Move(Embedder embedder)
    {
        using var frozen = no_grad();
        foreach (var (_, parameter) in embedder.BackboneParameters) parameter.mul_(1.02);
    }

    static Tensor Embedded(Embedder embedder, Tensor pixels)
    {
        float[] rows = new float[8 * embedder.Dimension];
        embedder.Embed(TensorMemory.Read(pixels), 8, 32, rows);
        return tensor(rows, 8, embedder.Dimension);
    }

    static Tensor Turned(Tensor pixels, int degrees) => degrees switch
    {
        0 => pixels,
        90 => pixels.transpose(2, 3).flip(3).contiguous(),
        180 => pixels.flip(2, 3).contiguous(),
        _ => pixels.transpose(2, 3).flip(2).contiguous(),
    };
}
