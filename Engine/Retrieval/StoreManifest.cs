using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Osprey.Engine.Datasets;
using Osprey.Engine.Images;
using Osprey.Engine.Model;
using Osprey.Engine.Sources;

namespace Osprey.Engine.Retrieval;

/// <summary>How descriptors lie on disk.</summary>
public enum StoreType
{
    Float32,

    /// <summary>Half the size; a unit descriptor's values keep three decimal digits.</summary>
    Float16,

    /// <summary>A quarter of the size: a code −127 … 127 for each value, and a scale for each row (<see cref="Interop.Formats.ScaledRow"/>).</summary>
    Int8,
}

/// <summary>One of several stores that together hold a data set: images are dealt out by the caller, the store records which share it is.</summary>
/// <param name="Index">0 … Count − 1.</param>
/// <param name="Count">1 or more.</param>
public sealed record StoreShard(int Index, int Count)
{
    /// <summary><see cref="StoreDescription.HashImages(IEnumerable{SourceImage})"/> of the whole set, so that shares of other sets are not joined; null where it is not known.</summary>
    public string? SetSha256 { get; init; }

    /// <summary>This share of <paramref name="total"/> things in order: from ⌊i·total/n⌋ up to ⌊(i+1)·total/n⌋. Shares differ by one at most.</summary>
    public (long First, long Length) Of(long total)
    {
        long first = (long)((Int128)total * Index / Count);
        return (first, (long)((Int128)total * (Index + 1) / Count) - first);
    }
}

/// <summary>What a store is made from, known before its first part: two descriptions that agree give the same bytes.</summary>
public record StoreDescription
{
    /// <summary>Values of a part at most: 2 GiB of float32, which one array and one write hold.</summary>
    const int PartValues = (1 << 29) - 1;

    /// <summary>The embedder's configuration, any JSON object: <c>JsonSerializer.SerializeToElement(config, Json.Options)</c>.</summary>
    public required JsonElement Embedder { get; init; }

    /// <summary>SHA-256 of the <c>model.safetensors</c> that the model saves as, lower-case hexadecimal: not of a bare weights file that it was opened from. Empty where the descriptors were imported without a model.</summary>
    public required string WeightsSha256 { get; init; }

    /// <summary>Whether it is known which model made the descriptors, so that images can be described alike.</summary>
    [JsonIgnore]
    public bool HasModel => WeightsSha256.Length > 0;

    /// <summary>What happens to a decoded image before the network, in words that tell two recipes apart.</summary>
    public required string Preprocessing { get; init; }

    /// <summary>D.</summary>
    public required int Dimension { get; init; }

    public StoreType Type { get; init; } = StoreType.Float32;

    /// <summary>Class names; a row's label is an index into them.</summary>
    public required IReadOnlyList<string> Classes { get; init; }

    /// <summary>The folder that the rows' paths are relative to, as it was when the store was made. Not part of the identity: data may move.</summary>
    public string Root { get; init; } = "";

    /// <summary>The weights file or run folder that described the images, as it was then: where a search finds its model. Not part of the identity either.</summary>
    public string Model { get; init; } = "";

    /// <summary>Source images in this store's share, readable or not.</summary>
    public required long Images { get; init; }

    /// <summary>SHA-256 of the list of source images: <see cref="HashImages(IEnumerable{SourceImage})"/>.</summary>
    public required string ImagesSha256 { get; init; }

    /// <summary>Source images per part; the last has the rest.</summary>
    public int PartImages { get; init; } = 4096;

    public StoreShard? Shard { get; init; }

    /// <summary>How scenes were cut; null where every file is one image.</summary>
    public WindowGrid? Windows { get; init; }

    /// <summary>SHA-256 over path (relative to <paramref name="root"/>, with '/') and label of every image, in order.</summary>
    public static string HashImages(IEnumerable<LabelledImage> images, string root) => HashImages(images.Select(i => (RelativePath(root, i.Path), i.Label)));

    /// <summary>The same over the images of a source, in order; of a window <see cref="SourceImage.Identity"/> stands for the path.</summary>
    public static string HashImages(IEnumerable<SourceImage> images) => HashImages(images.Select(i => (i.Identity, i.Label)));

