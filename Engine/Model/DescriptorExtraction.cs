using Osprey.Engine.Datasets;
using Osprey.Engine.Distributed;
using Osprey.Engine.Images;
using Osprey.Interop.Mpi;

namespace Osprey.Engine.Model;

/// <summary>From image files to descriptors.</summary>
public static class DescriptorExtraction
{
    /// <summary>Describes every readable image of a list; unreadable ones are left out and named.</summary>
    /// <param name="embedder">In any mode; evaluation mode and the main statistics are used, and the mode is as before afterwards.</param>
    /// <param name="images">Any number.</param>
    /// <param name="loader">Gives size and batches; of several ranks it lets a share of nothing but bad files pass.</param>
    /// <param name="progress">Told after every batch, in images of this rank's share.</param>
    /// <param name="ranks">They share the images out, and each gets the descriptors of all; null: this process describes all of them.</param>
    /// <param name="cancellation">Looked at before every batch.</param>
    /// <exception cref="InvalidDataException">Every image is bad.</exception>
    /// <exception cref="OperationCanceledException"/>
    public static Descriptors Extract(
        Embedder embedder, IReadOnlyList<LabelledImage> images, ImageLoader loader, IProgress<Progress>? progress = null, ICommunicator? ranks = null, CancellationToken cancellation = default)
    {
        long size = (long)images.Count * embedder.Dimension;
        if (size > Array.MaxLength)
            throw new ArgumentException($"{images.Count} descriptors of {embedder.Dimension} are more than one array holds ({Array.MaxLength} values); extract them in parts");
        ranks ??= SingleProcess.Alone;
        BatchRange range = BatchRange.Of(ranks, images.Count, loader.BatchSize);
        LabelledImage[] own = range.Of(images);
        float[] values = new float[own.Length * embedder.Dimension];
        var indices = new List<int>(own.Length);
        foreach (ImageBatch batch in loader.Load(own, cancellation))
        {
            cancellation.ThrowIfCancellationRequested();
            embedder.Embed(batch, values.AsSpan(indices.Count * embedder.Dimension, batch.Count * embedder.Dimension));
            indices.AddRange(batch.Indices.Select(i => range.First + i));
            progress?.Report(new Progress("embedding", batch.Indices[^1] + 1, own.Length, "images"));
        }
        if (indices.Count < own.Length) Array.Resize(ref values, indices.Count * embedder.Dimension);
        var asked = own.Select(i => i.Path).ToHashSet();
        BadFile[] bad = [.. ranks.JoinRecords([.. loader.BadFiles.Where(b => asked.Contains(b.Path))]).OrderBy(b => b.Path, StringComparer.Ordinal)];
        int[] readable = ranks.Join([.. indices]);
        if (readable.Length == 0 && bad.Length > 0) throw new InvalidDataException($"none of the {images.Count} images can be read; the first, {bad[0].Path}: {bad[0].Reason}");
        return new Descriptors(ranks.Join(values), embedder.Dimension, readable, [.. readable.Select(i => images[i].Label)], bad);
    }
}
