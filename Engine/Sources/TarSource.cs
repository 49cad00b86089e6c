using Microsoft.Win32.SafeHandles;
using Osprey.Engine.Datasets;
using Osprey.Engine.Images;

namespace Osprey.Engine.Sources;

/// <summary>
/// Images in tar shards, by WebDataset's convention: members whose names agree up to the first dot of their last part are one sample. Its image is the member
/// <c>jpg</c>, <c>jpeg</c>, <c>png</c>, <c>tif</c>, <c>tiff</c>, <c>webp</c>, <c>bmp</c> or <c>gif</c>, the first of these that is there; its class stands in <c>cls</c> (text) or in <c>json</c>
/// (<c>class</c>, <c>label</c> or <c>cls</c> of an object), and else is the folder in the member's name.
/// </summary>
/// <remarks>
/// The shards' heads are read once, from member to member, and their cls and json; images are read where they lie as they are asked for. So a share of the images, or
/// the rest of an interrupted run, costs no reading of the others. Shards must be files that can be read anywhere: uncompressed, and no pipes.
/// </remarks>
public sealed class TarSource : IImageSource
{
    readonly ImageDecoder decoder;
    readonly string[] shards;

    /// <summary>By image: its shard, and its bytes there.</summary>
    readonly (int Shard, int Length, long Offset)[] places;

    /// <summary>By image, why it is known already that it cannot be read.</summary>
    readonly Dictionary<int, string> faults = [];

    /// <param name="shards">Archives; their images stand in this order, those of a shard in the order of its samples.</param>
    /// <param name="decoding">How members become pictures.</param>
    /// <exception cref="InvalidDataException">No shard holds an image; the first one's fault, if it has one, is told.</exception>
    /// <exception cref="IOException">A shard cannot be read.</exception>
    public TarSource(IReadOnlyList<string> shards, DecodeOptions decoding)
    {
        decoder = new ImageDecoder(decoding);
        this.shards = [.. shards.Select(Path.GetFullPath)];
        Root = ImageSet.CommonFolder([.. this.shards.Select(s => Path.GetDirectoryName(s)!)]);
        var images = new SourceImageList();
        var classes = new ClassNames();
        var found = new List<(int Shard, int Length, long Offset)>();
        bool any = false;
        for (int s = 0; s < this.shards.Length; s++)
        {
            string shard = ImageSet.RelativePath(Root, this.shards[s]);
            foreach (TarSample sample in TarIndex.Read(this.shards[s]))
            {
                if (sample.Fault is { } fault) faults.Add(found.Count, fault);
                any |= sample.Member.Length > 0;
                found.Add((s, sample.Length, sample.Offset));
                images.Add(sample.Member.Length > 0 ? $"{shard}/{sample.Member}" : shard, classes.Add(sample.Class));
            }
        }
        if (!any) throw new InvalidDataException($"{string.Join(", ", shards.Take(3))}{(shards.Count > 3 ? $" and {shards.Count - 3} more hold" : " holds")} no image{(found.Count > 0 ? $": {faults[0]}" : "; members are found by their extensions: jpg, png, tif …")}");
        places = [.. found];
        Classes = classes.Order(images);
        Images = images;
    }

    public string Root { get; }

    public IReadOnlyList<string> Classes { get; }

    public IReadOnlyList<SourceImage> Images { get; }

    public WindowGrid? Windows => null;

    public LoadedImage Load(int index)
    {
        if (faults.TryGetValue(index, out string? fault)) throw new InvalidDataException(fault);
        (int number, int length, long offset) = places[index];
        // Opened for each: thousands of shards would be thousands of open files.
        using SafeFileHandle shard = File.OpenHandle(shards[number]);
        byte[] bytes = GC.AllocateUninitializedArray<byte>(length);
        for (int read = 0; read < bytes.Length;)
        {
            int got = RandomAccess.Read(shard, bytes.AsSpan(read), offset + read);
            if (got == 0) throw new InvalidDataException($"the shard became shorter while it was read: {read} of the member's {bytes.Length} bytes are there");
            read += got;
        }
        return LoadedImage.Of(decoder.DecodePlaced(bytes));
    }

    public void Dispose()
    {
    }
}
