using Osprey.Engine.Robust;

namespace Osprey.Engine.Evaluation;

/// <summary>Looks for masked gradients: a stronger attack must not look weaker.</summary>
/// <remarks>
/// Balls of growing ε are compared as they were measured. The other checks attack anew, at the middle ε of each norm and with the user's number of
/// steps, a part of the sample: one step and twice the steps against the steps; three restarts against one; a random step of length ε; and the attack
/// on the first model, carried over.
/// </remarks>
static class AttackChecks
{
    /// <summary>Images of the checks that attack anew.</summary>
    public const int Images = 64;

    const int Restarts = 3;

    /// <summary>What a stronger attack may fall short by: of a fraction, and of the weaker's shift.</summary>
    const double FractionTolerance = 0.01, ShiftTolerance = 0.02;

    /// <param name="attacked">The sweep as measured.</param>
    /// <param name="sample">The model's sample.</param>
    /// <param name="surrogate">The first model's; null for that model itself.</param>
    /// <param name="config">Whether to attack anew, bootstrap samples and seed are read.</param>
    public static IReadOnlyList<AttackCheck> Run((Threat Threat, SampleOutcome Outcome)[] attacked, RobustSample sample, RobustSample? surrogate, EvalConfig config)
    {
        var checks = new List<AttackCheck>();
        foreach (var norm in attacked.Where(a => a.Threat.Epsilon > 0).GroupBy(a => a.Threat.Norm))
        {
            (Threat Threat, SampleOutcome Outcome)[] sweep = [.. norm.OrderBy(a => a.Threat.Epsilon)];
            checks.AddRange(Sweep(sweep, sample, config));
            if (config.CheckAttack) checks.AddRange(Anew(sweep[sweep.Length / 2].Threat, sample, surrogate, config));
        }
        return checks;
    }

    static IEnumerable<AttackCheck> Sweep((Threat Threat, SampleOutcome Outcome)[] sweep, RobustSample sample, EvalConfig config)
    {
        (string name, SampleOutcome weaker) = ("clean", sample.Clean(sweep[0].Outcome.Ids));
        foreach ((Threat threat, SampleOutcome outcome) in sweep)
        {
            if (Compare(AttackCheckKind.LargerEpsilon, threat, name, weaker, threat.Radius(), outcome, config) is { } check) yield return check;
            (name, weaker) = (threat.Radius(), outcome);
        }
    }

    static IEnumerable<AttackCheck> Anew(Threat threat, RobustSample sample, RobustSample? surrogate, EvalConfig config)
    {
        int[] ids = sample.Part(Images);
        Threat usual = threat with { Restarts = 1 }, longer = usual with { Steps = 2 * threat.Steps }, several = threat with { Restarts = Math.Max(Restarts, threat.Restarts) };
        SampleOutcome attacked = sample.Attacked(usual, ids);
        string at = threat.Radius(), name = $"{Steps(usual)} at {at}";
        AttackCheck? Above(AttackCheckKind kind, string weaker, SampleOutcome outcome) => Compare(kind, threat, weaker, outcome, name, attacked, config);
        AttackCheck? Below(AttackCheckKind kind, string stronger, SampleOutcome outcome) => Compare(kind, threat, name, attacked, stronger, outcome, config);

        var checks = new List<AttackCheck?> { Above(AttackCheckKind.AboveNoise, $"noise at {at}", sample.Noised(threat, ids)) };
        if (usual.Steps > 1) checks.Add(Above(AttackCheckKind.MoreSteps, $"1 step at {at}", sample.Attacked(usual with { Steps = 1, StepSize = null }, ids)));
        checks.Add(Below(AttackCheckKind.MoreSteps, $"{Steps(longer)} at {at}", sample.Attacked(longer, ids)));
        checks.Add(Below(AttackCheckKind.MoreRestarts, $"{several.Restarts} restarts at {at}", sample.Attacked(several, ids)));
        if (surrogate?.SharesImages(sample) == true) checks.Add(Above(AttackCheckKind.AboveTransfer, $"carried over at {at}", sample.Transferred(surrogate, usual, ids)));
        return checks.OfType<AttackCheck>();
    }

    static string Steps(Threat threat) => threat.Steps == 1 ? "1 step" : $"{threat.Steps} steps";

    /// <returns>Null where a file became unreadable in between, so that the images are not the same.</returns>
    internal static AttackCheck? Compare(AttackCheckKind kind, Threat threat, string weakerName, SampleOutcome weaker, string strongerName, SampleOutcome stronger, EvalConfig config)
    {
        if (!weaker.Ids.AsSpan().SequenceEqual(stronger.Ids)) return null;
        var figures = new List<AttackCheckFigure> { CompareFigure("shift", weaker.Shifts, stronger.Shifts, ShiftTolerance * weaker.Shifts.Average(), larger: true, config) };
        string classifier = $"knn_{config.Neighbours[0]}";
        foreach (string figure in weaker.Scores.Names.Where(n => n == "map" || n == classifier))
            figures.Add(CompareFigure(figure, weaker.Scores[figure], stronger.Scores[figure], FractionTolerance, larger: false, config));
        return new AttackCheck(kind, threat.Norm, weakerName, strongerName, weaker.Ids.Length, figures);
    }

    static AttackCheckFigure CompareFigure(string name, double[] weaker, double[] stronger, double tolerance, bool larger, EvalConfig config)
    {
        Figure excess = larger ? Bootstrap.Difference(weaker, stronger, config.BootstrapSamples, config.Seed) : Bootstrap.Difference(stronger, weaker, config.BootstrapSamples, config.Seed);
        return new AttackCheckFigure(name, weaker.Average(), stronger.Average(), [excess.Low, excess.High], !(excess.Value > tolerance && excess.Low > 0));
    }
}
