using Osprey.Engine.Datasets;
using Osprey.Kernels;
using Osprey.Kernels.Search;

namespace Osprey.Engine.Evaluation;

/// <summary>What one model found for one query.</summary>
/// <param name="AveragePrecision">Of the whole ranking.</param>
/// <param name="Neighbours">Its head, nearest first.</param>
public sealed record GalleryAnswer(double AveragePrecision, IReadOnlyList<GalleryNeighbour> Neighbours)
{
    /// <summary>The answers to a few queries.</summary>
    /// <param name="set">[N] what is searched.</param>
    /// <param name="queries">[Q, D].</param>
    /// <param name="ids">[Q]: the image of the set that each query is, or is made from; left out of its answer.</param>
    /// <param name="images">[N] the files behind <paramref name="set"/>.</param>
    /// <param name="device">Where neighbours are searched.</param>
    internal static GalleryAnswer[] Find(DescriptorSet set, float[] queries, int[] ids, IReadOnlyList<LabelledImage> images, Device device)
    {
        var nearest = new TopK(ids.Length, Math.Min(Gallery.Neighbours, set.Count - 1), Similarity.InnerProduct);
        using (var search = new SearchKernel(device, Similarity.InnerProduct))
            search.Scan(set.Values, set.Count, set.Dimension, 0, queries, [.. ids.Select(id => (long)id)], nearest);
        var precisions = new double[ids.Length];
        PositiveRanks.ForEach(set, queries, ids, device.Threads, (q, ranks) => precisions[q] = RetrievalMetrics.AveragePrecision(ranks));
        return [.. ids.Select((id, q) => new GalleryAnswer(precisions[q],
            [.. nearest.Ids(q).ToArray().Zip(nearest.Scores(q).ToArray(), (n, score) => new GalleryNeighbour(images[(int)n], score, images[(int)n].Label == images[id].Label))]))];
    }
}

/// <param name="Image">What was found.</param>
/// <param name="Score">Cosine.</param>
/// <param name="Right">Whether it shares the query's class.</param>
public sealed record GalleryNeighbour(LabelledImage Image, float Score, bool Right);
