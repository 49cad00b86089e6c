using System.Formats.Tar;
using System.Text;
using System.Text.Json;
using Osprey.Engine.Datasets;

namespace Osprey.Engine.Sources;

/// <summary>One sample of a shard, or what is wrong with the shard.</summary>
/// <param name="Member">The image's name in it; empty where this stands for the shard itself.</param>
/// <param name="Class">Its class.</param>
/// <param name="Offset">Of the image's bytes in the archive.</param>
/// <param name="Length">How many.</param>
/// <param name="Fault">Why it cannot be read, as far as that is known already; null if it is not.</param>
readonly record struct TarSample(string Member, string Class, long Offset, int Length, string? Fault);

/// <summary>What a shard holds, from its heads alone.</summary>
static class TarIndex
{
    const int LargestImage = 1 << 30, LargestText = 1 << 20, Block = 512;

    /// <summary>The kinds of image that a sample may have, the preferred first: where there are several, a PNG mostly is the mask of a JPEG.</summary>
    static readonly string[] extensions = ["jpg", "jpeg", "png", "tif", "tiff", "webp", "bmp", "gif"];

    static readonly string[] labelNames = ["class", "label", "cls"];

    sealed class Sample
    {
        public string Member { get; set; } = "";

        public int Preference { get; set; } = extensions.Length;

        public long Offset { get; set; }

        public int Length { get; set; }

        public string? Cls { get; set; }

        public string? JsonClass { get; set; }

        public string? Fault { get; set; }
    }

    /// <summary>The samples with an image, in the order in which their first members stand, and last, where the archive is broken or cut short, an entry that says so.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static IEnumerable<TarSample> Read(string shard)
    {
        using var file = new FileStream(shard, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, Block);
        var samples = new Dictionary<string, Sample>(StringComparer.Ordinal);
        var order = new List<Sample>();
        string? fault = Scan(file, samples, order);
        var found = order.Where(s => s.Member.Length > 0).Select(s => new TarSample(s.Member, s.Cls ?? s.JsonClass ?? FolderOf(s.Member), s.Offset, s.Length, s.Fault)).ToList();
        if (fault is not null) found.Add(new TarSample("", found.Count > 0 ? found[0].Class : ImageFolder.Unlabelled, 0, 0, $"{fault}; {found.Count} images before that are taken"));
        return found;
    }

    /// <returns>What is wrong with the archive; null for nothing.</returns>
    static string? Scan(FileStream file, Dictionary<string, Sample> samples, List<Sample> order)
    {
        long end = 0;
        int members = 0;
        try
        {
            using var tar = new TarReader(file, leaveOpen: true);
            while (tar.GetNextEntry() is { } entry)
            {
                // Of an empty member the offset may be anything.
                bool within = entry.Length == 0 || (entry.DataOffset >= 0 && entry.Length <= file.Length - entry.DataOffset);
                if (entry.EntryType is TarEntryType.RegularFile or TarEntryType.V7RegularFile or TarEntryType.ContiguousFile) Add(entry, within, samples, order);
                if (!within) return $"the archive is cut short in its member {entry.Name}, which ends at byte {entry.DataOffset + entry.Length} of {file.Length}";
                members++;
                end = entry.Length > 0 ? (entry.DataOffset + entry.Length + Block - 1) / Block * Block : Math.Max(end + Block, file.Position);
            }
        }
        catch (EndOfStreamException)
        {
            return $"the archive is cut short: it has {file.Length} bytes and ends within a head, after {members} members";
        }
        // The reader has several kinds of exceptions for heads that are none.
        catch (Exception e) when (e is InvalidDataException or FormatException or ArgumentException or OverflowException or NotSupportedException)
        {
            return $"the archive is damaged after {members} members, at about byte {end}: {e.Message}";
        }
        // Every writer ends an archive with two blocks of zeros.
        return file.Length - end < Block ? $"the archive has no end mark after its {members} members and may have been cut short there" : null;
    }

    static void Add(TarEntry entry, bool within, Dictionary<string, Sample> samples, List<Sample> order)
    {
        string name = entry.Name.StartsWith("./", StringComparison.Ordinal) ? entry.Name[2..] : entry.Name;
        int slash = name.LastIndexOf('/'), dot = name.IndexOf('.', slash + 1);
        // Files that begin with a dot are systems' own.
        if (dot <= slash + 1) return;
        string key = name[..dot], extension = name[(dot + 1)..].ToLowerInvariant();
        int preference = Array.IndexOf(extensions, extension);
        if (preference < 0 && extension is not ("cls" or "json")) return;
        if (!samples.TryGetValue(key, out Sample? sample))
        {
            samples[key] = sample = new Sample();
            order.Add(sample);
        }
        if (preference < 0) AddText(entry, extension, within, sample);
        else if (preference < sample.Preference) AddImage(entry, name, preference, within, sample);
        else if (preference == sample.Preference) sample.Fault ??= "two members of the archive have this name, and it is unclear which one counts";
    }

    static void AddImage(TarEntry entry, string name, int preference, bool within, Sample sample)
    {
        (sample.Member, sample.Preference, sample.Offset) = (name, preference, entry.DataOffset);
        if (!within) sample.Fault ??= $"the archive is cut short within it: {entry.Length} bytes from byte {entry.DataOffset} on";
        else if (entry.Length == 0) sample.Fault ??= "the file is empty";
        else if (entry.Length > LargestImage) sample.Fault ??= $"the member has {entry.Length} bytes; at most {LargestImage} are read";
        else sample.Length = (int)entry.Length;
    }

    static void AddText(TarEntry entry, string extension, bool within, Sample sample)
    {
        if (!within || entry.Length > LargestText)
        {
            sample.Fault ??= $"its {extension} has {entry.Length} bytes, {(within ? $"and at most {LargestText} are read" : "more than the archive")}";
            return;
        }
        byte[] bytes = new byte[entry.Length];
        entry.DataStream?.ReadExactly(bytes);
        if (extension == "cls")
        {
            sample.Cls = Encoding.UTF8.GetString(bytes).Trim();
            if (sample.Cls.Length == 0) sample.Fault ??= "its cls is empty";
            return;
        }
        try
        {
            using JsonDocument json = JsonDocument.Parse(bytes);
            if (json.RootElement.ValueKind != JsonValueKind.Object) return;
            foreach (string property in labelNames)
            {
                if (!json.RootElement.TryGetProperty(property, out JsonElement value) || value.ValueKind is not (JsonValueKind.String or JsonValueKind.Number)) continue;
                if (value.ToString() is { Length: > 0 } text) sample.JsonClass ??= text;
            }
        }
        catch (JsonException e)
        {
            sample.Fault ??= $"its json cannot be read: {e.Message}";
        }
    }

    static string FolderOf(string member)
    {
        string[] parts = member.Split('/');
        return parts.Length > 1 && parts[^2].Length > 0 ? parts[^2] : ImageFolder.Unlabelled;
    }
}
