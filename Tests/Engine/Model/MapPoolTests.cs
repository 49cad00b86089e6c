using NUnit.Framework;
using Osprey.Engine.Model;
using static TorchSharp.torch;

namespace Osprey.Tests.Engine.Model;

[TestFixture]
public sealed class MapPoolTests
{
    [Test]
    public void What_was_returned_is_rented_again()
    {
        using var pool = new MapPool();
        Tensor large = pool.Rent(2, 3, 4, 5), small = pool.Rent(1, 2, 2, 5);
        Assert.That(large.shape, Is.EqualTo(new long[] { 2, 3, 4, 5 }));
        Assert.That(pool.Capacity, Is.EqualTo(120 + 20));
        small.fill_(1);
        large.fill_(2);
        Assert.That(small.sum().item<float>(), Is.EqualTo(20), "what is rented is nobody else's");
        Assert.That(pool.Return(small) && pool.Return(large), Is.True);
        Assert.That(pool.Rent(1, 2, 2, 5), Is.SameAs(small), "the smallest that is large enough");
        Tensor other = pool.Rent(1, 3, 4, 5);
        Assert.That(other.shape, Is.EqualTo(new long[] { 1, 3, 4, 5 }));
        Assert.That(pool.Capacity, Is.EqualTo(140), "the start of the large one");
        Assert.That(other.sum().item<float>(), Is.EqualTo(120), "as it was left");
    }

    [Test]
    public void It_grows_in_the_place_of_what_is_too_small()
    {
        using var pool = new MapPool();
        Tensor kept = pool.Rent(1, 1, 1, 3);
        pool.Return(pool.Rent(1, 1, 1, 7));
        pool.Rent(1, 1, 1, 100);
        Assert.That(pool.Capacity, Is.EqualTo(103), "7 are gone, 3 are in use");
        pool.ReturnAll();
        Assert.That(pool.Return(kept), Is.False, "it is free already");
        pool.Rent(1, 1, 1, 2);
        Assert.That(pool.Capacity, Is.EqualTo(103));
    }

    [Test]
    public void What_is_not_its_own_it_leaves_alone_and_at_the_end_nothing_stays()
    {
        using var scope = NewDisposeScope();
        Tensor other = zeros(1, 1, 1, 3);
        long before = Tensor.TotalCount;
        using (var pool = new MapPool())
        {
            pool.Rent(1, 1, 1, 3);
            pool.Return(pool.Rent(2, 1, 1, 3));
            Assert.That(pool.Return(other), Is.False);
        }
        Assert.That(Tensor.TotalCount, Is.EqualTo(before));
        Assert.That(other.sum().item<float>(), Is.Zero);
    }
}
