namespace Osprey.Engine.Training;

/// <summary>Second part of every random stream's key in a run, after the seed, so that no two uses share one.</summary>
/// <remarks>Streams that are named by what they are for (seed, purpose, step, index), not a generator with a state, make a resumed run see the same batches.</remarks>
internal static class Purpose
{
    public const long ClassWeights = 1;
    public const long Sampling = 2;
    public const long Augmentation = 3;
    public const long Attack = 4;
    public const long Size = 5;
}
