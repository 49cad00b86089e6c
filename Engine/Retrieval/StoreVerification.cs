using Osprey.Interop.Formats;

namespace Osprey.Engine.Retrieval;

/// <summary>What a store's check found.</summary>
/// <param name="Rows">By the manifest.</param>
/// <param name="Parts">By the manifest.</param>
/// <param name="Bytes">Read and checked.</param>
/// <param name="Faults">What is broken, one line each, with the file's name first; empty for a sound store.</param>
public sealed record StoreVerificationResult(long Rows, int Parts, long Bytes, IReadOnlyList<string> Faults);

/// <summary>Reads all of a store and names everything that is not as it must be, instead of ending at the first.</summary>
/// <remarks>
/// Checked are: the manifest's counts, each against the sum over the parts; the parts' names, which number them in order; each file's SHA-256; the shape and type of each matrix, its rows' scales, and that its values are
/// finite; each table's rows, labels and class names; part files that the manifest does not name; and <c>bad-files.txt</c>. A file whose SHA-256 is wrong is not looked into.
/// </remarks>
public static class StoreVerification
{
    /// <summary>Values that are looked at in one go.</summary>
    const int Piece = 1 << 20;

    /// <param name="path">The store's folder; one that is unfinished is checked as far as it goes, and being unfinished is a fault.</param>
    /// <param name="progress">In parts.</param>
    /// <param name="cancellation">Looked at before every part.</param>
    /// <exception cref="DirectoryNotFoundException">There is no store.</exception>
    /// <exception cref="InvalidDataException">The manifest cannot be read, or is of another version.</exception>
    public static StoreVerificationResult Run(string path, IProgress<Progress>? progress = null, CancellationToken cancellation = default)
    {
        if (!DescriptorStore.Exists(path)) throw new DirectoryNotFoundException($"{path} is no descriptor store: it has no {DescriptorStore.ManifestName}; make one with osprey embed");
        StoreManifest manifest = StoreManifest.Read(path);
        var faults = new List<string>();
        long bytes = 0;
        CheckCounts(manifest, faults);
        for (int i = 0; i < manifest.Parts.Count; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            StorePart part = manifest.Parts[i];
            // Between the parts of an unfinished store others may be missing.
            CheckPart(manifest, part, manifest.Complete ? i : Math.Max(i, part.Number), faults);
            HashSet<string> sound = [];
            foreach ((string file, string sha256) in part.Files)
                if (CheckFile(path, file, sha256, faults, ref bytes)) sound.Add(file);
            if (sound.Contains(part.Descriptors) && (part.Scales is null || sound.Contains(part.Scales))) CheckMatrix(path, manifest, part, faults);
            if (sound.Contains(part.Metadata)) CheckTable(Path.Combine(path, part.Metadata), manifest, part, faults);
            progress?.Report(new Progress("verifying", i + 1, manifest.Parts.Count, "parts", faults.Count > 0 ? $"{faults.Count} faults" : ""));
        }
        CheckLeftovers(path, manifest, faults);
        CheckBadFiles(path, manifest, faults);
        return new StoreVerificationResult(manifest.Rows, manifest.Parts.Count, bytes, faults);
    }

    static void CheckCounts(StoreManifest manifest, List<string> faults)
    {
        long images = manifest.Parts.Sum(p => p.Images);
        if (!manifest.Complete) faults.Add($"{DescriptorStore.ManifestName}: the store is unfinished, {images} of {manifest.Images} images are done; run the same osprey embed again");
        else Equal("images", manifest.Images, images);
        Equal("rows", manifest.Rows, manifest.Parts.Sum(p => p.Rows));
        Equal("bad_files", manifest.BadFiles, manifest.Parts.Sum(p => p.BadFiles.Count));
        Equal("empty_windows", manifest.EmptyWindows ?? 0, manifest.Parts.Sum(p => p.EmptyWindows ?? 0));
        Equal("deleted", manifest.Deleted ?? 0, manifest.Parts.Sum(p => p.Deleted ?? 0));

        void Equal(string what, long said, long summed)
        {
            if (said != summed) faults.Add($"{DescriptorStore.ManifestName}: {what} is {said}, and the parts have {summed}");
        }
    }

