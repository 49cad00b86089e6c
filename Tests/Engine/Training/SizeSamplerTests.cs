using NUnit.Framework;
using Osprey.Engine.Training;

namespace Osprey.Tests.Engine.Training;

[TestFixture]
public class SizeSamplerTests
{
    static SizeSampler Sampler(int? smallest, int largest, long seed = 0) => new(new TrainConfig { SmallestSize = smallest, Seed = seed }, largest);

    [TestCase(null, 112, new[] { 112 })]
    [TestCase(112, 112, new[] { 112 })]
    [TestCase(64, 112, new[] { 112, 96, 80, 64 })]
    [TestCase(60, 100, new[] { 100, 84, 68 })]
    public void Sizes_fall_in_steps_of_sixteen_from_the_networks(int? smallest, int largest, int[] expected)
        => Assert.That(Sampler(smallest, largest).Sizes, Is.EqualTo(expected));

    [Test]
    public void Every_size_is_drawn_about_as_often()
    {
        SizeSampler sampler = Sampler(64, 112);
        int[] drawn = [.. Enumerable.Range(0, 4000).Select(b => sampler.Size(b))];
        // Four standard deviations of a count of 1,000 are 110.
        foreach (int size in sampler.Sizes) Assert.That(drawn.Count(d => d == size), Is.InRange(890, 1110), $"{size} px");
    }

    [Test]
    public void A_batchs_size_follows_from_seed_and_number_alone()
    {
        int[] Draw(long seed) => [.. Enumerable.Range(0, 50).Select(b => Sampler(64, 112, seed).Size(b))];
        int[] first = Draw(3), again = Draw(3);
        Assert.That(again, Is.EqualTo(first));
        Assert.That(Draw(4), Is.Not.EqualTo(first));
    }

    [Test]
    public void The_smallest_is_not_above_the_networks()
        => Assert.That(() => Sampler(128, 112), Throws.ArgumentException.With.Message.Contains("smallest size is 128 px").And.Message.Contains("112"));
}
