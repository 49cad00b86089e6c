using System.Diagnostics;
using System.Text.Json;
using Osprey.Engine.Images;
using Osprey.Engine.Model;
using Osprey.Engine.Sources;
using Osprey.Interop.Formats;

namespace Osprey.Engine.Retrieval;

/// <summary>How the images of a source become a store.</summary>
public sealed record StoreExtractionConfig
{
    /// <summary>How the source reads its images; recorded, so that a search reads its queries alike.</summary>
    public DecodeOptions Decoding { get; init; } = new();

    public StoreType Type { get; init; } = StoreType.Float32;

    /// <summary>Images per forward pass, 1 or more.</summary>
    public int BatchSize { get; init; } = 32;

    /// <summary>Images per part, 1 or more. After a crash up to two parts are described again: the one that was being written, and the next.</summary>
    public int PartImages { get; init; } = 1024;

    /// <summary>The share of the set to describe, or null for all of it: shard i of n takes images ⌊iN/n⌋ … ⌊(i+1)N/n⌋−1.</summary>
    public StoreShard? Shard { get; init; }

    /// <summary>For one share of several: a share of nothing but bad files becomes a store without rows, and only all of them together are a failure.</summary>
    public bool AllBadIsNoFailure { get; init; }

    /// <summary>Is told where the time goes; null: nobody wants to know.</summary>
    public ExtractionTimes? Times { get; init; }

    /// <exception cref="ArgumentException">A value is out of its range; the message shows both.</exception>
    public StoreExtractionConfig Validate()
    {
        if (BatchSize < 1) throw new ArgumentException($"the batch size is {BatchSize}; give 1 or more");
        if (PartImages < 1) throw new ArgumentException($"images per part is {PartImages}; give 1 or more");
        if (Shard is { } s && (s.Count < 1 || s.Index < 0 || s.Index >= s.Count)) throw new ArgumentException($"shard {s.Index}/{s.Count} does not exist; give 0/{s.Count} to {s.Count - 1}/{s.Count}");
        return this;
    }
}

/// <summary>Images of a source → descriptors in a store, part by part; starting again goes on after the last finished part.</summary>
public static class StoreExtraction
{
    /// <summary>The file in the store that names the images which could not be read, one a line: path below the set's root, tab, reason. Absent where there is none.</summary>
    public const string BadFilesName = "bad-files.txt";

    /// <param name="embedder">Its <see cref="EmbedderConfig.ImageSize"/> is the size of the images.</param>
    /// <param name="model">Where the embedder was opened from; recorded for searches.</param>
    /// <param name="source">What to describe.</param>
    /// <param name="path">The store's folder.</param>
    /// <param name="config">Types, sizes and shard.</param>
    /// <param name="threads">Decoding threads, 1 or more.</param>
    /// <param name="progress">In images of this share.</param>
    /// <param name="cancellation">Looked at before every batch; finished parts stay.</param>
    /// <exception cref="InvalidDataException">None of the images can be read. The next run tries them all again.</exception>
    /// <exception cref="ArgumentException">The folder holds a store of something else.</exception>
    public static DescriptorStore Run(
        Embedder embedder, string model, IImageSource source, string path, StoreExtractionConfig config, int threads, IProgress<Progress>? progress = null, CancellationToken cancellation = default)
    {
        config.Validate();
        SourceRange images = SourceRange.Of(source, config.Shard);
        int size = embedder.Config.ImageSize;
        using var writer = DescriptorStoreWriter.Open(path, new StoreDescription
        {
            Embedder = JsonSerializer.SerializeToElement(embedder.Config, Json.Options),
            WeightsSha256 = embedder.WeightsSha256,
            Preprocessing = new Preprocessing(size, config.Decoding).ToString(),
            Dimension = embedder.Dimension,
            Type = config.Type,
            Classes = source.Classes,
            Root = source.Root,
            Model = Path.GetFullPath(model),
            Images = images.Count,
            ImagesSha256 = StoreDescription.HashImages(images.Images),
            PartImages = config.PartImages,
            Shard = config.Shard,
            Windows = source.Windows,
        });
        // Nothing but bad files so far: they may have been repaired since.
        if (writer.RowsDone == 0 && writer.BadFiles.Any()) writer.Restart();
        progress?.Report(new Progress("embedding", writer.ImagesDone, images.Count, "images"));
        AppendParts(writer, embedder, images, config, threads, config.Times ?? new ExtractionTimes(), progress, cancellation);

        BadFile[] bad = [.. writer.BadFiles];
        WriteBadFiles(path, bad);
        if (bad.Length == images.Count && bad.Length > 0 && !config.AllBadIsNoFailure) throw new InvalidDataException($"none of the {bad.Length} images can be read; the first, {Path.Combine(source.Root, images[0].Identity)}: {bad[0].Reason}");
        return writer.Finish();
    }

