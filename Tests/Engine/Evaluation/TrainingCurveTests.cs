using NUnit.Framework;
using Osprey.Engine.Evaluation.Report;
using Osprey.Tests.Interop;

namespace Osprey.Tests.Engine.Evaluation;

[TestFixture]
public class TrainingCurveTests
{
    static TrainingCurve Read(params string[] lines)
    {
        using var folder = new ScratchFolder();
        string file = folder["metrics.jsonl"];
        File.WriteAllText(file, string.Join('\n', lines));
        return TrainingCurve.Read("run", file);
    }

    [Test]
    public void Steps_epochs_attacked_losses_and_the_held_out_part_are_told_apart()
    {
        TrainingCurve curve = Read(
            """{"kind":"step","step":1,"epoch":1,"loss":12.5,"loss_clean":12,"loss_adv":13}""",
            """{"kind":"step","step":2,"epoch":1,"loss":9.5,"loss_clean":9,"loss_adv":10}""",
            """{"kind":"epoch","step":2,"epoch":1,"loss":11,"held_out_map":0.25}""",
            """{"kind":"step","step":3,"epoch":2,"loss":"NaN"}""",
            """{"kind":"epoch","step":3,"epoch":2,"loss":8}""",
            """{"kind":"step","step":4,"epo""");
        Assert.That(curve.Points, Is.EqualTo(new[] { (1.0, 12.5), (2.0, 9.5) }));
        Assert.That(curve.Attacked, Is.EqualTo(new[] { (1.0, 13.0), (2.0, 10.0) }));
        Assert.That(curve.Epochs, Is.EqualTo(new[] { new TrainingEpoch(1, 2, 11, 0.25), new TrainingEpoch(2, 3, 8, null) }));
    }

    [Test]
    public void Long_runs_are_averaged_over_neighbouring_steps()
    {
        TrainingCurve curve = Read([.. Enumerable.Range(1, 301).Select(i => $$"""{"kind":"step","step":{{i}},"loss":{{2 * i}}}""")]);
        // 301 steps in windows of ⌈301/150⌉ = 3: the first of steps 1, 2, 3, the last of step 301 alone.
        Assert.That(curve.Points, Has.Count.EqualTo(101));
        Assert.That((curve.Points[0], curve.Points[^1]), Is.EqualTo(((2.0, 4.0), (301.0, 602.0))));
    }
}
