using System.Security.Cryptography;
using System.Text;
using Osprey.Engine.Model;
using Osprey.Engine.Sources;

namespace Osprey.Engine.Retrieval;

/// <summary>
/// Changes a finished store. Parts are never changed: new ones are written beside them, and then the manifest is replaced, which is the instant of the change: a crash
/// leaves the store as it was or as it was to be. An index of the old state is not used any more.
/// </summary>
public static class StoreEdit
{
    /// <summary>The rows of other stores, behind the store's own; parts stay as large as they are. The other stores stay as they are.</summary>
    /// <param name="path">The store; its classes come first, new ones behind them.</param>
    /// <param name="others">Stores of the same model, preprocessing, dimension, type and windows. Where their root is another, rows' paths lead from the store's root there.</param>
    /// <param name="progress">In parts.</param>
    /// <param name="cancellation">Looked at before every part; the store is then as it was.</param>
    /// <exception cref="ArgumentException">A store is of another model or settings, or has an image that is there already; the message says which.</exception>
    /// <exception cref="InvalidDataException">A store is unfinished or broken.</exception>
    public static DescriptorStore Append(string path, IReadOnlyList<string> others, IProgress<Progress>? progress = null, CancellationToken cancellation = default) =>
        Append(path, others, null, progress, cancellation);

