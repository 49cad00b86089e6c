using System.Text.RegularExpressions;
using Osprey.Interop.Formats;

namespace Osprey.Engine.Retrieval;

/// <summary>The place of a part in a store, and the source images that it holds.</summary>
/// <param name="Number">0 for the first part.</param>
/// <param name="First">Its first image, in the store's share.</param>
/// <param name="Length">How many.</param>
public readonly record struct PartRange(int Number, long First, int Length);

/// <summary>
/// Makes a store part by part, or goes on with one that was interrupted. A part is written aside, flushed to the disk and renamed, then named in
/// the journal, and at the end in the manifest: a crash loses at most the part in progress, and the finished store has the same bytes as an uninterrupted one.
/// Parts may come in any order, and from several processes: one opens the store, the others <see cref="Attach"/> to it, and the first takes up what they made.
/// </summary>
/// <example><code>
/// using var writer = DescriptorStoreWriter.Open(path, description);
/// while (writer.NextPart is { Length: > 0 } range) writer.Append(rows, descriptors, bad); // of images range.First … + range.Length − 1
/// DescriptorStore store = writer.Finish();
/// </code></example>
public sealed partial class DescriptorStoreWriter : IDisposable
{
    readonly string path;
    readonly SortedDictionary<int, StorePart> parts;
    readonly List<StorePart> made = [];
    readonly PartJournal journal;
    readonly FileStream? owner;
    StoreManifest manifest;

    DescriptorStoreWriter(string path, StoreManifest manifest, IEnumerable<StorePart> parts, IReadOnlyList<string> dropped, FileStream? owner, int rank = 0)
    {
        this.path = path;
        this.manifest = manifest;
        this.parts = new SortedDictionary<int, StorePart>(parts.ToDictionary(p => p.Number));
        this.owner = owner;
        journal = new PartJournal(path, rank);
        ImagesDone = this.parts.Values.Sum(p => p.Images);
        Dropped = dropped;
    }

    /// <summary>Source images in finished parts.</summary>
    public long ImagesDone { get; private set; }

    /// <summary>Finished parts.</summary>
    public int PartsDone => parts.Count;

    /// <summary>SHA-256 of each finished part's files, part by part.</summary>
    internal IEnumerable<string> Hashes => parts.Values.SelectMany(p => p.Files).Select(f => f.Sha256);

    /// <summary>Descriptors in finished parts.</summary>
    public long RowsDone => parts.Values.Sum(p => p.Rows);

    /// <summary>Bad files of finished parts.</summary>
    public IEnumerable<BadFile> BadFiles => parts.Values.SelectMany(p => p.BadFiles);

    /// <summary>Parts that were found broken on opening, or were to be made again, and why. Empty for a new or sound store.</summary>
    public IReadOnlyList<string> Dropped { get; }

    /// <summary>What is to be made yet, in order. An interruption, or a part that was broken, may leave gaps between the finished parts.</summary>
    public IEnumerable<PartRange> Missing
    {
        get
        {
            long first = 0;
            for (int number = 0; first < manifest.Images; number++)
            {
                bool done = parts.TryGetValue(number, out StorePart? part);
                long length = done ? part!.Images : Math.Min(manifest.PartImages, manifest.Images - first);
                if (!done) yield return new PartRange(number, first, (int)length);
                first += length;
            }
        }
    }

    /// <summary>The first of <see cref="Missing"/>; of length 0 when nothing is.</summary>
    public PartRange NextPart => Missing.FirstOrDefault(new PartRange(parts.Count, ImagesDone, 0));

    /// <summary>The parts that this writer has made.</summary>
    internal IReadOnlyList<StorePart> Made => made;

