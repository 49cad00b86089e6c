using System.Xml.Linq;
using NUnit.Framework;
using Osprey.Engine.Benchmarks.Scale;
using Osprey.Interop.Formats;
using Osprey.Tests.Interop;

namespace Osprey.Tests.Engine.Benchmarks.Scale;

[TestFixture]
public class ScaleFitTests
{
    /// <summary>Runs of a machine that keeps the model exactly.</summary>
    static readonly ScaleRun[] Runs =
    [
        .. from rows in new long[] { 10_000, 100_000, 1_000_000 }
           from ranks in new[] { 1, 2, 4 }
           from queries in new[] { 1, 100, 1100 }
           let workers = Math.Min(4, ranks * 2)
           let search = 2e-3 + (queries * (1e-5 + (rows * 100 * 1e-12 / workers) + (ranks > 1 ? ranks * 10 * 1e-7 : 0)))
           let prepare = 5e-3 + (rows * 1e-6)
           let open = ranks == 1 ? 1e-2 + (rows * 100 * 2e-9) : 3e-2 + (rows * 100 * 8e-9 / workers)
           select new ScaleRun
           {
               Rows = rows, Dimension = 100, Ranks = ranks, Threads = 2, Cores = 4, Queries = queries, K = 10, Turn = 0, Seconds = (0.5 * ranks) + search + prepare + open, PrepareSeconds = prepare,
               OpenSeconds = open, SearchSeconds = search, PeakBytes = 123_000_000, StoreBytes = 401 * rows, IndexBytes = 508 * rows, Load = 0.5,
           },
    ];

    [Test]
    public void A_line_is_found_again() => Assert.That(NonNegativeFit.Solve([[1, 1], [1, 2], [1, 3]], [5, 8, 11]), Is.EqualTo(new double[] { 2, 3 }).Within(1e-9));

    [Test]
    public void A_cost_is_never_negative()
    {
        // Falling values: the constant 66/49 has the least relative error, 26/49; the line through 0 has 104/91.
        Assert.That(NonNegativeFit.Solve([[1, 1], [1, 2], [1, 3]], [3, 2, 1]), Is.EqualTo(new[] { 66 / 49.0, 0 }).Within(1e-12));
    }

    [Test]
    public void What_cannot_be_fitted_is_refused()
    {
        Assert.That(() => NonNegativeFit.Solve([[1]], [1, 2]), Throws.ArgumentException.With.Message.Contains("1 rows of terms for 2 values"));
        Assert.That(() => NonNegativeFit.Solve([[1]], [0]), Throws.ArgumentException.With.Message.Contains("a measured value is 0"));
    }

    [Test]
    public void The_fit_gives_the_machine_back()
    {
        ScaleFit fit = ScaleFit.Of(Runs);
        Assert.That(
            new[] { fit.Call, fit.Query, fit.Scan, fit.Merge, fit.Prepare, fit.Part, fit.Open, fit.Check, fit.OpenRanks, fit.Code, fit.Start[1], fit.Start[4] },
            Is.EqualTo(new[] { 2e-3, 1e-5, 1e-12, 1e-7, 5e-3, 1e-6, 1e-2, 2e-9, 3e-2, 8e-9, 0.5, 2 }).Within(1e-4).Percent);
        foreach (ScaleRun run in Runs) Assert.That(fit.Seconds(run), Is.EqualTo(run.Seconds).Within(1e-4).Percent);
    }

    [Test]
    public void A_query_costs_the_difference_of_two_searches()
    {
        IReadOnlyList<QueryCost> costs = QueryCost.Of(Runs);
        Assert.That(costs.Select(c => (c.Rows, c.Ranks)).Take(4), Is.EqualTo(new[] { (10_000L, 1), (10_000L, 2), (10_000L, 4), (100_000L, 1) }));
        // 10 µs, a million values at 1 ps by two workers, and no merging.
        Assert.That(costs[0].Seconds, Is.EqualTo(1.05e-5).Within(1e-9).Percent);
        Assert.That(QueryCost.Of([.. Runs.Where(r => r.Queries == 1)]), Is.Empty);
    }

    [Test]
    public void Without_ranks_the_rest_is_fitted()
    {
        ScaleFit fit = ScaleFit.Of([.. Runs.Where(r => r.Ranks == 1)]);
        Assert.That((fit.Merge, fit.Code), Is.EqualTo((0.0, double.NaN)));
        Assert.That(fit.Seconds(Runs[0]), Is.EqualTo(Runs[0].Seconds).Within(1e-4).Percent);
    }

    [Test]
    public void Tables_show_how_far_the_model_is_off()
    {
        ScaleFit fit = ScaleFit.Of(Runs);
        Assert.That(ScaleTables.Costs(QueryCost.Of(Runs), fit), Does.Contain("| 10000 | 1 | 1.05e-2 | 1.05e-2 | 0 % |"));
        Assert.That(ScaleTables.Runs(Runs, fit).Split('\n'), Has.Length.EqualTo(2 + Runs.Length + 1));
        Assert.That(ScaleTables.Parameters(fit), Does.Contain("| scan: a value of a row, one core | 1.00 ps |"));
        Assert.That(ScaleTables.Disk(Runs), Does.Contain("| 10000 | 4.01e-3 | 5.08e-3 | 401 | 508 |"));
    }

    [Test]
    public void The_plot_stands_alone()
    {
        XElement svg = XElement.Parse(ScalePlot.Svg(QueryCost.Of(Runs), ScaleFit.Of(Runs)));
        Assert.That(svg.Name.ToString(), Is.EqualTo("{http://www.w3.org/2000/svg}svg"));
        // A fitted line for one process, for two ranks and for four; points are not joined.
        Assert.That(svg.Descendants().Count(e => e.Name.LocalName == "polyline"), Is.EqualTo(3));
        Assert.That(() => ScalePlot.Svg([], ScaleFit.Of(Runs)), Throws.ArgumentException);
    }

    [Test]
    public void Fewer_rows_are_the_first_of_more()
    {
        using var folder = new ScratchFolder();
        GaussianRows.Write(folder["few.npy"], 3, 5, seed: 7);
        GaussianRows.Write(folder["more.npy"], 20_000, 5, seed: 7, threads: 2);
        float[] few = Npy.ReadSingles(folder["few.npy"]).Values, more = Npy.ReadSingles(folder["more.npy"]).Values;
        Assert.That(more[..15], Is.EqualTo(few));
        Assert.That(more[^5..].Sum(v => (double)v * v), Is.EqualTo(1).Within(1e-6));
    }
}
