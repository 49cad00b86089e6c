using NUnit.Framework;
using Osprey.Kernels.Search;

namespace Osprey.Tests.Kernels.Search;

[TestFixture]
public sealed class CandidateKeyTests
{
    [Test]
    public void Keys_order_as_a_ranking_and_decode([Values] Similarity similarity)
    {
        float[] scores = [float.NegativeInfinity, -float.MaxValue, -1, -float.Epsilon, 0, float.Epsilon, 1e-20f, 1, 1.0000001f, float.MaxValue, float.PositiveInfinity];
        long[] ids = [0, 1, 77, uint.MaxValue];
        var expected = from s in similarity == Similarity.InnerProduct ? scores.Reverse() : scores from id in ids select (s, id);
        var keyed = (from s in scores from id in ids select CandidateKey.Encode(similarity, s, id)).Order().ToList();
        Assert.That(keyed.Select(k => (CandidateKey.Score(similarity, k), CandidateKey.Id(k))), Is.EqualTo(expected));
        Assert.That(keyed, Is.All.LessThan(CandidateKey.None));
        Assert.That(CandidateKey.Encode(similarity, -0f, 5), Is.EqualTo(CandidateKey.Encode(similarity, 0f, 5)));
    }

    static IEnumerable<ulong[]> Lists()
    {
        var random = new Random(3);
        foreach (int length in new[] { 1, 2, 3, 31, 32, 33, 64, 127, 1023, 1024, 1025, 5000 })
        {
            yield return [.. Enumerable.Range(0, length).Select(_ => (ulong)random.NextInt64())];
            yield return [.. Enumerable.Range(0, length).Select(i => (ulong)i)];
            yield return [.. Enumerable.Range(0, length).Select(i => (ulong)(length - i))];
            yield return [.. Enumerable.Repeat(9UL, length)];
            yield return [.. Enumerable.Range(0, length).Select(_ => ((ulong)random.Next(4) << 60) + (ulong)random.Next(3))];
            // Organ pipe: the middle of three is a poor pivot again and again.
            yield return [.. Enumerable.Range(0, length).Select(i => (ulong)Math.Min(i, length - i))];
        }
    }

    [Test]
    public void Sorting_and_selecting_agree_with_the_framework()
    {
        foreach (ulong[] list in Lists())
        {
            ulong[] expected = [.. list.Order()];
            ulong[] sorted = [.. list];
            CandidateKey.Sort(sorted);
            Assert.That(sorted.AsSpan().SequenceEqual(expected), $"sorting {list.Length} keys");
            foreach (int k in new[] { 1, 2, list.Length / 3, list.Length / 2, list.Length - 1, list.Length }.Where(k => k >= 1 && k <= list.Length))
            {
                ulong[] selected = [.. list];
                CandidateKey.Select(selected, k);
                Array.Sort(selected, 0, k);
                Array.Sort(selected, k, list.Length - k);
                Assert.That(selected.AsSpan().SequenceEqual(expected), $"the {k} least of {list.Length} keys");
            }
        }
    }
}