    /// <summary>Makes the folder, or opens the store that is there: checks every part against its SHA-256 and drops what is unfinished or broken.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="description">What the store is made from.</param>
    /// <param name="again">Why a finished part is to be made again; null: it is not.</param>
    /// <exception cref="ArgumentException">The description is not valid; or the store there was made from something else, and the message says what.</exception>
    /// <exception cref="IOException">The folder holds something else, or another process writes this store, or a part's file is there and cannot be read. Nothing is changed.</exception>
    /// <exception cref="UnauthorizedAccessException">A file may not be read, or the folder not written.</exception>
    public static DescriptorStoreWriter Open(string path, StoreDescription description, Func<StorePart, string?>? again = null)
    {
        description.Validate();
        bool resumes = DescriptorStore.Exists(path);
        if (!resumes && Directory.Exists(path) && Directory.EnumerateFileSystemEntries(path).Any(f => Path.GetFileName(f) is not (OwnerName or DescriptorStore.ManifestName + ".tmp")))
            throw new IOException($"{path} is not empty and is no descriptor store; give another folder");
        Directory.CreateDirectory(path);
        FileStream owner = OpenOwner(path);
        try
        {
            StoreManifest manifest = StoreManifest.From(description);
            List<StorePart> sound = [];
            List<string> dropped = [];
            if (resumes)
            {
                StoreManifest found = StoreManifest.Read(path);
                if (found.DifferenceFrom(description) is { } difference)
                    throw new ArgumentException($"{path} holds another store: {difference}; give another folder, or delete this one");
                manifest = found;
                sound = Sound(path, found, again, dropped);
            }
            var writer = new DescriptorStoreWriter(path, manifest, sound, dropped, owner);
            // Before the manifest shrinks nothing is deleted, and nothing that it still names ever is. Of an unfinished store it takes up what the journals say.
            if (!manifest.Complete || sound.Count < manifest.Parts.Count) writer.WriteManifest(complete: false);
            writer.DeleteLeftovers();
            return writer;
        }
        catch
        {
            owner.Dispose();
            throw;
        }
    }

    /// <summary>The parts that can stay.</summary>
    static List<StorePart> Sound(string path, StoreManifest manifest, Func<StorePart, string?>? again, List<string> dropped)
    {
        // Which images a missing part holds follows from its number, unless parts are of other sizes, as joining and appending leave them: then all from the first gap on go.
        bool regular = manifest.Parts.All(p => p.Images == Math.Min(manifest.PartImages, manifest.Images - (long)p.Number * manifest.PartImages));
        var sound = new List<StorePart>();
        int next = 0;
        foreach (StorePart part in manifest.Parts)
        {
            string? why = part.Number < next ? $"{part.Descriptors} is out of order"
                : part.Number > sound.Count && !regular ? $"{part.Descriptors} comes after a part that is missing"
                : part.Fault(path) ?? again?.Invoke(part);
            next = Math.Max(next, part.Number + 1);
            if (why is null) sound.Add(part);
            else dropped.Add(part.Deleted is { } rows ? $"{why}; its {rows} deleted rows come back" : why);
        }
        return sound;
    }

    /// <summary>Joins a process that has the store open, to make parts of it beside that one.</summary>
    /// <param name="path">The store's folder.</param>
    /// <param name="rank">The process's number, 1 or more, of no other.</param>
    internal static DescriptorStoreWriter Attach(string path, int rank)
    {
        StoreManifest manifest = StoreManifest.Read(path);
        return new DescriptorStoreWriter(path, manifest, manifest.Parts, [], owner: null, rank);
    }

    /// <summary>Takes up parts that processes have made which were <see cref="Attach">attached</see>.</summary>
    internal void Take(IEnumerable<StorePart> others)
    {
        foreach (StorePart part in others) Add(part);
    }

    const string OwnerName = ".writing";

    static FileStream OpenOwner(string path)
    {
        try
        {
            return new FileStream(Path.Combine(path, OwnerName), FileMode.OpenOrCreate, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose);
        }
        catch (IOException e) when (e is not DirectoryNotFoundException)
        {
            throw new IOException($"{path} is being written by another process", e);
        }
    }

    /// <summary>Adds the part <see cref="NextPart"/>.</summary>
    /// <param name="rows">One for each descriptor, in the order of the images.</param>
    /// <param name="descriptors">[rows, D].</param>
    /// <param name="bad">The part's images that could not be read.</param>
    /// <param name="empty">How many of the part's images are windows without data. Rows, bad files and these together are the part's images.</param>
    /// <exception cref="ArgumentException">The counts do not fit; the message shows them. Or the store is of int8, and a row cannot be (<see cref="ScaledRow.Encode"/>); the message names its image.</exception>
    public void Append(IReadOnlyList<StoreRow> rows, ReadOnlySpan<float> descriptors, IReadOnlyList<BadFile> bad, int empty = 0)
    {
        if (NextPart is not { Length: > 0 } next) throw new InvalidOperationException($"{path} already holds all of its {manifest.Images} images");
        Append(next, rows, descriptors, bad, empty);
    }

