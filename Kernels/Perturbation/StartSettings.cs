namespace Osprey.Kernels.Perturbation;

/// <summary>What a CUDA launch of a random start needs besides memory.</summary>
internal readonly struct StartSettings(ImageParts parts, float epsilon, ulong seed)
{
    public readonly ImageParts Parts = parts;
    public readonly float Epsilon = epsilon;
    public readonly uint Key0 = (uint)seed, Key1 = (uint)(seed >> 32);
}
