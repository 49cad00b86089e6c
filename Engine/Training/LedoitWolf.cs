using static TorchSharp.torch;

namespace Osprey.Engine.Training;

/// <summary>
/// How far a sample's covariance S should be drawn towards a multiple of the identity: (1 − δ)·S + δ·μ·I with μ = tr S / C has the least expected squared
/// distance to the true covariance for this δ (Ledoit and Wolf 2004, <em>A well-conditioned estimator for large-dimensional covariance matrices</em>). With
/// fewer samples than dimensions S is singular, and δ is what makes it one to invert.
/// </summary>
static class LedoitWolf
{
    /// <param name="covariance">S = Σ w r rᵀ, [C, C], with weights that sum to 1.</param>
    /// <param name="squared">Σ w² r rᵀ, [C, C].</param>
    /// <param name="fourth">Σ w² ‖r‖⁴.</param>
    /// <param name="squaredWeights">Σ w²: 1/N for N samples of one weight, of which the paper speaks.</param>
    /// <returns>δ in 0…1: β² / ‖S − μI‖², with β² = Σ w² ‖r rᵀ − S‖², at most ‖S − μI‖².</returns>
    public static double Shrinkage(Tensor covariance, Tensor squared, double fourth, double squaredWeights)
    {
        using var scope = NewDisposeScope();
        double trace = covariance.trace().item<double>(), length = covariance.square().sum().item<double>();
        // ‖S − μI‖² = ‖S‖² − tr²/C.
        double distance = length - trace * trace / covariance.shape[0];
        double error = fourth - 2 * (covariance * squared).sum().item<double>() + squaredWeights * length;
        return distance > 0 ? Math.Clamp(error / distance, 0, 1) : 0;
    }
}
