namespace Osprey.Kernels.Pooling;

/// <summary>How a feature map [N,C,h,w] becomes a descriptor [N,C].</summary>
public enum PoolingKind
{
    /// <summary>(mean max(x, 1e-6)^p)^(1/p). Radenović et al. 2018.</summary>
    Gem,

    /// <summary>Mean. Babenko and Lempitsky 2015.</summary>
    Spoc,

    /// <summary>Maximum. Tolias et al. 2016.</summary>
    Mac,
}
