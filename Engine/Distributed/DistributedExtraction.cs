using Osprey.Engine.Model;
using Osprey.Engine.Retrieval;
using Osprey.Engine.Sources;
using Osprey.Interop.Mpi;

namespace Osprey.Engine.Distributed;

/// <summary>Several processes describe the images of one data set, each a share of its own, and rank 0 joins their stores to one.</summary>
public static class DistributedExtraction
{
    /// <summary>Where the shares' stores lie until they are joined: beside the store.</summary>
    public static string SharesOf(string path) => Path.TrimEndingDirectorySeparator(path) + ".shares";

    /// <summary>All ranks call it, with the same arguments. Starting again goes on after the last finished part of each share, for the same number of ranks.</summary>
    /// <remarks>An image that cannot be read is skipped wherever it lies; even a share of nothing else does not stop the others.</remarks>
    /// <param name="ranks">The processes.</param>
    /// <param name="embedder">This rank's own.</param>
    /// <param name="model">As for <see cref="StoreExtraction.Run"/>, as all that follows; the progress is of this rank's share.</param>
    /// <param name="source">All images.</param>
    /// <param name="path">The store's folder.</param>
    /// <param name="config">Without a shard.</param>
    /// <param name="threads">Of each rank.</param>
    /// <param name="progress">In images.</param>
    /// <param name="cancellation">Looked at before every batch.</param>
    /// <returns>On rank 0 the store; elsewhere null.</returns>
    /// <exception cref="RankFailedException">A share cannot be made or joined, or none of all the images can be read. What the other ranks have described stays.</exception>
    public static DescriptorStore? Run(
        ICommunicator ranks, Embedder embedder, string model, IImageSource source, string path, StoreExtractionConfig config, int threads, IProgress<Progress>? progress = null, CancellationToken cancellation = default)
    {
        if (config.Shard is not null) throw new ArgumentException("the ranks share the images out themselves; leave --shard out");
        string shares = SharesOf(path);
        // Ranks beyond the images have nothing to do.
        int count = Math.Min(ranks.Size, source.Images.Count);
        string Share(int rank) => Path.Combine(shares, $"{rank:00000}");
        bool finished = ranks.RunOnAll(() => DescriptorStore.IsFinished(path));
        ranks.RunOnAll(() =>
        {
            if (finished || ranks.Rank >= count) return;
            Directory.CreateDirectory(shares);
            StoreExtraction.Run(embedder, model, source, Share(ranks.Rank), config with { Shard = new StoreShard(ranks.Rank, count), AllBadIsNoFailure = true }, threads, progress, cancellation);
        });
        return ranks.RunOnAll(() =>
        {
            if (ranks.Rank != 0) return null;
            // Of a finished store its description decides whether it is this one.
            DescriptorStore store = finished
                ? StoreExtraction.Run(embedder, model, source, path, config, threads, progress, cancellation)
                : StoreJoin.Run([.. Enumerable.Range(0, count).Select(Share)], path, StoreDescription.HashImages(source.Images), progress, cancellation);
            if (Directory.Exists(shares)) Directory.Delete(shares, recursive: true);
            return store;
        });
    }
}