    /// <inheritdoc cref="Append(IReadOnlyList{StoreRow}, ReadOnlySpan{float}, IReadOnlyList{BadFile}, int)"/>
    /// <param name="range">One of <see cref="Missing"/>.</param>
    internal void Append(PartRange range, IReadOnlyList<StoreRow> rows, ReadOnlySpan<float> descriptors, IReadOnlyList<BadFile> bad, int empty = 0)
    {
        (int number, long first, int images) = range;
        if (rows.Count + bad.Count + empty != images)
            throw new ArgumentException($"{rows.Count} rows, {bad.Count} bad files and {empty} empty windows were given for the part of images {first} to {first + images - 1}, which are {images}");
        if (descriptors.Length != (long)rows.Count * manifest.Dimension)
            throw new ArgumentException($"{descriptors.Length} values were given for {rows.Count} descriptors of {manifest.Dimension}");
        foreach (StoreRow row in rows)
            if (row.Label < 0 || row.Label >= manifest.Classes.Count) throw new ArgumentException($"{row.Path} has label {row.Label}, and the store has {manifest.Classes.Count} classes");

        StorePart part = WritePart(StorePart.StemOf(number, null), rows, descriptors) with { Images = images, BadFiles = [.. bad], EmptyWindows = empty > 0 ? empty : null };
        journal.Append(part);
        made.Add(part);
        Add(part);
    }

    void Add(StorePart part)
    {
        parts.Add(part.Number, part);
        ImagesDone += part.Images;
    }

    /// <summary>The part's files, which the manifest does not name yet.</summary>
    StorePart WritePart(string stem, IReadOnlyList<StoreRow> rows, ReadOnlySpan<float> descriptors)
    {
        bool coded = manifest.Type == StoreType.Int8;
        StorePart part = new StorePart
        {
            Descriptors = "",
            DescriptorsSha256 = "",
            Scales = coded ? "" : null,
            Metadata = "",
            MetadataSha256 = "",
            Rows = rows.Count,
            Images = rows.Count,
            BadFiles = [],
        }.Named(stem);
        float[] scales = new float[coded ? rows.Count : 0];
        AtomicFile.Write(Path.Combine(path, part.Descriptors), descriptors, (stream, values) =>
        {
            if (coded) ScaledRows.Write(stream, values, manifest.Dimension, scales, i => rows[i].Path);
            else Npy.Write(stream, values, manifest.Type == StoreType.Float16 ? NpyType.Float16 : NpyType.Float32, rows.Count, manifest.Dimension);
        });
        if (part.Scales is not null) AtomicFile.Write(Path.Combine(path, part.Scales), stream => Npy.Write(stream, scales, NpyType.Float32, rows.Count));
        AtomicFile.Write(Path.Combine(path, part.Metadata), stream => StoreTable.Write(stream, rows));
        return part with
        {
            DescriptorsSha256 = DescriptorStore.HashFile(Path.Combine(path, part.Descriptors)),
            ScalesSha256 = part.Scales is null ? null : DescriptorStore.HashFile(Path.Combine(path, part.Scales)),
            MetadataSha256 = DescriptorStore.HashFile(Path.Combine(path, part.Metadata)),
        };
    }

    /// <summary>Adds a part of another store as it is, whatever number of images it has.</summary>
    /// <param name="from">A store of the same model, classes and type.</param>
    /// <param name="part">One of its parts.</param>
    /// <exception cref="InvalidDataException">Its files are not what its SHA-256 says.</exception>
    internal void AppendCopy(DescriptorStore from, StorePart part)
    {
        Copy(from, part);
        journal.Append(parts[parts.Count - 1]);
    }

    /// <summary>As <see cref="AppendCopy"/>; nothing names the part before <see cref="Commit"/>. No part's file is ever changed in place, so a link to it is as good as a copy.</summary>
    /// <param name="from">As there.</param>
    /// <param name="part">As there.</param>
    /// <param name="change">What becomes of a row of the table; null: nothing.</param>
    /// <param name="renamed">What becomes of a bad file's path.</param>
    internal void Copy(DescriptorStore from, StorePart part, Func<StoreRow, StoreRow>? change = null, Func<string, string>? renamed = null)
    {
        StorePart copy = part.Named(StorePart.StemOf(parts.Count, null)) with { Edition = null };
        foreach (((string file, _), (string to, _)) in part.Files.Zip(copy.Files))
        {
            if (HardLink.TryCreate(Path.Combine(from.Path, file), Path.Combine(path, to))) continue;
            using FileStream source = File.OpenRead(Path.Combine(from.Path, file));
            AtomicFile.Write(Path.Combine(path, to), stream => source.CopyTo(stream));
        }
        if (copy.Fault(path) is not null)
            throw new InvalidDataException($"{from.Path} is broken: {part.Fault(from.Path) ?? $"{part.Descriptors} changed while it was read"}; run its osprey embed again");
        if (change is not null)
        {
            string table = Path.Combine(path, copy.Metadata);
            StoreRow[] rows = [.. StoreTable.Read(table).Select(change)];
            AtomicFile.Write(table, stream => StoreTable.Write(stream, rows));
            copy = copy with { MetadataSha256 = DescriptorStore.HashFile(table) };
        }
        if (renamed is not null) copy = copy with { BadFiles = [.. copy.BadFiles.Select(b => b with { Path = renamed(b.Path) })] };
        Add(copy);
    }

