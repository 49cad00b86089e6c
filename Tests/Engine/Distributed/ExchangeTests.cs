using NUnit.Framework;
using Osprey.Engine;
using Osprey.Engine.Distributed;
using Osprey.Tests.Interop.Mpi;

namespace Osprey.Tests.Engine.Distributed;

[TestFixture]
public class ExchangeTests
{
    [Test]
    public void Every_rank_has_the_values_of_all_in_order([Values(1, 2, 4)] int size)
    {
        // Rank 0 has none.
        double[][] joined = ThreadTeam.Run(size, ranks => ranks.Join([.. Enumerable.Repeat((double)ranks.Rank, ranks.Rank)]));
        Assert.That(joined, Has.All.EqualTo(Enumerable.Range(0, size).SelectMany(r => Enumerable.Repeat((double)r, r))));
    }

    [Test]
    public void Bits_arrive_as_they_were()
    {
        float[] values = [-0f, float.NaN, float.Epsilon, float.NegativeInfinity];
        foreach (float[] joined in ThreadTeam.Run(2, ranks => ranks.Join(ranks.Rank == 1 ? values : [])))
            Assert.That(joined.Select(BitConverter.SingleToInt32Bits), Is.EqualTo(values.Select(BitConverter.SingleToInt32Bits)));
    }

    [Test]
    public void Records_too() => Assert.That(
        ThreadTeam.Run(3, ranks => ranks.JoinRecords<BadFile>(ranks.Rank == 1 ? [] : [new BadFile($"{ranks.Rank}.jpg", "größer")])),
        Has.All.EqualTo(new[] { new BadFile("0.jpg", "größer"), new BadFile("2.jpg", "größer") }));

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(2)]
    public void Who_fails_between_two_meetings_ends_all_at_the_next(int meetingsBefore)
    {
        RankFailedException[] thrown = ThreadTeam.Run(3, ranks => Assert.Throws<RankFailedException>(() => ranks.Together(() =>
        {
            for (int i = 0; i < 2; i++)
            {
                if (ranks.Rank == 2 && i == meetingsBefore) throw new InvalidDataException("broken");
                ranks.Join([i]);
            }
            return ranks.Rank == 2 ? throw new InvalidDataException("broken") : 0;
        }))!);
        Assert.That(thrown.Select(e => e.Message), Has.All.EqualTo("rank 2: broken"));
    }

    [Test]
    public void What_fails_on_all_alike_is_told_as_of_one_process() =>
        Assert.That(ThreadTeam.Run(3, ranks => Assert.Throws<RankFailedException>(() => ranks.Together<int>(() => throw new ArgumentException("wrong")))!.Message), Has.All.EqualTo("wrong"));
}
