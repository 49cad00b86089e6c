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
    readonly TarSample[] samples;

    /// <param name="shards">Archives; their images stand in this order, those of a shard in the order of its samples.</param>
    /// <param name="decoding">How members become pictures.</param>
    /// <exception cref="InvalidDataException">No shard holds an image; the first one's fault, if it has one, is told.</exception>
    /// <exception cref="IOException">A shard cannot be read.</exception>
    public TarSource(IReadOnlyList<string> shards, DecodeOptions decoding)
    {
        decoder = new ImageDecoder(decoding);
        string[] full = [.. shards.Select(Path.GetFullPath)];
        Root = ImageSet.CommonFolder([.. full.Select(s => Path.GetDirectoryName(s)!)]);
        samples = [.. full.SelectMany(TarIndex.Read)];
        if (samples.All(s => s.Member.Length == 0))
            throw new InvalidDataException($"{string.Join(", ", shards.Take(3))}{(shards.Count > 3 ? $" and {shards.Count - 3} more hold" : " holds")} no image{(samples.Length > 0 ? $": {samples[0].Fault}" : "; members are found by their extensions: jpg, png, tif …")}");
        (Classes, int[] labels) = ClassNames.Of([.. samples.Select(s => s.Class)]);
        Images = [.. samples.Select((s, i) => new SourceImage(ImageSet.RelativePath(Root, s.Shard) + (s.Member.Length > 0 ? "/" + s.Member : ""), labels[i]))];
    }

    public string Root { get; }

    public IReadOnlyList<string> Classes { get; }

    public IReadOnlyList<SourceImage> Images { get; }

    public WindowGrid? Windows => null;

    public LoadedImage Load(int index)
    {
        TarSample sample = samples[index];
        if (sample.Fault is { } fault) throw new InvalidDataException(fault);
        // Opened for each: thousands of shards would be thousands of open files.
        using SafeFileHandle shard = File.OpenHandle(sample.Shard);
        byte[] bytes = GC.AllocateUninitializedArray<byte>(sample.Length);
        for (int read = 0; read < bytes.Length;)
        {
            int got = RandomAccess.Read(shard, bytes.AsSpan(read), sample.Offset + read);
            if (got == 0) throw new InvalidDataException($"the shard became shorter while it was read: {read} of the member's {bytes.Length} bytes are there");
            read += got;
        }
        return LoadedImage.Of(decoder.DecodePlaced(bytes));
    }

    public void Dispose()
    {
    }
}
