namespace Osprey.Engine.Benchmarks;

/// <summary>How two answers to one search differ, rank by rank.</summary>
/// <param name="IdDifferences">Ranks with different ids whose scores do not tie.</param>
/// <param name="IdTies">Ranks with different ids whose scores tie: either order is right.</param>
/// <param name="ScoreDifference">Largest, relative to the largest score of its query.</param>
public sealed record RankingAgreement(long IdDifferences, long IdTies, double ScoreDifference)
{
    /// <summary>Scores this close, relative to the largest of their query, are one score computed in two orders.</summary>
    public const double Tie = 1e-6;

    /// <param name="ids">[Q, k] of ours.</param>
    /// <param name="scores">Beside them.</param>
    /// <param name="otherIds">[Q, k] of the peer.</param>
    /// <param name="otherScores">Beside them.</param>
    /// <param name="k">Ranks per query.</param>
    /// <exception cref="ArgumentException">The two are not of one size.</exception>
    public static RankingAgreement Of(ReadOnlySpan<long> ids, ReadOnlySpan<float> scores, ReadOnlySpan<long> otherIds, ReadOnlySpan<float> otherScores, int k)
    {
        if (ids.Length != otherIds.Length || scores.Length != ids.Length || otherScores.Length != ids.Length || k < 1 || ids.Length % k != 0)
            throw new ArgumentException($"{ids.Length} ids and {scores.Length} scores beside {otherIds.Length} and {otherScores.Length} are no two answers of k={k}");
        long differences = 0, ties = 0;
        double largest = 0;
        for (int q = 0; q < ids.Length; q += k)
        {
            double scale = 0;
            for (int r = q; r < q + k; r++) scale = Math.Max(scale, Math.Abs((double)otherScores[r]));
            for (int r = q; r < q + k; r++)
            {
                double difference = scores[r] == otherScores[r] ? 0 : Math.Abs((double)scores[r] - otherScores[r]) / Math.Max(scale, double.Epsilon);
                // Written so that a NaN stays.
                if (!(difference <= largest)) largest = difference;
                if (ids[r] == otherIds[r]) continue;
                if (difference <= Tie) ties++;
                else differences++;
            }
        }
        return new RankingAgreement(differences, ties, largest);
    }
}
