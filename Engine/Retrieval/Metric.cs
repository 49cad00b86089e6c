namespace Osprey.Engine.Retrieval;

/// <summary>What nearness of two descriptors is.</summary>
public enum Metric
{
    /// <summary>Inner product of the two as unit vectors, in −1…1; a zero vector scores 0 with everything.</summary>
    Cosine,

    /// <summary>Σ q·x.</summary>
    InnerProduct,

    /// <summary>Squared Euclidean distance.</summary>
    L2,
}
