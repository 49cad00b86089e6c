using Osprey.Engine.Evaluation;
using Osprey.Kernels.Perturbation;
using Spectre.Console;

namespace Osprey.Tool.Hosting;

/// <summary>Whether stronger attacks looked stronger: a table where more than growing ε was compared, and a line that says passed or failed, and where.</summary>
static class AttackSanityText
{
    static readonly (AttackCheckKind Kind, string Heading)[] Columns =
    [
        (AttackCheckKind.LargerEpsilon, "larger ε"), (AttackCheckKind.MoreSteps, "more steps"), (AttackCheckKind.MoreRestarts, "restarts"),
        (AttackCheckKind.AboveNoise, "above noise"), (AttackCheckKind.AboveTransfer, "above transfer"),
    ];

    /// <summary>Null where only growing ε was compared.</summary>
    public static Table? Table(EvaluationResult result)
    {
        if (!result.Config.CheckAttack) return null;
        bool several = EvaluationTables.Several(result);
        Table table = Tables.Create([.. EvaluationTables.Lead(several), "attack", .. Columns.Select(c => c.Heading)]);
        foreach (ModelResult r in result.Results)
            foreach (IGrouping<PerturbationNorm, AttackCheck> norm in r.AttackChecks.GroupBy(c => c.Norm))
                table.Row([.. EvaluationTables.Lead(several, r), EvaluationTables.Name(norm.Key), .. Columns.Select(c => Verdict([.. norm.Where(n => n.Kind == c.Kind)]))]);
        return table;
    }

    public static IEnumerable<string> Lines(AttackSanity sanity)
    {
        yield return sanity.Passed
            ? $"attack sanity: passed, {sanity.Checks} comparisons"
            : $"attack sanity: FAILED in {sanity.Failed.Count} of {sanity.Checks} comparisons; the figures under attack may look better than they are";
        foreach (FailedAttackCheck f in sanity.Failed)
        {
            string figures = string.Join(", ", f.Check.Figures.Where(g => !g.Passed).Select(g =>
                g.Name == "shift" ? $"shift {g.Weaker:0.000} and {g.Stronger:0.000}" : $"{EvaluationTables.Name(g.Name)} {Tables.Percent(g.Weaker)} and {Tables.Percent(g.Stronger)}"));
            yield return $"  {f.Data}, {f.Model}, {EvaluationTables.Name(f.Check.Norm)}: {f.Check.Weaker} did more than {f.Check.Stronger}: {figures}";
        }
    }

    static string Verdict(AttackCheck[] checks) => checks.Length == 0 ? "–" : checks.All(c => c.Passed) ? "passed" : "FAILED";
}
