using Osprey.Engine.Images;

namespace Osprey.Engine.Datasets;

/// <summary>Decodes every file of a set and says what is wrong with it, before a training run finds out.</summary>
public static class DatasetCheck
{
    /// <param name="dir">As for <see cref="ImageFolder.Open"/>.</param>
    /// <param name="decoder">With the bands and the limit that later work will use.</param>
    /// <param name="threads">Files decoded at once; 0 for as many as there are processors.</param>
    /// <param name="progress">Told about every 32nd file.</param>
    /// <param name="cancellation">Stops between files.</param>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="InvalidDataException">It holds no images, or its layout is ambiguous. Bad files are no exception but a finding.</exception>
    public static DatasetReport Run(string dir, ImageDecoder decoder, int threads = 0, IProgress<Progress>? progress = null, CancellationToken cancellation = default)
    {
        if (threads < 0) throw new ArgumentException($"threads is {threads}; give 1 or more, or 0 for all");
        ImageSet set = ImageFolder.Open(dir);
        int total = set.Images.Count, done = 0;
        var decoded = new (ImageFormat Format, int Width, int Height)?[total];
        var reasons = new string?[total];
        var options = new ParallelOptions { MaxDegreeOfParallelism = threads == 0 ? Environment.ProcessorCount : threads, CancellationToken = cancellation };
        progress?.Report(new("checking", 0, total, "images"));
        Parallel.For(0, total, options, i =>
        {
            string path = set.Images[i].Path;
            try
            {
                RgbImage image = decoder.DecodeUnnamed(path);
                decoded[i] = (FormatOf(path), image.Width, image.Height);
            }
            catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException)
            {
                reasons[i] = e.Message;
            }
            int now = Interlocked.Increment(ref done);
            if (now % 32 == 0 || now == total) progress?.Report(new("checking", now, total, "images"));
        });

        int[] labels = set.Labels(), counts = set.Counts();
        int[] bad = [.. Enumerable.Range(0, total).Where(i => reasons[i] is not null)];
        ILookup<int, int> badOf = bad.ToLookup(i => labels[i]);
        int[] groups = ContentHash.Groups(set.Images, cancellation);
        return new DatasetReport
        {
            Name = set.Name,
            Root = set.Root,
            Images = total,
            Bytes = set.Images.Sum(i => File.Exists(i.Path) ? new FileInfo(i.Path).Length : 0),
            Classes = [.. set.Classes.Select((name, c) => new ClassCount(name, counts[c], badOf[c].Count()))],
            BadFiles = [.. bad.Select(i => new BadFile(set.RelativePath(set.Images[i]), reasons[i]!))],
            Duplicates =
            [
                .. Enumerable.Range(0, total).GroupBy(i => groups[i]).Where(g => g.Count() > 1).Select(g => new DuplicateGroup(
                    [.. g.Select(i => set.RelativePath(set.Images[i]))],
                    [.. g.Select(i => set.Classes[labels[i]]).Distinct()])),
            ],
            Strays = [.. ImageFolder.Strays(dir, set).Select(f => ImageSet.RelativePath(set.Root, f))],
            Formats = decoded.Where(d => d is not null).GroupBy(d => d!.Value.Format.ToString().ToLowerInvariant()).OrderByDescending(g => g.Count()).ThenBy(g => g.Key, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.Count()),
            Sizes =
            [
                .. decoded.Where(d => d is not null).GroupBy(d => (d!.Value.Width, d.Value.Height)).Select(g => new SizeCount(g.Key.Width, g.Key.Height, g.Count()))
                    .OrderByDescending(s => s.Images).ThenBy(s => s.Width).ThenBy(s => s.Height),
            ],
            Catalogue = Compare(set),
        };
    }

    static CatalogueComparison? Compare(ImageSet set)
    {
        if (Catalogue.Find(set) is not CatalogueEntry entry) return null;
        CatalogueVerdict verdict = !entry.CountsVerified ? CatalogueVerdict.Unknown
            : set.Classes.Count != entry.Classes || set.Images.Count > entry.Images ? CatalogueVerdict.Different
            : set.Images.Count < entry.Images ? CatalogueVerdict.Subset
            : CatalogueVerdict.Complete;
        return new(entry.Name, entry.FullName, entry.Images, entry.Classes, verdict);
    }

    static ImageFormat FormatOf(string path)
    {
        using FileStream file = File.OpenRead(path);
        Span<byte> head = stackalloc byte[ImageFormats.HeadLength];
        return ImageFormats.Sniff(head[..file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false)]);
    }
}
