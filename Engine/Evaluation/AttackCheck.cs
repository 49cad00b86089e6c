using Osprey.Kernels.Perturbation;

namespace Osprey.Engine.Evaluation;

/// <summary>
/// Two attacks on the same images, of which the second ought to be no weaker. Where it is, the gradients may be masked: the attack fails
/// although worse images exist, and the figures under attack look better than they are.
/// </summary>
/// <param name="Kind">Why the second ought to be stronger.</param>
/// <param name="Norm">Of the ball.</param>
/// <param name="Weaker">The first, in words.</param>
/// <param name="Stronger">The second.</param>
/// <param name="Queries">Images attacked.</param>
/// <param name="Figures">What was compared: the descriptors' <c>shift</c>, <c>map</c>, and the first classifier where there is one.</param>
public sealed record AttackCheck(AttackCheckKind Kind, PerturbationNorm Norm, string Weaker, string Stronger, int Queries, IReadOnlyList<AttackCheckFigure> Figures)
{
    public bool Passed => Figures.All(f => f.Passed);
}

/// <param name="Name"><c>shift</c>, the larger the stronger, or a fraction, the smaller the stronger.</param>
/// <param name="Weaker">Mean under the weaker attack.</param>
/// <param name="Stronger">Mean under the stronger.</param>
/// <param name="ExcessCi">95 % interval, paired by image, of what the stronger attack falls short by.</param>
/// <param name="Passed">False where it falls short by more than the tolerance, and more than chance explains: the interval is above 0.</param>
public sealed record AttackCheckFigure(string Name, double Weaker, double Stronger, double[] ExcessCi, bool Passed);
