using Osprey.Engine.Retrieval;

namespace Osprey.Engine.Sources;

/// <summary>Consecutive images of a source.</summary>
/// <param name="Source">Theirs.</param>
/// <param name="First">The first of them, in the source.</param>
/// <param name="Count">How many.</param>
readonly record struct SourceRange(IImageSource Source, int First, int Count)
{
    public SourceImage this[int index] => Source.Images[First + index];

    public IEnumerable<SourceImage> Images
    {
        get
        {
            for (int i = 0; i < Count; i++) yield return this[i];
        }
    }

    /// <param name="first">In this range.</param>
    /// <param name="count">All that are left, if there are fewer.</param>
    public SourceRange Slice(int first, int count) => this with { First = First + first, Count = Math.Min(count, Count - first) };

    /// <summary>All of a source, or a share of it.</summary>
    /// <exception cref="ArgumentException">The share is empty.</exception>
    public static SourceRange Of(IImageSource source, StoreShard? shard)
    {
        int count = source.Images.Count;
        if (shard is null) return new SourceRange(source, 0, count);
        (long first, long length) = shard.Of(count);
        return length > 0 ? new SourceRange(source, (int)first, (int)length) : throw new ArgumentException($"shard {shard.Index}/{shard.Count} of {count} images is empty; use fewer shards");
    }
}
