using static TorchSharp.torch;

namespace Osprey.Engine.Model;

/// <summary>
/// Memory for the maps of a network that runs again and again. libtorch gives that of a large map back to the system with the map, and the system gives the next one
/// pages of zeros, one fault each: a third of ResNet-50's time (docs/kernels.md). Of float32, on the CPU; one thread at a time.
/// </summary>
sealed class MapPool : IDisposable
{
    sealed class Block(Tensor values)
    {
        public Tensor Values { get; } = values;

        /// <summary>What it was used as so far: as a rule there are few, and again and again the same.</summary>
        public Dictionary<(long Images, long Height, long Width, long Channels), Tensor> Maps { get; } = [];

        public bool IsFree { get; set; }
    }

    readonly List<Block> blocks = [];
    readonly Dictionary<Tensor, Block> rented = new(ReferenceEqualityComparer.Instance);

    /// <summary>Values of all blocks.</summary>
    public long Capacity => blocks.Sum(b => b.Values.numel());

    /// <returns>[images, height, width, channels], whose values are whatever they are; the pool's own, to be given back by <see cref="Return"/> and not to be disposed.</returns>
    public Tensor Rent(long images, long height, long width, long channels)
    {
        long needed = images * height * width * channels;
        Block block = blocks.Where(b => b.IsFree && b.Values.numel() >= needed).MinBy(b => b.Values.numel()) ?? Grow(needed);
        block.IsFree = false;
        if (!block.Maps.TryGetValue((images, height, width, channels), out Tensor? map))
        {
            using Tensor begin = block.Values.narrow(0, 0, needed);
            block.Maps.Add((images, height, width, channels), map = begin.view(images, height, width, channels).DetachFromDisposeScope());
        }
        rented.Add(map, block);
        return map;
    }

    /// <returns>False where the tensor is not the pool's.</returns>
    public bool Return(Tensor map)
    {
        if (!rented.Remove(map, out Block? block)) return false;
        return block.IsFree = true;
    }

    /// <summary>For the start of a pass: one that failed has returned nothing.</summary>
    public void ReturnAll()
    {
        rented.Clear();
        foreach (Block block in blocks) block.IsFree = true;
    }

    /// <summary>In the place of the largest block that is free and too small, if there is one.</summary>
    Block Grow(long values)
    {
        if (blocks.Where(b => b.IsFree).MaxBy(b => b.Values.numel()) is { } small)
        {
            blocks.Remove(small);
            Free(small);
        }
        var block = new Block(empty(values).DetachFromDisposeScope());
        blocks.Add(block);
        return block;
    }

    static void Free(Block block)
    {
        foreach (Tensor map in block.Maps.Values) map.Dispose();
        block.Values.Dispose();
    }

    public void Dispose()
    {
        foreach (Block block in blocks) Free(block);
        blocks.Clear();
        rented.Clear();
    }
}