    /// <summary>While a part is written the next one is described; there are never more than the two.</summary>
    static void AppendParts(
        DescriptorStoreWriter writer, Embedder embedder, SourceRange images, StoreExtractionConfig config, int threads, ExtractionTimes times,
        IProgress<Progress>? progress, CancellationToken cancellation)
    {
        int done = (int)writer.ImagesDone;
        // Finding and naming the images leaves several times what their names take; it goes back to the system before the work that is the same for any number of images.
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive);
        times.Start(threads);
        using OrderedPrefetch<Loaded> prefetch = Prefetch(images.Source, images.First + done, images.Count - done, embedder.Config.ImageSize, config.BatchSize, threads, times, cancellation);
        Task writing = Task.CompletedTask;
        try
        {
            for (int first = done; first < images.Count; first += config.PartImages)
            {
                DescribedPart part = Describe(prefetch, embedder, images.Slice(first, config.PartImages), first, images.Count, config.BatchSize, times, progress, cancellation);
                writing.GetAwaiter().GetResult();
                writing = Task.Run(() =>
                {
                    long start = Stopwatch.GetTimestamp();
                    writer.Append(part.Rows, part.Descriptors.AsSpan(0, part.Rows.Count * embedder.Dimension), part.Bad, part.Empty);
                    times.Add(ExtractionStep.Write, start);
                }, CancellationToken.None);
            }
        }
        finally
        {
            // Also of a run that was interrupted: what is described is kept.
            writing.GetAwaiter().GetResult();
        }
        times.Stop();
    }

    /// <summary>Writes <see cref="BadFilesName"/> into a store's folder, or deletes it where there are none.</summary>
    internal static void WriteBadFiles(string path, IReadOnlyCollection<BadFile> bad)
    {
        string list = Path.Combine(path, BadFilesName);
        if (bad.Count > 0) AtomicFile.Write(list, BadFilesText(bad));
        else File.Delete(list);
    }

    /// <summary>What <see cref="BadFilesName"/> holds.</summary>
    internal static string BadFilesText(IEnumerable<BadFile> bad) => string.Concat(bad.Select(b => $"{b.Path}\t{b.Reason}\n"));

    /// <param name="Source">What was read; null where that failed.</param>
    /// <param name="Image">Of the network's size; null where there is nothing to describe.</param>
    /// <param name="Reason">Of a failure.</param>
    internal readonly record struct Loaded(LoadedImage? Source, RgbImage? Image, string Reason);

    /// <summary>What a part holds, on its way to the disk.</summary>
    sealed record DescribedPart(List<StoreRow> Rows, float[] Descriptors, List<BadFile> Bad, int Empty);

    /// <summary>The images from <paramref name="first"/> on, read and resized on several threads, up to about a batch ahead.</summary>
    internal static OrderedPrefetch<Loaded> Prefetch(IImageSource source, int first, int count, int size, int batchSize, int threads, ExtractionTimes times, CancellationToken cancellation) =>
        new(count, batchSize + 2 * threads, threads, i => Load(source, first + i, size, times), cancellation);

    /// <summary>The next images, in batches that end with the part: so the bytes do not depend on where a run was interrupted.</summary>
    static DescribedPart Describe(
        OrderedPrefetch<Loaded> prefetch, Embedder embedder, SourceRange images, long first, long total, int batchSize, ExtractionTimes times,
        IProgress<Progress>? progress, CancellationToken cancellation)
    {
        int size = embedder.Config.ImageSize, values = 3 * size * size;
        var part = new DescribedPart(new List<StoreRow>(images.Count), new float[images.Count * embedder.Dimension], [], 0);
        float[] pixels = new float[batchSize * values];
        int waiting = 0;
        for (int i = 0; i < images.Count; i++)
        {
            SourceImage of = images[i];
            long asked = Stopwatch.GetTimestamp();
            (LoadedImage? read, RgbImage? image, string reason) = prefetch.Take();
            long taken = times.Add(ExtractionStep.Wait, asked);
            if (read is null)
            {
                part.Bad.Add(new BadFile(of.Identity, reason));
            }
            else if (image is null)
            {
                part = part with { Empty = part.Empty + 1 };
            }
            else
            {
                Planar.Write(image, pixels.AsSpan(waiting * values, values));
                part.Rows.Add(new StoreRow(of.Path, images.Source.Classes[of.Label], of.Label, read.Width, read.Height, read.Place?.Crs, read.Bounds, of.Window));
                waiting++;
            }
            if (waiting == batchSize || (i == images.Count - 1 && waiting > 0))
            {
                cancellation.ThrowIfCancellationRequested();
                embedder.Embed(pixels.AsSpan(0, waiting * values), waiting, size, part.Descriptors.AsSpan((part.Rows.Count - waiting) * embedder.Dimension, waiting * embedder.Dimension));
                waiting = 0;
                progress?.Report(new Progress("embedding", first + i + 1, total, "images", part.Bad.Count > 0 ? $"{part.Bad.Count} bad" : ""));
            }
            times.Add(ExtractionStep.Describe, taken);
        }
        times.Count(images.Count, part.Bad.Count);
        return part;
    }

    static Loaded Load(IImageSource source, int index, int size, ExtractionTimes times)
    {
        long start = Stopwatch.GetTimestamp();
        try
        {
            LoadedImage read = source.Load(index);
            start = times.Add(ExtractionStep.Decode, start);
            RgbImage? resized = read.Image is { } image ? Resize.Bilinear(image, size, size) : null;
            times.Add(ExtractionStep.Resize, start);
            // The picture itself may be large, and many wait to be described: only its size goes on.
            return new Loaded(read with { Image = null }, resized, "");
        }
        catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            times.Add(ExtractionStep.Decode, start);
            return new Loaded(null, null, e.Message);
        }
    }
}
