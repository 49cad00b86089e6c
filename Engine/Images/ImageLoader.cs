using System.Collections.Concurrent;
using Osprey.Engine.Datasets;

namespace Osprey.Engine.Images;

/// <summary>
/// Decodes and resizes the images of a list on several threads, a bounded number ahead, and hands them out in batches. Order and content do not depend on the
/// number of threads. Bad files are left out, named in <see cref="BadFiles"/>, and not tried again.
/// </summary>
public sealed class ImageLoader
{
    readonly ImageDecoder decoder;
    readonly int threads;
    readonly ConcurrentDictionary<string, RgbImage>? cache;
    readonly ConcurrentDictionary<string, string> bad = new(StringComparer.Ordinal);

    /// <param name="decoder">Reads the files.</param>
    /// <param name="imageSize">Side in pixels; images are squeezed to a square, as the check figures of published weights have it.</param>
    /// <param name="batchSize">Images per batch; the last may hold fewer.</param>
    /// <param name="threads">Decoding threads, at least 1.</param>
    /// <param name="cache">Whether to keep every resized image: 3·size² bytes each.</param>
    /// <exception cref="ArgumentException">A number below 1, or a batch of more than 2³¹ values.</exception>
    public ImageLoader(ImageDecoder decoder, int imageSize, int batchSize, int threads, bool cache = false)
    {
        if (imageSize < 1) throw new ArgumentException($"the image size is {imageSize}; it must be at least 1");
        if (batchSize < 1) throw new ArgumentException($"the batch size is {batchSize}; it must be at least 1");
        if (threads < 1) throw new ArgumentException($"the number of threads is {threads}; it must be at least 1");
        if (3m * batchSize * imageSize * imageSize > Array.MaxLength)
            throw new ArgumentException($"a batch of {batchSize} images of 3×{imageSize}×{imageSize} is more than {Array.MaxLength} values; take smaller batches");
        this.decoder = decoder;
        this.threads = threads;
        ImageSize = imageSize;
        BatchSize = batchSize;
        this.cache = cache ? new ConcurrentDictionary<string, RgbImage>(StringComparer.Ordinal) : null;
    }

    public int ImageSize { get; }

    public int BatchSize { get; }

    /// <summary>Whether a list of nothing but bad files has no batches instead of ending the enumeration: it may be a rank's share, and others' have images.</summary>
    public bool AllBadIsNoFailure { get; init; }

    /// <summary>The files found bad so far, each once, by path.</summary>
    public IReadOnlyList<BadFile> BadFiles => [.. bad.OrderBy(b => b.Key, StringComparer.Ordinal).Select(b => new BadFile(b.Key, b.Value))];

    /// <inheritdoc cref="Load(IReadOnlyList{LabelledImage}, Func{int, RgbImage, RgbImage}?, CancellationToken)"/>
    public IEnumerable<ImageBatch> Load(IReadOnlyList<LabelledImage> images, CancellationToken cancellation = default) => Load(images, change: null, cancellation);

    /// <param name="images">Any number; the batches' indices are positions in it.</param>
    /// <param name="change">What happens to each resized picture first, given its position in the list; on several threads at once. It keeps the size.</param>
    /// <param name="cancellation">Ends the enumeration with <see cref="OperationCanceledException"/>.</param>
    /// <returns>Batches in the order of the list, full but for the last. Leaving the enumeration early (disposing it, as foreach does) ends its threads.</returns>
    /// <exception cref="InvalidDataException">While enumerating: every image is bad, and that is a failure.</exception>
    public IEnumerable<ImageBatch> Load(IReadOnlyList<LabelledImage> images, Func<int, RgbImage, RgbImage>? change, CancellationToken cancellation = default)
    {
        if (images.Count == 0) yield break;
        using var prefetch = new OrderedPrefetch<RgbImage?>(images.Count, BatchSize + 2 * threads, threads, i => Changed(Get(images[i]), i, change), cancellation);
        int values = 3 * ImageSize * ImageSize;
        var indices = new List<int>(BatchSize);
        float[] pixels = [];
        bool any = false;
        for (int i = 0; i < images.Count; i++)
        {
            if (prefetch.Take() is { } image)
            {
                if (indices.Count == 0) pixels = GC.AllocateUninitializedArray<float>(Math.Min(BatchSize, images.Count - i) * values);
                Planar.Write(image, pixels.AsSpan(indices.Count * values, values));
                indices.Add(i);
            }
            if (indices.Count < BatchSize && (i < images.Count - 1 || indices.Count == 0)) continue;
            if (indices.Count * values < pixels.Length) Array.Resize(ref pixels, indices.Count * values);
            any = true;
            yield return new ImageBatch([.. indices], ImageSize, pixels);
            indices.Clear();
        }
        if (!any && !AllBadIsNoFailure)
            throw new InvalidDataException($"none of the {images.Count} images can be read; the first, {images[0].Path}: {bad.GetValueOrDefault(images[0].Path)}");
    }

    static RgbImage? Changed(RgbImage? image, int position, Func<int, RgbImage, RgbImage>? change) => image is null || change is null ? image : change(position, image);

    /// <summary>One image, from the cache where there is one. Safe to call from many threads.</summary>
    /// <returns>imageSize × imageSize pixels, not to be changed; null where the file is bad.</returns>
    public RgbImage? Get(LabelledImage image)
    {
        if (bad.ContainsKey(image.Path)) return null;
        if (cache is not null && cache.TryGetValue(image.Path, out RgbImage? cached)) return cached;
        try
        {
            RgbImage resized = Resize.Bilinear(decoder.DecodeUnnamed(image.Path), ImageSize, ImageSize);
            return cache?.GetOrAdd(image.Path, resized) ?? resized;
        }
        catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            bad.TryAdd(image.Path, e.Message);
            return null;
        }
    }
}
