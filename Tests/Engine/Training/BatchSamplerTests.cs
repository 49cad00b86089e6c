using NUnit.Framework;
using Osprey.Engine.Training;

namespace Osprey.Tests.Engine.Training;

[TestFixture]
public class BatchSamplerTests
{
    // Class c has 3 + 7c images: 5 classes, 85 images; class 5 is empty, class 6 has 2.
    static readonly int[] Labels = [.. Enumerable.Range(0, 5).SelectMany(c => Enumerable.Repeat(c, 3 + 7 * c)), 6, 6];

    [Test]
    public void Balanced_batches_hold_the_asked_classes_and_images_of_each()
    {
        var sampler = new BalancedSampler(Labels, 4, 3, 5);
        for (int step = 0; step < 40; step++)
        {
            int[] batch = sampler.Batch(step);
            Assert.That(batch, Has.Length.EqualTo(12));
            int[][] groups = [.. batch.GroupBy(i => Labels[i]).Select(g => g.ToArray())];
            Assert.That(groups, Has.Length.EqualTo(4));
            foreach (int[] g in groups)
            {
                Assert.That(g, Has.Length.EqualTo(3));
                if (Labels[g[0]] != 6) Assert.That(g, Is.Unique);
            }
        }
    }

    [Test]
    public void Over_an_epoch_classes_and_the_images_of_a_class_come_equally_often()
    {
        int[] labels = [.. Enumerable.Range(0, 600).Select(i => i % 30)];
        var sampler = new BalancedSampler(labels, 16, 4, 11);
        Assert.That(sampler.StepsPerEpoch, Is.EqualTo(9));
        int[] classes = new int[30], images = new int[600];
        for (int step = 0; step < 9; step++)
        {
            int[] batch = sampler.Batch(step);
            Assert.That(batch, Is.Unique);
            foreach (int i in batch)
            {
                images[i]++;
                classes[labels[i]]++;
            }
        }
        Assert.That(classes.Max() - classes.Min(), Is.LessThanOrEqualTo(2 * 4));
        Assert.That(images.Max(), Is.LessThanOrEqualTo(1 + classes.Max() / 20));
    }

    [Test]
    public void Fewer_classes_than_a_batch_takes_keep_its_size_and_share_it_out_evenly()
    {
        int[] labels = [.. Enumerable.Range(0, 140).Select(i => i % 7)];
        var sampler = new BalancedSampler(labels, 16, 4, 3);
        foreach (int step in Enumerable.Range(0, 6))
        {
            int[] batch = sampler.Batch(step);
            Assert.That(batch, Has.Length.EqualTo(64));
            Assert.That(batch, Is.Unique);
            Assert.That(batch.CountBy(i => labels[i]).Select(c => c.Value), Has.All.EqualTo(8).Or.EqualTo(12));
        }
    }

    [Test]
    public void Shuffled_epochs_take_every_image_at_most_once_and_leave_less_than_a_batch()
    {
        var sampler = new ShuffledSampler(50, 8, 1);
        Assert.That(sampler.StepsPerEpoch, Is.EqualTo(6));
        int[][] epochs = [.. Enumerable.Range(0, 3).Select(e => Enumerable.Range(6 * e, 6).SelectMany(s => sampler.Batch(s)).ToArray())];
        foreach (int[] epoch in epochs) Assert.That(epoch, Is.Unique.And.Length.EqualTo(48));
        Assert.That(epochs[1], Is.Not.EqualTo(epochs[0]));
    }

    [Test]
    public void A_set_smaller_than_a_batch_is_one_step_an_epoch([Values] SamplingKind kind)
    {
        BatchSampler sampler = BatchSampler.Create(new TrainConfig { Sampling = kind, BatchClasses = 4, BatchImagesPerClass = 2 }, [0, 0, 1]);
        Assert.That(sampler.StepsPerEpoch, Is.EqualTo(1));
        Assert.That(sampler.Batch(5), Has.Length.EqualTo(8));
        Assert.That(sampler.Batch(5).Distinct(), Is.EquivalentTo(new[] { 0, 1, 2 }));
    }

    [Test]
    public void A_step_has_the_same_batch_in_whatever_order_steps_are_asked_for([Values] SamplingKind kind)
    {
        var config = new TrainConfig { Sampling = kind, BatchClasses = 4, BatchImagesPerClass = 2, Seed = 9 };
        BatchSampler forward = BatchSampler.Create(config, Labels), backward = BatchSampler.Create(config, Labels);
        int[][] there = [.. Enumerable.Range(0, 35).Select(s => forward.Batch(s))];
        int[][] back = [.. Enumerable.Range(0, 35).Reverse().Select(s => backward.Batch(s)).Reverse()];
        Assert.That(back, Is.EqualTo(there));
        BatchSampler other = BatchSampler.Create(config with { Seed = 10 }, Labels);
        Assert.That(other.Batch(0), Is.Not.EqualTo(there[0]));
    }

    [Test]
    public void An_empty_set_is_refused()
        => Assert.That(() => new ShuffledSampler(0, 8, 1), Throws.ArgumentException.With.Message.Contains("no image"));
}
