using Osprey.Engine.Datasets;
using Osprey.Engine.Model;

namespace Osprey.Engine.Training;

/// <summary>The side of each batch's images: always the network's, or drawn anew for every batch, as in Redmon and Farhadi 2017, so that the descriptor meets scenes at several resolutions.</summary>
internal sealed class SizeSampler
{
    readonly long seed;

    /// <param name="largest">S of <see cref="EmbedderConfig.ImageSize"/>.</param>
    public SizeSampler(TrainConfig config, int largest)
    {
        seed = config.Seed;
        int smallest = config.SmallestSize ?? largest;
        if (smallest > largest) throw new ArgumentException($"the smallest size is {smallest} px; give no more than the image size, {largest}");
        Sizes = [.. Enumerable.Range(0, ((largest - smallest) / TrainConfig.SizeStep) + 1).Select(i => largest - (i * TrainConfig.SizeStep))];
    }

    /// <summary>Pixels, falling.</summary>
    public IReadOnlyList<int> Sizes { get; }

    /// <param name="batch">0-based, counted over the run.</param>
    public int Size(long batch) => Sizes[Sizes.Count == 1 ? 0 : new SeededRandom(seed, Purpose.Size, batch).Below(Sizes.Count)];
}
