using Osprey.Engine.Datasets;
using Osprey.Engine.Images;

namespace Osprey.Engine.Model;

/// <summary>From image files to descriptors.</summary>
public static class DescriptorExtraction
{
    /// <summary>Describes every readable image of a list; unreadable ones are left out and named.</summary>
    /// <param name="embedder">In any mode; evaluation mode and the main statistics are used, and the mode is as before afterwards.</param>
    /// <param name="images">Any number.</param>
    /// <param name="loader">Gives size and batches.</param>
    /// <param name="progress">Told after every batch, in images.</param>
    /// <param name="cancellation">Looked at before every batch.</param>
    /// <exception cref="InvalidDataException">Every image is bad.</exception>
    /// <exception cref="OperationCanceledException"/>
    public static Descriptors Extract(
        Embedder embedder, IReadOnlyList<LabelledImage> images, ImageLoader loader, IProgress<Progress>? progress = null, CancellationToken cancellation = default)
    {
        long size = (long)images.Count * embedder.Dimension;
        if (size > Array.MaxLength)
            throw new ArgumentException($"{images.Count} descriptors of {embedder.Dimension} are more than one array holds ({Array.MaxLength} values); extract them in parts");
        float[] values = new float[size];
        var indices = new List<int>(images.Count);
        foreach (ImageBatch batch in loader.Load(images, cancellation))
        {
            cancellation.ThrowIfCancellationRequested();
            embedder.Embed(batch, values.AsSpan(indices.Count * embedder.Dimension, batch.Count * embedder.Dimension));
            indices.AddRange(batch.Indices);
            progress?.Report(new Progress("embedding", batch.Indices[^1] + 1, images.Count, "images"));
        }
        if (indices.Count < images.Count) Array.Resize(ref values, indices.Count * embedder.Dimension);
        var asked = images.Select(i => i.Path).ToHashSet();
        return new Descriptors(values, embedder.Dimension, [.. indices], [.. indices.Select(i => images[i].Label)], [.. loader.BadFiles.Where(b => asked.Contains(b.Path))]);
    }
}
