using Osprey.Engine.Model;
using Osprey.Engine.Retrieval;
using Osprey.Engine.Sources;
using Osprey.Interop.Mpi;

namespace Osprey.Engine.Distributed;

/// <summary>Several processes describe the images of one data set into one store. Each makes the part that comes next whenever it has time, so that a slow one holds up no other.</summary>
public static class DistributedExtraction
{
    /// <summary>
    /// All ranks call it, with the same arguments; they must see the store's folder under this path. The store has the bytes that one process would make, and starting again goes on with it, with
    /// any number of ranks.
    /// </summary>
    /// <param name="ranks">The processes.</param>
    /// <param name="embedder">This rank's own.</param>
    /// <param name="model">As for <see cref="StoreExtraction.Run"/>, as all that follows.</param>
    /// <param name="source">All images.</param>
    /// <param name="path">The store's folder.</param>
    /// <param name="config">Without a shard.</param>
    /// <param name="threads">Of each rank.</param>
    /// <param name="progress">In images, over all ranks.</param>
    /// <param name="cancellation">Looked at before every batch.</param>
    /// <returns>On rank 0 the store; elsewhere null.</returns>
    /// <exception cref="RankFailedException">Ranks were started with other images, models or options; or a part cannot be made, or none of all the images can be read. What the other ranks have described stays.</exception>
    public static DescriptorStore? Run(
        ICommunicator ranks, Embedder embedder, string model, IImageSource source, string path, StoreExtractionConfig config, int threads, IProgress<Progress>? progress = null, CancellationToken cancellation = default)
    {
        if (config.Validate().Shard is not null) throw new ArgumentException("the ranks share the images out themselves; leave --shard out");
        SourceRange images = SourceRange.Of(source, null);
        StoreDescription description = ranks.RunOnAll(() => StoreExtraction.Description(embedder, model, images, config));
        // The data and the model may lie elsewhere on another node.
        ranks.EnsureAlike(() => description with { Root = "", Model = "" }, "the ranks would describe different images, or otherwise");
        // Rank 0 looks through the store that is there before any other begins.
        DescriptorStoreWriter? own = null;
        try
        {
            ranks.RunOnAll(() =>
            {
                if (ranks.Rank == 0) own = StoreExtraction.Open(path, description, config);
            });
            ranks.RunOnAll(() =>
            {
                own ??= DescriptorStoreWriter.Attach(path, ranks.Rank);
            });
            DescriptorStoreWriter writer = own!;
            var claims = new PartClaims(path);
            ranks.RunOnAll(() => StoreExtraction.AppendParts(writer, claims.TryTake, embedder, images, config, threads, progress, cancellation));
            IReadOnlyList<StorePart> made = ranks.JoinRecords(ranks.Rank == 0 ? [] : writer.Made);
            return ranks.RunOnAll(() =>
            {
                if (ranks.Rank != 0) return null;
                writer.Take(made);
                return StoreExtraction.Finish(writer, path, images, config);
            });
        }
        finally
        {
            own?.Dispose();
        }
    }
}
