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

    /// <summary>
    /// Σ over regions of M/(‖M‖ + 1e-6), M the region's maximum of every channel: the whole map and squares on three scales. Tolias et al. 2016, as in
    /// cnnimageretrieval-pytorch.
    /// </summary>
    Rmac,

    /// <summary>
    /// b_c·Σ_i s_i·x_ci, spatial weights s = (S/‖S‖₂)^½ with S = Σ_c x_c, channel weights b_c = ln(Σq/q_c) with q the share of values that are not 0.
    /// Kalantidis et al. 2016.
    /// </summary>
    Crow,
}
