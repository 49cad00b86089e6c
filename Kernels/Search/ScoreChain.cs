namespace Osprey.Kernels.Search;

/// <summary>
/// The order in which fp32 scores are summed, on the host and on CUDA: chains of fused multiply-adds over consecutive dimensions, the chains
/// added in order. At most sixteen chains, so that one vector holds a score's chains side by side and a single pair of vectors is scored at
/// full speed; and few long chains rather than many short ones, so that a tile of scores seldom leaves its registers.
/// </summary>
internal static class ScoreChain
{
    /// <summary>Chains of a score, at most.</summary>
    public const int Most = 16;

    /// <summary>Dimensions of one chain; the last may be shorter. A multiple of sixteen: 32 up to 512 dimensions, 128 at 2048.</summary>
    public static int Length(int dimension) => dimension <= 512 ? 32 : (dimension + 255) / 256 * 16;

    /// <summary>
    /// The rounding error of a score is at most this times Σ|q·x|, or times Σ(q−x)²: a chain's roundings, sixteen sums, the difference and its
    /// square, and some to spare for second-order terms. Results below the normal range add 2⁻¹⁵⁰ each.
    /// </summary>
    public static double RelativeError(int dimension) => (Math.Min(dimension, Length(dimension)) + Most + 8) * 1.01 / (1 << 24);
}