    /// <summary>Opens a finished store to be edited: nothing is checked but that its files are there, and nothing changes before <see cref="Commit"/>.</summary>
    /// <exception cref="DirectoryNotFoundException">There is no store.</exception>
    /// <exception cref="InvalidDataException">It is unfinished or broken.</exception>
    /// <exception cref="IOException">Another process writes it.</exception>
    internal static DescriptorStoreWriter OpenFinished(string path)
    {
        DescriptorStore.Open(path);
        FileStream owner = OpenOwner(path);
        try
        {
            // Read again: now nobody else writes it.
            StoreManifest manifest = DescriptorStore.Open(path).Manifest;
            if (manifest.Parts.Where((p, i) => p.Number != i).FirstOrDefault() is { } odd) throw new InvalidDataException($"{path} is broken: {odd.Descriptors} is out of order; see osprey store verify");
            var writer = new DescriptorStoreWriter(path, manifest, manifest.Parts, [], owner);
            writer.DeleteLeftovers();
            return writer;
        }
        catch
        {
            owner.Dispose();
            throw;
        }
    }

    /// <summary>Of a store that was opened finished, before any change.</summary>
    internal StoreManifest Manifest => manifest;

    /// <summary>Part <paramref name="number"/> with fewer rows, under a new name; the old files stay until <see cref="Commit"/>.</summary>
    internal void Rewrite(int number, IReadOnlyList<StoreRow> rows, ReadOnlySpan<float> descriptors)
    {
        StorePart old = parts[number];
        int edition = (old.Edition ?? 0) + 1;
        parts[number] = WritePart(StorePart.StemOf(number, edition), rows, descriptors) with
        {
            Images = old.Images,
            BadFiles = old.BadFiles,
            EmptyWindows = old.EmptyWindows,
            Deleted = (old.Deleted ?? 0) + old.Rows - rows.Count,
            Edition = edition,
        };
    }

    /// <summary>Makes an edited store what it is from here on, in one rename, and deletes what it no longer names.</summary>
    /// <param name="edited">The description; its parts and counts are replaced.</param>
    internal DescriptorStore Commit(StoreManifest edited)
    {
        manifest = edited;
        WriteManifest(complete: true);
        DeleteLeftovers();
        StoreExtraction.WriteBadFiles(path, [.. BadFiles]);
        return DescriptorStore.Open(path);
    }

    /// <summary>Drops the finished parts, so that every image is described anew.</summary>
    public void Restart()
    {
        parts.Clear();
        ImagesDone = 0;
        WriteManifest(complete: false);
        DeleteLeftovers();
    }

    /// <summary>Marks the store complete and opens it.</summary>
    /// <exception cref="InvalidOperationException">Images are left.</exception>
    public DescriptorStore Finish()
    {
        if (NextPart.Length > 0) throw new InvalidOperationException($"{path} holds {ImagesDone} of its {manifest.Images} images; append the rest before finishing");
        if (!manifest.Complete) WriteManifest(complete: true);
        DeleteLeftovers();
        return DescriptorStore.Open(path);
    }

    void WriteManifest(bool complete)
    {
        manifest = manifest.With([.. parts.Values], complete);
        Json.Write(Path.Combine(path, DescriptorStore.ManifestName), manifest);
        journal.Clear();
    }

    /// <summary>Deletes part files that the manifest does not name, and claims: what a crash left, or a dropped part.</summary>
    void DeleteLeftovers()
    {
        HashSet<string> named = [.. parts.Values.SelectMany(p => p.Files).Select(f => f.Name)];
        foreach (string file in Directory.EnumerateFiles(path))
        {
            string name = Path.GetFileName(file);
            if (Leftover().IsMatch(name) && !named.Contains(name)) File.Delete(file);
        }
    }

    [GeneratedRegex(@"^(part-\d{5,}(\.\d+)?(\.scales)?\.(npy|parquet)(\.tmp)?|manifest\.json\.tmp|parts(\.\d+)?\.jsonl|claim-\d{5,})$", RegexOptions.ExplicitCapture)]
    private static partial Regex Leftover();

    public void Dispose()
    {
        journal.Dispose();
        owner?.Dispose();
    }
}
