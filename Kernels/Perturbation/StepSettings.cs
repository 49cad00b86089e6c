namespace Osprey.Kernels.Perturbation;

/// <summary>What a CUDA launch of a step needs besides memory.</summary>
internal readonly struct StepSettings(ImageParts parts, float stepSize, float epsilon, float decay)
{
    public readonly ImageParts Parts = parts;
    public readonly float StepSize = stepSize, Epsilon = epsilon, Decay = decay;
}
