using Osprey.Engine.Datasets;
using Osprey.Engine.Images;
using Osprey.Engine.Model;
using Osprey.Engine.Retrieval;
using Osprey.Engine.Sources;
using TorchSharp;
using Device = Osprey.Kernels.Device;

namespace Osprey.Engine.Benchmarks;

/// <summary>
/// Image files to a finished store, beside the same network on as many images that lie ready in memory: the share of the backbone's rate that is left. The second
/// peer is the loading alone. On cores that loading and network share the two peers' times add up, and their sum is what ours can reach.
/// </summary>
public sealed class PipelineContest : Contest
{
    const int BatchSize = 32;

    /// <summary>Images in memory for the bare loop, about 256 MiB at most; the loop goes round.</summary>
    const int ReadyValues = 1 << 26;

    readonly string folder;
    readonly string? drawn;
    readonly IImageSource source;
    readonly Embedder embedder;
    readonly int side, threads;
    readonly float[] pixels, descriptors;

    /// <summary>Of drawn scenes.</summary>
    /// <param name="device">Its host threads are used, for the network and for loading.</param>
    /// <param name="architecture">Whole, with random weights and GeM.</param>
    /// <param name="side">Images are resized to, pixels.</param>
    /// <param name="seed">Of scenes and weights.</param>
    /// <param name="images">How many, about.</param>
    /// <param name="fileSide">Of the JPEG files, pixels.</param>
    public PipelineContest(Device device, Architecture architecture, int side, long seed, int images, int fileSide)
        : this(device, architecture, side, seed, Draw(images, fileSide, seed)) => drawn = source.Root;

    /// <summary>Of a user's images.</summary>
    /// <param name="device">Its host threads are used, for the network and for loading.</param>
    /// <param name="architecture">Whole, with random weights and GeM.</param>
    /// <param name="side">Images are resized to, pixels; to the width of the first one where that is less.</param>
    /// <param name="seed">Of the weights.</param>
    /// <param name="images">A folder.</param>
    /// <exception cref="InvalidDataException">An image cannot be read.</exception>
    public PipelineContest(Device device, Architecture architecture, int side, long seed, string images)
    {
        threads = device.Threads;
        folder = Directory.CreateTempSubdirectory("osprey-bench-").FullName;
        source = ImageSources.Open([images], new DecodeOptions());
        this.side = side = Math.Min(side, Math.Max(16, source.Load(0).Width));
        embedder = Embedder.Create(new EmbedderConfig { Architecture = architecture, ImageSize = side }, device, seed);
        embedder.eval();
        embedder.Fold();
        int values = 3 * side * side;
        pixels = new float[Math.Clamp(ReadyValues / values / BatchSize, 1, (source.Images.Count + BatchSize - 1) / BatchSize) * BatchSize * values];
        descriptors = new float[BatchSize * embedder.Dimension];
        Load((image, i) => Planar.Write(image, pixels.AsSpan(i * values, values)), Math.Min(pixels.Length / values, source.Images.Count));
        Peers =
        [
            Peer.Here("backbone", torch.__version__, Backbone),
            Peer.Here("loading", "", () => Load((_, _) => { }, source.Images.Count)),
        ];
    }

    static string Draw(int images, int side, long seed)
    {
        string folder = Directory.CreateTempSubdirectory("osprey-bench-").FullName;
        int classes = Enum.GetValues<SceneClass>().Length;
        SceneSynthesis.Write(folder, new SynthesisConfig { Seed = seed, Size = side, ImagesPerClass = (images + classes - 1) / classes });
        return folder;
    }

    /// <summary>The files.</summary>
    public override double BytesRead => source.Images.Sum(i => (double)new FileInfo(Path.Combine(source.Root, i.Path)).Length);

    /// <summary>The descriptors.</summary>
    public override double BytesWritten => sizeof(float) * (double)source.Images.Count * embedder.Dimension;

    public override IReadOnlyList<Peer> Peers { get; }

    public override void Ours()
    {
        string store = Path.Combine(folder, "store");
        if (Directory.Exists(store)) Directory.Delete(store, recursive: true);
        StoreExtraction.Run(embedder, "bench", source, store, new StoreExtractionConfig { BatchSize = BatchSize }, threads);
    }

    void Backbone()
    {
        int values = 3 * side * side;
        for (int done = 0; done < source.Images.Count; done += BatchSize)
        {
            int count = Math.Min(BatchSize, source.Images.Count - done);
            embedder.Embed(pixels.AsSpan(done * values % pixels.Length, count * values), count, side, descriptors.AsSpan(0, count * embedder.Dimension));
        }
    }

    void Load(Action<RgbImage, int> use, int count)
    {
        using OrderedPrefetch<StoreExtraction.Loaded> prefetch = StoreExtraction.Prefetch(source, Enumerable.Range(0, count), side, BatchSize, threads, new ExtractionTimes(), CancellationToken.None);
        for (int i = 0; i < count; i++)
        {
            StoreExtraction.Loaded loaded = prefetch.Take();
            use(loaded.Image ?? throw new InvalidDataException($"{source.Images[i].Path} cannot be read: {loaded.Reason}; give images that can"), i);
        }
    }

    /// <summary>Against the bare loop on the first batch, which the store must equal.</summary>
    public override double? MaxError()
    {
        Ours();
        float[] stored = DescriptorStore.Open(Path.Combine(folder, "store")).ReadDescriptors();
        int count = Math.Min(BatchSize, source.Images.Count);
        embedder.Embed(pixels.AsSpan(0, count * 3 * side * side), count, side, descriptors.AsSpan(0, count * embedder.Dimension));
        return Enumerable.Range(0, count * embedder.Dimension).Max(i => Math.Abs(stored[i] - descriptors[i])) / descriptors.Max();
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        source.Dispose();
        embedder.Dispose();
        Directory.Delete(folder, recursive: true);
        if (drawn is not null) Directory.Delete(drawn, recursive: true);
    }
}
