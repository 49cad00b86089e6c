using NUnit.Framework;
using Osprey.Engine.Distributed;
using Osprey.Interop.Mpi;
using Osprey.Tests.Interop.Mpi;

namespace Osprey.Tests.Engine.Distributed;

[TestFixture]
public class AgreementTests
{
    [Test]
    public void Each_rank_keeps_its_own_result([Values(1, 2, 5)] int size) =>
        Assert.That(ThreadTeam.Run(size, ranks => ranks.RunOnAll(() => ranks.Rank * 10)), Is.EqualTo(Enumerable.Range(0, size).Select(i => i * 10)));

    [Test]
    public void Where_some_fail_all_throw_the_lowest_ones_error()
    {
        RankFailedException[] thrown = ThreadTeam.Run(4, ranks =>
        {
            try
            {
                ranks.RunOnAll(() =>
                {
                    if (ranks.Rank == 1) throw new InvalidDataException("broken here");
                    if (ranks.Rank == 3) throw new ArgumentException("wrong there");
                });
                return null!;
            }
            catch (RankFailedException e)
            {
                return e;
            }
        });
        Assert.That(thrown.Select(e => e.Message), Has.All.EqualTo("rank 1: broken here"));
        Assert.That(thrown.Select(e => e.InnerException), Has.All.TypeOf<InvalidOperationException>());
    }

    [TestCase(typeof(ArgumentException), typeof(ArgumentException))]
    [TestCase(typeof(OperationCanceledException), typeof(OperationCanceledException))]
    [TestCase(typeof(IOException), typeof(InvalidOperationException))]
    public void The_kind_of_error_reaches_everyone(Type own, Type everyones)
    {
        foreach (RankFailedException e in ThreadTeam.Run(2, ranks => Assert.Throws<RankFailedException>(() => ranks.RunOnAll(() =>
        {
            if (ranks.Rank == 0) throw (Exception)Activator.CreateInstance(own, "said")!;
        }))!))
        {
            Assert.That(e.InnerException, Is.TypeOf(everyones));
            Assert.That(e.Message, Is.EqualTo("said"), "of rank 0, as of a process by itself");
        }
    }

    [Test]
    public void A_process_by_itself_throws_what_was_thrown()
    {
        using var alone = new SingleProcess();
        Assert.That(() => alone.RunOnAll(() => throw new InvalidDataException("x")), Throws.TypeOf<InvalidDataException>());
    }

    [Test]
    public void Bytes_of_any_length_reach_everyone([Values(0, 1, 1000)] int length) =>
        Assert.That(ThreadTeam.Run(3, ranks => ranks.BroadcastBytes(ranks.Rank == 0 ? [.. Enumerable.Range(0, length).Select(i => (byte)i)] : [9])), Has.All.EqualTo(Enumerable.Range(0, length).Select(i => (byte)i)));
}
