using System.Text.Json;
using Osprey.Engine.Datasets;
using Osprey.Engine.Images;
using Osprey.Engine.Model;
using Osprey.Interop.Formats;

namespace Osprey.Engine.Retrieval;

/// <summary>How a data set becomes a store.</summary>
public sealed record StoreExtractionConfig
{
    public DecodeOptions Decoding { get; init; } = new();

    public StoreType Type { get; init; } = StoreType.Float32;

    /// <summary>Images per forward pass, 1 or more.</summary>
    public int BatchSize { get; init; } = 32;

    /// <summary>Images per part: at most so many are described again after an interruption. 1 or more.</summary>
    public int PartImages { get; init; } = 1024;

    /// <summary>The share of the set to describe, or null for all of it: shard i of n takes images ⌊iN/n⌋ … ⌊(i+1)N/n⌋−1.</summary>
    public StoreShard? Shard { get; init; }

    /// <summary>For one share of several: a share of nothing but bad files becomes a store without rows, and only all of them together are a failure.</summary>
    public bool AllBadIsNoFailure { get; init; }

    /// <exception cref="ArgumentException">A value is out of its range; the message shows both.</exception>
    public StoreExtractionConfig Validate()
    {
        if (BatchSize < 1) throw new ArgumentException($"the batch size is {BatchSize}; give 1 or more");
        if (PartImages < 1) throw new ArgumentException($"images per part is {PartImages}; give 1 or more");
        if (Shard is { } s && (s.Count < 1 || s.Index < 0 || s.Index >= s.Count)) throw new ArgumentException($"shard {s.Index}/{s.Count} does not exist; give 0/{s.Count} to {s.Count - 1}/{s.Count}");
        return this;
    }
}

/// <summary>Images of a data set → descriptors in a store, part by part; starting again goes on after the last finished part.</summary>
public static class StoreExtraction
{
    /// <summary>The file in the store that names the images which could not be read, one a line: path below the set's root, tab, reason. Absent where there is none.</summary>
    public const string BadFilesName = "bad-files.txt";

    /// <param name="embedder">Its <see cref="EmbedderConfig.ImageSize"/> is the size of the images.</param>
    /// <param name="model">Where the embedder was opened from; recorded for searches.</param>
    /// <param name="set">What to describe.</param>
    /// <param name="path">The store's folder.</param>
    /// <param name="config">Types, sizes and shard.</param>
    /// <param name="threads">Decoding threads, 1 or more.</param>
    /// <param name="progress">In images of this share.</param>
    /// <param name="cancellation">Looked at before every batch; finished parts stay.</param>
    /// <exception cref="InvalidDataException">None of the images can be read. The next run tries them all again.</exception>
    /// <exception cref="ArgumentException">The folder holds a store of something else.</exception>
    public static DescriptorStore Run(
        Embedder embedder, string model, ImageSet set, string path, StoreExtractionConfig config, int threads, IProgress<Progress>? progress = null, CancellationToken cancellation = default)
    {
        config.Validate();
        IReadOnlyList<LabelledImage> images = Share(set.Images, config.Shard);
        int size = embedder.Config.ImageSize;
        using var writer = DescriptorStoreWriter.Open(path, new StoreDescription
        {
            Embedder = JsonSerializer.SerializeToElement(embedder.Config, Json.Options),
            WeightsSha256 = embedder.WeightsSha256,
            Preprocessing = new Preprocessing(size, config.Decoding).ToString(),
            Dimension = embedder.Dimension,
            Type = config.Type,
            Classes = set.Classes,
            Root = set.Root,
            Model = Path.GetFullPath(model),
            Images = images.Count,
            ImagesSha256 = StoreDescription.HashImages(images, set.Root),
            PartImages = config.PartImages,
            Shard = config.Shard,
        });
        // Nothing but bad files so far: they may have been repaired since.
        if (writer.ImagesDone > 0 && writer.RowsDone == 0) writer.Restart();
        var decoder = new ImageDecoder(config.Decoding);
        progress?.Report(new Progress("embedding", writer.ImagesDone, images.Count, "images"));
        while (writer.NextPart is { Length: > 0 } part)
            AppendPart(writer, embedder, decoder, set, images.Skip((int)part.First).Take(part.Length).ToArray(), part.First, images.Count, config.BatchSize, threads, progress, cancellation);

        BadFile[] bad = [.. writer.BadFiles];
        WriteBadFiles(path, bad);
        if (bad.Length == images.Count && bad.Length > 0 && !config.AllBadIsNoFailure) throw new InvalidDataException($"none of the {bad.Length} images can be read; the first, {images[0].Path}: {bad[0].Reason}");
        return writer.Finish();
    }

