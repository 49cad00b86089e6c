using NUnit.Framework;
using Osprey.Engine.Evaluation;
using Osprey.Engine.Evaluation.Report;
using Osprey.Engine.Images;
using SkiaSharp;

namespace Osprey.Tests.Engine.Evaluation;

[TestFixture]
public class NeighbourSheetTests
{
    [Test]
    public void Frames_are_green_where_right_and_red_where_wrong()
    {
        using var sample = new SampleEvaluation();
        Gallery gallery = sample.Result.Galleries[0];
        string path = Path.Combine(sample.Folder, "sheet.png");
        NeighbourSheet.Write(path, gallery, "baseline", 3, new DecodeOptions());
        using SKBitmap sheet = SKBitmap.Decode(path);
        // Ten pixels into the top edge of each neighbour's frame; 122 pixels from one to the next, the first at 148; rows evenly below.
        int step = (sheet.Height - 10) / 3;
        for (int r = 0; r < 3; r++)
            for (int i = 0; i < Gallery.Neighbours; i++)
                Assert.That(sheet.GetPixel(148 + 122 * i + 9, 10 + step * r + 2), Is.EqualTo(gallery.Rows[r].Answers[0].Neighbours[i].Right ? new SKColor(0x15, 0x80, 0x3d) : new SKColor(0xc2, 0x26, 0x1c)), $"row {r}, place {i}");
        Assert.That(gallery.Rows.Take(3).SelectMany(r => r.Answers[0].Neighbours).Select(n => n.Right), Does.Contain(true).And.Contain(false), "the sample has both");
    }

    [Test]
    public void A_model_that_is_not_there_is_refused_with_those_that_are()
    {
        using var sample = new SampleEvaluation();
        Assert.That(() => NeighbourSheet.Write("x.png", sample.Result.Galleries[0], "other", 3, new DecodeOptions()), Throws.ArgumentException.With.Message.Contains("baseline, robust"));
    }

    [Test]
    public void A_metrics_file_becomes_a_curve_and_a_cut_last_line_is_no_harm()
    {
        string path = Path.GetTempFileName();
        File.WriteAllLines(path, [.. Enumerable.Range(1, 450).Select(i => $$"""{"kind":"step","step":{{i}},"epoch":1,"loss":{{1000 - i}}}"""), """{"kind":"epoch","step":450,"epoch":1,"loss":3}""", """{"kind":"st"""]);
        TrainingCurve curve = TrainingCurve.Read("run", path);
        File.Delete(path);
        Assert.That(curve.Points, Has.Count.EqualTo(150));
        Assert.That(curve.Points[0], Is.EqualTo((2.0, 998.0)), "the mean of three steps");
        Assert.That(curve.Points[^1], Is.EqualTo((449.0, 551.0)));
    }
}
