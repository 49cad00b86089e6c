using Osprey.Engine.Robust;

namespace Osprey.Engine.Evaluation;

/// <summary>Measures a model on a sample of images that are attacked, or corrupted without any adversary.</summary>
/// <remarks>
/// The attack maximises d(f(x_adv), f(x)) = 1 − cosine, the distance by which an image's descriptor moves (Zhou et al., "embedding shift"):
/// it needs no labels and no knowledge of what is searched, so one attacked image serves retrieval and classification alike. It always
/// starts at a random point of the ball, since the distance has no gradient at the clean image. With restarts, each figure of each image keeps
/// its worst. The database, and the training part of the classifiers, stay clean.
/// </remarks>
static class RobustEvaluation
{
    /// <summary>Writes the result's attacked and corrupted figures, and the checks of the attack.</summary>
    /// <param name="result">Of the same model and data set.</param>
    /// <param name="sample">The images.</param>
    /// <param name="surrogate">The first model's sample, from which attacks are carried over; null for the first model itself.</param>
    /// <param name="config">Threats, corruptions and checks are read.</param>
    public static void Run(ModelResult result, RobustSample sample, RobustSample? surrogate, EvalConfig config)
    {
        (Threat Threat, SampleOutcome Outcome)[] attacked = [.. config.Threats.Select(t => (t, sample.Attacked(t, sample.Ids, show: true)))];
        result.Robust = [.. attacked.Select(a => Report(a.Threat, a.Outcome, sample, config))];
        result.AttackChecks = AttackChecks.Run(attacked, sample, surrogate, config);
        result.Corruptions =
        [
            .. config.Corruptions.Distinct().SelectMany(kind => config.Severities.Distinct().Order().Select(severity => new Corruption(kind, severity)))
                .Select(c => Report(c, sample.Corrupted(c), sample, config)),
        ];
    }

    static RobustReport Report(Threat threat, SampleOutcome outcome, RobustSample sample, EvalConfig config) =>
        new(threat, outcome.Scores.ToFigures(config), sample.Clean(outcome.Ids).Scores.ToFigures(config))
        {
            Queries = outcome.Ids.Length,
            Shift = outcome.Shifts.Average(),
            Examples = outcome.Examples,
        };

    static CorruptionReport Report(Corruption corruption, SampleOutcome outcome, RobustSample sample, EvalConfig config) =>
        new(corruption, outcome.Scores.ToFigures(config), sample.Clean(outcome.Ids).Scores.ToFigures(config))
        {
            Queries = outcome.Ids.Length,
            Shift = outcome.Shifts.Average(),
        };
}
