namespace Osprey.Engine.Model;

/// <summary>A whitening that was fitted to descriptors after training: x ↦ P(x − m), then unit length.</summary>
/// <param name="Mean">m, [C].</param>
/// <param name="Projection">P, [D, C], row after row; D ≤ C.</param>
/// <param name="Shrinkage">The share, in 0…1, by which the covariance behind P was drawn towards a multiple of the identity.</param>
public sealed record FittedWhitening(float[] Mean, float[] Projection, double Shrinkage)
{
    /// <summary>C: length of the descriptors it was fitted to.</summary>
    public int Channels => Mean.Length;

    /// <summary>D: length of a whitened descriptor.</summary>
    public int Size => Projection.Length / Mean.Length;
}