    /// <param name="path">As above.</param>
    /// <param name="others">As above.</param>
    /// <param name="root">Where the store's images are by now, which becomes its root; null: where they were.</param>
    /// <param name="progress">As above.</param>
    /// <param name="cancellation">As above.</param>
    static DescriptorStore Append(string path, IReadOnlyList<string> others, string? root, IProgress<Progress>? progress, CancellationToken cancellation)
    {
        using var writer = DescriptorStoreWriter.OpenFinished(path);
        StoreManifest own = root is null ? writer.Manifest : writer.Manifest with { Root = root };
        DescriptorStore[] stores = [.. others.Select(DescriptorStore.Open)];
        foreach (DescriptorStore store in stores)
        {
            if (Path.GetFullPath(store.Path) == Path.GetFullPath(path)) throw new ArgumentException($"{path} cannot be appended to itself");
            if (Common(store.Manifest).DifferenceFrom(Common(own)) is { } difference) throw new ArgumentException($"{store.Path} cannot be appended to {path}: {difference}");
        }
        List<string> classes = [.. own.Classes];
        foreach (string name in stores.SelectMany(s => s.Manifest.Classes).Where(n => !classes.Contains(n)).Distinct().ToArray()) classes.Add(name);
        HashSet<string> known = Known(DescriptorStore.Open(path));
        int done = 0, all = stores.Sum(s => s.Manifest.Parts.Count);
        foreach (DescriptorStore store in stores)
        {
            string Moved(string file) => PathBelow(own.Root, store.Manifest.Root, file);
            bool same = Moved("x") == "x" && store.Manifest.Classes.SequenceEqual(classes.Take(store.Manifest.Classes.Count));
            if (store.ReadRows().Select(r => Identity(Moved(r.Path), r.Window)).FirstOrDefault(i => !known.Add(i)) is { } twice)
                throw new ArgumentException($"{store.Path} cannot be appended to {path}: both have {twice}; delete it from one of them first");
            foreach (StorePart part in store.Manifest.Parts)
            {
                cancellation.ThrowIfCancellationRequested();
                writer.Copy(store, part, same ? null : r => r with { Path = Moved(r.Path), Label = classes.IndexOf(r.Class) }, Moved);
                progress?.Report(new Progress("appending", ++done, all, "parts"));
            }
        }
        return writer.Commit(own with
        {
            Classes = classes,
            Shard = null,
            Images = own.Images + stores.Sum(s => s.Manifest.Images),
            ImagesSha256 = Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(string.Concat(stores.Select(s => s.Manifest.ImagesSha256).Prepend(own.ImagesSha256).Select(h => h + "\n"))))),
        });

        static StoreDescription Common(StoreManifest m) => m with { Shard = null, Images = 0, ImagesSha256 = "", Classes = [], PartImages = 1 };
    }

    /// <summary>Describes the images of a source that the store has neither a row of nor among its bad files, and appends them. Begins beside the store, in <c>STORE.append</c>, and goes on there after an interruption, or anew if the images are others by then.</summary>
    /// <param name="path">The store; says how images are read and stored.</param>
    /// <param name="embedder">The store's model.</param>
    /// <param name="model">Where it was opened from.</param>
    /// <param name="source">Opened with the store's decoding and windows. Where it has all of the store's images in another folder, and the old one has none of them, they are taken for moved, and its folder becomes the store's root.</param>
    /// <param name="batchSize">Images per forward pass.</param>
    /// <param name="threads">Decoding threads.</param>
    /// <param name="progress">In images.</param>
    /// <param name="cancellation">Looked at before every batch.</param>
    /// <exception cref="ArgumentException">The model is not the store's; or it is unclear whether the source has images of the store that were moved.</exception>
    /// <exception cref="IOException">Another process does the same.</exception>
    public static DescriptorStore AppendImages(
        string path, Embedder embedder, string model, IImageSource source, int batchSize, int threads, IProgress<Progress>? progress = null, CancellationToken cancellation = default)
    {
        DescriptorStore store = DescriptorStore.Open(path);
        HashSet<string> rows = Known(store), known = [.. rows, .. store.ReadBadFiles().Select(b => b.Path)];
        string? moved = HaveMoved(store, source, rows, known) ? source.Root : null;
        using var fresh = new SelectedSource(source, i => !known.Contains(Identity(PathBelow(moved ?? store.Manifest.Root, source.Root, i.Path), i.Window)));
        string beside = Path.TrimEndingDirectorySeparator(path) + ".append";
        // What was left there by an end between two steps, or of other images, is of no use.
        if (DescriptorStore.Exists(beside) && !IsOf(StoreManifest.Read(beside), store.Manifest, fresh)) Discard(beside);
        if (fresh.Images.Count == 0) return store;
        // A batch of bad files alone is recorded as any: the next one passes over them.
        var config = new StoreExtractionConfig
        {
            Decoding = Preprocessing.Parse(store.Manifest.Preprocessing).Decoding,
            Type = store.Manifest.Type,
            BatchSize = batchSize,
            PartImages = store.Manifest.PartImages,
            AllBadIsNoFailure = true,
        };
        StoreExtraction.Run(embedder, model, fresh, beside, config, threads, progress, cancellation);
        DescriptorStore longer = Append(path, [beside], moved, progress, cancellation);
        Delete(beside);
        return longer;
    }

    /// <summary>Whether the store's images are in the source's folder by now: all of their names are there, and none of the files is where it was.</summary>
    /// <exception cref="ArgumentException">Some of the names are there, so that it is unclear whether these are the same images.</exception>
    static bool HaveMoved(DescriptorStore store, IImageSource source, HashSet<string> rows, HashSet<string> known)
    {
        string root = store.Manifest.Root;
        if (root == source.Root || root.Length == 0) return false;
        HashSet<string> met = [];
        foreach (SourceImage image in source.Images)
        {
            // Of a folder around the old one, or in it, or beside it, the names say what is what.
            if (known.Contains(Identity(PathBelow(root, source.Root, image.Path), image.Window))) return false;
            if (!known.Contains(image.Identity)) continue;
            if (IsThere(root, image.Path)) return false;
            met.Add(image.Identity);
        }
        if (met.Count > 0 && !rows.IsSubsetOf(met))
            throw new ArgumentException($"{met.Count} of the {known.Count} images of {store.Path} were in {root} and are not there any more, and {source.Root} has images of their names: whether they are the same is unclear; put the data back or link it there, or embed these into a store of their own and append that");
        return met.Count > 0;
    }

    /// <summary>Whether a root has a file, or the archive that it is in.</summary>
    static bool IsThere(string root, string path)
    {
        for (string? at = path; !string.IsNullOrEmpty(at); at = Path.GetDirectoryName(at))
        {
            if (File.Exists(Path.Combine(root, at))) return true;
        }
        return false;
    }

    /// <summary>Whether a store beside another was begun from these images, as the other describes them.</summary>
    static bool IsOf(StoreManifest beside, StoreManifest store, SelectedSource images) =>
        images.Images.Count > 0 && beside.Root == images.Root
        && beside.DifferenceFrom(store with { Shard = null, Classes = images.Classes, Images = images.Images.Count, ImagesSha256 = StoreDescription.HashImages(images.Images) }) is null;

    /// <summary>Deletes a store that nobody writes.</summary>
    /// <exception cref="IOException">Another process does.</exception>
    static void Discard(string path)
    {
        DescriptorStoreWriter.Open(path, StoreManifest.Read(path)).Dispose();
        Delete(path);
    }

    /// <summary>Its manifest goes last, so that what an interruption leaves is still a store.</summary>
    static void Delete(string path)
    {
        foreach (string file in Directory.GetFiles(path).Where(f => Path.GetFileName(f) != DescriptorStore.ManifestName)) File.Delete(file);
        Directory.Delete(path, recursive: true);
    }

    /// <summary>Takes rows out; later rows move up. Each part that has some of them is written anew under another name.</summary>
    /// <param name="path">The store.</param>
    /// <param name="rows">Row numbers, in any order; one that is named twice goes once.</param>
    /// <param name="progress">In parts that are written anew.</param>
    /// <param name="cancellation">Looked at before every part; the store is then as it was.</param>
    /// <exception cref="ArgumentException">There is no such row.</exception>
    /// <exception cref="InvalidDataException">The store is unfinished, or a part that is to be written anew is broken.</exception>
    public static DescriptorStore Delete(string path, IEnumerable<long> rows, IProgress<Progress>? progress = null, CancellationToken cancellation = default)
    {
        using var writer = DescriptorStoreWriter.OpenFinished(path);
        DescriptorStore store = DescriptorStore.Open(path);
        long[] gone = [.. rows.Distinct().Order()];
        if (gone.Length > 0 && (gone[0] < 0 || gone[^1] >= store.Rows)) throw new ArgumentException($"row {(gone[0] < 0 ? gone[0] : gone[^1])} was to be deleted from {path}, which has {store.Rows}, numbered from 0");
        long first = 0;
        int next = 0;
        for (int p = 0; p < store.Manifest.Parts.Count; p++)
        {
            StorePart part = store.Manifest.Parts[p];
            int from = next;
            while (next < gone.Length && gone[next] < first + part.Rows) next++;
            if (next > from)
            {
                cancellation.ThrowIfCancellationRequested();
                if (part.Fault(path) is { } fault) throw new InvalidDataException($"{path} is broken: {fault}; see osprey store verify");
                Without(writer, store, p, [.. gone[from..next].Select(r => (int)(r - first))]);
                progress?.Report(new Progress("deleting", next, gone.Length, "rows"));
            }
            first += part.Rows;
        }
        return gone.Length == 0 ? store : writer.Commit(writer.Manifest);
    }

    static void Without(DescriptorStoreWriter writer, DescriptorStore store, int part, HashSet<int> gone)
    {
        float[] values = store.ReadPart(part);
        StoreRow[] rows = store.ReadRows(part);
        int[] kept = [.. Enumerable.Range(0, rows.Length).Where(i => !gone.Contains(i))];
        float[] left = new float[kept.Length * store.Dimension];
        for (int i = 0; i < kept.Length; i++) values.AsSpan(kept[i] * store.Dimension, store.Dimension).CopyTo(left.AsSpan(i * store.Dimension));
        writer.Rewrite(part, [.. kept.Select(i => rows[i])], left);
    }

    /// <summary>The rows of some images.</summary>
    /// <param name="store">Its rows' paths are searched.</param>
    /// <param name="paths">As in the store's tables; of a window <c>PATH [X,Y W×H]</c>, and a path alone stands for all its windows.</param>
    /// <exception cref="ArgumentException">The store has no row of that path; the message names the first.</exception>
    public static IReadOnlyList<long> RowsOf(DescriptorStore store, IReadOnlyList<string> paths)
    {
        HashSet<string> wanted = [.. paths], found = [];
        var rows = new List<long>();
        long id = 0;
        foreach (StoreRow row in store.ReadRows())
        {
            string identity = Identity(row.Path, row.Window);
            if (wanted.Contains(identity) | wanted.Contains(row.Path))
            {
                rows.Add(id);
                found.Add(wanted.Contains(identity) ? identity : row.Path);
            }
            id++;
        }
        return paths.FirstOrDefault(p => !found.Contains(p)) is { } missing
            ? throw new ArgumentException($"{store.Path} has no row of {missing}; paths are relative to its root, {store.Manifest.Root}, as its tables have them")
            : rows;
    }

    static HashSet<string> Known(DescriptorStore store) => [.. store.ReadRows().Select(r => Identity(r.Path, r.Window))];

    static string Identity(string path, Images.PixelWindow? window) => new SourceImage(path, 0, window).Identity;

    /// <summary>A path below one root as it is seen from another. Stores that were imported have none.</summary>
    static string PathBelow(string root, string from, string path) => root == from || root.Length == 0 || from.Length == 0 ? path : StoreDescription.RelativePath(root, Path.Combine(from, path));
}
