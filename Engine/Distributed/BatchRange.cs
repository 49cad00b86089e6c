using Osprey.Engine.Retrieval;
using Osprey.Interop.Mpi;

namespace Osprey.Engine.Distributed;

/// <summary>
/// One rank's range of a list that is worked through in batches. Whole batches, as long as there is one for every rank: they are then composed as in one process, and what
/// depends on a batch's composition comes out alike. With fewer batches than ranks, some ranks share a batch, and each has a part of that one.
/// </summary>
/// <param name="First">Position of its first item.</param>
/// <param name="Count">0 or more. The ranges of all ranks, in their order, are the list.</param>
public readonly record struct BatchRange(int First, int Count)
{
    /// <param name="ranks">The processes.</param>
    /// <param name="items">Length of the list, 0 or more.</param>
    /// <param name="batchSize">Items of a batch, 1 or more; the last may hold fewer.</param>
    public static BatchRange Of(ICommunicator ranks, int items, int batchSize)
    {
        if (items == 0) return default;
        long batches = ((long)items + batchSize - 1) / batchSize, size = ranks.Size, rank = ranks.Rank;
        if (batches >= size)
        {
            (long from, long count) = new StoreShard(ranks.Rank, ranks.Size).Of(batches);
            return Between(from * batchSize, Math.Min((from + count) * batchSize, items));
        }
        long batch = rank * batches / size, first = FirstAt(batch), start = batch * batchSize;
        (long at, long length) = new StoreShard((int)(rank - first), (int)(FirstAt(batch + 1) - first)).Of(Math.Min(batchSize, items - start));
        return Between(start + at, start + at + length);

        // The first rank at work on a batch.
        long FirstAt(long b) => ((b * size) + batches - 1) / batches;
        BatchRange Between(long from, long to) => new((int)from, (int)(to - from));
    }

    /// <summary>This part of a list.</summary>
    public T[] Of<T>(IReadOnlyList<T> items) => [.. items.Skip(First).Take(Count)];
}
