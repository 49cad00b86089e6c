namespace Osprey.Engine.Evaluation;

/// <summary>All checks of an evaluation in a word.</summary>
/// <param name="Passed">Whether none failed.</param>
/// <param name="Checks">Pairs of attacks compared.</param>
/// <param name="Failed">Those that failed.</param>
public sealed record AttackSanity(bool Passed, int Checks, IReadOnlyList<FailedAttackCheck> Failed)
{
    /// <returns>Null where nothing was checked.</returns>
    internal static AttackSanity? Of(IReadOnlyList<ModelResult> results)
    {
        int checks = results.Sum(r => r.AttackChecks.Count);
        if (checks == 0) return null;
        FailedAttackCheck[] failed = [.. results.SelectMany(r => r.AttackChecks.Where(c => !c.Passed).Select(c => new FailedAttackCheck(r.Data, r.Model, c)))];
        return new AttackSanity(failed.Length == 0, checks, failed);
    }
}

/// <param name="Data">The data set.</param>
/// <param name="Model">The model attacked.</param>
/// <param name="Check">What failed.</param>
public sealed record FailedAttackCheck(string Data, string Model, AttackCheck Check);