    /// <summary>The same of paths that are relative already.</summary>
    internal static string HashImages(IEnumerable<(string Path, int Label)> images)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach ((string path, int label) in images) hash.AppendData(Encoding.UTF8.GetBytes($"{path}\t{label}\n"));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>How a store names an image: relative to the root, with '/' on every system.</summary>
    public static string RelativePath(string root, string path) => ImageSet.RelativePath(root, path);

    /// <exception cref="ArgumentException">A value is out of its range; the message shows both.</exception>
    public void Validate()
    {
        if (Embedder.ValueKind != JsonValueKind.Object) throw new ArgumentException($"the embedder's configuration is a JSON {Embedder.ValueKind}; give an object");
        if (Dimension < 1) throw new ArgumentException($"the descriptors' dimension is {Dimension}; give 1 or more");
        if (Images < 0) throw new ArgumentException($"the number of images is {Images}; give 0 or more");
        if (PartImages < 1) throw new ArgumentException($"images per part is {PartImages}; give 1 or more");
        if (Math.Min(PartImages, Images) > PartValues / Dimension)
            throw new ArgumentException($"parts of {Math.Min(PartImages, Images)} images with {Dimension} values each are larger than a part can be; give at most {PartValues / Dimension} images per part");
        if (Shard is { } s && (s.Count < 1 || s.Index < 0 || s.Index >= s.Count)) throw new ArgumentException($"shard {s.Index} of {s.Count} does not exist; give 0 to {s.Count - 1}");
    }

    /// <summary>What differs between the two so that they cannot be one store; null if nothing does.</summary>
    internal string? DifferenceFrom(StoreDescription other)
    {
        if (WeightsSha256 != other.WeightsSha256) return $"its weights have the SHA-256 {Short(WeightsSha256)}, these {Short(other.WeightsSha256)}";
        if (!JsonElement.DeepEquals(Embedder, other.Embedder)) return $"its embedder is {Line(Embedder)}, this one {Line(other.Embedder)}";
        if (Preprocessing != other.Preprocessing) return $"its preprocessing is '{Preprocessing}', this '{other.Preprocessing}'";
        if (Dimension != other.Dimension) return $"its descriptors have {Dimension} values, these {other.Dimension}";
        if (Type != other.Type) return $"it holds {Type}, not {other.Type}";
        if (Windows != other.Windows) return $"it was made {WindowsName(Windows)}, not {WindowsName(other.Windows)}";
        if ((Shard?.Index, Shard?.Count) != (other.Shard?.Index, other.Shard?.Count)) return $"it is {ShardName(Shard)}, not {ShardName(other.Shard)}";
        if (Images != other.Images) return $"it was made from {Images} images, not {other.Images}";
        if (ImagesSha256 != other.ImagesSha256) return $"it was made from another list of {Images} images";
        if (Shard?.SetSha256 != other.Shard?.SetSha256) return "it is the share of another set of images";
        if (!Classes.SequenceEqual(other.Classes)) return "its classes have other names";
        if (PartImages != other.PartImages) return $"its parts have {PartImages} images, not {other.PartImages}";
        return null;
    }

    /// <summary>What keeps <paramref name="embedder"/> from describing queries as this store's images were: one phrase per value; empty for the store's own model.</summary>
    public IReadOnlyList<string> DifferencesFrom(Embedder embedder)
    {
        IReadOnlyList<string> differences = JsonDifferences.Between(JsonSerializer.SerializeToNode(Embedder, Json.Options), JsonSerializer.SerializeToNode(embedder.Config, Json.Options), "in the store", "here");
        return embedder.WeightsSha256 == WeightsSha256 ? differences : ["its weights differ", .. differences];
    }

    /// <summary>The scales at which the store's images were described, to be given to the model of a query; {1} where there was only their own size.</summary>
    [JsonIgnore]
    public ScaleSet Scales => Embedder.TryGetProperty("scales", out JsonElement scales) ? scales.Deserialize<ScaleSet>(Json.Options)! : ScaleSet.Single;

