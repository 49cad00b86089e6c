namespace Osprey.Engine.Training;

public enum WhiteningMethod
{
    /// <summary>Principal components, each divided by its standard deviation: P = Λ^(−1/2) Eᵀ. Reads no labels. Jégou and Chum 2012.</summary>
    Pca,

    /// <summary>Images of one class match: their differences become equally long in every direction, then principal components. Radenović et al. 2018, §3.3.</summary>
    Learned,
}

/// <summary>How a whitening is fitted to descriptors. One record, one JSON object in <c>whitening.json</c>, one set of flags.</summary>
public sealed record WhiteningConfig
{
    public WhiteningMethod Method { get; init; } = WhiteningMethod.Learned;

    /// <summary>D, the size of a whitened descriptor: 1 to that of the descriptors, or null for all of it.</summary>
    public int? Size { get; init; }

    /// <summary>Share δ in 0…1 by which the covariance is drawn towards a multiple of the identity, or null for what <see cref="LedoitWolf"/> estimates.</summary>
    public double? Shrinkage { get; init; }

    /// <exception cref="ArgumentException">A value is out of its range; the message shows both.</exception>
    public WhiteningConfig Validate()
    {
        if (Method is not (WhiteningMethod.Pca or WhiteningMethod.Learned)) throw new ArgumentException($"the method is {(int)Method}; give Pca or Learned");
        if (Size is < 1) throw new ArgumentException($"the whitened size is {Size}; give 1 or more");
        if (Shrinkage is double share && !(share is >= 0 and <= 1)) throw new ArgumentException($"the shrinkage is {share}; give a number from 0 to 1");
        return this;
    }
}
