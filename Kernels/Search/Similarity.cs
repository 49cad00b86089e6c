namespace Osprey.Kernels.Search;

/// <summary>What the score of a row for a query is, and which score is better.</summary>
public enum Similarity
{
    /// <summary>Σ q·x; the larger, the nearer. The cosine where both are unit vectors.</summary>
    InnerProduct,

    /// <summary>Σ (q−x)², the squared Euclidean distance; the smaller, the nearer. Summed from differences, so that equal vectors are at exactly 0.</summary>
    L2,
}
