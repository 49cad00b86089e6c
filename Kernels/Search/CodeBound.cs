namespace Osprey.Kernels.Search;

/// <summary>What the first pass knows of a row x beside its codes c, where x̂ = Scale·c. Every figure is rounded so that bounds hold.</summary>
readonly struct RowBound(float scale, float error, float norm, float offset)
{
    /// <summary>0 for a row without codes: its codes are 0 and Error is ‖x‖, or +∞ for a row that no bound holds for.</summary>
    public readonly float Scale = scale;

    /// <summary>≥ ‖x − x̂‖.</summary>
    public readonly float Error = error;

    /// <summary>≥ ‖x‖.</summary>
    public readonly float Norm = norm;

    /// <summary>0 for the inner product; a little above −‖x‖²/2 for L2, where q·x − ‖x‖²/2 ranks the rows of a query.</summary>
    public readonly float Offset = offset;
}

/// <summary>The same of a query q, where q̂ = Scale·codes, and the least score that a row must be able to reach.</summary>
readonly struct QueryBound(float scale, float length, float error, float threshold)
{
    public readonly float Scale = scale;

    /// <summary>≥ ‖q̂‖.</summary>
    public readonly float Length = length;

    /// <summary>≥ ‖q − q̂‖, and the rounding of scores relative to ‖q‖·‖x‖.</summary>
    public readonly float Error = error;

    /// <summary>A row whose q·x + Offset is certainly below this cannot be among the answers sought.</summary>
    public readonly float Threshold = threshold;
}
