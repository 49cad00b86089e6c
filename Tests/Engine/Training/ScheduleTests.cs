using NUnit.Framework;
using Osprey.Engine.Training;

namespace Osprey.Tests.Engine.Training;

[TestFixture]
public class ScheduleTests
{
    [TestCase(ScheduleKind.Constant, new[] { 1.0, 1, 1, 1, 1, 1, 1, 1 })]
    [TestCase(ScheduleKind.Linear, new[] { 1.0, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125 })]
    [TestCase(ScheduleKind.Cosine, new[] { 1.0, 0.96193977, 0.85355339, 0.69134172, 0.5, 0.30865828, 0.14644661, 0.03806023 })]
    public void Without_warmup_it_starts_at_the_peak(ScheduleKind kind, double[] expected)
    {
        double[] got = [.. Enumerable.Range(0, 8).Select(s => Schedule.Factor(kind, s, 8, 0))];
        Assert.That(got, Is.EqualTo(expected).Within(1e-8));
    }

    [TestCase(ScheduleKind.Linear, new[] { 0.25, 0.5, 0.75, 1, 1, 0.75, 0.5, 0.25 })]
    [TestCase(ScheduleKind.Cosine, new[] { 0.25, 0.5, 0.75, 1, 1, 0.85355339, 0.5, 0.14644661 })]
    public void Warmup_climbs_to_the_peak_and_the_rest_is_spread_over_what_is_left(ScheduleKind kind, double[] expected)
    {
        double[] got = [.. Enumerable.Range(0, 8).Select(s => Schedule.Factor(kind, s, 8, 4))];
        Assert.That(got, Is.EqualTo(expected).Within(1e-8));
    }

    [Test]
    public void A_warmup_longer_than_the_run_only_climbs()
    {
        double[] got = [.. Enumerable.Range(0, 4).Select(s => Schedule.Factor(ScheduleKind.Cosine, s, 4, 10))];
        Assert.That(got, Is.EqualTo(new[] { 0.1, 0.2, 0.3, 0.4 }).Within(1e-12));
    }
}
