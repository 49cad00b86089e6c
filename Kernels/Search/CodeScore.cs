namespace Osprey.Kernels.Search;

/// <summary>Scores q·x + offset by codes, on the device.</summary>
static class CodeScore
{
    /// <summary>q̂·x̂ + offset.</summary>
    public static float Approximate(QueryBound query, RowBound row, int dot) => dot * row.Scale * query.Scale + row.Offset;

    /// <summary>At least q·x + offset, and at least that of the score as the second pass rounds it: |q·x − q̂·x̂| ≤ ‖q̂‖·‖x − x̂‖ + ‖q − q̂‖·‖x‖.</summary>
    /// <remarks>The bounds' slack covers the rounding here, whether products and sums are fused or not.</remarks>
    public static float Upper(QueryBound query, RowBound row, int dot) => query.Error * row.Norm + (query.Length * row.Error + Approximate(query, row, dot));
}
