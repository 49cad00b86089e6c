using System.Collections.Concurrent;
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

    /// <summary>Describes parts with bad files again: what could not be read then may be there now.</summary>
    public bool RetryBad { get; init; }

    /// <summary>Is told where the time goes; null: nobody wants to know.</summary>
    public ExtractionTimes? Times { get; init; }

    /// <summary>Is told, in a line each, which parts of the store are made again, and why; null: nobody wants to know.</summary>
    public Action<string>? Notice { get; init; }

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
    /// <exception cref="IOException">The store cannot be written, or the images' whole folder is gone: what was described stays.</exception>
    public static DescriptorStore Run(
        Embedder embedder, string model, IImageSource source, string path, StoreExtractionConfig config, int threads, IProgress<Progress>? progress = null, CancellationToken cancellation = default)
    {
        SourceRange images = SourceRange.Of(source, config.Validate().Shard);
        using DescriptorStoreWriter writer = Open(path, Description(embedder, model, images, config), config);
        AppendParts(writer, _ => true, embedder, images, config, threads, progress, cancellation);
        return Finish(writer, path, images, config);
    }

    /// <summary>What the store is made from.</summary>
    /// <exception cref="ArgumentException">A batch is larger than one array.</exception>
    internal static StoreDescription Description(Embedder embedder, string model, SourceRange images, StoreExtractionConfig config)
    {
        int size = embedder.Config.ImageSize;
        if (3L * size * size * config.BatchSize > Array.MaxLength) throw new ArgumentException($"a batch of {config.BatchSize} images of {size} px is larger than one array can be; give a smaller batch");
        return new StoreDescription
        {
            Embedder = JsonSerializer.SerializeToElement(embedder.Config, Json.Options),
            WeightsSha256 = embedder.WeightsSha256,
            Preprocessing = new Preprocessing(size, config.Decoding).ToString(),
            Dimension = embedder.Dimension,
            Type = config.Type,
            Classes = images.Source.Classes,
            Root = images.Source.Root,
            Model = Path.GetFullPath(model),
            Images = images.Count,
            ImagesSha256 = StoreDescription.HashImages(images.Images),
            PartImages = config.PartImages,
            Shard = config.Shard is null ? null : config.Shard with { SetSha256 = StoreDescription.HashImages(images.Source.Images) },
            Windows = images.Source.Windows,
        };
    }

    /// <summary>A new store, or one to go on with.</summary>
    internal static DescriptorStoreWriter Open(string path, StoreDescription description, StoreExtractionConfig config)
    {
        DescriptorStoreWriter writer = DescriptorStoreWriter.Open(path, description, part => config.RetryBad && part.BadFiles.Count > 0 ? $"{part.Descriptors} has {part.BadFiles.Count} bad files" : null);
        foreach (string dropped in writer.Dropped) config.Notice?.Invoke($"{path}: {dropped}; the part is made again");
        // Nothing but bad files so far: they may have been repaired since.
        if (writer.RowsDone == 0 && writer.BadFiles.Any()) writer.Restart();
        return writer;
    }

    /// <summary>Makes the parts that are missing. While one is written the next one is described; there are never more than the two.</summary>
    /// <param name="writer">Of a store of these images.</param>
    /// <param name="claim">Asked of each missing part, in order, once this process has time for it: whether it is to make it. Several processes that write one store share the parts out so.</param>
    /// <param name="embedder">As for <see cref="Run"/>, as all that follows.</param>
    /// <param name="images">The store's.</param>
    /// <param name="config">As there.</param>
    /// <param name="threads">As there.</param>
    /// <param name="progress">In images. Parts before the one in hand count as done, whoever makes them.</param>
    /// <param name="cancellation">As there.</param>
    internal static void AppendParts(
        DescriptorStoreWriter writer, Func<PartRange, bool> claim, Embedder embedder, SourceRange images, StoreExtractionConfig config, int threads,
        IProgress<Progress>? progress, CancellationToken cancellation)
    {
        ExtractionTimes times = config.Times ?? new ExtractionTimes();
        PartRange[] missing = [.. writer.Missing];
        long done = writer.ImagesDone;
        int bad = writer.BadFiles.Count();
        progress?.Report(new Progress("embedding", done, images.Count, "images", BadCount(bad)));
        // Finding and naming the images leaves several times what their names take; it goes back to the system before the work that is the same for any number of images.
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive);
        times.Start(threads);
        var begun = new ConcurrentQueue<(PartRange Part, long Before)>();
        using OrderedPrefetch<Loaded> prefetch = Prefetch(images.Source, Begin(), embedder.Config.ImageSize, config.BatchSize, threads, times, cancellation);
        Task writing = Task.CompletedTask;
        try
        {
            while (Next() is { } first)
            {
                // A part is in the queue before its first image is asked for.
                if (!begun.TryDequeue(out (PartRange Range, long Before) next)) throw new UnreachableException();
                DescribedPart part = Describe(first, prefetch, embedder, images.Slice((int)next.Range.First, next.Range.Length), config.BatchSize, times, Report, cancellation);
                bad += part.Bad.Count;
                writing.GetAwaiter().GetResult();
                writing = Task.Run(() =>
                {
                    long start = Stopwatch.GetTimestamp();
                    writer.Append(next.Range, part.Rows, part.Descriptors.AsSpan(0, part.Rows.Count * embedder.Dimension), part.Bad, part.Empty);
                    times.Add(ExtractionStep.Write, start);
                }, CancellationToken.None);

                void Report(int described, int badHere) => progress?.Report(new Progress("embedding", next.Before + described, images.Count, "images", BadCount(bad + badHere)));
            }
        }
        finally
        {
            // Also of a run that was interrupted: what is described is kept.
            writing.GetAwaiter().GetResult();
        }
        times.Stop();

        Loaded? Next()
        {
            long asked = Stopwatch.GetTimestamp();
            Loaded? next = prefetch.TryTake(out Loaded image) ? image : null;
            times.Add(ExtractionStep.Wait, asked);
            return next;
        }

        IEnumerable<int> Begin()
        {
            long before = done;
            foreach (PartRange part in missing)
            {
                if (claim(part))
                {
                    begun.Enqueue((part, before));
                    for (int i = 0; i < part.Length; i++) yield return images.First + (int)part.First + i;
                }
                before += part.Length;
            }
        }

        static string BadCount(int count) => count > 0 ? $"{count} bad" : "";
    }

    /// <summary>Completes a store that has all of its parts.</summary>
    internal static DescriptorStore Finish(DescriptorStoreWriter writer, string path, SourceRange images, StoreExtractionConfig config)
    {
        BadFile[] bad = [.. writer.BadFiles];
        WriteBadFiles(path, bad);
        if (bad.Length == images.Count && bad.Length > 0 && !config.AllBadIsNoFailure) throw new InvalidDataException($"none of the {bad.Length} images can be read; the first, {Path.Combine(images.Source.Root, images[0].Identity)}: {bad[0].Reason}");
        return writer.Finish();
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

    /// <summary>The images of these numbers, read and resized on several threads, up to about a batch ahead.</summary>
    internal static OrderedPrefetch<Loaded> Prefetch(IImageSource source, IEnumerable<int> images, int size, int batchSize, int threads, ExtractionTimes times, CancellationToken cancellation) =>
        new(images, batchSize + 2 * threads, threads, i => Load(source, i, size, times), cancellation);

    /// <summary>A part's images, in batches that end with it: so the bytes do not depend on where a run was interrupted, nor on who makes which part.</summary>
    static DescribedPart Describe(
        Loaded head, OrderedPrefetch<Loaded> prefetch, Embedder embedder, SourceRange images, int batchSize, ExtractionTimes times, Action<int, int> report, CancellationToken cancellation)
    {
        int size = embedder.Config.ImageSize, values = 3 * size * size;
        var part = new DescribedPart(new List<StoreRow>(images.Count), new float[images.Count * embedder.Dimension], [], 0);
        float[] pixels = new float[batchSize * values];
        int waiting = 0;
        for (int i = 0; i < images.Count; i++)
        {
            SourceImage of = images[i];
            long asked = Stopwatch.GetTimestamp();
            (LoadedImage? read, RgbImage? image, string reason) = i == 0 ? head : prefetch.Take();
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
            if (waiting == batchSize || i == images.Count - 1)
            {
                if (waiting > 0)
                {
                    cancellation.ThrowIfCancellationRequested();
                    embedder.Embed(pixels.AsSpan(0, waiting * values), waiting, size, part.Descriptors.AsSpan((part.Rows.Count - waiting) * embedder.Dimension, waiting * embedder.Dimension));
                    waiting = 0;
                }
                report(i + 1, part.Bad.Count);
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
            // A network drive that went away is no reason to give up all the images that are left.
            if (e is IOException && !Directory.Exists(source.Root)) throw new IOException($"{source.Root} is gone, and with it the images; run the same command again when it is back", e);
            times.Add(ExtractionStep.Decode, start);
            return new Loaded(null, null, e.Message);
        }
    }
}