    /// <summary>The turns over which the images' descriptors were averaged, likewise; 1 where they were described as they are.</summary>
    [JsonIgnore]
    public int Turns => Embedder.TryGetProperty("turns", out JsonElement turns) ? turns.GetInt32() : 1;

    /// <summary>Of the backbone that described the store's images, to be given to the model of a query.</summary>
    [JsonIgnore]
    public Precision Precision => Embedder.TryGetProperty("precision", out JsonElement precision) ? precision.Deserialize<Precision>(Json.Options) : Precision.Float32;

    static string Short(string sha) => sha.Length > 12 ? sha[..12] + "…" : sha;

    static string Line(JsonElement element) => JsonSerializer.Serialize(element, Json.Line);

    static string WindowsName(WindowGrid? grid) => grid is null ? "of whole images" : $"in windows of {grid.Size} px every {grid.Stride} px{(grid.Overview == 0 ? "" : $" of overview {grid.Overview}")}";

    static string ShardName(StoreShard? shard) => shard is null ? "a whole set" : $"shard {shard.Index} of {shard.Count}";
}

/// <summary><c>manifest.json</c>: the description, and the parts that are finished; of an unfinished store together with <see cref="PartJournal"/>.</summary>
public sealed record StoreManifest : StoreDescription
{
    public const int CurrentVersion = 1;

    [JsonPropertyOrder(-1)]
    public int FormatVersion { get; init; } = CurrentVersion;

    /// <summary>Descriptors in all parts.</summary>
    public long Rows { get; init; }

    /// <summary>Images in all parts that could not be read.</summary>
    public long BadFiles { get; init; }

    /// <summary>Windows in all parts that hold no data and have no row; null for none.</summary>
    public long? EmptyWindows { get; init; }

    /// <summary>Rows taken out of all parts; null for none.</summary>
    public long? Deleted { get; init; }

    /// <summary>Every image of the list is in a part.</summary>
    public bool Complete { get; init; }

    public IReadOnlyList<StorePart> Parts { get; init; } = [];

    internal static StoreManifest From(StoreDescription d) => new()
    {
        Embedder = d.Embedder,
        WeightsSha256 = d.WeightsSha256,
        Preprocessing = d.Preprocessing,
        Dimension = d.Dimension,
        Type = d.Type,
        Classes = d.Classes,
        Root = d.Root,
        Model = d.Model,
        Images = d.Images,
        ImagesSha256 = d.ImagesSha256,
        PartImages = d.PartImages,
        Shard = d.Shard,
        Windows = d.Windows,
    };

    /// <summary>With these parts, and the counts that follow from them.</summary>
    internal StoreManifest With(IReadOnlyList<StorePart> parts, bool complete) => this with
    {
        Parts = parts,
        Rows = parts.Sum(p => p.Rows),
        BadFiles = parts.Sum(p => p.BadFiles.Count),
        EmptyWindows = parts.Sum(p => p.EmptyWindows ?? 0) is > 0 and var empty ? empty : null,
        Deleted = parts.Sum(p => p.Deleted ?? 0) is > 0 and var deleted ? deleted : null,
        Complete = complete,
    };

    /// <summary>A store's, finished or not.</summary>
    /// <param name="folder">The store's.</param>
    /// <exception cref="InvalidDataException">Not a manifest, or of a later version.</exception>
    internal static StoreManifest Read(string folder)
    {
        string path = Path.Combine(folder, DescriptorStore.ManifestName);
        using (JsonDocument document = Parse(path))
        {
            if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("format_version", out JsonElement version) || !version.TryGetInt32(out int number))
                throw new InvalidDataException($"{path} is no manifest of a descriptor store: it has no format_version");
            if (number != CurrentVersion)
                throw new InvalidDataException($"{path} has format version {number}, and this program reads {CurrentVersion}; make the store again, or use the version that made it");
        }
        StoreManifest manifest = Json.Read<StoreManifest>(path);
        return manifest.Complete ? manifest : PartJournal.Extend(manifest, folder);
    }

    static JsonDocument Parse(string path)
    {
        try
        {
            return JsonDocument.Parse(File.ReadAllText(path));
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{path} is not valid: {e.Message}", e);
        }
    }
}