    static void CheckPart(StoreManifest manifest, StorePart part, int number, List<string> faults)
    {
        string stem = StorePart.StemOf(number, part.Edition);
        StorePart ordered = part.Named(stem);
        if (!part.Files.SequenceEqual(ordered.Files)) faults.Add($"{DescriptorStore.ManifestName}: part {number} is {Names(part)}, and in order it would be {Names(ordered)}");
        if (part.Scales is not null != (manifest.Type == StoreType.Int8)) faults.Add($"{DescriptorStore.ManifestName}: {stem} has {(part.Scales is null ? "no scales" : "scales")}, and the store's type is {manifest.Type}");
        long images = part.Rows + part.BadFiles.Count + (part.EmptyWindows ?? 0) + (part.Deleted ?? 0);
        if (part.Images != images)
            faults.Add($"{DescriptorStore.ManifestName}: {stem} is of {part.Images} images, and has {part.Rows} rows, {part.BadFiles.Count} bad files, {part.EmptyWindows ?? 0} empty windows and {part.Deleted ?? 0} deleted rows");

        static string Names(StorePart part) => string.Join(", ", part.Files.Select(f => f.Name));
    }

    static bool CheckFile(string path, string file, string sha256, List<string> faults, ref long bytes)
    {
        string at = Path.Combine(path, file);
        if (!File.Exists(at))
        {
            faults.Add($"{file}: missing");
            return false;
        }
        try
        {
            bytes += new FileInfo(at).Length;
            if (DescriptorStore.HashFile(at) == sha256) return true;
            faults.Add($"{file}: the content is not what the manifest's SHA-256 says");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            faults.Add($"{file}: cannot be read: {e.Message}");
        }
        return false;
    }

    static void CheckMatrix(string folder, StoreManifest manifest, StorePart part, List<string> faults)
    {
        try
        {
            using IRowFile rows = part.Open(folder, manifest.Type);
            if (rows.Count != part.Rows || rows.Dimension != manifest.Dimension) faults.Add($"{part.Descriptors}: {rows.Count} × {rows.Dimension}, and the manifest says {part.Rows} × {manifest.Dimension}");
            float[] values = new float[Math.Max(1, Piece / rows.Dimension) * rows.Dimension];
            for (long first = 0; first < rows.Count;)
            {
                Span<float> here = values.AsSpan(0, (int)Math.Min(values.Length, (rows.Count - first) * rows.Dimension));
                rows.Read(first, here);
                for (int i = 0; i < here.Length; i++)
                {
                    if (float.IsFinite(here[i])) continue;
                    faults.Add($"{part.Descriptors}: row {first + i / rows.Dimension} is not finite");
                    return;
                }
                first += here.Length / rows.Dimension;
            }
        }
        catch (Exception e) when (e is InvalidDataException or NotSupportedException or IOException)
        {
            faults.Add($"{part.Descriptors}: {e.Message}");
        }
    }

    static void CheckTable(string path, StoreManifest manifest, StorePart part, List<string> faults)
    {
        try
        {
            StoreRow[] rows = StoreTable.Read(path);
            if (rows.Length != part.Rows) faults.Add($"{part.Metadata}: {rows.Length} rows, and the manifest says {part.Rows}");
            for (int i = 0; i < rows.Length; i++)
            {
                int label = rows[i].Label;
                if (label >= 0 && label < manifest.Classes.Count && manifest.Classes[label] == rows[i].Class) continue;
                faults.Add($"{part.Metadata}: row {i} ({rows[i].Path}) has label {label} and class '{rows[i].Class}', and the manifest {(label >= 0 && label < manifest.Classes.Count ? $"calls that '{manifest.Classes[label]}'" : $"has {manifest.Classes.Count} classes")}");
                return;
            }
        }
        catch (InvalidDataException e)
        {
            faults.Add($"{part.Metadata}: {e.Message}");
        }
    }

    static void CheckLeftovers(string path, StoreManifest manifest, List<string> faults)
    {
        HashSet<string> known = [.. manifest.Parts.SelectMany(p => p.Files).Select(f => f.Name)];
        foreach (string file in Directory.EnumerateFiles(path, "part-*").Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal))
        {
            if (!known.Contains(file)) faults.Add($"{file}: the manifest does not name it; it was left by a crash, or the manifest is not this store's");
        }
    }

    /// <remarks>The list is a copy of the manifest's for people; of an unfinished store it is not written yet.</remarks>
    static void CheckBadFiles(string path, StoreManifest manifest, List<string> faults)
    {
        string list = Path.Combine(path, StoreExtraction.BadFilesName);
        string expected = StoreExtraction.BadFilesText(manifest.Parts.SelectMany(p => p.BadFiles));
        string found = File.Exists(list) ? File.ReadAllText(list) : "";
        if (manifest.Complete && found != expected) faults.Add($"{StoreExtraction.BadFilesName}: is not the list of the manifest's {manifest.BadFiles} bad files");
    }
}
