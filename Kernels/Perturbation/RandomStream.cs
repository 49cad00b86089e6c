namespace Osprey.Kernels.Perturbation;

/// <summary>The last word of Philox's counter: keeps the random numbers of different purposes apart under one seed.</summary>
internal static class RandomStream
{
    public const uint Uniform = 0, Normal = 1, Radius = 2;
}
