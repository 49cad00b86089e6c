using System.Runtime.Intrinsics;
using NUnit.Framework;
using Osprey.Kernels.Arithmetic;

namespace Osprey.Tests.Kernels.Arithmetic;

[TestFixture]
public class ElementaryTests
{
    const double Ulp = 1.0 / (1 << 23);

    /// <summary>All binades a float has, a few thousand mantissas, and the neighbourhood of 1.</summary>
    static IEnumerable<float> Positive()
    {
        var random = new Random(1);
        for (int i = 0; i < 20_000; i++) yield return MathF.ScaleB(1 + random.NextSingle(), random.Next(-126, 127));
        for (int i = -2000; i < 2000; i++) yield return BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits(1f) + i);
        yield return Elementary.SmallestNormal;
        yield return float.MaxValue;
    }

    [Test]
    public void Logarithm_is_within_two_ulp()
    {
        double worst = 0;
        foreach (float x in Positive())
        {
            double want = Math.Log(x), got = Elementary.Log(x);
            worst = Math.Max(worst, Math.Abs(got - want) / Math.Max(Math.Abs(want), 1e-30));
        }
        TestContext.Out.WriteLine($"worst {worst / Ulp:F2} ulp");
        Assert.That(worst, Is.LessThan(2 * Ulp));
    }

    [TestCase(0.3f)]
    [TestCase(1f)]
    [TestCase(1 / 3f)]
    [TestCase(2.5f)]
    [TestCase(3f)]
    [TestCase(7.3f)]
    [TestCase(-0.7f)]
    [TestCase(-2f)]
    [TestCase(40f)]
    public void Power_is_within_four_ulp_times_p(float p)
    {
        double worst = 0;
        foreach (float x in Positive())
        {
            double want = Math.Pow(x, p);
            if (want is < 1.2e-38 or > 3.4e38) continue;
            worst = Math.Max(worst, Math.Abs(Elementary.Power(x, p) - want) / want);
        }
        TestContext.Out.WriteLine($"worst {worst / Ulp:F2} ulp");
        Assert.That(worst, Is.LessThan(4 * Math.Max(1, Math.Abs(p)) * Ulp));
    }

    [Test]
    public void Power_overflows_and_fades_out_as_it_should()
    {
        Assert.That(Elementary.Power(1e30f, 3), Is.EqualTo(float.PositiveInfinity));
        Assert.That(Elementary.Power(1e-30f, 3), Is.Zero);
        Assert.That(Elementary.Power(1e-20f, 2), Is.EqualTo(1e-40f).Within(2e-45f), "denormal");
        Assert.That(Elementary.Power(float.NaN, 3), Is.NaN);
        Assert.That(Elementary.Power(float.PositiveInfinity, 3), Is.EqualTo(float.PositiveInfinity));
        Assert.That(Elementary.Power(2, 0), Is.EqualTo(1));
        Assert.That(Elementary.Power(1.5f, 1000), Is.EqualTo(float.PositiveInfinity));
    }

    [Test]
    public void Cube_root_is_within_two_ulp()
    {
        double worst = 0;
        foreach (float x in Positive()) worst = Math.Max(worst, Math.Abs(Elementary.CubeRoot(x) - Math.Cbrt(x)) / Math.Cbrt(x));
        TestContext.Out.WriteLine($"worst {worst / Ulp:F2} ulp");
        Assert.That(worst, Is.LessThan(2 * Ulp));
        Assert.That(Elementary.CubeRoot(float.NaN), Is.NaN);
        Assert.That(Elementary.CubeRoot(float.PositiveInfinity), Is.EqualTo(float.PositiveInfinity));
    }

    [Test]
    public void Sine_and_cosine_of_turns()
    {
        for (int i = 0; i <= 40_000; i++)
        {
            float u = i / 40_000f;
            float sine = Elementary.SinCosTurn(u, out float cosine);
            Assert.That(sine, Is.EqualTo(Math.Sin(2 * Math.PI * u)).Within(Ulp));
            Assert.That(cosine, Is.EqualTo(Math.Cos(2 * Math.PI * u)).Within(Ulp));
        }
    }

    [Test]
    public void Lanes_give_the_same_bits()
    {
        float[] values = [.. Positive().Take(16 * 1490), float.NaN, float.PositiveInfinity, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14];
        for (int i = 0; i < values.Length; i += 16)
        {
            var x = Vector512.LoadUnsafe(ref values[i]);
            var u = Vector512.Create(16777216f);
            Vector512<float> turn = x / (x + u), sine = ElementaryLanes.SinCosTurn(turn, out Vector512<float> cosine);
            Vector512<float> power = ElementaryLanes.Power(x, Vector512.Create(2.7f)), log = ElementaryLanes.Log(x), root = ElementaryLanes.CubeRoot(x);
            for (int l = 0; l < 16; l++)
            {
                Same(power[l], Elementary.Power(x[l], 2.7f));
                Same(root[l], Elementary.CubeRoot(x[l]));
                if (!float.IsFinite(x[l])) continue;
                Same(log[l], Elementary.Log(x[l]));
                if (!float.IsFinite(turn[l])) continue;
                Same(sine[l], Elementary.SinCosTurn(turn[l], out float c));
                Same(cosine[l], c);
            }
        }

        static void Same(float a, float b) =>
            Assert.That(BitConverter.SingleToInt32Bits(a) == BitConverter.SingleToInt32Bits(b) || (float.IsNaN(a) && float.IsNaN(b)), $"{a:R} and {b:R}");
    }

    [Test]
    public void A_team_runs_every_chunk_once_and_passes_failures_on()
    {
        var team = new HostTeam(3);
        for (int round = 0; round < 200; round++)
        {
            var hits = new int[37];
            team.Run(i => Interlocked.Increment(ref hits[i]), hits.Length);
            Assert.That(hits, Is.All.EqualTo(1));
        }
        Assert.That(() => team.Run(i => { if (i == 5) throw new ArithmeticException("five"); }, 20), Throws.Exception.With.Message.Contains("five"));
        int after = 0;
        team.Run(_ => Interlocked.Increment(ref after), 10);
        Assert.That(after, Is.EqualTo(10), "a failure leaves the team usable");
    }

    [Test]
    public void Teams_that_run_at_once_or_within_one_another_each_run_their_chunks_once()
    {
        Task[] callers = [.. Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            HostTeam outer = new(2), inner = new(3);
            for (int round = 0; round < 100; round++)
            {
                var hits = new int[5 * 7];
                outer.Run(i => { lock (inner) inner.Run(j => Interlocked.Increment(ref hits[(7 * i) + j]), 7); }, 5);
                Assert.That(hits, Is.All.EqualTo(1));
            }
        }))];
        Task.WaitAll(callers);
    }
}
