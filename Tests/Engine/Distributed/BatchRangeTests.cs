using NUnit.Framework;
using Osprey.Engine.Distributed;
using Osprey.Tests.Interop.Mpi;

namespace Osprey.Tests.Engine.Distributed;

[TestFixture]
public class BatchRangeTests
{
    [Test]
    public void The_ranges_are_the_list_and_keep_its_batches(
        [Values(0, 1, 2, 7, 8, 9, 31, 64)] int items, [Values(1, 4, 8, 100)] int batch, [Values(1, 2, 3, 5, 13)] int size)
    {
        BatchRange[] ranges = ThreadTeam.Run(size, ranks => BatchRange.Of(ranks, items, batch));
        int next = 0;
        bool whole = (items + batch - 1) / batch >= size;
        foreach (BatchRange range in ranges)
        {
            Assert.That(range.Count, Is.GreaterThanOrEqualTo(0));
            if (range.Count == 0) continue;
            Assert.That(range.First, Is.EqualTo(next), "one after the other");
            next += range.Count;
            if (whole) Assert.That((range.First % batch, next == items ? 0 : next % batch), Is.EqualTo((0, 0)), "whole batches");
            else Assert.That((next - 1) / batch, Is.EqualTo(range.First / batch), "a part of one batch");
        }
        Assert.That(next, Is.EqualTo(items));
    }

    [Test]
    public void One_batch_is_shared_by_all_and_a_few_by_turns()
    {
        Assert.That(ThreadTeam.Run(4, ranks => BatchRange.Of(ranks, 8, 32).Count), Is.EqualTo(new[] { 2, 2, 2, 2 }));
        Assert.That(ThreadTeam.Run(5, ranks => BatchRange.Of(ranks, 12, 8).Count), Is.EqualTo(new[] { 2, 3, 3, 2, 2 }));
        Assert.That(ThreadTeam.Run(3, ranks => new BatchRange(1, 2).Of(new[] { 5, 6, 7, 8 })), Has.All.EqualTo(new[] { 6, 7 }));
    }
}