    /// <summary>Writes <see cref="BadFilesName"/> into a store's folder, or deletes it where there are none.</summary>
    internal static void WriteBadFiles(string path, IReadOnlyCollection<BadFile> bad)
    {
        string list = Path.Combine(path, BadFilesName);
        if (bad.Count > 0) AtomicFile.Write(list, string.Concat(bad.Select(b => $"{b.Path}\t{b.Reason}\n")));
        else File.Delete(list);
    }

    static IReadOnlyList<LabelledImage> Share(IReadOnlyList<LabelledImage> images, StoreShard? shard)
    {
        if (shard is null) return images;
        (long first, long length) = shard.Of(images.Count);
        if (length == 0) throw new ArgumentException($"shard {shard.Index}/{shard.Count} of {images.Count} images is empty; use fewer shards");
        return [.. images.Skip((int)first).Take((int)length)];
    }

    readonly record struct Loaded(RgbImage? Image, int Width, int Height, string Reason);

    static void AppendPart(
        DescriptorStoreWriter writer, Embedder embedder, ImageDecoder decoder, ImageSet set, LabelledImage[] images, long first, long total, int batchSize, int threads,
        IProgress<Progress>? progress, CancellationToken cancellation)
    {
        int size = embedder.Config.ImageSize, values = 3 * size * size;
        var rows = new List<StoreRow>(images.Length);
        var bad = new List<BadFile>();
        float[] descriptors = new float[images.Length * embedder.Dimension], pixels = new float[batchSize * values];
        int waiting = 0;
        using var prefetch = new OrderedPrefetch<Loaded>(images.Length, batchSize + 2 * threads, threads, i => Load(decoder, images[i].Path, size), cancellation);
        for (int i = 0; i < images.Length; i++)
        {
            Loaded loaded = prefetch.Take();
            if (loaded.Image is null)
            {
                bad.Add(new BadFile(StoreDescription.RelativePath(set.Root, images[i].Path), loaded.Reason));
            }
            else
            {
                Planar.Write(loaded.Image, pixels.AsSpan(waiting * values, values));
                rows.Add(new StoreRow(StoreDescription.RelativePath(set.Root, images[i].Path), set.Classes[images[i].Label], images[i].Label, loaded.Width, loaded.Height));
                waiting++;
            }
            if (waiting == batchSize || (i == images.Length - 1 && waiting > 0))
            {
                cancellation.ThrowIfCancellationRequested();
                embedder.Embed(pixels.AsSpan(0, waiting * values), waiting, size, descriptors.AsSpan((rows.Count - waiting) * embedder.Dimension, waiting * embedder.Dimension));
                waiting = 0;
                progress?.Report(new Progress("embedding", first + i + 1, total, "images", bad.Count > 0 ? $"{bad.Count} bad" : ""));
            }
        }
        writer.Append(rows, descriptors.AsSpan(0, rows.Count * embedder.Dimension), bad);
    }

    static Loaded Load(ImageDecoder decoder, string path, int size)
    {
        try
        {
            RgbImage image = decoder.DecodeUnnamed(path);
            return new Loaded(Resize.Bilinear(image, size, size), image.Width, image.Height, "");
        }
        catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            return new Loaded(null, 0, 0, e.Message);
        }
    }
}
